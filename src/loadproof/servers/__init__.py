"""Start, wait for, identify and stop a server; the simulator."""
