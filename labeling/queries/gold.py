"""Gold as a supply: what is left of it, what people need, and whether it looks like the work that it hides in."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from labeling.models import (
    Assignment,
    Cause,
    GoldCase,
    ItemStatus,
    Lane,
    QueueSettings,
    Rating,
    ReachedBy,
    ReviewItem,
    Seat,
    SeatState,
)
from labeling.queries.onboarding import available_cases, live_reviewers
from labeling.stats.matching import length_mismatch, share_mismatch
from reviewapp.core.models import Project

PACE = timedelta(days=7)
# What the mixes are compared over; of either, so many of the newest lengths are read.
WINDOW = timedelta(days=30)
LENGTHS = 2000


@dataclass(frozen=True, slots=True)
class Need:
    """One reviewer: how many cases they can still meet, and how many the next seven days take at their pace."""

    rater: str
    available: int
    needed: int


@dataclass(frozen=True, slots=True)
class Supply:
    """One intent: cases in force and the exposures that they have left, and what was handed out lately of live work
    and of gold, with median lengths in characters (None without any)."""

    intent: str
    cases: int
    exposures: int
    live: int
    gold: int
    live_length: float | None
    gold_length: float | None


@dataclass(frozen=True, slots=True)
class Mix:
    """What people were handed lately: does gold look like live work? Distances in [0, 1], None where either is empty.

    Of `claims` outside of rounds `planted` were gold. `intents` is the total variation distance of the two mixes,
    `lengths` the largest distance of the two distribution functions. `without` are live intents without a case.
    """

    since: datetime
    claims: int
    planted: int
    intents: float | None
    lengths: float | None
    rows: Sequence[Supply]
    without: Sequence[str]

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def needs(project: Project, settings: QueueSettings, now: datetime) -> list[Need]:
    """Everybody's need of gold for the next seven days, at the pace of the last seven; at least one case each."""
    recent = Assignment.objects.filter(reviewer__project=project, claimed_at__gte=now - PACE, round__isnull=True)
    claims = dict(recent.order_by().values_list("reviewer_id").annotate(Count("pk")))
    return [
        Need(
            rater=member.rater_code,
            available=available_cases(member, practice=False),
            needed=max(1, math.ceil(claims.get(member.pk, 0) * settings.gold_rate)),
        )
        for member in live_reviewers(project).select_related("person").order_by("rater_code")
    ]


def planted_cases(project: Project) -> QuerySet[GoldCase]:
    """Cases that are or may be planted: neither retired nor for practice."""
    return GoldCase.objects.filter(project=project, practice=False, retired_at__isnull=True)


def exposures_left(project: Project) -> dict[str, int]:
    """Open seats of cases in force, by intent."""
    seats = Seat.objects.filter(project=project, lane=Lane.GOLD, state=SeatState.OPEN)
    return dict(seats.order_by().values_list("item__intent").annotate(Count("pk")))


def intents_without_gold(project: Project, now: datetime) -> list[str]:
    """Intents of the last seven days' live stream of which no case could be planted."""
    stream = ReviewItem.objects.judged_live().filter(project=project, created_at__gte=now - PACE)
    live = set(stream.order_by().values_list("intent", flat=True).distinct())
    return sorted(live - set(exposures_left(project)))


def mix(project: Project, now: datetime) -> Mix:
    """The last thirty days' live work and planted gold beside each other, by intent; the largest intents first."""
    since = now - WINDOW
    handed = Assignment.objects.filter(reviewer__project=project, claimed_at__gte=since, round__isnull=True)
    handed = handed.exclude(seat__lane=Lane.ADJUDICATION)
    totals = handed.aggregate(claims=Count("pk"), planted=Count("pk", filter=Q(seat__lane=Lane.GOLD)))
    live, gold = _handed_out(project, Lane.WORK, since), _handed_out(project, Lane.GOLD, since)
    cases = Counter(planted_cases(project).values_list("item__intent", flat=True))
    left = exposures_left(project)
    counts = {name: Counter(intent for intent, _length in rows) for name, rows in (("live", live), ("gold", gold))}
    without = intents_without_gold(project, now)
    names = {*counts["live"], *counts["gold"], *cases, *without}
    rows = [
        Supply(
            intent=intent,
            cases=cases[intent],
            exposures=left.get(intent, 0),
            live=counts["live"][intent],
            gold=counts["gold"][intent],
            live_length=_median(live, intent),
            gold_length=_median(gold, intent),
        )
        for intent in names
    ]
    rows.sort(key=lambda row: (-row.live, -row.cases, row.intent))
    return Mix(
        since=since,
        **totals,
        intents=share_mismatch(counts["live"], counts["gold"]),
        lengths=length_mismatch([length for _intent, length in live], [length for _intent, length in gold]),
        rows=rows,
        without=without,
    )


def _handed_out(project: Project, lane: str, since: datetime) -> list[tuple[str, int]]:
    """Intent and length of what was claimed from the lane outside of rounds, the newest."""
    rows = Assignment.objects.filter(
        reviewer__project=project, seat__lane=lane, claimed_at__gte=since, round__isnull=True
    )
    return list(rows.order_by("-pk").values_list("item__intent", "item__length")[:LENGTHS])


def _median(rows: Sequence[tuple[str, int]], intent: str) -> float | None:
    lengths = [length for name, length in rows if name == intent]
    return float(median(lengths)) if lengths else None


def adjudicated_not_gold(project: Project) -> QuerySet[ReviewItem]:
    """Items with a verdict by adjudication whose words are no case yet, newest first.

    Left out is what the adjudicator found broken: it has no right answer. Whether a decision is final the service says.
    """
    words = GoldCase.objects.filter(project=project, item__fingerprint=OuterRef("fingerprint"))
    broken = Rating.objects.standing().filter(item=OuterRef("pk"), adjudication=True, cause=Cause.ITEM_BROKEN)
    return (
        ReviewItem.objects.judged_live()
        .filter(
            ~Exists(words),
            ~Exists(broken),
            project=project,
            status=ItemStatus.SETTLED,
            verdict__reached_by=ReachedBy.ADJUDICATION,
        )
        .select_related("verdict", "content", "rubric")
        .order_by("-pk")
    )
