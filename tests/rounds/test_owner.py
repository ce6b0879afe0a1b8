"""The owner's page of onboarding: where everybody stands, the switch, and the buttons beside people."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import time_machine

from labeling.models import Assignment, GoldCase, Stage
from reviewapp.core.models import AuditEntry
from tests.browser.visiting import signed_in, text_of
from tests.people import NOW, Cast, make_cast
from tests.rounds.school import (
    fresh,
    newcomer,
    open_school,
    plant_practice,
    rounds_of,
    standing,
    to_qualification,
    work_through,
)

REVIEW = "/projects/shop/review/"
PAGE = "/projects/shop/onboarding/"


@pytest.fixture
def clock(db: None) -> Iterator[Any]:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


def test_the_owner_sees_where_everybody_stands(clock: Any, cast: Cast) -> None:
    nia, noa = newcomer(cast), newcomer(cast, "noa")
    now = work_through(nia, 10, now=to_qualification(nia), wrong=4)
    clock.move_to(now)
    work_through(noa, 2, now=to_qualification(noa, now))
    signed_in(nia).get(REVIEW)
    page = re.sub(r"\s+", " ", text_of(signed_in(cast.owner).get(PAGE)))
    assert "5 practice cases" in page
    assert "gold cases to give" in page
    round_ = rounds_of(nia)[-1]
    assert f'?round={round_.pk}">6 of 10 right</a>' in page
    assert "not passed" in page
    assert "2 of 10 done" in page
    rows = text_of(signed_in(cast.owner).get(f"/projects/shop/gold-cases/answers/?round={round_.pk}"))
    assert rows.count('class="when"') == 10
    auditor = text_of(signed_in(cast.auditor).get(PAGE))
    assert "Start a round" not in auditor
    assert 'action="/projects/shop/onboarding' not in auditor


def test_the_owner_changes_the_settings(clock: Any, cast: Cast) -> None:
    client = signed_in(cast.owner)
    body = {"onboarding": "on", "practice_size": "3", "qualification_size": "12", "mark": "75"}
    assert client.post(f"{PAGE}settings/", body)["Location"] == PAGE
    stored = cast.project.queue_settings
    stored.refresh_from_db()
    assert (stored.onboarding, stored.practice_size, stored.qualification_size, stored.qualification_mark) == (
        True,
        3,
        12,
        0.75,
    )
    refused = client.post(f"{PAGE}settings/", body | {"mark": "101"})
    assert refused.status_code == 400
    assert client.get(f"{PAGE}settings/")["Location"] == PAGE


def test_the_owner_gives_a_round_and_lets_go_live(clock: Any, cast: Cast) -> None:
    client, robin = signed_in(cast.owner), cast.reviewers[0]
    client.post(f"{PAGE}people/{robin.pk}/round/")
    assert standing(robin) == (Stage.CALIBRATION, True)
    refused = client.post(f"{PAGE}people/{robin.pk}/round/", follow=True)
    assert "open round already" in text_of(refused)
    live = f"{PAGE}people/{robin.pk}/live/"
    assert client.post(live, {"reason": ""}).status_code == 400
    assert client.post(live, {"reason": "We spoke."})["Location"] == PAGE
    assert standing(robin) == (Stage.LIVE, False)
    assert AuditEntry.objects.get(verb="reviewer.let_live").data["reason"] == "We spoke."


def test_the_owner_pauses_with_a_way_back(clock: Any, cast: Cast) -> None:
    client, robin = signed_in(cast.owner), cast.reviewers[0]
    address = f"/projects/shop/settings/people/{robin.pk}/pause/"
    assert 'name="calibration"' in text_of(client.get(address))
    assert 'name="calibration"' not in text_of(
        client.get(f"/projects/shop/settings/people/{cast.adjudicator.pk}/pause/")
    )
    client.post(address, {"reason": "Too fast.", "calibration": "on"})
    assert standing(robin) == (Stage.CALIBRATION, True)
    client.post(f"/projects/shop/settings/people/{robin.pk}/resume/")
    assert standing(robin) == (Stage.LIVE, False)
    assert rounds_of(robin)[0].ended_at
    client.post(address, {"reason": "On leave."})
    assert standing(robin) == (Stage.LIVE, True)


def test_practice_cases_are_added_and_shown_as_such(clock: Any, cast: Cast) -> None:
    client = signed_in(cast.owner)
    body = {
        "reference": "told",
        "intent": "billing",
        "task_kind": "pointwise",
        "prompt": "May I?",
        "response": "You may.",
        "answer": "yes",
        "origin": "human_reference",
        "explanation": "Why not.",
        "exposures": "30",
        "practice": "on",
    }
    assert client.post("/projects/shop/gold-cases/new/", body).status_code == 302
    case = GoldCase.objects.get(reference="told")
    assert (case.practice, case.item.kind, case.item.raters_needed) == (True, "calibration", 1)
    assert text_of(client.get("/projects/shop/gold-cases/")).count(">practice</span>") == 6
    assert ">practice</span>" in text_of(client.get(f"/projects/shop/gold-cases/{case.pk}/"))
    same = client.post("/projects/shop/gold-cases/new/", body | {"reference": "hidden", "practice": ""})
    assert same.status_code == 400
    assert "same words" in text_of(same)


def test_a_foreign_project_finds_nothing(clock: Any, cast: Cast) -> None:
    other = open_school(make_cast("elsewhere"))
    client = signed_in(cast.owner)
    foreign = other.reviewers[0].pk
    for path in (f"people/{foreign}/round/", f"people/{foreign}/live/"):
        assert client.post(f"{PAGE}{path}", {"reason": "x"}).status_code == 404
        assert client.post(f"/projects/elsewhere/onboarding/{path}", {"reason": "x"}).status_code == 404
    assert not rounds_of(other.reviewers[0])
    plant_practice(other, "theirs")
    nia = newcomer(cast)
    to_qualification(nia)
    assert set(Assignment.objects.filter(reviewer=fresh(nia)).values_list("item__project__slug", flat=True)) == {"shop"}
    rounds = rounds_of(nia)
    theirs = signed_in(other.owner).get(f"/projects/elsewhere/gold-cases/answers/?round={rounds[0].pk}")
    assert 'class="when"' not in text_of(theirs)
