"""Planned repeats: people meet again, after a while, words that they judged before: would they say the same?

A repeat is an item of its own with one seat, which waits for that one person. It looks like live work and nothing
follows from it: no verdict, no dispute, no notice; only `RepeatResult` is written with its rating.
"""

import random
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from labeling.models import (
    ActiveRubric,
    Assignment,
    AssignmentState,
    ItemKind,
    ItemStatus,
    Lane,
    QueueSettings,
    Rating,
    ReviewItem,
    Seat,
    SeatState,
)
from labeling.queries.onboarding import live_reviewers
from labeling.services.enqueue import new_public_id
from labeling.services.limits import queue_settings
from reviewapp.core.models import Membership, Project

# Repeats that wait for one person. More would only grow stale.
AHEAD = 3
# Of a person's ratings, so many of the newest that are old enough are drawn from.
DRAWN_FROM = 500


def plan_repeats(*, now: datetime, rng: random.Random) -> int:
    """See to it that every reviewer who works has a few repeats waiting, where the project asks for any; how many
    were planned. Those that nobody can take any more are closed."""
    planned = 0
    for project in Project.objects.filter(queue_settings__repeat_rate__gt=0).order_by("pk"):
        close_stale_repeats(project=project)
        settings = queue_settings(project.pk)
        for member in live_reviewers(project).order_by("pk"):
            planned += plan_repeats_of(reviewer=member, settings=settings, now=now, rng=rng)
    return planned


@transaction.atomic
def plan_repeats_of(*, reviewer: Membership, settings: QueueSettings, now: datetime, rng: random.Random) -> int:
    """Fill up this person's waiting repeats from their own ratings, at random; how many were made."""
    # Two sweeps at once plan one after the other.
    reviewer = Membership.objects.select_for_update(of=("self",), no_key=True).get(pk=reviewer.pk)
    waiting = Seat.objects.filter(
        reserved_for=reviewer, lane=Lane.REPEAT, state__in=[SeatState.OPEN, SeatState.LEASED]
    ).count()
    if waiting >= AHEAD:
        return 0
    old_enough = _repeatable(reviewer, now - timedelta(days=settings.repeat_after_days))
    candidates = list(old_enough.order_by("-id").values_list("item_id", "item__fingerprint")[:DRAWN_FROM])
    rng.shuffle(candidates)
    # The same words may have been judged under several ids; they are repeated once.
    by_words = {fingerprint: item_id for item_id, fingerprint in candidates}
    chosen = list(by_words.values())[: AHEAD - waiting]
    _enqueue(reviewer, chosen, now)
    return len(chosen)


def _repeatable(reviewer: Membership, until: datetime) -> QuerySet[Rating]:
    """Their own ratings of settled live work by the rubric in force, of words that were never repeated to them."""
    repeated = Seat.objects.filter(reserved_for=reviewer, item__fingerprint=OuterRef("item__fingerprint"))
    in_force = ActiveRubric.objects.filter(project_id=reviewer.project_id).values("rubric")
    return Rating.objects.counted().filter(
        ~Exists(repeated),
        reviewer=reviewer,
        submitted_at__lte=until,
        rubric__in=in_force,
        item__kind__in=[ItemKind.LIVE, ItemKind.AUDIT],
        item__status=ItemStatus.SETTLED,
    )


def _enqueue(reviewer: Membership, item_ids: Sequence[int], now: datetime) -> None:
    firsts = ReviewItem.objects.in_bulk(item_ids)
    credentials = dict(Seat.objects.filter(item__in=item_ids, number=1).values_list("item_id", "credential"))
    items = ReviewItem.objects.bulk_create(
        ReviewItem(
            project_id=first.project_id,
            public_id=new_public_id(),
            kind=ItemKind.REPEAT,
            intent=first.intent,
            # The words themselves are stored once.
            content_id=first.content_id,
            fingerprint=first.fingerprint,
            length=first.length,
            rubric_id=first.rubric_id,
            raters_needed=1,
            due_at=now,
            mask_names=first.mask_names,
            created_at=now,
        )
        for first in (firsts[pk] for pk in item_ids)
    )
    Seat.objects.bulk_create(
        Seat(
            item=item,
            project_id=item.project_id,
            number=1,
            lane=Lane.REPEAT,
            due_at=now,
            credential=credentials[pk],
            reserved_for=reviewer,
        )
        for pk, item in zip(item_ids, items, strict=True)
    )


@transaction.atomic
def close_stale_repeats(*, project: Project) -> int:
    """Close open repeats that were skipped or passed up, or whose rubric has gone out of force; how many."""
    ended = (AssignmentState.RELEASED, AssignmentState.ESCALATED)
    met = Assignment.objects.filter(item=OuterRef("item_id"), state__in=ended)
    in_force = ActiveRubric.objects.filter(project=project).values("rubric")
    same_rubric = Rating.objects.filter(
        reviewer=OuterRef("reserved_for"),
        item__fingerprint=OuterRef("item__fingerprint"),
        rubric=OuterRef("item__rubric"),
    )
    stale = Q(Exists(met)) | ~Q(item__rubric__in=in_force) | ~Exists(same_rubric)
    seats = Seat.objects.filter(stale, project=project, lane=Lane.REPEAT, state=SeatState.OPEN)
    return Seat.objects.filter(pk__in=list(seats.values_list("pk", flat=True)), state=SeatState.OPEN).update(
        state=SeatState.CLOSED
    )
