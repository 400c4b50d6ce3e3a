"""Draws what the analysis found: terminal, HTML, JUnit, pull request summary. Judges nothing."""
