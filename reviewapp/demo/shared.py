"""The demo's shared round, judged by the colleagues, and a slice that was paused for a day."""

import random
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from labeling.models import Assignment, Lane, OverlapPurpose, PauseCause, Seat, SeatState
from labeling.services.claiming import claim_seat, drawn_lane
from labeling.services.limits import queue_settings
from labeling.services.overlap import settle_overlap_rounds, start_overlap_round
from labeling.services.pauses import lift_pause, pause_slice
from labeling.services.rubrics import active_rubric
from labeling.services.submitting import Submission, submit_rating
from reviewapp.core.models import Membership, Project

SEED = 418
Answer = Callable[[Assignment, random.Random], Submission]


def share_a_round(
    project: Project, colleagues: Sequence[Membership], *, actor: str, now: datetime, answer: Answer
) -> None:
    """A re-blind round that began at `now` and was worked through within the hour."""
    rng, settings = random.Random(SEED), queue_settings(project.pk)
    start_overlap_round(
        project=project,
        purpose=OverlapPurpose.REBLIND,
        rubric=active_rubric(project, "pointwise"),
        actor=actor,
        now=now,
        rng=rng,
    )
    # What a claim draws that serves a shared item; elsewhere it would take of the work that waits today.
    drawing = [seed for seed in range(100) if drawn_lane(random.Random(seed).random(), settings) == Lane.OVERLAP]
    for reviewer in colleagues:
        for seat in range(Seat.objects.filter(reserved_for=reviewer, lane=Lane.OVERLAP, state=SeatState.OPEN).count()):
            now += timedelta(seconds=20)
            drawn = random.Random(drawing[seat % len(drawing)])
            assignment = claim_seat(reviewer=reviewer, now=now, rng=drawn)
            if assignment is None or assignment.seat.lane != Lane.OVERLAP:
                return
            submit_rating(assignment=assignment, submission=answer(assignment, rng), now=now)
    settle_overlap_rounds(now=now + timedelta(hours=1))


def pause_and_lift(project: Project, *, intent: str, actor: str, now: datetime) -> None:
    """The owner stopped one intent for a day."""
    pause = pause_slice(
        project=project,
        intent=intent,
        rubric=active_rubric(project, "pointwise"),
        cause=PauseCause.OWNER,
        evidence={"reason": "The handbook is being rewritten; please wait for it."},
        actor=actor,
        now=now,
    )
    lift_pause(pause=pause, actor=actor, reason="The new handbook is out.", now=now + timedelta(days=1))
