"""Does a signal tell good outputs from bad ones? Its area under the ROC curve against human verdicts.

A signal earns weight only where the lower bound of that area lies above `USEFUL_ABOVE`; a coin has 0.5. With too
few verdicts the question stays open, which gives no weight either.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, logit, stdtrit

from routing.policy.metrics import auc_lower, effective_n

Floats = NDArray[np.float64]

USEFUL_ABOVE = 0.55
# Fewer verdicts than this, or fewer of the rarer one, leave a signal undetermined.
FEWEST_LABELS = 50
FEWEST_OF_EACH = 10
CONFIDENCE = 0.95

USEFUL = "useful"
WORTHLESS = "worthless"
UNDETERMINED = "undetermined"


@dataclass(frozen=True, slots=True)
class Separation:
    """P(an acceptable output has more of this evidence than an unacceptable one), ties half.

    `low` and `high` are one-sided bounds at `confidence` each. `labels` verdicts on `prompts` prompts,
    `acceptable` of them good. Undetermined: the three are None and `reason` says why.
    """

    status: str
    auc: float | None
    low: float | None
    high: float | None
    confidence: float
    labels: int
    acceptable: int
    prompts: int
    reason: str = ""

    @property
    def useful(self) -> bool:
        return self.status == USEFUL


def separation(
    evidence: ArrayLike,
    acceptable: ArrayLike,
    *,
    weights: ArrayLike | None = None,
    prompts: Sequence[object] | None = None,
    confidence: float = CONFIDENCE,
) -> Separation:
    """Judge n pieces of evidence by n verdicts (1 acceptable, 0 not).

    `weights` are 1/π; `prompts` name the prompt of each output, whose outputs are alike. ValueError for lengths
    that differ, verdicts other than 0 and 1, or weights not above 0.
    """
    x, y = np.asarray(evidence, dtype=np.float64), np.asarray(acceptable, dtype=np.float64)
    w = np.ones_like(x) if weights is None else np.asarray(weights, dtype=np.float64)
    groups = _numbered(range(x.size) if prompts is None else prompts)
    if not (x.shape == y.shape == w.shape == groups.shape) or x.ndim != 1:
        raise ValueError("needs one piece of evidence, verdict, weight and prompt per output")
    if not (np.isin(y, (0.0, 1.0)).all() and (w > 0.0).all()):
        raise ValueError("verdicts must be 0 or 1, weights above 0")
    labels, good, clusters = int(y.size), int(y.sum()), int(np.unique(groups).size)
    reason = _too_little(labels, min(good, labels - good))
    if reason:
        return Separation(UNDETERMINED, None, None, None, confidence, labels, good, clusters, reason)
    value, error = clustered_auc(x, y, w, groups)
    low, high = _bounds(value, error, y, w, groups, confidence)
    status = USEFUL if low > USEFUL_ABOVE else WORTHLESS
    return Separation(status, value, low, high, confidence, labels, good, clusters)


def clustered_auc(x: Floats, y: Floats, w: Floats, groups: NDArray[np.int_]) -> tuple[float, float]:
    """Weighted area and its standard error, outputs of one group being dependent.

    Structural components after DeLong, DeLong and Clarke-Pearson (1988, equations 4 to 6), summed by cluster
    over both classes (Obuchowski 1997, section 2: the squares of such sums hold S10, S01 and the covariance
    S11 of good and bad outputs of one cluster), with every output counting w times. Needs both classes.
    """
    positive = y == 1.0
    values, position = np.unique(x, return_inverse=True)
    good = np.bincount(position, weights=w * positive, minlength=values.size)
    bad = np.bincount(position, weights=w * ~positive, minlength=values.size)
    bad_below = (np.cumsum(bad) - bad / 2.0) / bad.sum()
    good_above = (good.sum() - np.cumsum(good) + good / 2.0) / good.sum()
    area = min(1.0, float((good * bad_below).sum() / good.sum()))
    component = np.where(positive, bad_below[position], good_above[position]) - area
    share = w / np.where(positive, good.sum(), bad.sum())
    sums = np.bincount(groups, weights=share * component)
    clusters = sums.size
    correction = clusters / (clusters - 1.0) if clusters > 1 else math.inf
    return area, math.sqrt(correction * float((sums**2).sum())) if clusters > 1 else math.inf


def _bounds(
    value: float, error: float, y: Floats, w: Floats, groups: NDArray[np.int_], confidence: float
) -> tuple[float, float]:
    """The wider of two intervals on either side.

    One is Student's on the logit of the area (Pepe 2003, section 4.3.3, with clusters − 1 degrees of freedom), which
    knows the dependence within prompts but has no width where separation is perfect. The other inverts the
    variance of Hanley and McNeil at the effective class sizes, at most the number of prompts in each class.
    """
    good, bad = (min(effective_n(w[member]), float(np.unique(groups[member]).size)) for member in (y == 1.0, y == 0.0))
    low, high = auc_lower(value, good, bad, confidence), 1.0 - auc_lower(1.0 - value, good, bad, confidence)
    if 0.0 < value < 1.0:
        clusters = int(np.unique(groups).size)
        reach = float(stdtrit(clusters - 1, confidence)) * error / (value * (1.0 - value)) if clusters > 1 else math.inf
        low = min(low, float(expit(logit(value) - reach)))
        high = max(high, float(expit(logit(value) + reach)))
    return low, high


def _too_little(labels: int, rarer: int) -> str:
    if labels < FEWEST_LABELS:
        return f"fewer than {FEWEST_LABELS} labels"
    return f"fewer than {FEWEST_OF_EACH} labels of the rarer verdict" if rarer < FEWEST_OF_EACH else ""


def _numbered(names: Sequence[object]) -> NDArray[np.int_]:
    numbers = {name: number for number, name in enumerate(dict.fromkeys(names))}
    return np.array([numbers[name] for name in names], dtype=np.int_)
