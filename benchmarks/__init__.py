"""Benchmarks: figures for people, as ratios to a floor; nothing here is part of the tests."""
