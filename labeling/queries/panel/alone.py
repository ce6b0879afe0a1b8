"""Figures that need nobody else: gold, repeats, pace, acceptance, sides and fatigue."""

import math
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from labeling.models import RoundKind
from labeling.queries.panel.figures import (
    ENOUGH_GOLD,
    ENOUGH_RATINGS,
    Acceptance,
    Change,
    Coefficient,
    Fatigue,
    Gold,
    GoldShare,
    Pace,
    Share,
    Side,
)
from labeling.queries.panel.rows import GoldAnswer, LiveRating, Repeat
from labeling.stats.intervals import Interval, normal_probability, normal_quantile, wilson
from labeling.stats.kappa import cohen_kappa
from labeling.stats.reviewers import acceptance_creep, fatigue_slope, side_preference, time_collapse

PAUSE = timedelta(minutes=30)
# Positions in a shift, counted from 1; the last band has no end.
BANDS = ((1, 10), (11, 20), (21, 40), (41, None))


def gold_of(answers: Sequence[GoldAnswer]) -> Gold:
    planted = [answer for answer in answers if not answer.round]
    in_rounds = {str(kind): [answer.correct for answer in answers if answer.round == kind] for kind in RoundKind.values}
    return Gold(
        accuracy=GoldShare.of([answer.correct for answer in planted], without="no_gold"),
        sensitivity=GoldShare.of(
            [answer.correct for answer in planted if answer.failure is True], without="no_planted_failures"
        ),
        specificity=GoldShare.of(
            [answer.correct for answer in planted if answer.failure is False], without="no_good_cases"
        ),
        rounds={kind: Share.of(sum(right), len(right), without="no_round") for kind, right in in_rounds.items()},
    )


def repeats_of(repeats: Sequence[Repeat]) -> Coefficient:
    """Outcomes, first and again."""
    first, again = [repeat.first[0] for repeat in repeats], [repeat.again[0] for repeat in repeats]
    return coefficient(first, again, without="no_repeats")


def repeats_on(name: str, repeats: Sequence[Repeat]) -> Coefficient:
    """One criterion, where it was answered both times."""
    both = [(repeat.first[1].get(name), repeat.again[1].get(name)) for repeat in repeats]
    answered = [(first, again) for first, again in both if first is not None and again is not None]
    return coefficient([first for first, _a in answered], [again for _f, again in answered], without="no_repeats")


def coefficient(first: Sequence[Any], second: Sequence[Any], *, without: str) -> Coefficient:
    """Share of equal answers with Wilson's interval, and unweighted kappa over the values that occur: values that
    nobody gave change neither."""
    if not first:
        return Coefficient(0, 0, None, None, None, None, without, without)
    categories = sorted({*first, *second}, key=str)
    found = cohen_kappa(first, second, categories)
    same = sum(one == other for one, other in zip(first, second, strict=True))
    return Coefficient(
        n=len(first),
        same=same,
        percent=found.percent_agreement,
        interval=wilson(same, len(first)),
        kappa=found.kappa,
        # Of no width where somebody always gives the same answer: the formula knows no doubt then, people should.
        kappa_interval=found.interval if found.se else None,
        reason=None,
        kappa_reason=found.reason,
    )


def pace_of(ratings: Sequence[LiveRating], recent_since: datetime) -> Pace:
    if not ratings:
        return Pace(0, None, None, None, _too_few(0, 0), "no_ratings")
    lower, middle, upper = np.percentile([rating.seconds for rating in ratings], [25, 50, 75]).tolist()
    return Pace(len(ratings), middle, lower, upper, _collapse(*_split(ratings, recent_since)), None)


def _collapse(before: Sequence[LiveRating], recent: Sequence[LiveRating]) -> Change:
    if min(len(before), len(recent)) < ENOUGH_RATINGS:
        return _too_few(len(recent), len(before))
    found = time_collapse([rating.seconds for rating in recent], [rating.seconds for rating in before])
    reason = None if found.ratio is not None else "no_baseline"
    return Change(
        found.median_recent, found.median_baseline, len(recent), len(before), found.ratio, found.p_one_sided, reason
    )


