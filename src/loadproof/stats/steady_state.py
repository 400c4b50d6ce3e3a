"""Where a series of measurements becomes steady, and whether it ever does.

All tests here hold where neighbouring measurements resemble each other, as those of requests do
that wait in one queue: each fits a first-order autoregression to the noise about what it tests,
and takes that noise for a random walk where it is not clearly less (Perron and Yabu 2009). A
random walk explains any drift, so a series too short to tell drift from wandering is not called
unsteady. They look at normal scores, so that no single slow request decides.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numpy.polynomial.legendre import legvander
from scipy.stats import norm, rankdata, t

from loadproof.stats.percentiles import FloatArray

BATCH = 5
"""Measurements that MSER-5 takes together."""
LEAST_TO_CUT = 20
"""Batches: with fewer, a start-up cannot be told from chance."""
LEAST_TO_JUDGE = 60
"""Batches: with fewer, a trend cannot be told from a queue that fills and empties by itself."""
MEANS = 32
"""How many means a series is reduced to before a trend is looked for."""
RELEVANT = 0.25
"""What a quantity has to change by over the series, relative to its lower end, to matter."""
_CUT_P, _LONG_P = 1e-4, 3e-5
_DRIFT_P, _WALK_P, _SHIFT_P = 1e-3, 1e-4, 5e-5
"""Significance asked for: so small that all looks at a steady level together err in less than
one of twenty (`python -m benchmarks.steadiness`)."""
_WALK_REACH = 3.0
"""Noise may be a random walk from a correlation of 1 - 3 / sqrt(n) on."""
_STEP_REACH = 2.0
"""The same for a start-up, which is a step, and no more like a random walk than noise is."""
_CURVE = 3
"""Degree of the polynomial about which the noise of a drift is measured: a bend is no noise."""


@dataclass(frozen=True, slots=True)
class StartUp:
    """The first `count` measurements, 0 for none, differ from those that follow.

    `p` is the chance of so much difference in a steady series. `endless`: more than half of the
    series is start-up.
    """

    count: int
    p: float
    endless: bool = False


@dataclass(frozen=True, slots=True)
class Trend:
    """A change over the series: `ratio` of its last quarter to its first, `p` the chance of as
    much in a steady one. `shift_at` is the share of the series after which it came at once; None
    where it came gradually."""

    ratio: float
    p: float
    shift_at: float | None = None


@dataclass(frozen=True, slots=True)
class Fit:
    """How significant a regressor is; `walk` where the noise may be a random walk."""

    p: float
    walk: bool


def normal_scores(values: FloatArray, groups: npt.NDArray[np.str_] | None = None) -> FloatArray:
    """Each value's rank within its group, as a quantile of the standard normal distribution.

    `groups` labels each value (without it all are one group): requests of different tasks are not
    compared with each other. Source: van der Waerden, "Order tests for the two-sample problem and
    their power", Indagationes Mathematicae 14 (1952).
    """
    if groups is None:
        return np.asarray(norm.ppf((rankdata(values) - 0.5) / len(values)), dtype=np.float64)
    scores = np.zeros(len(values))
    for group in np.unique(groups):
        scores[groups == group] = normal_scores(values[groups == group])
    return scores


def mser(means: FloatArray, most: int) -> int:
    """How many of the batch means to leave out so that the mean of the others is surest.

    The truncation d up to `most` that minimises sum((x - mean)^2) / (n - d)^2 over the n - d means
    kept, which are five at least.

    Sources: White, "An effective truncation heuristic for bias reduction in simulation output",
    Simulation 69 (1997); Franklin and White, "Stationarity tests and MSER-5: exploring the
    intuition behind mean-squared-error-reduction", Winter Simulation Conference (2008).
    """
    backwards = means[::-1]
    kept = np.arange(1, len(means) + 1)
    sums, squares = np.cumsum(backwards), np.cumsum(backwards * backwards)
    errors = ((squares - sums * sums / kept) / kept**2)[::-1]
    return int(np.argmin(errors[: max(min(most + 1, len(means) - 4), 1)]))


def start_up(scores: FloatArray, batch: int = BATCH) -> StartUp:
    """The start-up of a series of normal scores, in the order of time.

    MSER over the means of `batch` scores says where; it is cut only if what is cut differs from
    the rest by more than chance. MSER alone cuts a third of all steady series somewhere: where a
    few large values happened to be, so that a tail would look better than it is.
    """
    means = batch_means(scores, batch)
    n = len(means)
    if n < LEAST_TO_CUT:
        return StartUp(0, 1.0)
    far = mser(means, 3 * n // 4)
    if far > n // 2:
        p = _step_p(means, far)
        if p < _LONG_P:
            return StartUp(far * batch, p, endless=True)
    near = far if far <= n // 2 else mser(means, n // 2)
    p = _step_p(means, near) if near else 1.0
    return StartUp(near * batch if p < _CUT_P else 0, p)


def trend(scores: FloatArray, values: FloatArray, batch: int = BATCH) -> Trend | None:
    """How a series changes from its beginning to its end; None where it stays as it is.

    `scores` are normal scores of `values` (positive, in any unit), both in the order of time. A
    trend is surer than chance and changes the values by RELEVANT at least. None as well for less
    than LEAST_TO_JUDGE batches.
    """
    if len(scores) < LEAST_TO_JUDGE * batch:
        return None
    quarter = len(values) // 4
    ratio = median_ratio(values[:quarter], values[-quarter:])
    if not is_relevant(ratio):
        return None
    return change(equal_parts(scores, MEANS), ratio)


def change(means: FloatArray, ratio: float) -> Trend | None:
    """A significant drift or shift in `means`, each of an equal part of the series."""
    drift = drift_fit(means)
    if drift.p < (_WALK_P if drift.walk else _DRIFT_P):
        return Trend(ratio, drift.p)
    place = shift_place(means)
    after = (np.arange(len(means)) >= place).astype(np.float64)
    shift = regression(means, after)
    if not shift.walk and shift.p < _SHIFT_P:
        return Trend(ratio, shift.p, place / len(means))
    return None


def drift_fit(means: FloatArray) -> Fit:
    """The significance of a linear drift, with the noise measured about a curve."""
    n = len(means)
    curve = np.asarray(legvander(np.linspace(-1, 1, n), _CURVE), dtype=np.float64)
    return regression(means, np.arange(n, dtype=np.float64), curve)


def shift_place(means: FloatArray) -> int:
    """Where in the middle half a series most looks like shifted: the largest cumulated sum of
    deviations from its mean (Page, "Continuous inspection schemes", Biometrika 41, 1954)."""
    n = len(means)
    sums = np.abs(np.cumsum(means - means.mean()))
    first = n // 4
    return first + int(np.argmax(sums[first - 1 : n - first]))


def regression(
    means: FloatArray,
    regressor: FloatArray,
    about: FloatArray | None = None,
    reach: float = _WALK_REACH,
) -> Fit:
    """Whether `regressor` explains something of `means` beyond noise that is correlated in time.

    The correlation r of the noise is estimated from the residuals about the columns of `about`
    (constant and regressor by default), lifted by its bias of (q + (q + 2) r) / n for q columns
    (Kendall, "Note on bias in the estimation of autocorrelation", Biometrika 41, 1954, for a
    constant). Where it could be that of a random walk, the regressor is tested in the differences
    of neighbours, whose own correlation of a quarter comes from averaging (Working, "Note on the
    correlation of first differences of averages in a random chain", Econometrica 28, 1960). Else by
    generalised least squares after Prais and Winsten.

    Source: Perron and Yabu, "Estimating deterministic trends with an integrated or stationary
    noise component", Journal of Econometrics 151 (2009), with another bias correction and a wider
    reach of the random walk, so that it errs on the careful side.
    """
    n = len(means)
    columns = np.column_stack([np.ones(n), regressor])
    about = columns if about is None else about
    noise = means - about @ np.linalg.lstsq(about, means, rcond=None)[0]
    power = float(noise[:-1] @ noise[:-1])
    if power <= 1e-12 * n:
        moves = float(np.ptp(means)) > 1e-6
        return Fit(0.0 if moves else 1.0, walk=False)
    r = _unbiased(float(noise[1:] @ noise[:-1]) / power, n, about.shape[1])
    if r > 1 - reach / np.sqrt(n):
        return Fit(_p_of_walk(means, regressor), walk=True)
    r = max(r, 0.0)
    first = np.sqrt(1 - r * r)
    y = np.concatenate([[first * means[0]], means[1:] - r * means[:-1]])
    x = np.concatenate([first * columns[:1], columns[1:] - r * columns[:-1]])
    estimate = np.linalg.lstsq(x, y, rcond=None)[0]
    variance = float(np.sum((y - x @ estimate) ** 2)) / (n - 2) * np.linalg.inv(x.T @ x)[1, 1]
    return Fit(_two_sided(float(estimate[1] / np.sqrt(variance)), n - 2), walk=False)


def _p_of_walk(means: FloatArray, regressor: FloatArray) -> float:
    n = len(means)
    dy, dx = np.diff(means), np.diff(regressor)
    size = float(dx @ dx)
    slope = float(dx @ dy) / size
    rest = dy - slope * dx
    own = float(rest @ rest) / (n - 2)
    shared = max(float(rest[1:] @ rest[:-1]) / (n - 2), own / 4)
    return _two_sided(slope / np.sqrt((own + 2 * shared) / size), n - 2)


def _two_sided(statistic: float, degrees: int) -> float:
    return float(2 * t.sf(abs(statistic), degrees))


def _step_p(means: FloatArray, at: int) -> float:
    """The significance of the difference between the means before `at` and those from there on.

    Noise is what remains about a line before `at` and a constant after it, as a start-up seldom
    is level. 1 where that may be a random walk, and where another stretch of that length differs
    as much from the rest: whatever the values' distribution, what happens again and again is no
    start-up.
    """
    n = len(means)
    rest = float(means[at:].mean())
    others = np.abs(batch_means(means[at:], at) - rest)
    if abs(float(means[:at].mean()) - rest) <= np.max(others, initial=0.0):
        return 1.0
    size = max(1, min(at // 4, (n - at) // 8))
    before, after = batch_means(means[at % size : at], size), batch_means(means[at:], size)
    is_before = np.concatenate([np.ones(len(before)), np.zeros(len(after))])
    line = np.column_stack(
        [np.ones(len(is_before)), is_before, is_before * np.arange(len(is_before))]
    )
    fit = regression(np.concatenate([before, after]), is_before, line, _STEP_REACH)
    return 1.0 if fit.walk else fit.p


def _unbiased(r: float, n: int, q: int) -> float:
    return r + (q + (q + 2) * r) / n


def batch_means(values: FloatArray, size: int) -> FloatArray:
    """Means of `size` values each; what is left over at the end is left out."""
    count = len(values) // size
    return np.asarray(values[: count * size].reshape(count, size).mean(axis=1))


def equal_parts(values: FloatArray, parts: int) -> FloatArray:
    """Means of `parts` parts, as equal in length as can be."""
    return np.array([part.mean() for part in np.array_split(values, parts)])


def median_ratio(before: FloatArray, after: FloatArray) -> float:
    """The median of `after` by that of `before`; 1 where either is nothing."""
    if not len(before) or not len(after):
        return 1.0
    first, last = float(np.median(before)), float(np.median(after))
    return last / first if first > 0 and last > 0 else 1.0


def is_relevant(ratio: float, by: float = RELEVANT) -> bool:
    """Whether a change by this factor, up or down, is `by` or more of the lower value."""
    return max(ratio, 1 / ratio) >= 1 + by
