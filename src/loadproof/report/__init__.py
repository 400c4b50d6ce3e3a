"""Draws what the analysis found."""
