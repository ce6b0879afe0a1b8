"""Whether a good agreement comes from items on which nobody could differ.

A set that mixes trivially good (or bad) items with hard ones can show a fair alpha while people agree on the hard
ones no more than dice do. Some of that is in the nature of things: whatever the items, alpha falls once the ones
that all raters put at the same end are left out. So the fall is held against the fall to be expected if all items
were alike: one latent quality for every item, the same normal error for every rating, the same values overall and
the same alpha (a one-factor normal model whose values are cut where the real ones are). A set is mixed when the
rest agrees less than in all but 2 % of such simulated sets, and less than one may rely on.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from labeling.stats.disagreement import Level, fold_patterns, weighted_alphas
from labeling.stats.units import UnitRatings

# The end of a scale: its outermost fifth, and one level at least.
END_SHARE = 0.2
# Below this the rest cannot be relied on (Krippendorff 2004, p. 241).
BAR = 0.667
# Fewer easy items, or fewer others, tell nothing.
EASY_NEEDED, REST_NEEDED = 10, 20
EASY_SHARE_NEEDED = 0.1
SIMULATIONS = 99
# More items make the simulated sets no more than slower.
MOST_UNITS = 1000
UNUSUAL = 0.02

Reason: TypeAlias = Literal["no_ends", "too_few_items", "no_variation"]
Mask: TypeAlias = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class EasyItems:
    """`share` of the pairable items were put at the same end of the scale by all their raters.

    `alpha_rest` is alpha without them, `expected_rest` its mean over simulated sets of items that are all alike,
    and `p` the share of those (this set counted in) that are as low. None with a `reason` where that cannot be
    said; `p` is None, too, where there is nothing to warn about anyway. `mixed` is the warning.
    """

    share: float | None
    alpha_rest: float | None
    expected_rest: float | None
    p: float | None
    mixed: bool
    reason: Reason | None


def easy_items(units: UnitRatings, level: Level, *, rng: np.random.Generator) -> EasyItems:
    """Look for a mix of easy and hard items. A nominal scale has ends only if it has two values."""
    if level == "nominal" and len(units.domain) != 2:
        return EasyItems(None, None, None, None, False, "no_ends")
    easy, pairable = _easy(units)
    count, rest = int(easy.sum()), int((pairable & ~easy).sum())
    if not pairable.any():
        return EasyItems(None, None, None, None, False, "too_few_items")
    share = count / int(pairable.sum())
    if count < EASY_NEEDED or rest < REST_NEEDED:
        return EasyItems(share, None, None, None, False, "too_few_items")
    alpha, alpha_rest = _alpha(units, pairable, level), _alpha(units, pairable & ~easy, level)
    if alpha is None or alpha_rest is None:
        return EasyItems(share, alpha_rest, None, None, False, "no_variation")
    if share < EASY_SHARE_NEEDED or alpha_rest >= BAR or alpha <= 0.0:
        return EasyItems(share, alpha_rest, None, None, False, None)
    expected = _simulated_rests(_sample(units, pairable, rng), level, alpha, rng)
    if not len(expected):
        return EasyItems(share, alpha_rest, None, None, False, "no_variation")
    p = (1 + int((expected <= alpha_rest).sum())) / (1 + len(expected))
    return EasyItems(share, alpha_rest, float(expected.mean()), p, p <= UNUSUAL, None)


def _easy(units: UnitRatings) -> tuple[Mask, Mask]:
    """Units whose ratings all lie at one end, the end where more of them do; and the pairable units."""
    values = len(units.domain)
    width = max(1, int(values * END_SHARE))
    sizes = units.sizes()
    pairable = sizes >= 2
    ends = []
    for at_end in (units.codes >= values - width, units.codes < width):
        ends.append((np.bincount(units.owners[at_end], minlength=units.units) == sizes) & pairable)
    return max(ends, key=lambda mask: int(mask.sum())), pairable


def _alpha(units: UnitRatings, kept: Mask, level: Level) -> float | None:
    of_kept = kept[units.owners]
    part = UnitRatings(units.domain, units.units, units.owners[of_kept], units.codes[of_kept])
    patterns = fold_patterns(part, level)
    value = weighted_alphas(patterns, patterns.frequencies[None, :])[0]
    return None if np.isnan(value) else float(value)


def _sample(units: UnitRatings, pairable: Mask, rng: np.random.Generator) -> UnitRatings:
    """The pairable units, or MOST_UNITS of them."""
    chosen = np.flatnonzero(pairable)
    if len(chosen) > MOST_UNITS:
        chosen = rng.choice(chosen, MOST_UNITS, replace=False)
    place = np.full(units.units, -1)
    place[chosen] = np.arange(len(chosen))
    of_chosen = place[units.owners] >= 0
    return UnitRatings(units.domain, len(chosen), place[units.owners[of_chosen]], units.codes[of_chosen])


def _simulated_rests(
    units: UnitRatings, level: Level, alpha: float, rng: np.random.Generator
) -> npt.NDArray[np.float64]:
    """Alpha of the rest in sets of items that are all alike, with the same values and about the same alpha."""
    correlation = _matching_correlation(units, level, alpha, rng)
    rests = []
    for _set in range(SIMULATIONS):
        simulated = _alike(units, correlation, rng)
        easy, pairable = _easy(simulated)
        rest = _alpha(simulated, pairable & ~easy, level)
        if rest is not None:
            rests.append(rest)
    return np.asarray(rests)


def _matching_correlation(units: UnitRatings, level: Level, alpha: float, rng: np.random.Generator) -> float:
    """The correlation of two ratings of one item that gives this alpha, found by halving; the same draws each time."""
    seeds = rng.integers(2**32, size=3)
    low, high = 0.0, 0.999
    for _halving in range(10):
        middle = (low + high) / 2.0
        sets = [_alike(units, middle, np.random.default_rng(seed)) for seed in seeds]
        found = [_alpha(one, one.sizes() >= 2, level) for one in sets]
        mean = float(np.mean([value for value in found if value is not None] or [1.0]))
        low, high = (middle, high) if mean < alpha else (low, middle)
    return (low + high) / 2.0


def _alike(units: UnitRatings, correlation: float, rng: np.random.Generator) -> UnitRatings:
    """The same values dealt to the same seats, by one quality per unit and an error per rating."""
    quality = rng.standard_normal(units.units)[units.owners]
    error = rng.standard_normal(len(units.codes))
    latent = np.sqrt(correlation) * quality + np.sqrt(1.0 - correlation) * error
    codes = np.empty_like(units.codes)
    codes[np.argsort(latent)] = np.sort(units.codes)
    return UnitRatings(units.domain, units.units, units.owners, codes)
