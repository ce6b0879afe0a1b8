"""`POST /projects/{slug}/queue/claim/`: who gets what next, and who gets nothing and why."""

from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from labeling.models import Assignment, Seat
from labeling.services.settings import change_queue_settings
from reviewapp.core.models import Project, Role
from reviewapp.core.services.people import add_member
from tests.api.desk import Desk
from tests.api.problems import problem
from tests.factories import item_of, output_body, pair_body, plant_gold, route, run_body
from tests.people import Caller, Cast

pytestmark = pytest.mark.django_db


def test_it_hands_out_a_blinded_task_with_its_rubric(cast: Cast) -> None:
    body = output_body()
    [output] = route(cast.project, body)
    claimed = Desk(cast.reviewers[0]).claim()
    assert claimed.keys() == {"assignment", "lease_expires_at", "task", "rubric", "today"}
    assert claimed["task"] == {
        "kind": "pointwise",
        "prompt": body["prompt"],
        "context": body["context"],
        "response": body["response"],
    }
    questions = {"name", "version", "instructions", "pairwise", "corrections", "span_categories", "criteria"}
    assert claimed["rubric"].keys() == questions
    assert claimed["rubric"]["name"] == "acceptability"
    assert claimed["today"] == {"done": 0, "cap": 200, "break_in_minutes": None, "break_until": None}
    seat = Seat.objects.get(item=item_of(output))
    assert (seat.state, seat.holder) == ("leased", cast.reviewers[0])
    assert claimed["assignment"] == Assignment.objects.get(seat=seat).token


def test_it_hands_out_pairs_and_agent_runs(cast: Cast) -> None:
    run = run_body()
    route(cast.project, pair_body(), run)
    robin = Desk(cast.reviewers[0])
    pair = robin.claim()
    assert pair["task"].keys() == {"kind", "prompt", "context", "a", "b"}
    assert pair["rubric"]["pairwise"]
    steps = robin.claim()["task"]
    assert steps.keys() == {"kind", "prompt", "context", "steps"}
    assert steps["steps"] == run["trajectory"]


def test_it_never_tells_which_values_fail(cast: Cast) -> None:
    route(cast.project)
    text = Desk(cast.reviewers[0]).ask().content.decode()
    assert "fail" not in text


def test_it_hands_out_what_is_most_at_stake_first(cast: Cast) -> None:
    for stakes in ("low", "high", "mid"):
        route(cast.project, output_body(stakes=stakes, response=f"{stakes} stakes"))
    robin = Desk(cast.reviewers[0])
    assert [robin.claim()["task"]["response"] for _ in range(3)] == ["high stakes", "mid stakes", "low stakes"]


def test_it_hands_out_the_longest_waiting_first(cast: Cast) -> None:
    for number in range(3):
        route(cast.project, output_body(response=f"number {number}"))
    robin = Desk(cast.reviewers[0])
    assert [robin.claim()["task"]["response"] for _ in range(3)] == ["number 0", "number 1", "number 2"]


def test_it_has_nothing_for_a_person_when_there_is_nothing(cast: Cast) -> None:
    response = Desk(cast.reviewers[0]).ask()
    assert response.status_code == 204
    assert response.content == b""


def test_it_never_gives_two_people_one_seat(cast: Cast) -> None:
    route(cast.project)
    Desk(cast.reviewers[0]).claim()
    assert Desk(cast.reviewers[1]).ask().status_code == 204


def test_it_never_gives_one_person_two_seats_of_an_item(cast: Cast) -> None:
    cast.put_in_force(tier={"raters": 2})
    route(cast.project)
    robin, sam, kim = (Desk(member) for member in cast.reviewers)
    robin.claim()
    assert robin.ask().status_code == 204
    sam.claim()
    assert kim.ask().status_code == 204


def test_it_hands_out_only_what_the_person_is_trusted_with(cast: Cast) -> None:
    cast.put_in_force(tier={"credential": "medical"})
    route(cast.project)
    robin, sam = cast.reviewers[:2]
    sam.credentials = ["legal", "medical"]
    sam.save()
    assert Desk(robin).ask().status_code == 204
    assert Desk(sam).ask().status_code == 200


def test_it_stops_at_the_daily_cap(cast: Cast) -> None:
    route(cast.project, *(output_body() for _ in range(5)))
    change_queue_settings(project=cast.project, actor="test", daily_cap=2)
    robin = Desk(cast.reviewers[0])
    robin.judge()
    robin.judge()
    body = problem(robin.ask(), 403)
    assert body["code"] == "daily_cap_reached"
    assert Desk(cast.reviewers[1]).ask().status_code == 200


