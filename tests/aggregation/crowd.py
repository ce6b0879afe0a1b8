"""A project with six reviewers, and items whose raters are weighed, voted on, or taken at their first word."""

import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from labeling.models import Assignment, ReviewItem, Verdict
from labeling.services.claiming import claim_seat
from reviewapp.core.models import Membership, Role
from reviewapp.core.services.people import add_member
from routing.ledger import CHECKS, examine
from routing.models import Output
from tests.factories import REJECT, item_of, output_body, route, submit
from tests.instruments.rows import Archive
from tests.people import NOW, Cast, make_cast

CORRECT: dict[str, Any] = {**REJECT, "correction": "Only one charge was made."}
MINUTE = timedelta(minutes=1)
# Of the six: P(says unacceptable | it is) and P(says acceptable | it is).
QUALITY = ((0.95, 0.95), (0.92, 0.95), (0.6, 0.62), (0.58, 0.6), (0.55, 0.6), (0.9, 0.9))


def make_crowd() -> tuple[Cast, list[Membership]]:
    cast = make_cast()
    more = [
        add_member(project=cast.project, email=f"{name}@shop.example", role=Role.REVIEWER, actor="test")
        for name in ("lea", "max", "noa")
    ]
    return cast, [*cast.reviewers, *more]


def tier(aggregation: str, raters: int, **fields: Any) -> dict[str, Any]:
    return {"mode": "always", "raters": raters, "aggregation": aggregation, **fields}


def one_item(cast: Cast, aggregation: str, raters: int) -> tuple[Output, ReviewItem]:
    cast.put_in_force(tier=tier(aggregation, raters))
    [output] = route(cast.project, output_body())
    return output, item_of(output)


def take(reviewer: Membership, *, now: datetime = NOW) -> Assignment:
    found = claim_seat(reviewer=reviewer, now=now, rng=random.Random(1))
    assert found is not None
    return found


def hand_in(reviewers: Sequence[Membership], answers: Sequence[dict[str, Any]], *, now: datetime = NOW) -> None:
    """Each claims what there is and answers, a minute apart."""
    for number, (reviewer, answer) in enumerate(zip(reviewers, answers, strict=True)):
        at = now + number * MINUTE
        submit(take(reviewer, now=at), now=at, **answer)


def verdict_of(item: ReviewItem) -> Verdict | None:
    return ReviewItem.objects.select_related("verdict").get(pk=item.pk).verdict


def assert_ledger_is_clean() -> None:
    faults = {check.name: found.rows for check in CHECKS if (found := examine(check, None, most=5)).count}
    assert not faults, faults


def shared_past(cast: Cast, reviewers: Sequence[Membership], items: int = 60, *, gold: int = 0, seed: int = 7) -> None:
    """Items that all of them judged, half of them unacceptable, and planted cases; each errs as QUALITY has it."""
    rng = random.Random(seed)
    archive = Archive(cast.project)
    for number in range(items):
        item = archive.item(ratings_counted=len(reviewers))
        for reviewer, quality in zip(reviewers, QUALITY, strict=False):
            archive.rating(reviewer, item, _said(rng, number % 2 == 0, quality))
    for number in range(gold):
        for reviewer, quality in zip(reviewers, QUALITY, strict=False):
            bad = number % 2 == 0
            archive.gold(reviewer, failure=bad, right=(_said(rng, bad, quality) == "reject") == bad)


def _said(rng: random.Random, bad: bool, quality: tuple[float, float]) -> str:
    right = rng.random() < quality[0 if bad else 1]
    return "reject" if bad == right else "accept"
