"""Streaming chat in Chinese and English, turn after turn.

locust -f locustfiles/chat.py --host http://127.0.0.1:8000
locust -f locustfiles/chat.py --host http://127.0.0.1:8000 --headless -u 8 -t 30s
"""

from loadproof.plugin import StreamingUser


class ChatUser(StreamingUser):
    """Talks, reads the answer, thinks a while, asks on."""

    asks = {"chat": 1}
