"""Contracts of services: the life of an agreement, for what was bought by a quote."""
