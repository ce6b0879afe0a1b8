"""Reviewers measured by what the product can see, beside how good they truly are. Pure.

Whom the product names is decided by its own function, `labeling.stats.naming`, on what it can see: answers to planted
failures, the pace and the outcome of live reviews, and who agreed with whom. It needs no truth but that of gold. A run
through the database asks the product's own panel instead (`reviewapp.simulation.panel`).
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from labeling.stats.naming import Finding, Record, naming
from labeling.stats.reviewers import Rate
from reviewapp.simulation.reviewers import Reviewer

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
class Named:
    """One person named: for what (`rule`), by how much evidence to 1, where `needed` to 1 was enough. `events` of `n`
    are what tells: planted failures missed, ratings that accept, telling items on which the two agree."""

    reviewer: str
    rule: str
    evidence: float
    needed: float
    events: int
    n: int


@dataclass(frozen=True, slots=True)
class Naming:
    """Whom the rules name and by what evidence, and why a rule could say nothing."""

    named: tuple[Named, ...]
    reasons: dict[str, str]

    def rules(self, reviewer: str) -> tuple[str, ...]:
        """What this person is named for."""
        return tuple(entry.rule for entry in self.named if entry.reviewer == reviewer)


@dataclass(frozen=True, slots=True)
class Told:
    """What the product tells of everybody: by all ratings, and by those up to the 1,500th live one."""

    all: Naming
    early: Naming


def reviewer_figures(
    people: Sequence[Reviewer], given: Sequence[Given], told: Told | None = None
) -> tuple[list[ReviewerFigures], Told]:
    """One row per person, best on planted failures first, and whom the rules name: `told` by the product's panel, or
    else its function on these ratings."""
    told = told or Told(named(people, given), named(people, _first(given)))
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
                named=told.all.rules(person.name),
                named_early=told.early.rules(person.name),
            )
        )
    rows.sort(key=lambda row: -1.0 if row.gold_sensitivity.rate is None else row.gold_sensitivity.rate, reverse=True)
    return rows, told


def named(people: Sequence[Reviewer], given: Sequence[Given]) -> Naming:
    """Whom the product's own function names on these ratings."""
    return naming_of(naming(records(people, given)))


def naming_of(found: Sequence[Finding]) -> Naming:
    """The findings in the simulator's words; their reviewers and peers are names."""
    accused = [finding for finding in found if finding.named]
    return Naming(
        tuple(
            Named(str(f.reviewer), _rule(f), f.evidence or 0.0, f.needed or 0.0, events=f.events, n=f.n)
            for f in accused
        ),
        _reasons(found),
    )


def records(people: Sequence[Reviewer], given: Sequence[Given]) -> dict[str, Record]:
    """What there is to go by about each, as the product has it: a gold case counts once per person, as planted."""
    own: dict[str, list[tuple[int, Given]]] = defaultdict(list)
    for place, rating in enumerate(given):
        own[rating.reviewer].append((place, rating))
    return {person.name: _record(own[person.name]) for person in people}


def _record(given: Sequence[tuple[int, Given]]) -> Record:
    live = [(place, rating) for place, rating in given if rating.kind == LIVE]
    gold = {rating.output: rating for _place, rating in given if rating.kind == GOLD and rating.error}
    return Record(
        caught=sum(rating.found_wrong for rating in gold.values()),
        failures=len(gold),
        seconds=[rating.seconds for _place, rating in live],
        accepted=[not rating.found_wrong for _place, rating in live],
        answers={rating.output: (rating.found_wrong, float(place)) for place, rating in live},
    )


def _rule(finding: Finding) -> str:
    words = {"weak_on_gold": "weak", "asleep": "asleep", "copies": f"copies {finding.peer}"}
    return words[finding.kind]


def _reasons(found: Sequence[Finding]) -> dict[str, str]:
    """The questions that could be asked of nobody, and why."""
    words = {
        "no_planted_failures": "no gold cases were judged (n=0)",
        "too_few_ratings": "too few ratings for the pace to show",
        "too_few_shared_items": "no two people share enough items that a third one judged (n=0)",
    }
    asked = {finding.kind for finding in found if finding.reason is None}
    rules = {"weak_on_gold": "weak", "asleep": "asleep", "copies": "copies"}
    return {rules[f.kind]: words[f.reason] for f in found if f.reason is not None and f.kind not in asked}


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
