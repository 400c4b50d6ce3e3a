"""Load testing and SLO validation for LLM servers, on Locust."""

__version__ = "0.1.0"
