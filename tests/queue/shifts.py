"""What happens on a frozen clock: every moment is named, none passes by itself."""

import random
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext

from labeling.models import Assignment, ReviewItem
from labeling.services.claiming import claim_seat
from labeling.services.limits import ClaimRefused
from labeling.services.settings import change_queue_settings
from reviewapp.core.models import Membership
from tests.factories import item_of, output_body, route, submit
from tests.people import NOW, Cast


def minutes(number: float) -> timedelta:
    return timedelta(minutes=number)


def rules(cast: Cast, **changes: Any) -> None:
    change_queue_settings(project=cast.project, actor="test", **changes)


def queue(cast: Cast, number: int, *, now: datetime = NOW, **fields: Any) -> list[ReviewItem]:
    """So many open items, in the order in which they are due."""
    return [item_of(output) for output in route(cast.project, *(output_body(**fields) for _ in range(number)), now=now)]


def take(reviewer: Membership, now: datetime, *, ahead: bool = False, seed: int = 1) -> Assignment | None:
    return claim_seat(reviewer=reviewer, now=now, rng=random.Random(seed), ahead=ahead)


def work(reviewer: Membership, now: datetime, *, lasting: timedelta = timedelta(0), **fields: Any) -> Assignment:
    """One item, claimed at `now` and handed in after so long."""
    assignment = take(reviewer, now)
    assert assignment is not None, "nothing to claim"
    submit(assignment, now=now + lasting, **fields)
    return assignment


def refusal(reviewer: Membership, now: datetime, *, ahead: bool = False) -> tuple[str, datetime | None]:
    """Code and end of the refusal that a claim must meet."""
    try:
        taken = take(reviewer, now, ahead=ahead)
    except ClaimRefused as refused:
        return refused.code, refused.until
    raise AssertionError(f"not refused; got {taken}")


def lives_in(reviewer: Membership, zone: str) -> Membership:
    reviewer.person.time_zone = zone
    reviewer.person.save(update_fields=["time_zone"])
    return reviewer


def trusted(reviewer: Membership, *credentials: str, **fields: Any) -> Membership:
    for name, value in ({"credentials": list(credentials)} | fields).items():
        setattr(reviewer, name, value)
    reviewer.save()
    return reviewer


def statements(call: Any) -> int:
    with CaptureQueriesContext(connection) as seen:
        call()
    return len(seen)
