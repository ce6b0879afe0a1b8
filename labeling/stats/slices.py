"""Agreement per criterion and slice, the numbers that belong beside each other on one line.

Alpha alone misleads where nearly all labels are the same, so percent agreement, AC1 and the counts go
with it.
"""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from labeling.stats.alpha import AlphaReason, krippendorff_alpha
from labeling.stats.disagreement import Level
from labeling.stats.gwet import gwet_of_counts
from labeling.stats.units import UnitRatings, Value

# The slice that holds all of them.
ALL_SLICES = "*"


@dataclass(frozen=True, slots=True)
class Label:
    """One rater's value for one criterion of one item; `slice` is whatever the items are cut by."""

    item: Hashable
    slice: str
    criterion: str
    rater: Hashable
    value: Value


@dataclass(frozen=True, slots=True)
class Scale:
    """A criterion's full list of values, in scale order, and its level of measurement."""

    values: Sequence[Value]
    level: Level = "nominal"


@dataclass(frozen=True, slots=True)
class SliceAgreement:
    """`percent_agreement` is the mean over pairable items of the share of agreeing rater pairs,
    `unanimous_share` the share of pairable items whose raters all agree, both in [0, 1].

    `items` have a label, `pairable_items` two or more. Alpha is None with its `reason`; the others are
    None without pairable items (and `ac1` on a scale of one value).
    """

    alpha: float | None
    reason: AlphaReason | None
    percent_agreement: float | None
    ac1: float | None
    unanimous_share: float | None
    items: int
    pairable_items: int


def agreement(ratings: UnitRatings, level: Level = "nominal") -> SliceAgreement:
    """Agreement on one set of units."""
    counts = ratings.counts()
    sizes = counts.sum(axis=1)
    pairable = counts[sizes >= 2].astype(np.float64)
    alpha = krippendorff_alpha(ratings, level)
    percent: float | None = None
    unanimous: float | None = None
    if len(pairable):
        raters = pairable.sum(axis=1)
        agreeing = ((pairable**2).sum(axis=1) - raters) / (raters * (raters - 1.0))
        percent = float(agreeing.mean())
        unanimous = float((pairable.max(axis=1) == raters).mean())
    return SliceAgreement(
        alpha=alpha.alpha,
        reason=alpha.reason,
        percent_agreement=percent,
        ac1=gwet_of_counts(counts).coefficient,
        unanimous_share=unanimous,
        items=int((sizes >= 1).sum()),
        pairable_items=len(pairable),
    )


def agreement_by_slice(labels: Iterable[Label], scales: Mapping[str, Scale]) -> dict[tuple[str, str], SliceAgreement]:
    """Agreement for each (criterion, slice) that occurs, and for each criterion over ALL_SLICES.

    Raises KeyError for a criterion without a scale and ValueError for a value off its scale. An item
    belongs to one slice.
    """
    grouped: dict[tuple[str, str], dict[Hashable, list[Value]]] = defaultdict(lambda: defaultdict(list))
    for label in labels:
        for part in (label.slice, ALL_SLICES):
            grouped[label.criterion, part][label.item].append(label.value)
    results = {}
    for key in sorted(grouped):
        scale = scales[key[0]]
        units = UnitRatings.from_lists(grouped[key].values(), scale.values)
        results[key] = agreement(units, scale.level)
    return results
