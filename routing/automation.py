"""Automation bias: do reviewers follow a judge where the judge is known to be wrong?

Reviewers are shown no judge's word. Whoever sides with a wrong judge much more often than others do has either the
same blind spots, or asks a model of the same kind. Here and not in labeling, which knows no judges.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, OuterRef

from labeling.models import GoldResult, Rating, ReachedBy
from labeling.queries.panel import Window
from labeling.queries.panel.rows import ACCEPTABLE, NOT_ACCEPTABLE, REAL, outcome_of
from labeling.stats.intervals import Interval, newcombe, wilson
from labeling.stats.reviewers import Rate
from reviewapp.core.models import Membership, Project, Role
from routing.models import OutputReview, Signal

# The word of so few others is no knowledge.
ENOUGH_OTHERS = 2


@dataclass(frozen=True, slots=True)
class Automation:
    """Of the `n` items on which the judges are known to be wrong, so many on which the reviewer said the same as they
    did; the same of everybody else; and the difference with Newcombe's 95 % interval. None with a `reason`."""

    followed: int
    n: int
    rate: float | None
    interval: Interval | None
    others: Rate
    difference: float | None
    difference_interval: Interval | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class _Said:
    """Somebody's outcome of something, and the known one (None where it is not known)."""

    reviewer: int
    outcome: str
    known: str | None


def automation_bias(project: Project, window: Window) -> Mapping[int, Automation]:
    """For every reviewer of the project, in six queries.

    A judge is known to be wrong by a gold case with the same words, by an adjudicated verdict, or by what most of the
    others said, two of them at least, the reviewer's own rating left out.
    """
    judges = _judges_by_item(project, window)
    said = [*_live(project, window, judges), *_gold(project, window)]
    followed: dict[int, list[bool]] = defaultdict(list)
    for entry, judge in said:
        if entry.known is not None and judge != entry.known:
            followed[entry.reviewer].append(entry.outcome == judge)
    members = Membership.objects.filter(project=project, role=Role.REVIEWER).values_list("pk", flat=True)
    return {member: _figures(member, followed) for member in members}


def _figures(member: int, followed: Mapping[int, Sequence[bool]]) -> Automation:
    own = followed.get(member, ())
    others = [hit for reviewer, hits in followed.items() if reviewer != member for hit in hits]
    of_others = Rate.of(sum(others), len(others))
    if not own:
        return Automation(0, 0, None, None, of_others, None, None, "judge_never_known_wrong")
    rate = sum(own) / len(own)
    difference = None if of_others.rate is None else rate - of_others.rate
    between = newcombe(sum(own), len(own), sum(others), len(others))
    return Automation(sum(own), len(own), rate, wilson(sum(own), len(own)), of_others, difference, between, None)


def verdict_of(signals: Iterable[Mapping[str, Any]]) -> str | None:
    """What the judges of one output said as a reviewer would: most of their runs, None where they are even."""
    votes: Counter[str] = Counter()
    for signal in signals:
        for run in signal.get("runs", []):
            if "preferred" in run:
                votes[run["preferred"]] += 1
            elif "verdict" in run:
                votes[ACCEPTABLE if run["verdict"] == "pass" else NOT_ACCEPTABLE] += 1
            elif run.get("score", 0.5) != 0.5:
                votes[ACCEPTABLE if run["score"] > 0.5 else NOT_ACCEPTABLE] += 1
    ranked = votes.most_common(2)
    if not ranked or (len(ranked) > 1 and ranked[0][1] == ranked[1][1]):
        return None
    return ranked[0][0]


def _judges_by_item(project: Project, window: Window) -> dict[int, str]:
    """The judges' verdict on every item that was rated in the window."""
    rated = Rating.objects.filter(item=OuterRef("item"), submitted_at__gte=window.since, submitted_at__lt=window.until)
    items = OutputReview.objects.filter(Exists(rated), output__project=project, item__kind__in=REAL)
    output_items = dict(items.values_list("output_id", "item_id"))
    signals: dict[int, list[Mapping[str, Any]]] = defaultdict(list)
    judged = OutputReview.objects.filter(Exists(rated), output__project=project, output=OuterRef("output"))
    found = Signal.objects.filter(Exists(judged), output__project=project, kind="judge")
    for output, data in found.values_list("output_id", "data"):
        if output in output_items:
            signals[output_items[output]].append(data)
    verdicts = {item: verdict_of(heard) for item, heard in signals.items()}
    return {item: verdict for item, verdict in verdicts.items() if verdict is not None}


def _live(project: Project, window: Window, judges: Mapping[int, str]) -> list[tuple[_Said, str]]:
    ratings = (
        Rating.objects.counted()
        .filter(item__project=project, item__kind__in=REAL, assignment__round__isnull=True)
        .filter(submitted_at__gte=window.since, submitted_at__lt=window.until)
        .values_list(
            "item_id",
            "reviewer_id",
            "verdict",
            "preferred",
            "item__verdict__reached_by",
            "item__verdict__value",
            "item__verdict__preferred",
        )
    )
    by_item: dict[int, list[tuple[int, str]]] = defaultdict(list)
    adjudicated: dict[int, str] = {}
    for item, reviewer, verdict, preferred, reached_by, final, final_preferred in ratings:
        if item in judges:
            by_item[item].append((reviewer, outcome_of(verdict, preferred)))
            if reached_by == ReachedBy.ADJUDICATION:
                adjudicated[item] = outcome_of(final, final_preferred)
    return [
        (_Said(reviewer, outcome, adjudicated.get(item) or _without(reviewer, answers)), judges[item])
        for item, answers in by_item.items()
        for reviewer, outcome in answers
    ]


def _without(reviewer: int, answers: Sequence[tuple[int, str]]) -> str | None:
    """What more than half of the others said."""
    others = Counter(outcome for name, outcome in answers if name != reviewer)
    if others.total() < ENOUGH_OTHERS:
        return None
    outcome, votes = others.most_common(1)[0]
    return outcome if 2 * votes > others.total() else None


def _gold(project: Project, window: Window) -> list[tuple[_Said, str]]:
    """Planted answers whose words are those of an output that judges spoke about."""
    answers = list(
        GoldResult.objects.filter(gold_case__project=project, rating__withdrawal__isnull=True)
        .filter(rating__assignment__round__isnull=True, at__gte=window.since, at__lt=window.until)
        .values_list(
            "reviewer_id",
            "rating__verdict",
            "rating__preferred",
            "gold_case__acceptable",
            "gold_case__preferred",
            "gold_case__item__fingerprint",
        )
    )
    planted = GoldResult.objects.filter(
        gold_case__project=project, gold_case__item__fingerprint=OuterRef("output__content__fingerprint")
    )
    found = Signal.objects.filter(Exists(planted), output__project=project, kind="judge")
    heard: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for fingerprint, data in found.values_list("output__content__fingerprint", "data"):
        heard[fingerprint].append(data)
    judges = {fingerprint: verdict_of(signals) for fingerprint, signals in heard.items()}
    return [
        (_Said(reviewer, outcome_of(verdict, preferred), known or _outcome(acceptable)), judge)
        for reviewer, verdict, preferred, acceptable, known, fingerprint in answers
        if (judge := judges.get(fingerprint)) is not None
    ]


def _outcome(acceptable: bool | None) -> str:
    return ACCEPTABLE if acceptable else NOT_ACCEPTABLE
