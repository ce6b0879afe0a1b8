"""Has the traffic changed: the mix of intents, the histogram of confidence, the confidences themselves."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import chdtrc

# Added to every count, so that a bin empty on one side gives a large index and not an infinite one.
PRIOR_COUNT = 0.5


@dataclass(frozen=True, slots=True)
class MixDrift:
    """Drift between two histograms of `reference_n` and `live_n` outputs; None and a `reason` where
    undefined.

    `psi`: population stability index, natural logarithm. `psi_statistic` = PSI/(1/n + 1/m) is about χ² with
    `df` degrees of freedom without drift, whose tail is `psi_p_value`. `js_divergence` is in bits, in [0, 1];
    `js_distance` its square root. `chi2` and `chi2_p_value`: Pearson's test of equal distributions on the raw
    counts.
    """

    reference_n: int
    live_n: int
    psi: float | None = None
    psi_statistic: float | None = None
    df: int | None = None
    psi_p_value: float | None = None
    js_divergence: float | None = None
    js_distance: float | None = None
    chi2: float | None = None
    chi2_p_value: float | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class DistributionDrift:
    """Two-sample Kolmogorov–Smirnov: largest distance between the two empirical distribution functions, in
    [0, 1], and its asymptotic two-sided p-value; None and a `reason` when a sample is empty."""

    reference_n: int
    live_n: int
    statistic: float | None = None
    p_value: float | None = None
    reason: str = ""


def mix_drift(reference: ArrayLike, live: ArrayLike) -> MixDrift:
    """Compare counts per bin (same bins in the same order). Bins empty on both sides say nothing and are left
    out.

    PSI = Σ (q − p)·ln(q/p) with ½ added to every count (Yurdakul and Naranjo 2020 for its χ² approximation);
    Jensen–Shannon on the raw shares (Lin 1991). ValueError for counts that are negative or of different
    length.
    """
    r, q = np.asarray(reference, dtype=np.float64), np.asarray(live, dtype=np.float64)
    if r.ndim != 1 or r.shape != q.shape or (r < 0.0).any() or (q < 0.0).any():
        raise ValueError("needs two equally long lists of counts from 0")
    seen = r + q > 0.0
    r, q = r[seen], q[seen]
    n, m = float(r.sum()), float(q.sum())
    if not n or not m:
        return MixDrift(int(n), int(m), reason="no outputs on one side")
    if r.size < 2:
        return MixDrift(int(n), int(m), reason="all outputs in one bin")
    smoothed_r = (r + PRIOR_COUNT) / (n + PRIOR_COUNT * r.size)
    smoothed_q = (q + PRIOR_COUNT) / (m + PRIOR_COUNT * q.size)
    psi = float(((smoothed_q - smoothed_r) * np.log(smoothed_q / smoothed_r)).sum())
    statistic, df = psi / (1.0 / n + 1.0 / m), r.size - 1
    pooled = (r + q) / (n + m)
    chi2 = float(((r - n * pooled) ** 2 / (n * pooled) + (q - m * pooled) ** 2 / (m * pooled)).sum())
    divergence = _jensen_shannon(r / n, q / m)
    return MixDrift(
        reference_n=int(n),
        live_n=int(m),
        psi=psi,
        psi_statistic=statistic,
        df=df,
        psi_p_value=float(chdtrc(df, statistic)),
        js_divergence=divergence,
        js_distance=divergence**0.5,
        chi2=chi2,
        chi2_p_value=float(chdtrc(df, chi2)),
    )


def distribution_drift(reference: ArrayLike, live: ArrayLike) -> DistributionDrift:
    """Compare two samples of real values, such as confidences; ties are allowed, NaN is a ValueError."""
    from scipy.stats import ks_2samp  # A second to import: not at start-up.

    r, q = np.asarray(reference, dtype=np.float64), np.asarray(live, dtype=np.float64)
    if np.isnan(r).any() or np.isnan(q).any():
        raise ValueError("NaN in a sample")
    if not r.size or not q.size:
        return DistributionDrift(int(r.size), int(q.size), reason="no outputs on one side")
    found = ks_2samp(r, q, method="asymp")
    return DistributionDrift(int(r.size), int(q.size), float(found.statistic), float(found.pvalue))


def _jensen_shannon(p: NDArray[np.float64], q: NDArray[np.float64]) -> float:
    middle = (p + q) / 2.0
    # 0·log 0 is 0: terms without mass are skipped. Rounding may leave −1e-17.
    terms = [(side[side > 0.0] * np.log2(side[side > 0.0] / middle[side > 0.0])).sum() for side in (p, q)]
    return max(0.0, float(sum(terms)) / 2.0)
