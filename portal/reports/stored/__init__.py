"""Totals of closed months, kept so that a report need not add up years of entries again: rebuilt by one command, never the truth."""
