"""Services and tool licences that companies buy."""
