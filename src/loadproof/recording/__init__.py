"""The run directory: append, merge, read back. The only place that knows file names and formats."""
