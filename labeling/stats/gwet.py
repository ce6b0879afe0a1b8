"""Gwet's AC1 and AC2: agreement beyond chance that stays sensible when nearly everybody says the same."""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from labeling.stats.kappa import Weighting, agreement_weights
from labeling.stats.units import Counts, UnitRatings


@dataclass(frozen=True, slots=True)
class GwetCoefficient:
    """`coefficient` with the agreement `observed` and expected by `chance`, all at most 1.

    All are None with a `reason` when undefined. `se` is None, too, with a single rated unit. `units` are
    those with a rating, `pairable_units` those with two or more.
    """

    coefficient: float | None
    observed: float | None
    chance: float | None
    se: float | None
    units: int
    pairable_units: int
    reason: Literal["no_pairable_units", "single_category"] | None


def gwet(ratings: UnitRatings, weighting: Weighting = "unweighted") -> GwetCoefficient:
    """AC1 (unweighted) or AC2 (linear, quadratic) on the full scale of `ratings.domain`.

    Chance averages over all rated units, observed agreement over the pairable ones (Gwet 2008; for
    missing ratings and weights Gwet 2014, Handbook of Inter-Rater Reliability, 4th ed., with its variance
    for units drawn from a large population). Undefined without a pairable unit, and on a scale of one
    category.
    """
    return gwet_of_counts(ratings.counts(), weighting)


def gwet_of_counts(counts: Counts, weighting: Weighting = "unweighted") -> GwetCoefficient:
    """As `gwet`, from N × V numbers of raters per unit and category."""
    rated = counts[counts.sum(axis=1) >= 1].astype(np.float64)
    sizes = rated.sum(axis=1)
    pairable = sizes >= 2
    units, pairs, categories = len(rated), int(pairable.sum()), counts.shape[1]
    if pairs == 0:
        return GwetCoefficient(None, None, None, None, units, 0, "no_pairable_units")
    if categories < 2:
        return GwetCoefficient(None, None, None, None, units, pairs, "single_category")
    weights = agreement_weights(categories, weighting)
    shares = rated / sizes[:, None]
    prevalence = shares.mean(axis=0)
    scale = float(weights.sum()) / (categories * (categories - 1))
    chance = scale * float((prevalence * (1.0 - prevalence)).sum())
    agreeing = (rated * (rated @ weights - 1.0)).sum(axis=1)
    by_unit = np.divide(agreeing, sizes * (sizes - 1.0), out=np.zeros(units), where=pairable)
    observed = float(by_unit.sum()) / pairs
    coefficient = (observed - chance) / (1.0 - chance)
    if units < 2:
        return GwetCoefficient(coefficient, observed, chance, None, units, pairs, None)
    # What each unit adds to the coefficient, less what it adds to chance agreement.
    own = np.where(pairable, (units / pairs) * (by_unit - chance) / (1.0 - chance), 0.0)
    own_chance = scale * (shares * (1.0 - prevalence)).sum(axis=1)
    parts = own - 2.0 * (1.0 - coefficient) * (own_chance - chance) / (1.0 - chance)
    variance = float(((parts - coefficient) ** 2).sum()) / (units * (units - 1))
    return GwetCoefficient(coefficient, observed, chance, math.sqrt(variance), units, pairs, None)
