"""Continuing education: points for what holders do, checked by staff, with which an award is renewed without an exam."""
