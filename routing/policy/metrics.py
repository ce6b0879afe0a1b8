"""How good predicted probabilities are: Brier score, log-loss, reliability, rank order.

Everywhere `predicted` holds probabilities in [0, 1], `outcomes` holds 0 or 1 of the same length, and
`weights`, where given, positive numbers proportional to 1/π (π = inclusion probability), so that outputs that
rarely get a human verdict count for those that got none. Without a single outcome a figure is None.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from labeling.stats.intervals import Interval, normal_quantile

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Bin:
    """Outputs of similar predicted probability. `n` counts outputs, `weight` is their share of all weight;
    `interval` is Wilson's for `observed`, at the effective number of outputs."""

    low: float
    high: float
    n: int
    weight: float
    mean_predicted: float
    observed: float
    interval: Interval


@dataclass(frozen=True, slots=True)
class Reliability:
    """Non-empty bins in ascending order, with the expected and the largest distance between predicted and
    observed. `ece` is biased upwards when bins are small."""

    bins: tuple[Bin, ...]
    ece: float | None
    mce: float | None


@dataclass(frozen=True, slots=True)
class Auc:
    """P(a positive scores above a negative), ties half, and its one-sided lower bound at `confidence`.
    Without both classes `value` and `lower` are None and `reason` says so."""

    value: float | None
    lower: float | None
    confidence: float
    positives: int
    negatives: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Quality:
    """Everything to report about one set of predictions; `effective_n` is Kish's (Σw)²/Σw²."""

    n: int
    effective_n: float
    brier: float | None
    log_loss: float | None
    equal_width: Reliability
    equal_mass: Reliability
    auc: Auc
    reason: str = ""


def brier(predicted: ArrayLike, outcomes: ArrayLike, weights: ArrayLike | None = None) -> float | None:
    """Weighted mean of (p − y)² (Brier 1950), in [0, 1]."""
    p, y, w = _aligned(predicted, outcomes, weights)
    return float(np.average((p - y) ** 2, weights=w)) if p.size else None


def log_loss(predicted: ArrayLike, outcomes: ArrayLike, weights: ArrayLike | None = None) -> float | None:
    """Weighted mean of −ln P(outcome), in nats; a probability of 0 or 1 is moved in by one machine
    epsilon."""
    p, y, w = _aligned(predicted, outcomes, weights)
    if not p.size:
        return None
    epsilon = np.finfo(np.float64).eps
    p = np.clip(p, epsilon, 1.0 - epsilon)
    return float(np.average(-(y * np.log(p) + (1.0 - y) * np.log1p(-p)), weights=w))


def equal_width_bins(
    predicted: ArrayLike,
    outcomes: ArrayLike,
    weights: ArrayLike | None = None,
    *,
    bins: int = 10,
    confidence: float = 0.95,
) -> Reliability:
    """Bins (i/bins, (i+1)/bins]; the first one also takes 0. Empty bins are left out."""
    p, y, w = _aligned(predicted, outcomes, weights)
    edges = np.linspace(0.0, 1.0, bins + 1)
    index = np.searchsorted(edges[1:-1], p, side="left")
    members = [(int(i), index == i) for i in np.unique(index)]
    rows = [_bin(p[m], y[m], w[m], float(edges[i]), float(edges[i + 1]), w.sum(), confidence) for i, m in members]
    return _reliability(rows)


def equal_mass_bins(
    predicted: ArrayLike,
    outcomes: ArrayLike,
    weights: ArrayLike | None = None,
    *,
    bins: int = 10,
    confidence: float = 0.95,
) -> Reliability:
    """Bins of about equal total weight; equal predictions are never torn apart, so that there can be
    fewer."""
    p, y, w = _aligned(predicted, outcomes, weights)
    values, position = np.unique(p, return_inverse=True)
    mass = np.bincount(position, weights=w, minlength=values.size)
    # A group of equal predictions goes where its middle lies on the scale of cumulative weight.
    middle = (np.cumsum(mass) - mass / 2.0) / w.sum() if p.size else mass
    index = np.minimum((middle * bins).astype(np.int64), bins - 1)[position]
    rows = []
    for i in np.unique(index):
        m = index == i
        rows.append(_bin(p[m], y[m], w[m], float(p[m].min()), float(p[m].max()), w.sum(), confidence))
    return _reliability(rows)


