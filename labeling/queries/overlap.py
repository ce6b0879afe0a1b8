"""Rounds in which everybody judges the same items: who takes part, which items are fit, and how rounds stand."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from labeling.models import (
    ActiveRubric,
    Assignment,
    GoldCase,
    ItemKind,
    ItemStatus,
    OverlapPurpose,
    OverlapRound,
    Rating,
    ReviewItem,
    Rubric,
    Seat,
    SeatState,
)
from labeling.queries.staffing import Colleague, roster
from reviewapp.core.models import Project, Role, TaskKind

# Who judged something within so many days takes part; all do where nobody has.
ACTIVE_WITHIN = timedelta(days=30)
# Items are drawn from the newest of these.
DRAWN_FROM = 500
REAL = (ItemKind.LIVE, ItemKind.AUDIT)


@dataclass(frozen=True, slots=True)
class Fit:
    """An item that a round may copy. `takers` are the people who are to judge it, as memberships."""

    item: int
    intent: str
    credential: str
    takers: tuple[int, ...]


def overlap_rounds(project: Project) -> QuerySet[OverlapRound]:
    """Newest first; each with `seats_all`, `seats_done` (handed in) and `seats_left`."""
    return (
        OverlapRound.objects.filter(project=project)
        .select_related("rubric")
        .annotate(
            seats_all=Count("items__seats"),
            seats_done=Count("items__seats", filter=Q(items__seats__state=SeatState.SUBMITTED)),
            seats_left=Count("items__seats", filter=Q(items__seats__state__in=[SeatState.OPEN, SeatState.LEASED])),
        )
        .order_by("-pk")
    )


def calibration_of(rubric: Rubric) -> OverlapRound | None:
    """The newest round by which this version was, or is being, calibrated; None for one that never was."""
    rounds = OverlapRound.objects.filter(rubric=rubric, purpose=OverlapPurpose.RUBRIC)
    return rounds.order_by("-pk").first()


def pending_or_withdrawn(project: Project) -> dict[int, str]:
    """Frozen versions that are not in force, by rubric: "calibrating", "calibrated" or "withdrawn"."""
    found: dict[int, str] = {}
    rounds = OverlapRound.objects.filter(project=project, purpose=OverlapPurpose.RUBRIC).order_by("pk")
    for rubric_id, ended_at, figures in rounds.values_list("rubric_id", "ended_at", "figures"):
        decision = figures.get("decision", {}).get("what")
        if decision == "in_force":
            found.pop(rubric_id, None)
        else:
            found[rubric_id] = decision or ("calibrated" if ended_at else "calibrating")
    return found


def active_reviewers(project: Project, now: datetime) -> list[Colleague]:
    """Reviewers who are live and not paused and who worked lately; all of those where nobody did."""
    people = [person for person in roster(project.pk, now) if person.role == Role.REVIEWER and person.working]
    lately = set(
        Rating.objects.filter(
            reviewer__in=[person.pk for person in people], submitted_at__gte=now - ACTIVE_WITHIN
        ).values_list("reviewer_id", flat=True)
    )
    return [person for person in people if person.pk in lately] or people


def fit_items(
    project: Project,
    *,
    purpose: str,
    rubric: Rubric,
    people: Sequence[Colleague],
    met_before: datetime | None,
) -> list[Fit]:
    """The newest settled items that two people or more of `people` would have judged in the end.

    Each stands for words of its own, newest first. People are given no words that they have met, but those last met
    before `met_before`. In a re-blind round no words come twice, and whoever has judged them by the same version counts
    with that rating.
    """
    rows = _newest(project, rubric)
    words = [fingerprint for _pk, _intent, fingerprint, _credential in rows]
    met = _met(people, words, met_before)
    again = purpose == OverlapPurpose.RUBRIC
    used = set() if again else _in_earlier_rounds(project, words)
    prior = {} if again else _judged_by(people, rubric, words)
    found = []
    for pk, intent, fingerprint, credential in rows:
        if fingerprint in used:
            continue
        used.add(fingerprint)
        takers = tuple(
            person.pk
            for person in people
            if person.pk not in met[fingerprint] and (not credential or credential in person.credentials)
        )
        if takers and len({*takers, *prior.get(fingerprint, ())}) >= 2:
            found.append(Fit(pk, intent, credential, takers))
    return found


def _newest(project: Project, rubric: Rubric) -> list[tuple[int, str, str, str]]:
    """Items with their intent, words and credential, of which nothing is left to do. Gold's words are left to gold."""
    kinds = [rubric.task_kind]
    own = ActiveRubric.objects.filter(project=project, task_kind=TaskKind.TRAJECTORY)
    if rubric.task_kind == TaskKind.POINTWISE and not own.exists():
        kinds.append(TaskKind.TRAJECTORY)
    gold = GoldCase.objects.filter(project=project).values("item__fingerprint")
    items = ReviewItem.objects.filter(
        project=project, kind__in=REAL, status=ItemStatus.SETTLED, content__task_kind__in=kinds
    ).exclude(fingerprint__in=gold)
    waiting = Seat.objects.filter(item=OuterRef("pk"), state__in=[SeatState.OPEN, SeatState.LEASED])
    items = items.filter(~Exists(waiting))
    rows = list(items.order_by("-pk").values_list("pk", "intent", "fingerprint")[:DRAWN_FROM])
    credentials = dict(
        Seat.objects.filter(item__in=[row[0] for row in rows], number=1).values_list("item_id", "credential")
    )
    return [(*row, credentials.get(row[0], "")) for row in rows]


def _met(people: Sequence[Colleague], words: Collection[str], met_before: datetime | None) -> dict[str, set[int]]:
    """By words: who has met them, or, with `met_before`, has since then."""
    rows = Assignment.objects.filter(reviewer__in=[person.pk for person in people], fingerprint__in=words)
    if met_before is not None:
        rows = rows.exclude(claimed_at__lt=met_before, ended_at__lt=met_before)
    found: dict[str, set[int]] = defaultdict(set)
    for fingerprint, reviewer_id in rows.values_list("fingerprint", "reviewer_id"):
        found[fingerprint].add(reviewer_id)
    return found


def _in_earlier_rounds(project: Project, words: Collection[str]) -> set[str]:
    items = ReviewItem.objects.filter(project=project, kind=ItemKind.OVERLAP, fingerprint__in=words)
    return set(items.values_list("fingerprint", flat=True))


def _judged_by(people: Sequence[Colleague], rubric: Rubric, words: Collection[str]) -> dict[str, set[int]]:
    ratings = earlier_ratings(rubric, [person.rater for person in people], words)
    found: dict[str, set[int]] = defaultdict(set)
    for fingerprint, reviewer_id in ratings.values_list("item__fingerprint", "reviewer_id"):
        found[fingerprint].add(reviewer_id)
    return found


def earlier_ratings(rubric: Rubric, raters: Collection[str], words: Collection[str]) -> QuerySet[Rating]:
    """What these people said of these words among real work, by this very version."""
    return Rating.objects.counted().filter(
        rubric=rubric,
        reviewer__project=rubric.project_id,
        reviewer__rater_code__in=raters,
        item__fingerprint__in=words,
        item__kind__in=REAL,
    )
