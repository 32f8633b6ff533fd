"""A private address per person at which calendars read milestones and adaptation slots."""