def auc(scores: ArrayLike, outcomes: ArrayLike, weights: ArrayLike | None = None, *, confidence: float = 0.95) -> Auc:
    """Area under the ROC curve of real-valued `scores` for outcome 1, with a one-sided lower bound.

    The bound inverts the Hanley–McNeil variance at the bound itself (Hanley and McNeil 1982; Newcombe 2006,
    part 2, method 5) at the effective class sizes: unlike DeLong's it stays below 1 for perfect separation.
    """
    s, y, w = _aligned(scores, outcomes, weights)
    positive = y == 1.0
    n1, n0 = int(positive.sum()), int((~positive).sum())
    if not n1 or not n0:
        return Auc(None, None, confidence, n1, n0, "needs acceptable and unacceptable outputs")
    values, position = np.unique(s, return_inverse=True)
    above = np.bincount(position, weights=w * positive, minlength=values.size)
    below = np.bincount(position, weights=w * ~positive, minlength=values.size)
    wins = float((above * (np.cumsum(below) - below / 2.0)).sum())
    value = min(1.0, wins / float(above.sum() * below.sum()))
    lower = auc_lower(value, effective_n(w[positive]), effective_n(w[~positive]), confidence)
    return Auc(value, lower, confidence, n1, n0)


def auc_lower(value: float, positives: float, negatives: float, confidence: float) -> float:
    """One-sided lower bound of an area `value` from (effective) class sizes alone: the smallest area from which
    `value` lies no further than the Hanley–McNeil standard error there allows. See `auc`."""
    z = normal_quantile(confidence)
    pairs = (positives + negatives) / 2.0 - 1.0
    low, high = 0.0, value
    for _ in range(60):
        theta = (low + high) / 2.0
        spread = 1.0 + pairs * (1.0 - theta) / (2.0 - theta) + pairs * theta / (1.0 + theta)
        if value - theta > z * math.sqrt(theta * (1.0 - theta) * max(spread, 0.0) / (positives * negatives)):
            low = theta
        else:
            high = theta
    return low


def quality(
    predicted: ArrayLike,
    outcomes: ArrayLike,
    weights: ArrayLike | None = None,
    *,
    bins: int = 10,
    confidence: float = 0.95,
) -> Quality:
    """All of this module's figures of one set of predictions."""
    p, y, w = _aligned(predicted, outcomes, weights)
    return Quality(
        n=int(p.size),
        effective_n=effective_n(w),
        brier=brier(p, y, w),
        log_loss=log_loss(p, y, w),
        equal_width=equal_width_bins(p, y, w, bins=bins, confidence=confidence),
        equal_mass=equal_mass_bins(p, y, w, bins=bins, confidence=confidence),
        auc=auc(p, y, w, confidence=confidence),
        reason="" if p.size else "no labels",
    )


def effective_n(weights: ArrayLike) -> float:
    """The number of equally weighted outputs that say as much: (Σw)²/Σw² (Kish 1965, section 11.7); 0 of
    none."""
    w = np.asarray(weights, dtype=np.float64)
    return float(w.sum() ** 2 / (w**2).sum()) if w.size else 0.0


def _aligned(values: ArrayLike, outcomes: ArrayLike, weights: ArrayLike | None) -> tuple[Floats, Floats, Floats]:
    x = np.asarray(values, dtype=np.float64)
    y = np.asarray(outcomes, dtype=np.float64)
    w = np.ones_like(x) if weights is None else np.asarray(weights, dtype=np.float64)
    if x.ndim != 1 or x.shape != y.shape or x.shape != w.shape:
        raise ValueError(f"one value, outcome and weight per output, not {x.shape}, {y.shape} and {w.shape}")
    if not np.isfinite(x).all() or not np.isin(y, (0.0, 1.0)).all() or not (w > 0.0).all():
        raise ValueError("values must be finite, outcomes 0 or 1, weights above 0")
    return x, y, w


def _bin(p: Floats, y: Floats, w: Floats, low: float, high: float, total: float, confidence: float) -> Bin:
    observed = float(np.average(y, weights=w))
    return Bin(
        low=low,
        high=high,
        n=int(p.size),
        weight=float(w.sum() / total),
        mean_predicted=float(np.average(p, weights=w)),
        observed=observed,
        interval=_wilson_of_share(observed, effective_n(w), confidence),
    )


def _reliability(rows: list[Bin]) -> Reliability:
    gaps = [abs(row.observed - row.mean_predicted) for row in rows]
    if not rows:
        return Reliability((), None, None)
    return Reliability(tuple(rows), sum(gap * row.weight for gap, row in zip(gaps, rows, strict=True)), max(gaps))


def _wilson_of_share(share: float, size: float, confidence: float) -> Interval:
    """Wilson's score interval (1927) for a share of a *fractional* number of effective observations, which
    the function for counts does not take."""
    z = normal_quantile((1.0 + confidence) / 2.0)
    centre = (share + z * z / (2.0 * size)) / (1.0 + z * z / size)
    half = z * math.sqrt(share * (1.0 - share) / size + z * z / (4.0 * size * size)) / (1.0 + z * z / size)
    return Interval(max(0.0, centre - half), min(1.0, centre + half))
