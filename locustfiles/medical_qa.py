"""Medical questions in Chinese and English, graded.

locust -f locustfiles/medical_qa.py --host http://127.0.0.1:8000 --headless -u 8 -t 30s
"""

from loadproof.plugin import StreamingUser


class MedicalQAUser(StreamingUser):
    """Asks one medical question after another."""

    asks = {"medical_qa": 1}