def test_it_counts_what_is_held_against_the_cap(cast: Cast) -> None:
    route(cast.project, *(output_body() for _ in range(3)))
    cast.reviewers[0].daily_cap = 2
    cast.reviewers[0].save()
    robin = Desk(cast.reviewers[0])
    first = robin.claim()
    assert first["today"]["cap"] == 2
    robin.claim()
    assert problem(robin.ask(), 403)["code"] == "daily_cap_reached"
    robin.do(first, "release")
    assert robin.ask().status_code == 200


def test_it_starts_a_new_day_at_midnight(cast: Cast) -> None:
    route(cast.project, *(output_body() for _ in range(2)))
    change_queue_settings(project=cast.project, actor="test", daily_cap=1)
    robin = Desk(cast.reviewers[0])
    evening = timezone.now().replace(hour=23, minute=50)
    with time_machine.travel(evening, tick=False):
        robin.judge()
        problem(robin.ask(), 403)
    with time_machine.travel(evening + timedelta(minutes=15), tick=False):
        assert robin.claim()["today"] == {"done": 0, "cap": 1, "break_in_minutes": None, "break_until": None}


def test_it_gives_nothing_to_a_paused_person(cast: Cast) -> None:
    route(cast.project)
    cast.reviewers[0].paused_at = timezone.now()
    cast.reviewers[0].pause_reason = "Please talk to Oda."
    cast.reviewers[0].save()
    body = problem(Desk(cast.reviewers[0]).ask(), 403)
    assert (body["code"], body["detail"]) == ("paused", "Please talk to Oda.")


def test_it_gives_nothing_to_owners_and_auditors(cast: Cast) -> None:
    route(cast.project)
    for member in (cast.owner, cast.auditor):
        assert problem(Desk(member).ask(), 403)["code"] == "not_a_reviewer"


def test_it_knows_no_queue_of_a_project_one_is_not_in(cast: Cast) -> None:
    robin = Desk(cast.reviewers[0])
    problem(robin.caller.post("/projects/elsewhere/queue/claim/"), 404)
    problem(robin.caller.post("/projects/nowhere/queue/claim/"), 404)
    problem(Caller().post("/projects/shop/queue/claim/"), 401)


def test_it_keeps_a_persons_projects_apart(cast: Cast) -> None:
    route(cast.project, output_body(response="in the shop"))
    elsewhere = Project.objects.get(slug="elsewhere")
    other = add_member(project=elsewhere, email=cast.reviewers[0].person.email, role=Role.REVIEWER, actor="test")
    assert Desk(cast.reviewers[0]).claim()["task"]["response"] == "in the shop"
    assert Desk(other).claim()["task"]["response"] != "in the shop"


def test_it_plants_gold_at_the_projects_rate(cast: Cast) -> None:
    change_queue_settings(project=cast.project, actor="test", gold_rate=0.5)
    route(cast.project, *(output_body() for _ in range(60)))
    for _ in range(60):
        plant_gold(cast.project)
    robin = Desk(cast.reviewers[0])
    for _ in range(60):
        robin.claim()
    gold = Assignment.objects.filter(reviewer=cast.reviewers[0], item__kind="gold").count()
    # Within four standard deviations of 30.
    assert 14 <= gold <= 46


def test_it_plants_no_gold_where_there_is_no_work(cast: Cast) -> None:
    """Or the queue would end in nothing but gold, and everybody would know."""
    change_queue_settings(project=cast.project, actor="test", gold_rate=0.5)
    plant_gold(cast.project)
    assert Desk(cast.reviewers[0]).ask().status_code == 204


def test_it_never_shows_one_person_the_same_gold_twice(cast: Cast) -> None:
    change_queue_settings(project=cast.project, actor="test", gold_rate=0.5)
    words = {"prompt": "May I?", "body": {"response": "You may."}}
    plant_gold(cast.project, "once", **words)
    plant_gold(cast.project, "again under another name", **words)
    route(cast.project, *(output_body() for _ in range(30)))
    robin = Desk(cast.reviewers[0])
    shown = [robin.judge()["task"]["prompt"] for _ in range(30)]
    assert shown.count("May I?") == 1


def test_it_asks_as_many_questions_for_a_long_queue_as_for_a_short_one(cast: Cast) -> None:
    route(cast.project, *(output_body() for _ in range(3)))
    robin = Desk(cast.reviewers[0])
    robin.claim()
    counts = set()
    for more in (0, 200):
        route(cast.project, *(output_body() for _ in range(more)))
        with CaptureQueriesContext(connection) as queries:
            robin.claim()
        counts.add(len(queries))
    assert len(counts) == 1, counts
