"""Other tools of our field, run as their users run them on the server with the known truth."""
