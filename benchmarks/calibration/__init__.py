"""How often verdicts err, on simulated runs whose truth is known."""
