"""A project's past in bulk: outputs whose one signal is informative, and a verdict for each that was seen.

Claiming and submitting hundreds of times is tested elsewhere and would take minutes here, so `judge_open` writes
the rows that the services would have left.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import numpy as np
from django.db.models import OuterRef, Subquery

from labeling.models import (
    Assignment,
    AssignmentState,
    ItemStatus,
    Rating,
    ReachedBy,
    ReviewItem,
    Seat,
    SeatState,
    Verdict,
    VerdictNotice,
)
from labeling.services.enqueue import new_public_id
from reviewapp.core.models import Membership, Project
from routing.models import OutputReview
from tests.factories import ACCEPT, REJECT, output_body, route
from tests.people import NOW, Cast

SHIPPING = {"mode": "below_threshold", "threshold": 0.5, "audit_rate": 0.25}


def hand_in(
    project: Project, count: int, rng: np.random.Generator, *, now: datetime = NOW, **fields: Any
) -> dict[str, bool]:
    """Route `count` outputs; whether each, by external id, is wrong: with probability (1 − score)²."""
    scores = rng.uniform(size=count).round(3)
    wrong = rng.uniform(size=count) < (1 - scores) ** 2
    bodies = [_body(f"{rng.integers(16**10):010x}", float(score), fields) for score in scores]
    route(project, *bodies, now=now)
    return {body["external_id"]: bool(bad) for body, bad in zip(bodies, wrong, strict=True)}


def _body(name: str, score: float, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Named by chance alone: names decide over audits, and prompts over folds, so they must not hang on test order."""
    own = {"prompt": f"Question {name}?", "response": f"Answer {name}."}
    signals = [{"kind": "score", "name": "grounded", "value": score}]
    return output_body(name, **{**own, "signals": signals, **fields})


def judge_open(
    project: Project, reviewer: Membership, wrong: Mapping[str, bool], *, now: datetime = NOW, most: int | None = None
) -> int:
    """Settle every open item of one rater (at most `most`) as the truth in `wrong` has it. Returns how many."""
    reviews = list(
        OutputReview.objects.filter(output__project=project, item__status=ItemStatus.OPEN, item__raters_needed=1)
        .filter(output__external_id__in=wrong)
        .select_related("item", "output")
        .order_by("pk")[:most]
    )
    items = [review.item for review in reviews]
    answers = [REJECT if wrong[review.output.external_id] else ACCEPT for review in reviews]
    seats = {seat.item_id: seat for seat in Seat.objects.filter(item__in=items, number=1)}
    assignments = [_assignment(item, seats[item.pk], reviewer, now) for item in items]
    ratings = [
        _rating(assignment, answer, now)
        for assignment, answer in zip(Assignment.objects.bulk_create(assignments), answers, strict=True)
    ]
    verdicts = Verdict.objects.bulk_create(_verdict(rating, now) for rating in Rating.objects.bulk_create(ratings))
    VerdictNotice.objects.bulk_create(
        VerdictNotice(verdict=verdict, project=project, final_at=verdict.final_at) for verdict in verdicts
    )
    Seat.objects.filter(pk__in=[seat.pk for seat in seats.values()]).update(state=SeatState.SUBMITTED, holder=reviewer)
    verdict = Verdict.objects.filter(item=OuterRef("pk")).values("pk")[:1]
    ReviewItem.objects.filter(pk__in=[item.pk for item in items]).update(
        status=ItemStatus.SETTLED, ratings_counted=1, verdict=Subquery(verdict)
    )
    return len(items)


def _assignment(item: ReviewItem, seat: Seat, reviewer: Membership, now: datetime) -> Assignment:
    return Assignment(
        rubric=item.rubric,
        seat=seat,
        item=item,
        reviewer=reviewer,
        state=AssignmentState.SUBMITTED,
        claimed_at=now,
        lease_expires_at=now,
        ended_at=now,
        fingerprint=item.fingerprint,
    )


def _rating(assignment: Assignment, answer: Mapping[str, Any], now: datetime) -> Rating:
    return Rating(
        assignment=assignment,
        item=assignment.item,
        reviewer=assignment.reviewer,
        rubric_id=assignment.item.rubric_id,
        values=answer["values"],
        verdict="reject" if answer is REJECT else "accept",
        server_seconds=20.0,
        idempotency_key="history",
        submitted_at=now,
        undo_until=now,
    )


def _verdict(rating: Rating, now: datetime) -> Verdict:
    return Verdict(
        item=rating.item,
        public_id=new_public_id(),
        value=rating.verdict,
        criteria=rating.values,
        reached_by=ReachedBy.SINGLE,
        raters=1,
        rating_ids=[rating.pk],
        basis={
            "method": "majority",
            "chosen": "majority",
            "asked": 1,
            "votes": [{"rating": rating.pk, "verdict": rating.verdict, "preferred": rating.preferred}],
            "needed": 1,
        },
        rubric_id=rating.rubric_id,
        decided_at=now,
        final_at=now,
    )


def live_through(
    cast: Cast, count: int, rng: np.random.Generator, *, now: datetime = NOW, **fields: Any
) -> dict[str, bool]:
    """Outputs that came in, and a verdict for each that went to a person."""
    wrong = hand_in(cast.project, count, rng, now=now, **fields)
    judge_open(cast.project, cast.reviewers[0], wrong, now=now)
    return wrong
