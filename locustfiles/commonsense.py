"""Commonsense questions and short deductions, graded.

locust -f locustfiles/commonsense.py --host http://127.0.0.1:8000 --headless -u 8 -t 30s
"""

from loadproof.plugin import StreamingUser


class CommonsenseUser(StreamingUser):
    """Asks one commonsense question after another."""

    asks = {"commonsense": 1}
