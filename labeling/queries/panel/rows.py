"""Everything that the panel is computed from, in a fixed number of queries."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F

from labeling.models import Criterion, CriterionType, GoldResult, ItemKind, Rating, RepeatResult, VerdictValue
from labeling.queries.pauses import about_the_person
from reviewapp.core.models import Membership, Project, Role

WINDOW = timedelta(days=90)
RECENT = timedelta(days=28)
# What stands for real traffic: neither planted nor repeated.
REAL = (ItemKind.LIVE, ItemKind.AUDIT)
ACCEPTABLE, NOT_ACCEPTABLE = "acceptable", "not acceptable"


@dataclass(frozen=True, slots=True)
class Window:
    """`since` ≤ moment < `until`."""

    since: datetime
    until: datetime

    @classmethod
    def of(cls, now: datetime, since: datetime | None = None, until: datetime | None = None) -> "Window":
        """The last 90 days before `until`, or before now, unless told otherwise."""
        end = until or now
        try:
            return cls(since or end - WINDOW, end)
        except OverflowError:
            return cls(end, end)

    @property
    def recent_since(self) -> datetime:
        """When the last 28 days of the window began."""
        return max(self.since, self.until - min(RECENT, self.until - self.since))


@dataclass(frozen=True, slots=True)
class LiveRating:
    """A counted rating of real traffic. `outcome` is the preference of a pair, else acceptable or not; `seen_first`
    tells whether the side shown first was preferred, None for a tie and for what is no pair."""

    pk: int
    reviewer: int
    item: int
    rubric: int
    outcome: str
    values: Mapping[str, Any]
    seconds: float
    at: datetime
    seen_first: bool | None

    @property
    def accepted(self) -> bool | None:
        """None for a pair, which is neither accepted nor rejected."""
        return {ACCEPTABLE: True, NOT_ACCEPTABLE: False}.get(self.outcome)


@dataclass(frozen=True, slots=True)
class GoldAnswer:
    """An answer to a case with a known one. `failure` is None for a pair; `round` is "" for what was planted."""

    reviewer: int
    correct: bool
    failure: bool | None
    at: datetime
    round: str


@dataclass(frozen=True, slots=True)
class Repeat:
    """The same person on the same words twice: outcome and values, first and again."""

    reviewer: int
    rubric: int
    first: tuple[str, Mapping[str, Any]]
    again: tuple[str, Mapping[str, Any]]
    at: datetime


@dataclass(frozen=True, slots=True)
class Scale:
    """A criterion's values in scale order; none for a numeric one. Of its answers the `failing` ones rule out
    accepting, and of a numeric one those below `fail_below`."""

    name: str
    values: tuple[Any, ...]
    ordinal: bool
    failing: tuple[Any, ...] = ()
    fail_below: float | None = None

    def fails(self, value: Any) -> bool | None:
        """Whether this answer fails the output; None where none can."""
        if self.fail_below is not None:
            return bool(value < self.fail_below)
        return value in self.failing if self.failing else None


@dataclass(frozen=True)
class Rows:
    """The rows of one project and window. Ratings, answers and repeats are in the order of handing in."""

    project: Project
    window: Window
    members: Sequence[Membership]
    ratings: Sequence[LiveRating]
    gold: Sequence[GoldAnswer]
    repeats: Sequence[Repeat]
    scales: Mapping[tuple[int, str], Scale]


def rows_of(project: Project, window: Window) -> Rows:
    """Five queries, however many people and ratings there are."""
    members = Membership.objects.filter(project=project, role=Role.REVIEWER).select_related("person", "project")
    return Rows(
        project=project,
        window=window,
        members=list(members.order_by("pk")),
        ratings=_ratings(project, window),
        gold=_gold(project, window),
        repeats=_repeats(project, window),
        scales=_scales(project),
    )


def outcome_of(verdict: str, preferred: str) -> str:
    """The preference of a pair; else whether the output would do as it is."""
    return preferred or (ACCEPTABLE if verdict == VerdictValue.ACCEPT else NOT_ACCEPTABLE)


def _ratings(project: Project, window: Window) -> list[LiveRating]:
    found = (
        Rating.objects.counted()
        .filter(item__project=project, item__kind__in=REAL, assignment__round__isnull=True)
        .filter(submitted_at__gte=window.since, submitted_at__lt=window.until)
        .order_by("submitted_at", "pk")
        .values_list(
            "pk",
            "reviewer_id",
            "item_id",
            "rubric_id",
            "verdict",
            "preferred",
            "values",
            "client_seconds",
            "server_seconds",
            "submitted_at",
            "assignment__swapped",
        )
    )
    return [
        LiveRating(
            pk=pk,
            reviewer=reviewer,
            item=item,
            rubric=rubric,
            outcome=outcome_of(verdict, preferred),
            values=values,
            seconds=server if client is None else client,
            at=at,
            seen_first=(preferred == "a") != swapped if preferred in ("a", "b") else None,
        )
        for pk, reviewer, item, rubric, verdict, preferred, values, client, server, at, swapped in found
    ]


def _gold(project: Project, window: Window) -> list[GoldAnswer]:
    found = (
        GoldResult.objects.filter(gold_case__project=project, rating__withdrawal__isnull=True, rating__extra=False)
        .filter(about_the_person(project.pk), at__gte=window.since, at__lt=window.until)
        .order_by("at", "pk")
        .values_list("reviewer_id", "correct", "gold_case__acceptable", "at", "rating__assignment__round__kind")
    )
    return [
        GoldAnswer(reviewer, correct, None if acceptable is None else not acceptable, at, kind or "")
        for reviewer, correct, acceptable, at, kind in found
    ]


def _repeats(project: Project, window: Window) -> list[Repeat]:
    found = (
        RepeatResult.objects.filter(reviewer__project=project, rating__withdrawal__isnull=True)
        .filter(first__withdrawal__isnull=True, rating__extra=False, at__gte=window.since, at__lt=window.until)
        .order_by("at", "pk")
        .values_list(
            "reviewer_id",
            F("rating__rubric_id"),
            "first__verdict",
            "first__preferred",
            "first__values",
            "rating__verdict",
            "rating__preferred",
            "rating__values",
            "at",
        )
    )
    return [
        Repeat(
            reviewer=reviewer,
            rubric=rubric,
            first=(outcome_of(first_verdict, first_preferred), first_values),
            again=(outcome_of(verdict, preferred), values),
            at=at,
        )
        for reviewer, rubric, first_verdict, first_preferred, first_values, verdict, preferred, values, at in found
    ]


def _scales(project: Project) -> dict[tuple[int, str], Scale]:
    found = Criterion.objects.filter(rubric__project=project).values_list(
        "rubric_id", "name", "type", "levels", "fail_values", "fail_below"
    )
    return {
        (rubric, name): Scale(
            name,
            () if kind == CriterionType.NUMERIC else tuple(level["value"] for level in levels),
            kind == CriterionType.ORDINAL,
            tuple(failing),
            below if kind == CriterionType.NUMERIC else None,
        )
        for rubric, name, kind, levels, failing, below in found
    }


def week_of(at: datetime) -> str:
    """The week of ISO 8601 that a moment lies in, "2026-w47"."""
    year, week, _day = at.isocalendar()
    return f"{year}-w{week:02d}"


def by_reviewer(rows: Sequence[Any]) -> dict[int, list[Any]]:
    """Rows that have a reviewer, grouped; nobody is missing."""
    groups: dict[int, list[Any]] = defaultdict(list)
    for row in rows:
        groups[row.reviewer].append(row)
    return groups
