"""Pure functions on arrays. No I/O."""
