"""Math questions whose answers must stand in \\boxed{}, graded.

locust -f locustfiles/boxed_math.py --host http://127.0.0.1:8000 --headless -u 8 -t 30s
"""

from loadproof.plugin import StreamingUser


class BoxedMathUser(StreamingUser):
    """Asks one math question after another."""

    asks = {"boxed_math": 1}
