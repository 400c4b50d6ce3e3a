"""What a run directory says: load levels, judgements, the verdict. Reads recording, applies stats.

Never imports `load`: the two meet in the run directory, so that a run can be judged again later,
elsewhere, by a newer version, or after the process that wrote it was killed.
"""
