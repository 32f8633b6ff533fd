"""Engagements: work that was sold, as milestones that carry the money, with what proves that they were reached."""
