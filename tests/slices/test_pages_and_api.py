"""Paused slices as the owner sees and ends them, in the console and over the API."""

import pytest
from django.core.cache import cache

from labeling.models import SlicePause
from labeling.services.rubrics import active_rubric
from labeling.services.slices import watch_slices
from reviewapp.core.models import AuditEntry
from tests.browser.visiting import queries, signed_in, text_of
from tests.factories import make_noise, output_body, route
from tests.people import Cast, person
from tests.slices.judging import AFTER, judged_by_two

PAGE = "/projects/shop/slices/"
PATH = "/projects/shop/slices/"


@pytest.fixture(autouse=True)
def _empty_cache() -> None:
    cache.clear()


@pytest.fixture
def paused(cast: Cast) -> SlicePause:
    make_noise()
    judged_by_two(cast, items=20, same=12)
    watch_slices(now=AFTER)
    return SlicePause.objects.get()


def test_the_page_says_what_was_measured_and_where_to_look(cast: Cast, paused: SlicePause) -> None:
    client = signed_in(cast.owner)
    page = text_of(client.get(PAGE))
    assert "the same answer to “acceptable” on 60% of pairs" in page
    assert "the floor is 75%" in page
    assert '<b class="count">1</b>' in page
    assert "is not handed to reviewers" in text_of(client.get("/projects/shop/console/"))
    query = "?intent=billing&amp;rubric=acceptability+v1"
    assert f"/projects/shop/disputes/{query}" in page
    found = text_of(client.get(f"/projects/shop/disputes/{query.replace('&amp;', '&')}"))
    assert "Disputes of billing by acceptability v1 alone." in found
    assert "8 in all" in found
    none = text_of(client.get("/projects/shop/disputes/?intent=other&rubric=acceptability+v1"))
    assert "No dispute yet" in none


def test_one_click_drafts_a_new_version(cast: Cast, paused: SlicePause) -> None:
    answer = signed_in(cast.owner).post("/projects/shop/rubrics/acceptability/1/next/")
    assert answer["Location"] == "/projects/shop/rubrics/acceptability/2/edit/"


def test_the_owner_lifts_it_with_a_reason(cast: Cast, paused: SlicePause) -> None:
    client = signed_in(cast.owner)
    lift = f"{PAGE}{paused.pk}/lift/"
    assert client.post(lift, {"reason": " "}).status_code == 400
    assert client.post(lift, {"reason": "Anchors were explained."}).status_code == 302
    page = text_of(client.get(PAGE))
    assert "No slice is paused." in page
    assert "Anchors were explained." in page
    assert AuditEntry.objects.get(verb="slice.resumed").actor == f"person:{cast.owner.person_id}"
    client.post(lift, {"reason": "Again."})
    assert "has been lifted already" in text_of(client.get(PAGE))


def test_the_owner_pauses_by_hand(cast: Cast) -> None:
    route(cast.project, output_body(intent="returns"))
    client = signed_in(cast.owner)
    rubric = active_rubric(cast.project, "pointwise")
    typed = {"intent": "nonsense", "rubric": str(rubric.pk), "reason": "The handbook changed."}
    assert "Nothing of this intent" in text_of(client.post(f"{PAGE}pause/", typed))
    client.post(f"{PAGE}pause/", typed | {"intent": "returns"})
    assert SlicePause.objects.get().intent == "returns"
    assert "The handbook changed." in text_of(client.get(PAGE))
    assert client.get(f"{PAGE}pause/").status_code == 302


def test_auditors_read_and_change_nothing(cast: Cast, paused: SlicePause) -> None:
    client = signed_in(cast.auditor)
    assert "Lift the pause" not in text_of(client.get(PAGE)).replace("then lift the pause", "")
    assert client.post(f"{PAGE}{paused.pk}/lift/", {"reason": "x"}).status_code == 404


def test_programs_read_pause_and_lift(cast: Cast, paused: SlicePause) -> None:
    api = cast.program
    [row] = api.get(PATH).json()["results"]
    assert (row["intent"], row["state"], row["cause"]) == ("billing", "open", "agreement")
    assert row["evidence"]["percent"] == 0.6
    lifted = api.post(f"{PATH}pauses/{row['id']}/lift/", {"reason": "Read."})
    assert (lifted.status_code, lifted.json()["state"]) == (200, "lifted")
    again = api.post(f"{PATH}pauses/{row['id']}/lift/", {"reason": "Read."})
    assert (again.status_code, again.json()["code"]) == (409, "pause_refused")
    body = {"intent": "billing", "rubric": "acceptability v1", "reason": "By hand."}
    assert api.post(f"{PATH}pauses/", body).status_code == 201
    unknown = api.post(f"{PATH}pauses/", body | {"rubric": "acceptability v9"})
    assert (unknown.status_code, unknown.json()["errors"][0]["pointer"]) == (400, "/rubric")
    assert api.post(f"{PATH}pauses/0/lift/", {"reason": "x"}).status_code == 404
    assert cast.key_with("read").post(f"{PATH}pauses/", body).status_code == 403
    assert person(cast.reviewers[0]).get(PATH).status_code == 404


def test_the_page_costs_the_same_with_more_rows(cast: Cast, paused: SlicePause) -> None:
    client = signed_in(cast.owner)
    assert client.get(PAGE).status_code == 200
    before = queries(lambda: client.get(PAGE))
    for number in range(5):
        SlicePause.objects.create(
            project=cast.project, intent=f"i{number}", rubric=paused.rubric, cause="owner", paused_by="x"
        )
    after = queries(lambda: client.get(PAGE))
    assert after == before
