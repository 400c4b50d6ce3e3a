"""Mixed traffic: chat, medical questions, math and commonsense, by weight.

locust -f locustfiles/mixed.py --host http://127.0.0.1:8000 --headless -u 8 -t 30s
locust -f locustfiles/mixed.py --scenario scenarios/ramp.toml --server servers/….toml --headless
"""

from loadproof.plugin import StreamingUser


class MixedUser(StreamingUser):
    """Asks any of the four; a scenario's traffic table decides instead where one is given."""

    asks = {"chat": 4, "medical_qa": 2, "boxed_math": 2, "commonsense": 2}
