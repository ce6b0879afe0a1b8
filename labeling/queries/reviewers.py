"""The people as instruments: gold accuracy, pace and acceptance, per reviewer."""

from collections import defaultdict
from dataclasses import asdict, dataclass
from datetime import datetime
from statistics import median
from typing import Any

from labeling.models import ItemKind, Rating, VerdictValue
from labeling.queries.onboarding import planted_results
from labeling.stats.reviewers import Rate
from reviewapp.core.models import Membership, Project, Role

# What stands for real traffic: neither planted nor repeated, and in no round.
REAL = [ItemKind.LIVE, ItemKind.AUDIT]


@dataclass(frozen=True, slots=True)
class ReviewerRow:
    """One reviewer. Rates are {successes, trials, rate, interval}; undefined without trials."""

    rater: str
    person: str
    role: str
    paused: bool
    ratings: int
    gold_accuracy: Rate
    gold_sensitivity: Rate
    gold_specificity: Rate
    acceptance: Rate
    median_seconds: float | None
    agreement_with_others: Rate

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def reviewer_rows(project: Project, *, since: datetime | None = None) -> list[ReviewerRow]:
    """Every reviewer of the project, best gold accuracy first; people without gold last.

    Sensitivity is over planted failures, specificity over good cases; pairwise gold counts for accuracy
    only. What was answered in practice, qualification and calibration rounds counts nowhere here. Agreement with
    others is over pairs of counted ratings of one item: same outcome and preference.
    """
    gold = _gold(project, since)
    work = _work(project, since)
    agreements = _agreements(project, since)
    members = Membership.objects.filter(project=project, role=Role.REVIEWER).select_related("person")
    rows = [_row(member, gold[member.pk], work[member.pk], agreements[member.pk]) for member in members.order_by("pk")]
    return sorted(
        rows, key=lambda row: -1.0 if row.gold_accuracy.rate is None else row.gold_accuracy.rate, reverse=True
    )


def _row(
    member: Membership,
    gold: list[tuple[bool, bool | None]],
    work: list[tuple[str, float]],
    agreements: list[bool],
) -> ReviewerRow:
    failures = [correct for correct, acceptable in gold if acceptable is False]
    good = [correct for correct, acceptable in gold if acceptable is True]
    return ReviewerRow(
        rater=member.rater_code,
        person=str(member.person),
        role=member.role,
        paused=member.paused_at is not None,
        ratings=len(work),
        gold_accuracy=Rate.of(sum(correct for correct, _acceptable in gold), len(gold), 0.95),
        gold_sensitivity=Rate.of(sum(failures), len(failures), 0.95),
        gold_specificity=Rate.of(sum(good), len(good), 0.95),
        acceptance=Rate.of(sum(verdict == VerdictValue.ACCEPT for verdict, _s in work), len(work), 0.95),
        median_seconds=median(seconds for _verdict, seconds in work) if work else None,
        agreement_with_others=Rate.of(sum(agreements), len(agreements), 0.95),
    )


def _gold(project: Project, since: datetime | None) -> dict[int, list[tuple[bool, bool | None]]]:
    results = planted_results(project)
    if since:
        results = results.filter(at__gte=since)
    by_reviewer: dict[int, list[tuple[bool, bool | None]]] = defaultdict(list)
    for reviewer, correct, acceptable in results.values_list("reviewer_id", "correct", "gold_case__acceptable"):
        by_reviewer[reviewer].append((correct, acceptable))
    return by_reviewer


def _work(project: Project, since: datetime | None) -> dict[int, list[tuple[str, float]]]:
    ratings = Rating.objects.counted().filter(item__project=project, item__kind__in=REAL)
    if since:
        ratings = ratings.filter(submitted_at__gte=since)
    by_reviewer: dict[int, list[tuple[str, float]]] = defaultdict(list)
    fields = ("reviewer_id", "verdict", "client_seconds", "server_seconds")
    for reviewer, verdict, client, server in ratings.values_list(*fields):
        by_reviewer[reviewer].append((verdict, server if client is None else client))
    return by_reviewer


def _agreements(project: Project, since: datetime | None) -> dict[int, list[bool]]:
    ratings = Rating.objects.counted().filter(item__project=project, item__raters_needed__gt=1, item__kind__in=REAL)
    if since:
        ratings = ratings.filter(submitted_at__gte=since)
    by_item: dict[int, list[tuple[int, bool, str]]] = defaultdict(list)
    for item, reviewer, verdict, preferred in ratings.values_list("item_id", "reviewer_id", "verdict", "preferred"):
        by_item[item].append((reviewer, verdict == VerdictValue.ACCEPT, preferred))
    agreements: dict[int, list[bool]] = defaultdict(list)
    for answers in by_item.values():
        for reviewer, *answer in answers:
            for other, *other_answer in answers:
                if other != reviewer:
                    agreements[reviewer].append(answer == other_answer)
    return agreements
