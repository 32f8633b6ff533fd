"""Adaptation slots: who waits, whose turn it is by the fair rule, and what becomes of a slot that was offered."""
