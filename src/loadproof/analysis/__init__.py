"""Reads a run directory, applies stats, judges."""
