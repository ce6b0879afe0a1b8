"""Nothing tells a reviewer that an item is of a round, or that a slice is paused: no page, no JSON, no header."""

import json
import random
import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from labeling.models import Assignment, Lane, OverlapPurpose, Seat, SeatState
from labeling.services.claiming import claim_seat
from labeling.services.overlap import start_overlap_round
from labeling.services.pauses import pause_slice
from tests.browser.visiting import signed_in, text_of
from tests.overlap.sharing import in_force, take_shared
from tests.people import Cast, person

TELLING = re.compile(r"overlap|shared|round|re-?blind|pause|slice|calibrat", re.IGNORECASE)
# Of the page's own furniture, the same whatever is judged.
FURNITURE = re.compile(r"background|around|round[-_]?(?:trip|ed)|text/plain|translate", re.IGNORECASE)


@pytest.fixture
def running(cast: Cast) -> Cast:
    """A round that runs now."""
    start_overlap_round(
        project=cast.project,
        purpose=OverlapPurpose.REBLIND,
        rubric=in_force(cast),
        actor="test",
        now=timezone.now(),
        rng=random.Random(1),
    )
    return cast


def work(cast: Cast) -> Assignment:
    assignment = claim_seat(reviewer=cast.reviewers[0], now=timezone.now(), rng=random.Random(3))
    assert assignment is not None
    assert assignment.seat.lane == Lane.WORK
    return assignment


def shape(value: Any) -> Any:
    """The structure of a JSON value, its texts and numbers left out."""
    if isinstance(value, dict):
        return {name: shape(inner) for name, inner in sorted(value.items())}
    if isinstance(value, list):
        return [shape(inner) for inner in value]
    return type(value).__name__


def plain(page: str, assignment: Assignment) -> str:
    """The page without what is the task's own: words, numbers, tokens."""
    without = page.replace(assignment.token, "TOKEN")
    for text in (assignment.item.content.prompt, *assignment.item.content.body.values()):
        without = without.replace(str(text), "TEXT")
    return re.sub(r"\d+|[0-9A-Za-z]{40,}", "#", without)


def test_its_page_is_that_of_live_work(running: Cast) -> None:
    client = signed_in(running.reviewers[0])
    pages = []
    for assignment in (work(running), take_shared(running.reviewers[0], now=timezone.now())):
        answer = client.get(f"/review/{assignment.token}/")
        pages.append((plain(text_of(answer), assignment), sorted(answer.headers)))
    assert pages[0][1] == pages[1][1]
    assert TELLING.findall(FURNITURE.sub("", pages[1][0])) == TELLING.findall(FURNITURE.sub("", pages[0][0]))
    assert len(pages[0][0].splitlines()) == len(pages[1][0].splitlines())


def test_its_json_is_that_of_live_work(running: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    api = person(running.reviewers[0])
    bodies = []
    for draw in (0.99, 0.01):
        monkeypatch.setattr("labeling.services.claiming.random.SystemRandom", lambda draw=draw: Fixed(draw))
        claimed = api.post("/projects/shop/queue/claim/")
        submitted = api.post(
            f"/assignments/{claimed.json()['assignment']}/submit/",
            {"idempotency_key": f"k-{draw}", "values": {"acceptable": "yes"}},
        )
        bodies.append([claimed.json(), submitted.json()])
    lanes = Assignment.objects.order_by("-pk").values_list("seat__lane", flat=True)[:2]
    assert list(lanes) == [Lane.OVERLAP, Lane.WORK]
    assert shape(bodies[0]) == shape(bodies[1])
    assert bodies[0][0]["rubric"] == bodies[1][0]["rubric"]
    assert TELLING.search(json.dumps(bodies[1])) is None


class Fixed(random.Random):
    """Draws what it was given."""

    def __init__(self, draw: float) -> None:
        super().__init__(1)
        self.draw = draw

    def random(self) -> float:
        return self.draw


def test_it_asks_the_database_as_much_whichever_lane_was_drawn(running: Cast) -> None:
    counts = []
    for draw in (0.99, 0.01):
        with CaptureQueriesContext(connection) as made:
            claim_seat(reviewer=running.reviewers[0], now=timezone.now(), rng=Fixed(draw))
        counts.append(len(made))
    assert counts[0] == counts[1]


def test_where_all_is_paused_a_reviewer_reads_what_they_always_read(cast: Cast) -> None:
    client = signed_in(cast.reviewers[0])
    pause_slice(
        project=cast.project,
        intent="billing",
        rubric=in_force(cast),
        cause="owner",
        evidence={"reason": "unclear"},
        actor="test",
        now=timezone.now(),
    )
    paused = screens(client)
    Seat.objects.filter(state=SeatState.OPEN).update(state=SeatState.CLOSED)
    assert paused == screens(client)
    api = person(cast.reviewers[0])
    assert api.post("/projects/shop/queue/claim/").status_code == 204
    assert "unclear" not in "".join(paused)


def screens(client: Client) -> list[str]:
    """What somebody without work sees, numbers and tokens left out."""
    addresses = ("review/", "review/next/", "review/waiting/", "mine/")
    pages = [client.get(f"/projects/shop/{address}", follow=True) for address in addresses]
    return [re.sub(r"[0-9A-Za-z]{40,}|\d+", "#", text_of(page)) for page in pages]
