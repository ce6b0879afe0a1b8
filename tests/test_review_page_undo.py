"""Taking a submission back, and giving an item back unjudged."""

import re

import pytest
from django.test import Client

from labeling.models import Assignment, Rating
from reviewapp.core.models import Membership, Project
from tests.browser.cast import (
    a_member,
    a_project,
    held,
    items,
    rating_of,
)
from tests.browser.visiting import YES, form_of, signed_in, start_work, text_of


@pytest.fixture
def project(db: None) -> Project:
    return a_project()


@pytest.fixture
def reviewer(project: Project) -> Membership:
    return a_member(project)


@pytest.fixture
def client(reviewer: Membership) -> Client:
    return signed_in(reviewer)


# Undo ----------------------------------------------------------------------------------------------


def test_undo_brings_the_item_back_with_everything_typed(
    client: Client, project: Project, reviewer: Membership
) -> None:
    items(project, ["first", "second"])
    address = start_work(client)
    client.post(address, {"idempotency_key": "k", "value-acceptable": "no", "rationale": "It is wrong."})

    response = client.post(f"{address}undo/", follow=True)

    page = text_of(response)
    assert response.redirect_chain == [(address, 302)]
    assert re.search(r'name="value-acceptable" value="no"[^>]*checked', page)
    assert "It is wrong." in page
    assert not Rating.objects.standing().exists()

    after = client.post(address, form_of(page) | YES)
    assert rating_of(reviewer).verdict == "accept"
    assert Rating.objects.count() == 2
    # The item claimed in between is still held and comes next.
    assert after["Location"].startswith(f"/review/{held(reviewer).token}/")


def test_undo_after_its_window_changes_nothing_and_says_so(client: Client, reviewer: Membership) -> None:
    quick = a_project("quick", undo_seconds=0)
    a_member(quick)
    items(quick, ["first", "second"])
    address = start_work(client, "quick")
    next_page = client.post(address, YES | {"idempotency_key": "k"})["Location"]

    response = client.post(f"{address}undo/", follow=True)

    page = text_of(response)
    assert "The time to undo has passed" in page
    assert next_page.startswith(response.redirect_chain[-1][0])
    assert Rating.objects.standing().count() == 1
    assert "Undo" not in text_of(client.get(next_page)).split("<dialog")[0]


def test_a_form_handed_in_and_undone_can_be_handed_in_again_from_the_old_page(
    client: Client, project: Project, reviewer: Membership
) -> None:
    items(project)
    address = start_work(client)
    stale = form_of(text_of(client.get(address))) | YES
    client.post(address, stale)
    client.post(f"{address}undo/")

    refused = client.post(address, stale)
    accepted = client.post(address, form_of(text_of(refused)))

    assert refused.status_code == 422
    assert "handed in and undone before" in text_of(refused)
    assert accepted.status_code == 302
    assert rating_of(reviewer).values == {"acceptable": "yes"}


# Giving back ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("verb", "state"), [("release", "released"), ("escalate", "escalated")])
def test_an_item_is_given_back_with_a_reason_and_the_next_one_comes(
    client: Client, project: Project, verb: str, state: str
) -> None:
    items(project, ["first", "second"])
    address = start_work(client)

    response = client.post(f"{address}{verb}/", {"reason": "I know the customer."}, follow=True)

    given_back = Assignment.objects.exclude(state="leased").get()
    assert (given_back.state, given_back.reason) == (state, "I know the customer.")
    assert "second" in text_of(response)


@pytest.mark.parametrize("verb", ["release", "escalate"])
@pytest.mark.parametrize("reason", ["", "   ", "x" * 1001])
def test_giving_back_without_a_usable_reason_keeps_item_and_form(
    client: Client, project: Project, reviewer: Membership, verb: str, reason: str
) -> None:
    items(project)
    address = start_work(client)

    response = client.post(f"{address}{verb}/", YES | {"reason": reason, "rationale": "so far so good"})

    assert response.status_code == 422
    assert "so far so good" in text_of(response)
    assert 'href="#reason"' in text_of(response)
    assert held(reviewer)
