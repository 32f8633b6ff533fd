"""Support: tickets with clocks that are functions of their history, who may ask, and how the promise is kept."""
