"""Which case a round serves next. The caller holds the lock on the reviewer, so that two tabs take turns."""

import random

from django.db import IntegrityError, connection
from django.db.models import QuerySet

from labeling.models import AssignmentState, ReviewItem, Round, RoundKind, Seat, SeatState
from labeling.queries.onboarding import unmet_cases
from labeling.services.planting import ATTEMPTS, locked_seat
from reviewapp.core.models import Membership


class RoundShort(Exception):
    """No case is left for the places that the round still has, and none is in the person's hands."""


def round_seat(round_: Round, reviewer: Membership, rng: random.Random) -> Seat | None:
    """The open seat to lease next, locked; None while all places are given out.

    First what the person was given and let lapse, so that nobody gets round a case by waiting. Raises RoundShort.
    """
    given = list(round_.assignments.order_by("pk").values_list("item_id", "state"))
    lapsed = [item_id for item_id, state in given if state == AssignmentState.EXPIRED]
    if lapsed:
        return _seat_of(lapsed[0])
    if len(given) >= round_.size:
        return None
    practice = round_.kind == RoundKind.PRACTICE
    seat = _practice_seat(reviewer) if practice else _gold_seat(reviewer, rng)
    if seat is None and all(state != AssignmentState.LEASED for _item, state in given):
        if unmet_cases(reviewer, practice=practice).exists():
            raise IntegrityError("rivals hold the seats this very moment")
        raise RoundShort
    return seat


def further_seat(item: ReviewItem, lane: str) -> Seat:
    """One more open seat of a case, in the caller's transaction. Locks the item."""
    item = ReviewItem.objects.select_for_update(no_key=True).get(pk=item.pk)
    item.raters_needed += 1
    item.save(update_fields=["raters_needed"])
    return Seat.objects.create(
        item=item, project_id=item.project_id, number=item.raters_needed, lane=lane, due_at=item.due_at
    )


def _practice_seat(reviewer: Membership) -> Seat | None:
    """Of the first case that the person has not met, in the order in which the owner added them."""
    case = unmet_cases(reviewer, practice=True).order_by("pk").first()
    return _seat_of(case.item_id) if case else None


def _gold_seat(reviewer: Membership, rng: random.Random) -> Seat | None:
    """Of any case that the person has not met: no two people go through a round in the same order."""
    items = list(unmet_cases(reviewer, practice=False).order_by("pk").values_list("item_id", flat=True))
    rng.shuffle(items)
    return next((seat for item in items[:ATTEMPTS] if (seat := locked_seat(item, reviewer))), None)


def _seat_of(item_id: int) -> Seat:
    """A free seat of the item, or a new one: of a round's case nobody is turned away."""
    free = _first(Seat.objects.filter(item_id=item_id, state=SeatState.OPEN).order_by("number"))
    if free is not None:
        return free
    item = ReviewItem.objects.get(pk=item_id)
    return further_seat(item, Seat.objects.filter(item=item).values_list("lane", flat=True)[0])


def _first(seats: QuerySet[Seat]) -> Seat | None:
    if connection.features.has_select_for_update_skip_locked:
        seats = seats.select_for_update(skip_locked=True, of=("self",))
    return seats.first()
