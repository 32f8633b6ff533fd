"""What comes back every year: the yearly value of what runs, how it moved between two days, and cohorts of it."""
