"""Grading in a process of its own, so that it never sits in the measured path."""

from loadproof.tasks.grading.process import GRADE_FAILED, GraderProcess

__all__ = ["GRADE_FAILED", "GraderProcess"]
