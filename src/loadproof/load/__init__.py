"""Locust users, load steps and the hand-over to the run directory."""
