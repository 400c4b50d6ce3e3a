"""Many tests at once: p-values adjusted so that none of them errs more often than one would."""

from collections.abc import Sequence

import numpy as np


def hommel(p_values: Sequence[float]) -> list[float]:
    """Each p adjusted for all of them being looked at, in their order.

    Those at most 0.05 are then false at least once in at most 5 % of families, whichever of the
    hypotheses are true: where the tests are independent or their errors go together, as those of
    latencies of the same requests do. It is never less powerful than Holm's procedure, and much
    more so where many tests point the same way.

    Source: Hommel, "A stagewise rejective multiple test procedure based on a modified Bonferroni
    test", Biometrika 75 (1988), in the form of Wright, "Adjusted p-values for simultaneous
    inference", Biometrics 48 (1992); the dependence that it allows: Sarkar, Annals of Statistics
    26 (1998).
    """
    count = len(p_values)
    if count < 2:
        return list(p_values)
    order = np.argsort(p_values, kind="stable")
    ordered = np.asarray(p_values, dtype=np.float64)[order]
    adjusted = np.full(count, float(np.min(count * ordered / np.arange(1, count + 1))))
    for size in range(count - 1, 1, -1):
        head = count - size + 1
        least = float(np.min(size * ordered[head:] / np.arange(2, size + 1)))
        step = np.minimum(size * ordered, least)
        step[head:] = step[head - 1]
        adjusted = np.maximum(adjusted, step)
    found = np.empty(count)
    found[order] = np.minimum(np.maximum(adjusted, ordered), 1.0)
    return [float(p) for p in found]
