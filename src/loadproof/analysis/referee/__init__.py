"""The referee: judges a run while it goes on, and decides when a level has said enough.

`python -m loadproof.analysis.referee RUN` is started beside a run. It knows nothing that is not in
the run directory, and the conductor learns what it decides from the control file alone.
"""
