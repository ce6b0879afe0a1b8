"""The whole way over the API; and what a blind round lets nobody see."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client

from labeling.models import Assignment, Lane, Stage
from labeling.services.onboarding import pause_reviewer
from labeling.services.rounds import confirm_instructions
from reviewapp.core.models import Membership
from reviewapp.core.services.audit import SYSTEM
from tests.api.desk import Desk
from tests.api.problems import problem
from tests.browser.visiting import text_of
from tests.factories import ACCEPT, REJECT, output_body, plant_gold, route
from tests.people import NOW, Cast, make_cast, person
from tests.rounds.school import (
    answer_to,
    fresh,
    lanes_of,
    newcomer,
    open_school,
    rounds_of,
    standing,
    to_qualification,
    work_through,
)


@pytest.fixture
def clock(db: None) -> Iterator[Any]:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


def judge(desk: Desk, *, right: bool = True, **fields: Any) -> tuple[dict[str, Any], Any]:
    """Claim and submit: the claim's body, and the answer to the submission."""
    claimed = desk.claim()
    own = Assignment.objects.get(token=claimed["assignment"])
    return claimed, desk.submit(claimed, **answer_to(own, right=right) | fields)


def test_the_whole_way(clock: Any, cast: Cast) -> None:
    nia = newcomer(cast)
    desk = Desk(nia)
    body = problem(desk.ask(), 403)
    assert body["code"] == "needs_calibration"
    confirm_instructions(reviewer=nia, now=NOW)
    for number in range(5):
        _claimed, answer = judge(desk, right=number != 1)
        body = answer.json()
        assert body.keys() == {"receipt", "undo_until", "feedback"}
        assert body["feedback"] == {
            "right": number != 1,
            "known_answer": "acceptable" if number % 2 == 0 else "not acceptable",
            "explanation": f"The handbook says so: practice-{number}.",
        }
    # Nothing until the last answer can no longer be undone.
    assert desk.ask().status_code == 204
    clock.shift(timedelta(seconds=9))
    for number in range(10):
        claimed, answer = judge(desk, right=number > 1)
        assert claimed.keys() == {"assignment", "lease_expires_at", "task", "rubric", "today"}
        assert answer.json().keys() == {"receipt", "undo_until"}
    assert desk.ask().status_code == 204
    assert desk.do(claimed, "undo").status_code == 200
    again = Assignment.objects.get(token=claimed["assignment"])
    assert desk.submit(claimed, **answer_to(again)).status_code == 201
    clock.shift(timedelta(seconds=9))
    judge(desk)
    assert lanes_of(nia) == [Lane.PRACTICE] * 5 + [Lane.GOLD] * 10 + [Lane.WORK]
    assert standing(nia) == (Stage.LIVE, False)


def test_whoever_fails_is_paused(clock: Any, cast: Cast) -> None:
    nia = newcomer(cast)
    clock.move_to(work_through(nia, 10, now=to_qualification(nia), wrong=5))
    body = problem(Desk(fresh(nia)).ask(), 403)
    assert body["code"] == "paused"
    assert "5" not in body["detail"]


def test_a_paused_person_works_through_their_calibration(clock: Any, cast: Cast) -> None:
    robin = cast.reviewers[0]
    pause_reviewer(membership=robin, actor=SYSTEM, reason="x", now=NOW)
    desk = Desk(robin)
    for _number in range(10):
        judge(desk)
    clock.shift(timedelta(seconds=9))
    judge(desk)
    assert lanes_of(robin)[-1] == Lane.WORK


def test_feedback_comes_again_with_the_same_key(clock: Any, cast: Cast) -> None:
    nia = newcomer(cast)
    confirm_instructions(reviewer=nia, now=NOW)
    desk = Desk(nia)
    claimed = desk.claim()
    first = desk.submit(claimed, idempotency_key="k")
    second = desk.submit(claimed, idempotency_key="k")
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json() == second.json()


# Blind ----------------------------------------------------------------------------------------------------


def shape(value: Any) -> Any:
    """A body with its texts, numbers and times replaced by their kinds, in the order they came in."""
    if isinstance(value, dict):
        return [(name, shape(inner)) for name, inner in value.items()]
    if isinstance(value, list):
        return [shape(inner) for inner in value]
    return type(value).__name__


