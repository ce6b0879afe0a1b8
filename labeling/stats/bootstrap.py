"""Bootstrap intervals for Krippendorff's alpha: units are drawn anew, each with all its ratings."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from labeling.stats.alpha import Alpha, AlphaReason, krippendorff_alpha
from labeling.stats.disagreement import (
    Level,
    Matrix,
    Patterns,
    alphas_of_blocks,
    block_rows,
    fold_patterns,
    weighted_alphas,
)
from labeling.stats.intervals import normal_probability, normal_quantile
from labeling.stats.units import Floats, UnitRatings

Method: TypeAlias = Literal["percentile", "bca"]

# Below this many units the percentile interval is visibly off centre; BCa corrects most of it.
BCA_BELOW_UNITS = 100
# With fewer ratings off the most frequent value an interval at 95 % was seen to cover 35–69 %.
MINORITY_NEEDED = 10


@dataclass(frozen=True, slots=True)
class AlphaInterval:
    """Alpha and its interval, or the `reason` why there is none.

    `caution` is `insufficient_variation` when fewer than MINORITY_NEEDED pairable ratings (counted in
    `minority_ratings`) differ from the most frequent value: the bounds are then numbers, not evidence, and
    should be shown as that word. `undefined_resamples` drew no variation and are left out.
    """

    estimate: Alpha
    low: float | None
    high: float | None
    reason: AlphaReason | Literal["no_defined_resample"] | None
    caution: Literal["insufficient_variation"] | None
    method: Method | None
    confidence: float
    resamples: int
    undefined_resamples: int
    minority_ratings: int


def replicate_alphas(ratings: UnitRatings, level: Level, unit_weights: npt.ArrayLike) -> list[float | None]:
    """Alpha of each weighting of the units; None where it is undefined.

    `unit_weights` is B × N, how often each unit of `ratings` was drawn; units that are not pairable never
    count. Raises ValueError for another shape.
    """
    weights = np.asarray(unit_weights, dtype=np.float64)
    if weights.ndim != 2 or weights.shape[1] != ratings.units:
        raise ValueError(f"unit_weights must be resamples × {ratings.units} units, not {weights.shape}")
    patterns = fold_patterns(ratings, level)
    pairable = patterns.pattern_of >= 0
    folded = np.zeros((len(weights), len(patterns.sizes)))
    np.add.at(folded.T, patterns.pattern_of[pairable], weights[:, pairable].T)
    return [None if np.isnan(alpha) else float(alpha) for alpha in weighted_alphas(patterns, folded)]


def bootstrap_alpha(
    ratings: UnitRatings,
    level: Level,
    *,
    rng: np.random.Generator,
    resamples: int = 1000,
    confidence: float = 0.95,
    method: Method | None = None,
) -> AlphaInterval:
    """Interval for alpha by drawing the pairable units anew `resamples` times.

    `method` None takes BCa (Efron 1987) below BCA_BELOW_UNITS units and percentiles above. BCa falls back
    to percentiles, and says so, where its corrections do not exist.
    """
    if not 0.0 < confidence < 1.0 or resamples < 1:
        raise ValueError("confidence must lie strictly between 0 and 1, and one resample is the least")
    estimate = krippendorff_alpha(ratings, level)
    minority = _minority(ratings)
    caution: Literal["insufficient_variation"] | None = None
    if minority < MINORITY_NEEDED:
        caution = "insufficient_variation"
    without = AlphaInterval(estimate, None, None, estimate.reason, caution, None, confidence, resamples, 0, minority)
    if estimate.alpha is None:
        return without
    patterns = fold_patterns(ratings, level, rough=True)
    drawn = _drawn_alphas(patterns, rng, resamples)
    alphas = drawn[~np.isnan(drawn)]
    if len(alphas) == 0:
        return replace(without, reason="no_defined_resample", undefined_resamples=resamples)
    used, levels = _levels(patterns, estimate.alpha, alphas, confidence, method)
    low, high = map(float, np.quantile(alphas, levels))
    return replace(without, low=low, high=high, method=used, undefined_resamples=resamples - len(alphas))


def resampled_alphas(
    ratings: UnitRatings, level: Level, *, rng: np.random.Generator, resamples: int = 1000
) -> tuple[Alpha, Floats]:
    """Alpha and its values in `resamples` draws of the pairable units, nan where undefined; no draws where alpha is.

    For differences between independent sets of units, whose draws may be paired at will.
    """
    estimate = krippendorff_alpha(ratings, level)
    if estimate.alpha is None:
        return estimate, np.zeros(0)
    return estimate, _drawn_alphas(fold_patterns(ratings, level, rough=True), rng, resamples)


def _minority(ratings: UnitRatings) -> int:
    """Pairable ratings that are not the most frequent value."""
    pairable = (ratings.sizes() >= 2)[ratings.owners]
    frequencies = np.bincount(ratings.codes[pairable], minlength=1)
    return int(frequencies.sum() - frequencies.max())


def _drawn_alphas(patterns: Patterns, rng: np.random.Generator, resamples: int) -> Floats:
    """`resamples` alphas of units drawn with replacement.

    In one thread: on products this narrow OpenBLAS's threads wait for each other longer than they work, and on a
    machine that is busy anyway many times longer.
    """
    with threadpool_limits(1, user_api="blas"):
        return alphas_of_blocks(patterns, _drawn_weights(patterns, rng, resamples))


def _drawn_weights(patterns: Patterns, rng: np.random.Generator, resamples: int) -> Iterator[Matrix]:
    """Weights of `resamples` draws, block by block to bound the memory; each block is written over the last."""
    units, kinds = patterns.units, len(patterns.sizes)
    block = np.empty((min(resamples, block_rows(patterns)), kinds), patterns.features.dtype)
    pattern_of = np.repeat(np.arange(kinds), patterns.frequencies) if kinds < units else None
    for start in range(0, resamples, len(block)):
        rows = block[: resamples - start]
        # One multinomial number per pattern is quick while patterns are few. Once hardly any unit looks
        # like another, counting drawn units is several times quicker.
        if kinds * 4 <= units:
            rows[:] = rng.multinomial(units, patterns.frequencies / units, size=len(rows))
        else:
            for row in rows:
                drawn = rng.integers(units, size=units, dtype=np.uint32)
                row[:] = np.bincount(drawn if pattern_of is None else pattern_of[drawn], minlength=kinds)
        yield rows


def _levels(
    patterns: Patterns, alpha: float, alphas: Floats, confidence: float, method: Method | None
) -> tuple[Method, tuple[float, float]]:
    """The method used and the two quantile levels of the resampled alphas that bound the interval."""
    tail = (1.0 - confidence) / 2.0
    wanted = method or ("bca" if patterns.units < BCA_BELOW_UNITS else "percentile")
    corrected = _bca_levels(patterns, alpha, alphas, tail) if wanted == "bca" else None
    if corrected is None:
        return "percentile", (tail, 1.0 - tail)
    return "bca", corrected


def _bca_levels(patterns: Patterns, alpha: float, alphas: Floats, tail: float) -> tuple[float, float] | None:
    """Bias-corrected and accelerated levels (Efron 1987; Efron and Tibshirani 1993, equations 14.9–14.15).

    None where they do not exist: all resamples on one side, or leaving a unit out leaves alpha undefined
    or unchanged.
    """
    # Ties, up to rounding, count half: alpha of few units takes few different values.
    tied = np.abs(alphas - alpha) <= 1e-12
    below = (float((alphas[~tied] < alpha).sum()) + float(tied.sum()) / 2.0) / len(alphas)
    if not 0.0 < below < 1.0:
        return None
    # All units of a pattern leave the same alpha behind, so each pattern is left out once and counts often.
    left_out = weighted_alphas(patterns, patterns.frequencies - np.eye(len(patterns.sizes)))
    if np.isnan(left_out).any():
        return None
    shift = np.average(left_out, weights=patterns.frequencies) - left_out
    spread = float((patterns.frequencies * shift**2).sum())
    if spread <= 0.0:
        return None
    acceleration = float((patterns.frequencies * shift**3).sum()) / (6.0 * spread**1.5)
    bias = normal_quantile(below)
    levels = []
    for z in (normal_quantile(tail), normal_quantile(1.0 - tail)):
        stretch = 1.0 - acceleration * (bias + z)
        if stretch <= 0.0:
            return None
        levels.append(normal_probability(bias + (bias + z) / stretch))
    return levels[0], levels[1]
