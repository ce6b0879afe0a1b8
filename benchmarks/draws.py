"""Is a sequence of yes and no one of independent draws at a known rate? Share, gaps, runs and autocorrelation."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import binomtest, chi2, chisquare, norm

LAGS = 10
# Bins of the gap distribution hold at least so many expected gaps; longer gaps are pooled.
LEAST_EXPECTED = 10.0


@dataclass(frozen=True, slots=True)
class Fit:
    """p-values of four tests against independent draws at `rate`; each is uniform on [0, 1] when that is true."""

    draws: int
    planted: int
    low: float
    high: float
    p_share: float
    p_gaps: float
    p_runs: float
    p_lags: float

    @property
    def smallest(self) -> float:
        return min(self.p_share, self.p_gaps, self.p_runs, self.p_lags)


def fit(planted: Sequence[bool], rate: float) -> Fit:
    """Exact binomial test of the share; chi-square test of the gaps against the geometric distribution, its tail
    pooled; runs (Wald and Wolfowitz 1940); autocorrelation at lags 1 to 10 (Ljung and Box 1978)."""
    ones = np.asarray(planted, dtype=np.float64)
    share = binomtest(int(ones.sum()), len(ones), rate)
    interval = share.proportion_ci(0.95, method="wilson")
    return Fit(
        draws=len(ones),
        planted=int(ones.sum()),
        low=float(interval.low),
        high=float(interval.high),
        p_share=float(share.pvalue),
        p_gaps=_gaps(ones, rate),
        p_runs=_runs(ones),
        p_lags=_lags(ones),
    )


def _gaps(ones: np.ndarray, rate: float) -> float:
    """Claims from one planted case to the next: P(gap = k) = rate (1 − rate)ᵏ⁻¹."""
    gaps = np.diff(np.flatnonzero(ones))
    expected, length = [], 1
    while len(gaps) * (1 - rate) ** length >= LEAST_EXPECTED:
        expected.append(len(gaps) * rate * (1 - rate) ** (length - 1))
        length += 1
    counts = [int((gaps == value).sum()) for value in range(1, length)]
    return float(chisquare([*counts, len(gaps) - sum(counts)], [*expected, len(gaps) - sum(expected)]).pvalue)


def _runs(ones: np.ndarray) -> float:
    total, yes = len(ones), float(ones.sum())
    runs = 1 + int((ones[1:] != ones[:-1]).sum())
    mean = 1 + 2 * yes * (total - yes) / total
    variance = (mean - 1) * (mean - 2) / (total - 1)
    return float(2 * norm.sf(abs(runs - mean) / variance**0.5))


def _lags(ones: np.ndarray) -> float:
    centred, total = ones - ones.mean(), len(ones)
    power = float(centred @ centred)
    correlations = [float(centred[lag:] @ centred[:-lag]) / power for lag in range(1, LAGS + 1)]
    statistic = total * (total + 2) * sum(r * r / (total - lag) for lag, r in enumerate(correlations, start=1))
    return float(chi2.sf(statistic, LAGS))
