"""Certificates as papers: fonts, layout, signature."""
