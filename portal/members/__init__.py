"""Applications, agreements, memberships and benefits."""
