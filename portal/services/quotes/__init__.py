"""Quotes: a promise with exact figures, in versions that never change once sent; accepting one places the order."""
