"""The watch over agreement: a slice in which people give the same answer too rarely is paused.

A slice is one intent under the rubric version in force. Each sweep reads the state of rows and may be repeated,
skipped or run twice at once.
"""

import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.core.cache import cache
from django.db.models import Max

from labeling.models import ActiveRubric, PauseCause, Rating, RatingWithdrawal, Rubric, SetAside, SlicePause
from labeling.queries.agreement import (
    FLOOR_LEVELS,
    Answer,
    agreement_floor,
    answers_of,
    as_units,
    counted_ratings,
    scale_of,
)
from labeling.queries.comparing import Share, equal_share
from labeling.queries.pauses import open_pauses
from labeling.services.pauses import pause_slice
from reviewapp.core.models import Project
from reviewapp.core.services.audit import SYSTEM

logger = logging.getLogger(__name__)

# A slice is held against the floor from so many items on that two people judged, within so many days.
PAUSE_ITEMS = 20
LOOKED_BACK = timedelta(days=90)
REMEMBERED_SECONDS = 86_400
# What is as large as the floor but for rounding is not below it.
ROUNDING = 1e-9


def watch_slices(*, now: datetime) -> int:
    """One sweep over all projects; how many slices were paused. A fault in one leaves the others watched."""
    paused = 0
    for project in Project.objects.order_by("pk"):
        try:
            paused += watch_slices_of(project=project, now=now)
        except Exception:
            logger.exception("The slices of %s could not be looked at.", project)
    return paused


def watch_slices_of(*, project: Project, now: datetime) -> int:
    """Pause the project's slices that are below its floor; how many. Costs little while nobody has rated."""
    key, state = f"slices-looked-at:{project.pk}", _state(project, now)
    if cache.get(key) == state:
        return 0
    floor = agreement_floor(project)
    paused = 0
    for active in ActiveRubric.objects.filter(project=project).select_related("rubric").order_by("pk"):
        for (intent, since), answers in _slices(project, active.rubric, now).items():
            evidence = below_the_floor(active.rubric, answers, floor)
            if evidence is None:
                continue
            pause_slice(
                project=project,
                intent=intent,
                rubric=active.rubric,
                cause=PauseCause.AGREEMENT,
                evidence=evidence | {"since": since.isoformat()},
                actor=SYSTEM,
                now=now,
            )
            paused += 1
    cache.set(key, state, REMEMBERED_SECONDS)
    return paused


def _state(project: Project, now: datetime) -> str:
    """Changes whenever looking again could find something else."""
    ratings = Rating.objects.filter(item__project=project, undo_until__lte=now).order_by("-pk")
    undone = RatingWithdrawal.objects.filter(rating__item__project=project).order_by("-pk")
    aside = SetAside.objects.filter(suspicion__membership__project=project).order_by("-pk")
    parts = (
        ratings.values_list("receipt", flat=True).first(),
        undone.values_list("pk", flat=True).first(),
        aside.values_list("pk", flat=True).first(),
        aside.filter(restored_at__isnull=False).count(),
        SlicePause.objects.filter(project=project, lifted_at__isnull=False).count(),
        sorted(ActiveRubric.objects.filter(project=project).values_list("rubric_id", flat=True)),
        agreement_floor(project),
        now.date(),
    )
    return "|".join(str(part) for part in parts)


def _slices(project: Project, rubric: Rubric, now: datetime) -> dict[tuple[str, datetime], dict[str, list[Answer]]]:
    """By intent and the moment from which its ratings count: the answers to each criterion, of slices not paused.

    They count from the last lifted pause on: what was evidence once is none again. Ratings that may still be undone
    are left for later.
    """
    paused = set(open_pauses(project.pk).filter(rubric=rubric).values_list("intent", flat=True))
    lifted = dict(
        SlicePause.objects.filter(project=project, rubric=rubric, lifted_at__isnull=False)
        .order_by()
        .values_list("intent")
        .annotate(Max("lifted_at"))
    )
    oldest = now - LOOKED_BACK
    ratings = counted_ratings(project, since=oldest).filter(
        rubric=rubric, undo_until__lte=now, item__ratings_counted__gte=2
    )
    found: dict[tuple[str, datetime], dict[str, list[Answer]]] = defaultdict(lambda: defaultdict(list))
    for rating in ratings.order_by("pk"):
        intent = rating.item.intent
        since = max(oldest, lifted.get(intent, oldest))
        if intent in paused or rating.submitted_at <= since:
            continue
        for name, value in answers_of(rating):
            found[intent, since][name].append(Answer(rating.item_id, rating.reviewer_id, value))
    return found


def below_the_floor(rubric: Rubric, answers: Mapping[str, Sequence[Answer]], floor: float) -> dict[str, Any] | None:
    """The criterion furthest below `floor`, with its figures; None when none is below it on PAUSE_ITEMS items.

    The share of equal answers itself is held against the floor, not a bound of its interval: see docs/agreement.md
    for how often that errs. Numbers and long scales are left out: there people who mean the same write 70 and 75.
    """
    worst: tuple[float, str, Share, int, int] | None = None
    for name, given in answers.items():
        scale = scale_of(rubric, name, given)
        if scale.level == "interval" or len(scale.values) > FLOOR_LEVELS:
            continue
        units, _raters, people = as_units(given, scale)
        share = equal_share(units, scale.level)
        if share.percent is None or share.items < PAUSE_ITEMS or share.percent >= floor - ROUNDING:
            continue
        if worst is None or (share.percent, name) < worst[:2]:
            worst = (share.percent, name, share, len(given), len(people))
    if worst is None:
        return None
    percent, name, share, ratings, raters = worst
    return {
        "criterion": name,
        "percent": percent,
        "interval": list(share.interval) if share.interval else None,
        "items": share.items,
        "ratings": ratings,
        "raters": raters,
        "floor": floor,
    }
