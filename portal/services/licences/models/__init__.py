"""The tables of licences."""
