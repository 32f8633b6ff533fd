"""How widely income is spread: verdicts on the largest source by level, basis and window, and what would change them."""
