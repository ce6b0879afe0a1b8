"""The reviewers' pages, without a browser: claiming, handing in, whose items they are, and what it costs."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from django.utils.html import escape

from labeling.models import Assignment, Rating, Seat
from labeling.services.holding import release_seat
from reviewapp.core.models import Membership, Project
from tests.browser.cast import (
    a_member,
    a_project,
    held,
    items,
    rating_of,
    rubric_in_force,
)
from tests.browser.visiting import YES, form_of, queries, signed_in, start_work, text_of


@pytest.fixture
def project(db: None) -> Project:
    return a_project()


@pytest.fixture
def reviewer(project: Project) -> Membership:
    return a_member(project)


@pytest.fixture
def client(reviewer: Membership) -> Client:
    return signed_in(reviewer)


# Looking claims nothing ----------------------------------------------------------------------------


def test_looking_at_pages_claims_nothing(client: Client, project: Project) -> None:
    items(project, ["one", "two"])
    before = list(Seat.objects.order_by("pk").values())

    for path in ("/", "/projects/billing/review/", "/projects/billing/mine/"):
        client.get(path, follow=True)
    refused = client.get("/projects/billing/review/next/")

    assert refused.status_code == 405
    assert not Assignment.objects.exists()
    assert list(Seat.objects.order_by("pk").values()) == before


def test_it_comes_back_to_the_item_already_held(client: Client, project: Project) -> None:
    items(project, ["one", "two", "three"])

    first = start_work(client)

    assert start_work(client) == first
    assert "Continue" in text_of(client.get("/projects/billing/review/"))
    assert Assignment.objects.count() == 1


def test_it_takes_a_new_item_when_the_lease_of_the_old_one_is_over(client: Client, project: Project) -> None:
    items(project, ["one", "two"])
    start_work(client)
    past = timezone.now() - timedelta(seconds=1)
    Seat.objects.filter(state="leased").update(lease_expires_at=past)
    Assignment.objects.update(lease_expires_at=past)

    # The expired item is first in the queue again, and its assignment is resumed.
    start_work(client)

    assert Assignment.objects.get().lease_expires_at > timezone.now()


def test_it_says_so_when_nothing_is_waiting(client: Client) -> None:
    response = client.post("/projects/billing/review/next/", follow=True)

    assert response.redirect_chain == [("/projects/billing/review/?none=1", 302)]
    assert "Nothing is waiting for you" in text_of(response)


def test_it_says_so_when_the_person_is_paused(client: Client, project: Project, reviewer: Membership) -> None:
    items(project)
    Membership.objects.filter(pk=reviewer.pk).update(paused_at=timezone.now(), pause_reason="Back on <Monday>.")

    page = text_of(client.post("/projects/billing/review/next/", follow=True))

    assert "Back on &lt;Monday&gt;." in page
    assert not Assignment.objects.exists()


# Handing in ----------------------------------------------------------------------------------------


def test_a_submit_goes_straight_on_to_the_next_item_and_shows_the_receipt(
    client: Client, project: Project, reviewer: Membership
) -> None:
    items(project, ["first answer", "second answer"])
    address = start_work(client)

    response = client.post(address, form_of(text_of(client.get(address))) | YES, follow=True)

    rating = rating_of(reviewer)
    page = text_of(response)
    assert rating.verdict == "accept"
    assert rating.correction == ""
    assert "second answer" in page
    assert f'receipt <code title="{rating.receipt}">' in page
    assert f"/review/{rating.assignment.token}/undo/" in page
    assert response.redirect_chain[-1][0].startswith(f"/review/{held(reviewer).token}/")


def test_the_last_submit_of_a_queue_ends_on_the_start_page_with_its_receipt(
    client: Client, project: Project, reviewer: Membership
) -> None:
    items(project)
    address = start_work(client)

    response = client.post(address, YES | {"idempotency_key": "k"}, follow=True)

    page = text_of(response)
    assert response.redirect_chain[-1][0].startswith("/projects/billing/review/?after=")
    assert str(rating_of(reviewer).receipt) in page
    assert "Nothing is waiting for you" in page


def test_it_stops_kindly_at_the_daily_cap(project: Project, reviewer: Membership, client: Client) -> None:
    items(project, ["one", "two"])
    Membership.objects.filter(pk=reviewer.pk).update(daily_cap=1)
    address = start_work(client)

    page = text_of(client.post(address, YES | {"idempotency_key": "k"}, follow=True))

    assert "limit of 1" in page
    assert "Start reviewing" not in page


def test_a_double_submit_counts_once(client: Client, project: Project, reviewer: Membership) -> None:
    items(project, ["one", "two"])
    address = start_work(client)
    form = form_of(text_of(client.get(address))) | YES

    first, second = client.post(address, form), client.post(address, form)

    assert first.status_code == second.status_code == 302
    assert first["Location"] == second["Location"]
    assert Rating.objects.count() == 1


def test_a_refused_submit_keeps_everything_that_was_typed(client: Client, project: Project) -> None:
    items(project)
    address = start_work(client)
    typed = {
        "idempotency_key": "k",
        "value-reason": "tone",
        "rationale": 'He said "no" & <left>.',
        "correction": "The total is € 81.\n\nRegards",
        "client_seconds": "12.5",
    }

    response = client.post(address, typed)

    page = text_of(response)
    assert response.status_code == 422
    assert "Answer “Is this response acceptable as it stands?”" in page
    assert 'href="#question-1"' in page
    assert "This one needs an answer." in page
    assert re.search(r'name="value-reason" value="tone"[^>]*checked', page)
    assert escape(typed["rationale"]) in page
    assert typed["correction"] in page
    assert 'name="client_seconds" value="12.5"' in page
    assert not Rating.objects.exists()


def test_what_was_typed_survives_a_refused_submit_and_a_closed_tab(
    client: Client, project: Project, reviewer: Membership
) -> None:
    items(project)
    address = start_work(client)
    client.post(address, {"idempotency_key": "k", "rationale": "half a thought"})

    assert "half a thought" in text_of(client.get(address))


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        # Browsers send CRLF whatever the page held.
        ("Line one\r\nline two", ""),
        # A lone carriage return in the response comes back as a line end.
        ("Line one\nline two", ""),
        ("", ""),
        ("Line one\r\nline three", "Line one\nline three"),
        ("  Line one\nline two", "  Line one\nline two"),
    ],
)
def test_only_a_changed_response_is_a_correction(
    client: Client, project: Project, reviewer: Membership, typed: str, expected: str
) -> None:
    items(project, ["Line one\rline two"])
    address = start_work(client)

    client.post(address, YES | {"idempotency_key": "k", "correction": typed})

    rating = rating_of(reviewer)
    assert rating.correction == expected
    assert rating.verdict == ("correct" if expected else "accept")


def test_a_response_that_begins_with_an_empty_line_can_be_left_unchanged(
    client: Client, project: Project, reviewer: Membership
) -> None:
    items(project, ["\n\nThe total is 81 euros.\n"])
    address = start_work(client)
    form = form_of(text_of(client.get(address)))

    assert form["correction"] == "\n\nThe total is 81 euros.\n"
    client.post(address, form | YES)
    assert rating_of(reviewer).correction == ""


SCALES: list[dict[str, Any]] = [
    {
        "name": "grade",
        "type": "ordinal",
        "question": "How good?",
        "levels": [{"value": 1, "label": "Poor"}, {"value": 2, "label": "Fine"}],
        "fail_values": [1],
    },
    {"name": "score", "type": "numeric", "question": "Score?", "minimum": 0, "maximum": 10},
    {"name": "note", "type": "numeric", "question": "Extra?", "minimum": 0, "maximum": 1, "required": False},
]


def test_values_are_stored_with_the_type_of_the_rubric(client: Client, project: Project, reviewer: Membership) -> None:
    rubric_in_force(project, SCALES)
    items(project)
    address = start_work(client)

    client.post(address, {"idempotency_key": "k", "value-grade": "2", "value-score": "7", "value-note": ""})

    assert rating_of(reviewer).values == {"grade": 2, "score": 7}


@pytest.mark.parametrize("score", ["11", "-1", "nan", "1e999", "ten", "9" * 5000])
def test_a_number_off_the_scale_is_refused_by_name(client: Client, project: Project, score: str) -> None:
    rubric_in_force(project, SCALES)
    items(project)
    address = start_work(client)

    response = client.post(address, {"idempotency_key": "k", "value-grade": "2", "value-score": score})

    assert response.status_code == 422
    assert 'href="#question-2"' in text_of(response)
    assert not Rating.objects.exists()


@pytest.mark.parametrize(
    ("field", "text", "status"),
    [
        ("rationale", "x" * 20_001, 422),
        ("correction", "x" * 200_001, 422),
        # No database keeps a NUL; it is dropped, not refused.
        ("rationale", "a\x00b", 302),
        ("client_seconds", "-5", 302),
        ("client_seconds", "soon", 302),
        ("idempotency_key", "", 302),
        ("idempotency_key", "k" * 500, 302),
        # A pointwise form has no preference; somebody made this up.
        ("preferred", "a", 422),
        ("cause", "item_broken", 422),
    ],
)
def test_it_copes_with_what_no_form_would_send(
    client: Client, project: Project, field: str, text: str, status: int
) -> None:
    items(project)
    address = start_work(client)

    response = client.post(address, YES | {"idempotency_key": "k"} | {field: text})

    assert response.status_code == status
    assert Rating.objects.count() == (1 if status == 302 else 0)


def test_an_item_given_back_elsewhere_is_refused_without_losing_the_text(
    client: Client, project: Project, reviewer: Membership
) -> None:
    items(project)
    address = start_work(client)
    release_seat(assignment=held(reviewer), now=timezone.now())

    response = client.post(address, YES | {"idempotency_key": "k", "rationale": "took me an hour"})

    page = text_of(response)
    assert response.status_code == 409
    assert "took me an hour" in page
    assert "Next item" in page
    assert 'id="submit"' not in page


def test_a_finished_item_shows_its_receipt_and_not_its_task(
    client: Client, project: Project, reviewer: Membership
) -> None:
    items(project, ["the words of the response"])
    address = start_work(client)
    client.post(address, YES | {"idempotency_key": "k"})

    page = text_of(client.get(address))

    assert "You have handed this in" in page
    assert str(rating_of(reviewer).receipt) in page
    assert "the words of the response" not in page


# Whose is it? --------------------------------------------------------------------------------------


def test_the_item_of_another_does_not_exist(client: Client, project: Project) -> None:
    items(project)
    other = signed_in(a_member(project, name="olaf"))
    address = start_work(other)

    answers = [client.get(address), client.post(address, YES)]
    answers += [client.post(f"{address}{verb}/", {"reason": "mine now"}) for verb in ("release", "escalate", "undo")]

    assert [answer.status_code for answer in answers] == [404] * 5
    assert Assignment.objects.get().state == "leased"


def test_the_receipt_of_another_does_not_exist(client: Client, project: Project) -> None:
    items(project, ["one", "two"])
    other = a_member(project, name="olaf")
    address = start_work(signed_in(other))
    signed_in(other).post(address, YES | {"idempotency_key": "k"})

    token = rating_of(other).assignment.token
    for path in ("/projects/billing/review/", start_work(client)):
        page = text_of(client.get(f"{path}?after={token}"))
        assert str(rating_of(other).receipt) not in page
        assert token not in page


@pytest.mark.parametrize("role", ["owner", "auditor"])
def test_the_queue_does_not_exist_for_members_who_do_not_review(project: Project, role: str) -> None:
    client = signed_in(a_member(project, role, name="quinn"))

    assert client.get("/projects/billing/review/").status_code == 404
    assert client.get("/projects/billing/mine/").status_code == 404
    assert client.post("/projects/billing/review/next/").status_code == 404


def test_the_queue_of_another_project_does_not_exist(client: Client) -> None:
    items(a_project("support"))

    assert client.get("/projects/support/review/").status_code == 404
    assert client.get("/projects/support/mine/").status_code == 404
    assert client.post("/projects/support/review/next/").status_code == 404
    assert not Assignment.objects.exists()


# Cost ----------------------------------------------------------------------------------------------


def test_no_page_costs_more_in_a_long_queue_or_on_a_long_day(project: Project) -> None:
    def costs(name: str) -> dict[str, int]:
        client = signed_in(a_member(project, name=name))
        address = start_work(client)
        key = {"idempotency_key": "k"}
        return {
            "start": queries(lambda: client.get("/projects/billing/review/")),
            "show": queries(lambda: client.get(address)),
            "submit": queries(lambda: client.post(address, YES | key)),
            "claim": queries(lambda: client.post("/projects/billing/review/next/")),
            "mine": queries(lambda: client.get("/projects/billing/mine/")),
        }

    items(project, ["one", "two"])
    short = costs("ann")
    items(project, [f"answer {number}" for number in range(60)])
    long = costs("bob")
    assert long == short

    busy = signed_in(a_member(project, name="cas"))
    for number in range(8):
        busy.post(start_work(busy), YES | {"idempotency_key": f"k{number}"})
    assert queries(lambda: busy.get("/projects/billing/mine/")) == short["mine"]
    assert max(short["show"], short["mine"]) <= 10, short
    # It finds out whether there is work, and whether a round comes first.
    assert short["start"] <= 15, short
