"""The client paths: each a program of its own that keeps N streams busy and notes what it saw."""
