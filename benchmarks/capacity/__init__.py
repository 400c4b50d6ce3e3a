"""How often a search for the capacity is right, and what it costs."""
