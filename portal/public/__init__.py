"""The public pages: they read everything and change nothing."""
