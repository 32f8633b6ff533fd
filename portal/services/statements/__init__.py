"""Compute statements: what sellers sold in a month, the commission on it, and how both sides agree on it."""