def acceptance_of(ratings: Sequence[LiveRating], recent_since: datetime) -> Acceptance:
    """Of ratings that accept or do not; pairs are neither."""
    single = [rating for rating in ratings if rating.accepted is not None]
    share = Share.of(sum(rating.accepted is True for rating in single), len(single), without="no_ratings")
    before, recent = _split(single, recent_since)
    if min(len(before), len(recent)) < ENOUGH_RATINGS:
        return Acceptance(share, _too_few(len(recent), len(before)))
    then, now = (sum(rating.accepted is True for rating in part) for part in (before, recent))
    found = acceptance_creep(then, len(before), now, len(recent))
    change = Change(
        now / len(recent), then / len(before), len(recent), len(before), found.difference, found.p_one_sided, None
    )
    return Acceptance(share, change)


def _split(ratings: Sequence[LiveRating], line: datetime) -> tuple[list[LiveRating], list[LiveRating]]:
    """Those before the moment, and those since."""
    return [rating for rating in ratings if rating.at < line], [rating for rating in ratings if rating.at >= line]


def recent_count(ratings: Sequence[LiveRating], recent_since: datetime) -> int:
    return len(_split(ratings, recent_since)[1])


def _too_few(recent: int, before: int) -> Change:
    return Change(None, None, recent, before, None, None, "too_few_ratings")


def side_of(ratings: Sequence[LiveRating]) -> Side:
    chosen = [rating.seen_first for rating in ratings if rating.seen_first is not None]
    found = side_preference(sum(chosen), len(chosen) - sum(chosen))
    reason = None if chosen else "no_pairs"
    return Side(sum(chosen), len(chosen), found.share_first, found.interval, found.p_two_sided, reason)


def fatigue_of(ratings: Sequence[LiveRating], repeats: Sequence[Repeat], gold: Sequence[GoldAnswer]) -> Fatigue:
    """Right or wrong on planted gold by how many items of the shift had been handed in, itself included.

    Everything that looks like work counts for the position, rounds too.
    """
    work: list[tuple[datetime, bool | None]] = [(rating.at, None) for rating in ratings]
    work += [(repeat.at, None) for repeat in repeats]
    work += [(answer.at, None if answer.round else answer.correct) for answer in gold]
    answers = [
        (place, right) for place, right in _positions(sorted(work, key=lambda entry: entry[0])) if right is not None
    ]
    positions = [(_band_name(low, high), _band(answers, low, high)) for low, high in BANDS]
    if len(answers) < ENOUGH_GOLD:
        return Fatigue(len(answers), None, None, None, positions, "too_few_gold" if answers else "no_gold")
    found = fatigue_slope([place / 10.0 for place, _right in answers], [right for _place, right in answers])
    if found.slope is None or found.slope_se is None or found.z is None:
        return Fatigue(len(answers), None, None, None, positions, found.reason)
    half = normal_quantile(0.975) * found.slope_se
    interval = Interval(found.slope - half, found.slope + half)
    return Fatigue(len(answers), found.slope, interval, 2.0 * normal_probability(-abs(found.z)), positions, None)


def _positions(work: Sequence[tuple[datetime, bool | None]]) -> Iterator[tuple[int, bool | None]]:
    place, last = 0, None
    for at, right in work:
        place = place + 1 if last is not None and at - last < PAUSE else 1
        last = at
        yield place, right


def _band(answers: Sequence[tuple[int, bool]], low: int, high: int | None) -> Share:
    inside = [right for place, right in answers if low <= place <= (high or math.inf)]
    return Share.of(sum(inside), len(inside), without="no_gold")


def _band_name(low: int, high: int | None) -> str:
    return f"{low}–{high}" if high else f"{low}+"
