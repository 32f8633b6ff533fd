"""Recruitment: posts of member employers, and people who look for work."""
