"""Exams and certificates."""
