"""Reviewers measured by what the product can see, beside how good they truly are. Pure.

Three published rules name somebody:
- asleep: the median review takes less than a fifth of the others' median, and Mann–Whitney agrees (p < 0.001);
- weak: the upper end of the 95 % Wilson interval of their catches among planted failures lies below 0.90;
- copies: agreement with one peer is above what others' agreement explains (p ≤ 0.05 after Holm, over all pairs).
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from labeling.stats.copying import copying
from labeling.stats.multiplicity import holm
from labeling.stats.reviewers import Rate, time_collapse
from reviewapp.simulation.reviewers import Reviewer

ASLEEP_RATIO = 0.2
ASLEEP_P = 0.001
WEAK_BELOW = 0.90
COPIES_P = 0.05
# The people of one project should be known for what they are by this many reviews.
FIRST_REVIEWS = 1_500

LIVE, GOLD, ADJUDICATION = "live", "gold", "adjudication"


@dataclass(frozen=True, slots=True)
class Given:
    """One rating as handed in, in the order of handing in, with the truth of what it was about."""

    reviewer: str
    output: str
    found_wrong: bool
    seconds: float
    error: bool
    kind: str


@dataclass(frozen=True, slots=True)
class ReviewerFigures:
    """`true_catch_rate` is the one the person was given; `caught` is of the real errors they met, knowable only here.

    `named` and `named_early` are the rules that name them, by all ratings and by the first 1,500.
    """

    name: str
    ratings: int
    gold_sensitivity: Rate
    gold_specificity: Rate
    true_catch_rate: float
    caught: Rate
    median_seconds: float | None
    named: tuple[str, ...]
    named_early: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Naming:
    """Whom the rules name, and why a rule could say nothing."""

    names: dict[str, tuple[str, ...]]
    reasons: dict[str, str]


def reviewer_figures(people: Sequence[Reviewer], given: Sequence[Given]) -> tuple[list[ReviewerFigures], Naming]:
    """One row per person, best on planted failures first, and what the rules say of all ratings."""
    naming, early = named(people, given), named(people, _first(given))
    rows = []
    for person in people:
        own = [rating for rating in given if rating.reviewer == person.name]
        gold = [rating for rating in own if rating.kind == GOLD]
        live = [rating for rating in own if rating.kind == LIVE]
        met = [rating for rating in live if rating.error]
        rows.append(
            ReviewerFigures(
                name=person.name,
                ratings=len(live),
                gold_sensitivity=_right([rating for rating in gold if rating.error]),
                gold_specificity=_right([rating for rating in gold if not rating.error]),
                true_catch_rate=0.0 if person.asleep else person.catches,
                caught=_right(met),
                median_seconds=median(rating.seconds for rating in own) if own else None,
                named=naming.names[person.name],
                named_early=early.names[person.name],
            )
        )
    rows.sort(key=lambda row: -1.0 if row.gold_sensitivity.rate is None else row.gold_sensitivity.rate, reverse=True)
    return rows, naming


def named(people: Sequence[Reviewer], given: Sequence[Given]) -> Naming:
    """What the three rules say of these ratings."""
    names: dict[str, list[str]] = {person.name: [] for person in people}
    reasons: dict[str, str] = {}
    seconds: dict[str, list[float]] = defaultdict(list)
    for rating in given:
        if rating.kind != ADJUDICATION:
            seconds[rating.reviewer].append(rating.seconds)
    for name, own in seconds.items():
        others = [value for other, values in seconds.items() if other != name for value in values]
        collapse = time_collapse(own, others)
        if (collapse.ratio or 1.0) < ASLEEP_RATIO and (collapse.p_one_sided or 0.0) < ASLEEP_P:
            names[name].append("asleep")
    for name in names:
        met = [r for r in given if r.reviewer == name and r.kind == GOLD and r.error]
        interval = _right(met).interval
        if interval is not None and interval.high < WEAK_BELOW:
            names[name].append("weak")
    if not any(rating.kind == GOLD for rating in given):
        reasons["weak"] = "no gold cases were judged (n=0)"
    reasons |= _name_copiers(given, names)
    return Naming({name: tuple(rules) for name, rules in names.items()}, reasons)


def _name_copiers(given: Sequence[Given], names: dict[str, list[str]]) -> dict[str, str]:
    """Add the rule to the names it hits; why it can say nothing, otherwise."""
    answers: dict[str, dict[str, bool]] = {name: {} for name in names}
    for rating in given:
        if rating.kind == LIVE:
            answers[rating.reviewer][rating.output] = rating.found_wrong
    pairs = {(str(pair.reviewer), str(pair.peer)): pair for pair in copying(answers)}
    if not pairs:
        return {"copies": "no two people share ten items that a third one judged (n=0)"}
    adjusted = holm({key: pair.p_one_sided for key, pair in pairs.items()})
    for (reviewer, peer), p_value in adjusted.items():
        if p_value <= COPIES_P:
            # The test cannot tell who copied whom.
            names[reviewer].append(f"copies or is copied by {peer}")
    return {}


def _right(ratings: Sequence[Given]) -> Rate:
    return Rate.of(sum(rating.found_wrong == rating.error for rating in ratings), len(ratings))


def _first(given: Sequence[Given]) -> list[Given]:
    """The ratings up to the 1,500th live one."""
    count, first = 0, []
    for rating in given:
        count += rating.kind == LIVE
        if count > FIRST_REVIEWS:
            break
        first.append(rating)
    return first
