"""Promise 4: what was acknowledged is stored, and what was typed is not lost."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import connections
from django.test import Client
from django.utils import timezone

from labeling.models import Assignment, AssignmentState, Rating, Seat, Verdict
from labeling.services import submitting
from tests.api.desk import Desk
from tests.factories import route
from tests.people import Cast
from tests.promises.books import faults
from tests.threads import in_threads


@pytest.mark.django_db(transaction=True)
def test_it_has_committed_before_it_acknowledges(cast: Cast) -> None:
    """Another connection, as after a crash of this process, finds the rating once the answer is there."""
    route(cast.project)
    receipt = Desk(cast.reviewers[0]).judge()["receipt"]
    [found] = in_threads(1, lambda _number: Rating.objects.filter(receipt=receipt).exists())
    assert found
    assert not connections["default"].in_atomic_block


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("step", ["_store", "_fill", "_count"])
def test_it_acknowledges_nothing_when_it_fails_half_way(step: str, cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    route(cast.project)
    robin = Desk(cast.reviewers[0])
    claimed = robin.claim()
    robin.caller.client.raise_request_exception = False

    def fail(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError("the power is gone")

    with monkeypatch.context() as patch:
        patch.setattr(submitting, step, fail)
        assert robin.submit(claimed, idempotency_key="once").status_code == 500
    assert not Rating.objects.filter(item__project=cast.project).exists()
    assert not Verdict.objects.filter(item__project=cast.project).exists()
    assert faults() == {}
    assert robin.submit(claimed, idempotency_key="once").status_code == 201
    assert faults() == {}


@pytest.fixture
def evening() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(timezone.now(), tick=False) as traveller:
        yield traveller


@pytest.mark.django_db
def test_it_keeps_every_submission_however_late_it_comes(cast: Cast, evening: time_machine.Traveller) -> None:
    """Three people time out on one item, one after the other, and all of them hand in."""
    route(cast.project)
    desks = [Desk(member) for member in cast.reviewers]
    claims = []
    for desk in desks:
        claims.append(desk.claim())
        evening.shift(timedelta(hours=1))
    for desk, claimed in zip(desks, claims, strict=True):
        assert desk.submit(claimed).status_code == 201
    ratings = Rating.objects.filter(item__project=cast.project)
    assert ratings.count() == 3
    assert ratings.filter(extra=True).count() == 2
    assert Seat.objects.get(item__project=cast.project, state="submitted").item.status == "settled"
    assert faults() == {}


@pytest.mark.django_db
def test_it_shows_a_draft_again_after_signing_out_and_in(cast: Cast, evening: time_machine.Traveller) -> None:
    route(cast.project)
    robin = Desk(cast.reviewers[0])
    claimed = robin.claim()
    robin.do(claimed, "draft", {"values": {"acceptable": "no"}, "rationale": "The date in line 3 is off"})
    page = f"/review/{claimed['assignment']}/"
    browser = Client()
    browser.force_login(cast.reviewers[0].person)
    assert "The date in line 3 is off" in browser.get(page).content.decode()
    browser.logout()
    # By then the lease has ended and the seat is free again.
    evening.shift(timedelta(days=2))
    browser = Client()
    browser.force_login(cast.reviewers[0].person)
    assert "The date in line 3 is off" in browser.get(page).content.decode()


@pytest.mark.django_db
def test_it_keeps_the_draft_of_whoever_lost_the_seat(cast: Cast, evening: time_machine.Traveller) -> None:
    route(cast.project)
    robin, sam = Desk(cast.reviewers[0]), Desk(cast.reviewers[1])
    claimed = robin.claim()
    robin.do(claimed, "draft", {"rationale": "half a thought"})
    evening.shift(timedelta(hours=1))
    sam.judge()
    assignment = Assignment.objects.get(token=claimed["assignment"])
    assert assignment.draft == {"rationale": "half a thought"}
    assert assignment.state == AssignmentState.EXPIRED
    assert robin.do(claimed, "draft", {"rationale": "a whole thought"}).status_code == 200
    assert robin.submit(claimed, rationale="a whole thought").status_code == 201
    assert Rating.objects.get(reviewer=robin.member).rationale == "a whole thought"
