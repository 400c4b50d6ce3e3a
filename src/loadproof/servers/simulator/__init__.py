"""A simulated server: vLLM's wire format and metrics over an engine model in virtual time."""
