"""Two versions of a rubric, measured: agreement before and after."""

from collections import defaultdict
from dataclasses import dataclass
from typing import Literal

import numpy as np

from labeling.models import Rubric
from labeling.queries.agreement import RESAMPLES, SEED, Answer, answers_of, as_units, counted_ratings, scale_of
from labeling.stats.bootstrap import resampled_alphas
from labeling.stats.coefficients import coefficients
from labeling.stats.units import Floats

Reading = Literal["better", "worse", "open"]


@dataclass(frozen=True, slots=True)
class Measured:
    """One criterion under one version. Alpha is None with its `reason`; `items` were rated by two people or more."""

    items: int
    alpha: float | None
    interval: tuple[float, float] | None
    percent: float | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class VersionChange:
    """One criterion before and after. `difference` is after less before with its 95 % interval, from independent
    resamples of either side's items; `reading` is "open" while that interval holds 0 or cannot be had."""

    criterion: str
    before: Measured | None
    after: Measured | None
    difference: float | None
    interval: tuple[float, float] | None
    reading: Reading


@dataclass(frozen=True, slots=True, eq=False)
class _Side:
    measured: Measured
    drawn: Floats


def published_ancestor(rubric: Rubric) -> Rubric | None:
    """The nearest version that this one was made from and that people have worked by."""
    seen = {rubric.pk}
    parent = rubric.parent
    while parent is not None and parent.pk not in seen:
        if parent.published_at is not None:
            return parent
        seen.add(parent.pk)
        parent = parent.parent
    return None


def compare_versions(before: Rubric, after: Rubric, *, intent: str = "") -> list[VersionChange]:
    """Every criterion that either version was rated by, those of `after` in their order first."""
    sides = [_sides(rubric, intent) for rubric in (before, after)]
    names = list(dict.fromkeys([*sides[1], *sides[0]]))
    return [_change(name, sides[0].get(name), sides[1].get(name)) for name in names]


def _sides(rubric: Rubric, intent: str) -> dict[str, _Side]:
    answers: dict[str, list[Answer]] = defaultdict(list)
    for rating in counted_ratings(rubric.project, intent=intent).filter(rubric=rubric):
        for name, value in answers_of(rating):
            answers[name].append(Answer(rating.item_id, rating.reviewer_id, value))
    order = {criterion.name: place for place, criterion in enumerate(rubric.criteria.all())}
    return {name: _side(rubric, name, answers[name]) for name in sorted(answers, key=lambda name: order.get(name, -1))}


def _side(rubric: Rubric, name: str, answers: list[Answer]) -> _Side:
    scale = scale_of(rubric, name, answers)
    units, raters, _people = as_units(answers, scale)
    rng = np.random.default_rng(SEED)
    estimate, drawn = resampled_alphas(units, scale.level, rng=rng, resamples=RESAMPLES)
    defined = drawn[~np.isnan(drawn)]
    interval = None
    if estimate.alpha is not None and len(defined):
        low, high = np.quantile(defined, [0.025, 0.975])
        interval = (float(low), float(high))
    measured = Measured(
        items=estimate.pairable_units,
        alpha=estimate.alpha,
        interval=interval,
        percent=coefficients(units, raters, scale.level, rng=rng, resamples=1).percent.value,
        reason=estimate.reason,
    )
    return _Side(measured, defined)


def _change(name: str, before: _Side | None, after: _Side | None) -> VersionChange:
    one, other = before.measured if before else None, after.measured if after else None
    if before is None or after is None or one is None or other is None or one.alpha is None or other.alpha is None:
        return VersionChange(name, one, other, None, None, "open")
    # The draws of one side know nothing of the other's; the shuffle undoes that both began with one seed.
    shuffled = np.random.default_rng(SEED + 1).permutation(after.drawn)
    count = min(len(before.drawn), len(shuffled))
    low, high = np.quantile(shuffled[:count] - before.drawn[:count], [0.025, 0.975])
    reading: Reading = "better" if low > 0 else "worse" if high < 0 else "open"
    return VersionChange(name, one, other, other.alpha - one.alpha, (float(low), float(high)), reading)
