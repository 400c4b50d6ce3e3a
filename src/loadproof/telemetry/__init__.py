"""The sidecar: GPU memory, the server's processes and /metrics, sampled by its own process."""
