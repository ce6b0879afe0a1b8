"""Planting gold: which case a claim shows in place of live work, so that nothing about it stands out."""

import math
import random
from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connection
from django.db.models import Case, Exists, F, FloatField, OuterRef, Q, QuerySet, Value, When
from django.db.models.functions import Abs, Cast, Ln

from labeling.models import Assignment, GoldCase, Lane, Seat, SeatState
from labeling.queries.seats import open_seats
from labeling.stats.matching import Shape, matching_order
from reviewapp.core.models import Membership

# The live stream is the next few pieces of work that the person would be given, one of which is the model.
STREAM = 20
# Cases that are looked at: the nearest to the model.
CANDIDATES = 64
# Cases whose last free seat a rival holds this very moment are passed over, so many at most.
ATTEMPTS = 5
SHAPE = ("intent", "length", "content__task_kind")


def gold_seat(reviewer: Membership, *, stream: Q, further: Q, rng: random.Random) -> Seat | None:
    """A seat of a case that this person has never met, locked; None where no work waits, or no case is left of a kind
    and intent that waits.

    The case is matched to a model: one of the next pieces of live work that the person may take (`stream` narrows
    those), drawn anew each time. Matching it to the very work it displaces would be known by what comes next.
    `further` narrows the cases. The reads are the same whatever the claim turns out to be for.
    """
    waiting = _shapes(
        open_seats(reviewer, Lane.WORK, stream).values_list(*(f"item__{name}" for name in SHAPE))[:STREAM]
    )
    if not waiting:
        return None
    model = waiting[rng.randrange(len(waiting))]
    # A kind of task or an intent that no live work has would be known for what it is: better nothing than that.
    alike = Q(pk__in=[])
    for task_kind, intent in sorted({(shape.task_kind, shape.intent) for shape in waiting}):
        alike |= Q(item__content__task_kind=task_kind, item__intent=intent)
    rows = list(_unmet(reviewer, model, further & alike))
    order = matching_order(model, _shapes(row[1:] for row in rows), [rng.random() for _row in rows])
    for place in order[:ATTEMPTS]:
        if (seat := locked_seat(rows[place][0], reviewer)) is not None:
            return seat
    return None


def locked_seat(item_id: int, reviewer: Membership) -> Seat | None:
    """A free seat of the case that this person's credentials fit, locked; rivals' locks are skipped."""
    seats = _free_seats(reviewer).filter(item_id=item_id).order_by("id")
    if connection.features.has_select_for_update_skip_locked:
        seats = seats.select_for_update(skip_locked=True, of=("self",))
    return seats.first()


def _shapes(rows: Iterable[Sequence[Any]]) -> list[Shape]:
    return [Shape(task_kind, intent, length) for intent, length, task_kind in rows]


def _free_seats(reviewer: Membership) -> QuerySet[Seat]:
    return Seat.objects.filter(lane=Lane.GOLD, state=SeatState.OPEN, credential__in=["", *reviewer.credentials])


def _unmet(reviewer: Membership, model: Shape, further: Q) -> QuerySet[GoldCase, tuple[Any, ...]]:
    """Items and shapes of the cases nearest to the model whose words this person has never met, under whatever id."""
    met = Assignment.objects.filter(reviewer=reviewer, fingerprint=OuterRef("item__fingerprint"))
    free = _free_seats(reviewer).filter(item=OuterRef("item_id"))
    cases = GoldCase.objects.filter(
        ~Exists(met), Exists(free), further, project_id=reviewer.project_id, practice=False, retired_at__isnull=True
    )
    length = Ln(Cast(F("item__length") + 1, FloatField()))
    return cases.order_by(
        Case(When(item__content__task_kind=model.task_kind, then=0), default=1),
        Case(When(item__intent=model.intent, then=0), default=1),
        Abs(length - Value(math.log(model.length + 1))),
        "pk",
    ).values_list("item_id", *(f"item__{name}" for name in SHAPE))[:CANDIDATES]
