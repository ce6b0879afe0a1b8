"""Two versions of a rubric, measured: agreement before and after."""

from collections import defaultdict
from dataclasses import dataclass
from typing import Literal

import numpy as np

from labeling.models import Rubric
from labeling.queries.agreement import RESAMPLES, SEED, Answer, answers_of, as_units, counted_ratings, scale_of
from labeling.queries.overlap import pending_or_withdrawn
from labeling.stats.bootstrap import resampled_alphas
from labeling.stats.coefficients import coefficients
from labeling.stats.disagreement import Level
from labeling.stats.intervals import Interval, newcombe, wilson
from labeling.stats.slices import agreement
from labeling.stats.units import Floats, UnitRatings

Reading = Literal["better", "worse", "open"]
# From so many items on either side a change within one intent is spoken of.
ENOUGH_ITEMS = 20


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
    """The nearest version that this one was made from and that was in force."""
    seen, never = {rubric.pk}, pending_or_withdrawn(rubric.project)
    parent = rubric.parent
    while parent is not None and parent.pk not in seen:
        if parent.published_at is not None and parent.pk not in never:
            return parent
        seen.add(parent.pk)
        parent = parent.parent
    return None


def compare_versions(before: Rubric, after: Rubric, *, intent: str = "") -> list[VersionChange]:
    """Every criterion that either version was rated by, those of `after` in their order first."""
    sides = [_sides(rubric, intent) for rubric in (before, after)]
    names = list(dict.fromkeys([*sides[1], *sides[0]]))
    return [_change(name, sides[0].get(name), sides[1].get(name)) for name in names]


@dataclass(frozen=True, slots=True)
class Share:
    """The share of equal answers in [0, 1] over `items` that two people or more rated; None without any.

    The interval is Wilson's (1927) for as many trials as items, rounded to whole successes.
    """

    items: int
    percent: float | None
    interval: Interval | None


@dataclass(frozen=True, slots=True)
class IntentChange:
    """One criterion in one intent under either version. `difference` is after less before, with Newcombe's interval
    (1998, method 10); both are None while either side has fewer than ENOUGH_ITEMS."""

    intent: str
    criterion: str
    before: Share
    after: Share
    difference: float | None
    interval: Interval | None


def compare_by_intent(before: Rubric, after: Rubric) -> list[IntentChange]:
    """Every criterion of `after` in every intent that was rated by it, by intent and then in the rubric's order."""
    sides = [_shares(rubric) for rubric in (before, after)]
    order = {criterion.name: place for place, criterion in enumerate(after.criteria.all())}
    keys = sorted(sides[1], key=lambda key: (key[0], order.get(key[1], -1)))
    return [_intent_change(key, sides[0].get(key, Share(0, None, None)), sides[1][key]) for key in keys]


def _shares(rubric: Rubric) -> dict[tuple[str, str], Share]:
    answers: dict[tuple[str, str], list[Answer]] = defaultdict(list)
    for rating in counted_ratings(rubric.project).filter(rubric=rubric):
        for name, value in answers_of(rating):
            answers[rating.item.intent, name].append(Answer(rating.item_id, rating.reviewer_id, value))
    return {key: _share(rubric, key[1], found) for key, found in answers.items()}


def _share(rubric: Rubric, name: str, answers: list[Answer]) -> Share:
    scale = scale_of(rubric, name, answers)
    return equal_share(as_units(answers, scale)[0], scale.level)


def equal_share(units: UnitRatings, level: Level) -> Share:
    """The mean over items of the share of equal pairs of answers."""
    found = agreement(units, level)
    if found.percent_agreement is None:
        return Share(0, None, None)
    items = found.pairable_items
    return Share(items, found.percent_agreement, wilson(round(found.percent_agreement * items), items))


def _intent_change(key: tuple[str, str], before: Share, after: Share) -> IntentChange:
    if before.percent is None or after.percent is None or min(before.items, after.items) < ENOUGH_ITEMS:
        return IntentChange(*key, before, after, None, None)
    interval = newcombe(
        round(after.percent * after.items), after.items, round(before.percent * before.items), before.items
    )
    return IntentChange(*key, before, after, after.percent - before.percent, interval)


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
