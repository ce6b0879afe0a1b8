"""Rounds of shared items, and people who work through them."""

import random
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from labeling.models import Assignment, Lane, OverlapPurpose, OverlapRound, Rubric, Seat, SeatState
from labeling.services.claiming import claim_seat
from labeling.services.overlap import settle_overlap_rounds, start_overlap_round
from labeling.services.rubrics import active_rubric
from reviewapp.core.models import Membership
from tests.factories import ACCEPT, submit
from tests.people import NOW, Cast

SIZE = 12
LATER = NOW + timedelta(days=1)
# After every undo window.
MINUTES = timedelta(minutes=5)
Answer = Callable[[Assignment], dict[str, Any]]


def in_force(cast: Cast) -> Rubric:
    return active_rubric(cast.project, "pointwise")


def start(cast: Cast, *, now: datetime = LATER, rubric: Rubric | None = None, seed: int = 1) -> OverlapRound:
    return start_overlap_round(
        project=cast.project,
        purpose=OverlapPurpose.REBLIND,
        rubric=rubric or in_force(cast),
        actor="test",
        now=now,
        rng=random.Random(seed),
    )


def take_shared(reviewer: Membership, *, now: datetime = LATER) -> Assignment:
    """Lease the next of the reviewer's shared seats as a claim that drew them would."""
    assignment = claim_seat(reviewer=reviewer, now=now, rng=Drawn())
    assert assignment is not None
    assert assignment.seat.lane == Lane.OVERLAP, assignment.seat.lane
    return assignment


class Drawn(random.Random):
    """Draws what leads to the lane of shared items where gold and repeats have no share."""

    def random(self) -> float:
        return 0.01


def accept(_assignment: Assignment) -> dict[str, Any]:
    return ACCEPT


def work_through(cast: Cast, *, now: datetime = LATER, answer: Answer = accept) -> None:
    """Everybody hands in all of their shared seats."""
    for reviewer in cast.reviewers:
        for _seat in range(Seat.objects.filter(reserved_for=reviewer, state=SeatState.OPEN).count()):
            assignment = take_shared(reviewer, now=now)
            submit(assignment, now=now, **answer(assignment))


def finish(cast: Cast, *, now: datetime = LATER, answer: Answer = accept) -> OverlapRound:
    """The round that is open, worked through and ended."""
    round_ = OverlapRound.objects.get(project=cast.project, ended_at=None)
    work_through(cast, now=now, answer=answer)
    assert settle_overlap_rounds(now=now + MINUTES) == 1
    round_.refresh_from_db()
    return round_