def told(response: Any) -> tuple[Any, ...]:
    headers = sorted(name for name in response.headers)
    body = response.json() if response.content else None
    return response.status_code, headers, shape(body), len(response.content)


def alike(cast: Cast) -> None:
    """Live work and gold that nothing but their words tells apart, and those have one length."""
    words = {"intent": "billing", "prompt": "Is this right?", "context": [{"id": "7", "text": "It is so."}]}
    for number in range(10, 30):
        route(cast.project, output_body(response=f"Answer {number} of live work."[:20], stakes="high", **words))
        plant_gold(cast.project, body={"response": f"Answer {number} of plants."[:20]}, **words)


def acts(member: Membership, browser: Client, answer: dict[str, Any]) -> list[Any]:
    """Everything a person does with one item, and all that comes back."""
    caller, said = person(member), []
    claimed = caller.post("/projects/shop/queue/claim/")
    said.append(told(claimed))
    token = claimed.json()["assignment"]
    said.append(told(caller.post(f"/assignments/{token}/open/")))
    said.append(told(caller.post(f"/assignments/{token}/heartbeat/")))
    said.append(told(caller.post(f"/assignments/{token}/draft/", {"values": {"acceptable": "no"}})))
    page = browser.get(f"/review/{token}/")
    said.append((page.status_code, sorted(page.headers)))
    refused = caller.post(f"/assignments/{token}/submit/", {"idempotency_key": "a", "values": {}})
    said.append(told(refused))
    said.append(told(caller.post(f"/assignments/{token}/submit/", {"idempotency_key": "b", **answer})))
    said.append(told(caller.post(f"/assignments/{token}/submit/", {"idempotency_key": "b", **answer})))
    said.append(told(caller.post(f"/assignments/{token}/undo/")))
    said.append(told(caller.post(f"/assignments/{token}/submit/", {"idempotency_key": "c", **answer})))
    said.append((browser.get(f"/review/{token}/feedback/").status_code,))
    closed = browser.get(f"/review/{token}/")
    said.append((closed.status_code, sorted(closed.headers)))
    return said


@pytest.mark.parametrize("answer", [ACCEPT, REJECT])
def test_an_item_of_a_blind_round_is_answered_byte_for_byte_like_live_work(clock: Any, answer: dict[str, Any]) -> None:
    """Three people: one works live, one qualifies, one is calibrated. The API tells them the same in as many bytes."""
    cast = open_school(make_cast(), gold=0)
    alike(cast)
    live, paused = cast.reviewers[:2]
    nia = newcomer(cast)
    clock.move_to(to_qualification(nia) + timedelta(minutes=5))
    # As many items on everybody's day, whatever they were.
    for member in (live, paused):
        work_through(member, 5, now=NOW)
    pause_reviewer(membership=paused, actor=SYSTEM, reason="x", now=NOW)
    heard, lanes = [], []
    for member in (live, paused, nia):
        browser = Client()
        browser.force_login(member.person)
        heard.append(acts(fresh(member), browser, answer))
        lanes.append(lanes_of(member)[-1])
    assert lanes == [Lane.WORK, Lane.GOLD, Lane.GOLD]
    assert heard[0] == heard[1] == heard[2]


def test_the_page_of_a_blind_round_differs_by_its_line_alone(clock: Any) -> None:
    cast = open_school(make_cast(), gold=0)
    alike(cast)
    live = cast.reviewers[0]
    nia = newcomer(cast)
    clock.move_to(to_qualification(nia) + timedelta(minutes=5))
    work_through(live, 5, now=NOW)
    pages = []
    for member in (live, nia):
        token = person(fresh(member)).post("/projects/shop/queue/claim/").json()["assignment"]
        browser = Client()
        browser.force_login(member.person)
        page = text_of(browser.get(f"/review/{token}/")).partition('<div id="desk"')[2]
        pages.append(page.partition("</main>")[0].replace(token, "TOKEN"))
    mine, theirs = ([line for line in page.splitlines() if "csrf" not in line] for page in pages)
    extra = [line.strip() for line in theirs if "round-line" in line]
    assert extra == ['<p class="round-line small">Qualification 1 of 10</p>']
    lines = [line for line in theirs if "round-line" not in line]
    # The template leaves an empty line where no round is told of.
    kept = [line for line in mine if line.strip()], [line for line in lines if line.strip()]
    differing = [(one, other) for one, other in zip(*kept, strict=True) if one != other]
    for one, other in differing:
        assert len(one) == len(other), (one, other)


