"""Sponsorship: editions of events, packages with what they promise, and the places that sponsors take."""
