"""Exams, bookings, scoring and certificates."""