# Owners and programs --------------------------------------------------------------------------------------


def test_a_program_reads_where_everybody_stands(clock: Any, cast: Cast) -> None:
    nia = newcomer(cast)
    clock.move_to(work_through(nia, 3, now=to_qualification(nia), wrong=1))
    body = cast.key_with("read").get("/projects/shop/onboarding/").json()
    assert (body["onboarding"], body["practice_size"], body["qualification_mark"]) == (True, 5, 0.8)
    assert body["cases"] == {"practice": 5, "gold": 12}
    people = {entry["rater"]: entry for entry in body["people"]}
    assert people[cast.reviewers[0].rater_code]["stage"] == "live"
    mine = people[nia.rater_code]
    assert (mine["stage"], mine["paused"]) == ("qualification", False)
    running, practice = mine["rounds"]
    assert (running["kind"], running["done"], running["right"], running["passed"]) == ("qualification", 3, 2, None)
    assert (practice["kind"], practice["passed"]) == ("practice", True)
    # At the root as well, for a key; "shop" is nobody's but theirs.
    assert cast.program.get("/onboarding/").json() == body
    assert "@" not in json.dumps(body)
    for member in (nia, cast.adjudicator):
        assert person(member).get("/projects/shop/onboarding/").status_code == 404


def test_a_program_gives_a_round(clock: Any, cast: Cast) -> None:
    robin = cast.reviewers[0]
    response = cast.program.post("/projects/shop/rounds/", {"rater": robin.rater_code})
    assert response.status_code == 201
    body = response.json()
    assert (body["kind"], body["size"], body["ended_at"]) == ("calibration", 10, None)
    assert body["id"] == rounds_of(robin)[0].pk
    again = cast.program.post("/projects/shop/rounds/", {"rater": robin.rater_code})
    assert problem(again, 409)["code"] == "round_refused"
    assert cast.key_with("read").post("/projects/shop/rounds/", {"rater": robin.rater_code}).status_code == 403
    assert person(robin).post("/projects/shop/rounds/", {"rater": robin.rater_code}).status_code == 404


def test_a_round_without_enough_gold_is_refused(clock: Any) -> None:
    cast = open_school(make_cast(), gold=4)
    response = cast.program.post("/rounds/", {"rater": cast.reviewers[0].rater_code})
    assert problem(response, 409)["code"] == "gold_short"
    assert standing(cast.reviewers[0]) == (Stage.LIVE, False)


def test_raters_of_another_project_are_unknown(clock: Any, cast: Cast) -> None:
    other = open_school(make_cast("elsewhere"))
    stranger = other.reviewers[0]
    body = problem(cast.program.post("/projects/shop/rounds/", {"rater": stranger.rater_code}), 400)
    assert body["errors"][0]["pointer"] == "/rater"
    assert cast.program.post("/projects/elsewhere/rounds/", {"rater": stranger.rater_code}).status_code == 404
    assert cast.program.get("/projects/elsewhere/onboarding/").status_code == 404
    assert not rounds_of(stranger)


def test_practice_cases_come_and_go_over_the_api(clock: Any, cast: Cast) -> None:
    body = {
        "reference": "told",
        "intent": "billing",
        "prompt": "May I?",
        "response": "You may.",
        "acceptable": True,
        "explanation": "Why not.",
    }
    added = cast.program.post("/gold-cases/", body | {"practice": True})
    assert added.status_code == 201
    assert (added.json()["practice"], added.json()["exposures"]) == (True, {"used": 0, "planned": None})
    hidden = problem(cast.program.post("/gold-cases/", body | {"reference": "hidden"}), 400)
    assert hidden["errors"][0]["pointer"] == "/practice"
    listed = {entry["reference"]: entry for entry in cast.program.get("/gold-cases/").json()["results"]}
    assert sum(entry["practice"] for entry in listed.values()) == 6
    assert listed["told"]["practice"]
