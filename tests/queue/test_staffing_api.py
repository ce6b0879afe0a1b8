"""Staffing over HTTP: who may read and say what, and what they are told when it cannot be."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from labeling.models import Absence, Alarm, EscalationStep
from labeling.services.alarms import raise_alarm
from labeling.services.watching import watch_queues
from reviewapp.core.models import AuditEntry, Membership
from tests.api.desk import Desk
from tests.api.problems import pointers, problem
from tests.people import NOW, Caller, Cast, person
from tests.queue.shifts import minutes, queue, rules, trusted, work

pytestmark = pytest.mark.django_db
FIRST, LAST = "2026-12-07", "2026-12-20"


@pytest.fixture(autouse=True)
def _frozen() -> Any:
    with time_machine.travel(NOW, tick=False):
        yield


def as_person(member: Membership) -> Caller:
    return person(member)


def test_a_refusal_says_when_work_goes_on(cast: Cast) -> None:
    queue(cast, 3)
    rules(cast, hourly_cap=1)
    work(cast.reviewers[0], NOW - minutes(10))
    body = problem(Desk(cast.reviewers[0]).ask(), 403)
    assert (body["code"], body["until"]) == ("hourly_cap_reached", "2026-11-20T09:50:00Z")
    rules(cast, hourly_cap=None, break_after_minutes=5, break_minutes=15)
    work(cast.reviewers[1], NOW - minutes(8), lasting=minutes(8))
    body = problem(Desk(cast.reviewers[1]).ask(), 403)
    assert (body["code"], body["until"]) == ("break_due", "2026-11-20T09:15:00Z")


def test_a_claim_tells_of_the_next_break(cast: Cast) -> None:
    queue(cast, 3)
    rules(cast, break_after_minutes=45, break_minutes=15)
    work(cast.reviewers[0], NOW - minutes(10), lasting=minutes(5))
    today = Desk(cast.reviewers[0]).claim()["today"]
    assert today == {"done": 1, "cap": 200, "break_in_minutes": 35, "break_until": None}


def test_a_reviewer_tells_of_their_own_absence_and_sees_no_others(cast: Cast) -> None:
    robin, sam = as_person(cast.reviewers[0]), as_person(cast.reviewers[1])
    answer = robin.post("/projects/shop/absences/", {"first_day": FIRST, "last_day": LAST, "note": "Sea."})
    assert answer.status_code == 201
    assert answer.json() == {
        "id": Absence.objects.get().pk,
        "rater": cast.reviewers[0].rater_code,
        "name": str(cast.reviewers[0].person),
        "first_day": FIRST,
        "last_day": LAST,
        "note": "Sea.",
    }
    # The same again is the same.
    again = robin.post("/projects/shop/absences/", {"first_day": FIRST, "last_day": LAST})
    assert again.json() == answer.json()
    assert len(robin.get("/projects/shop/absences/").json()["results"]) == 1
    assert sam.get("/projects/shop/absences/").json()["results"] == []
    problem(sam.post(f"/projects/shop/absences/{answer.json()['id']}/cancel/"), 404)
    body = {"rater": cast.reviewers[0].rater_code, "first_day": FIRST, "last_day": LAST}
    assert pointers(problem(sam.post("/projects/shop/absences/", body), 400)) == ["/rater"]
    assert robin.post(f"/projects/shop/absences/{answer.json()['id']}/cancel/").status_code == 204
    assert not Absence.objects.exists()
    verbs = AuditEntry.objects.filter(verb__startswith="absence.").order_by("pk").values_list("verb", flat=True)
    assert list(verbs) == ["absence.added", "absence.cancelled"]


def test_an_owner_and_a_key_tell_of_anybodys(cast: Cast) -> None:
    body = {"rater": cast.reviewers[0].rater_code, "first_day": FIRST, "last_day": LAST}
    owner = as_person(cast.owner)
    assert owner.post("/projects/shop/absences/", body).status_code == 201
    adjudicators = {"rater": cast.adjudicator.rater_code, "first_day": FIRST, "last_day": LAST}
    assert cast.program.post("/absences/", adjudicators).status_code == 201
    assert len(as_person(cast.auditor).get("/projects/shop/absences/").json()["results"]) == 2
    problem(as_person(cast.auditor).post("/projects/shop/absences/", body), 404)
    problem(cast.key_with("read").post("/absences/", body), 403)
    assert pointers(problem(owner.post("/projects/shop/absences/", {**body, "rater": "r-nobody"}), 400)) == ["/rater"]
    without = {"first_day": FIRST, "last_day": LAST}
    assert pointers(problem(owner.post("/projects/shop/absences/", without), 400)) == ["/rater"]


@pytest.mark.parametrize(
    ("first", "last", "pointer"),
    [
        (LAST, FIRST, "/last_day"),
        ("2026-11-01", "2026-11-19", "/last_day"),
        ("2026-11-19", "2026-11-19", "/last_day"),
        ("2026-12-01", "2028-12-01", "/last_day"),
        ("2030-12-01", "2030-12-02", "/first_day"),
        ("2026-02-30", LAST, "/first_day"),
    ],
)
def test_days_that_cannot_be_are_refused(cast: Cast, first: str, last: str, pointer: str) -> None:
    answer = as_person(cast.reviewers[0]).post("/projects/shop/absences/", {"first_day": first, "last_day": last})
    assert pointers(problem(answer, 400)) == [pointer]


def test_an_absence_that_has_begun_ends_yesterday_when_it_is_cancelled(cast: Cast) -> None:
    robin = as_person(cast.reviewers[0])
    body = {"first_day": "2026-11-16", "last_day": "2026-11-27"}
    number = robin.post("/projects/shop/absences/", body).json()["id"]
    robin.post(f"/projects/shop/absences/{number}/cancel/")
    assert Absence.objects.get().last_day == NOW.date() - timedelta(days=1)


def test_staffing_tells_who_is_there_for_what(cast: Cast) -> None:
    trusted(cast.reviewers[1], "medical", standby=True, daily_cap=5)
    cast.put_in_force(tier={"credential": "medical"})
    queue(cast, 2)
    as_person(cast.reviewers[1]).post("/projects/shop/absences/", {"first_day": FIRST, "last_day": LAST})
    body = cast.key_with("read").get("/staffing/").json()
    by_rater = {row["rater"]: row for row in body["people"]}
    assert by_rater[cast.reviewers[1].rater_code] == {
        "rater": cast.reviewers[1].rater_code,
        "name": str(cast.reviewers[1].person),
        "role": "reviewer",
        "credentials": ["medical"],
        "daily_cap": 5,
        "standby": True,
        "working": True,
        "away": [{"first_day": FIRST, "last_day": LAST}],
    }
    pools = {(row["role"], row["credential"]): row for row in body["pools"]}
    assert list(pools) == [("reviewer", ""), ("reviewer", "medical"), ("adjudicator", "")]
    gap = {"first_day": FIRST, "last_day": LAST, "away": [str(cast.reviewers[1].person)]}
    assert pools["reviewer", "medical"] == {
        "role": "reviewer",
        "credential": "medical",
        "waiting": 2,
        "present_today": 1,
        "gaps": [gap],
    }
    problem(as_person(cast.reviewers[0]).get("/projects/shop/staffing/"), 404)


def test_alarms_are_listed_and_seen_by_the_owner_only(cast: Cast) -> None:
    alarm = raise_alarm(project=cast.project, kind="drift", subject="r-1", data={"n": 1}, now=NOW)
    raise_alarm(project=cast.project, kind="drift", subject="r-2", data={}, now=NOW)
    Alarm.objects.filter(subject="r-2").update(cleared_at=NOW)
    reader = cast.key_with("read")
    assert [row["subject"] for row in reader.get("/alarms/").json()["results"]] == ["r-2", "r-1"]
    assert [row["subject"] for row in reader.get("/alarms/", open="true").json()["results"]] == ["r-1"]
    assert [row["subject"] for row in reader.get("/alarms/", open="false").json()["results"]] == ["r-2"]
    problem(reader.post(f"/alarms/{alarm.pk}/seen/"), 403)
    problem(as_person(cast.auditor).post(f"/projects/shop/alarms/{alarm.pk}/seen/"), 404)
    seen = as_person(cast.owner).post(f"/projects/shop/alarms/{alarm.pk}/seen/").json()
    assert (seen["seen_at"], seen["cleared_at"]) == ("2026-11-20T09:00:00Z", None)


def test_an_alarm_says_in_english_what_it_is(cast: Cast) -> None:
    trusted(cast.reviewers[1], "medical")
    as_person(cast.reviewers[1]).post("/projects/shop/absences/", {"first_day": FIRST, "last_day": LAST})
    watch_queues(now=timezone.now())
    [row] = cast.program.get("/alarms/").json()["results"]
    assert row["kind"] == "pool_will_be_empty"
    assert "nobody from 7 Dec 2026 to 20 Dec 2026" in row["detail"]


def test_steps_are_replaced_as_a_whole_and_kept_where_they_stay(cast: Cast) -> None:
    ada, oda = cast.adjudicator.rater_code, cast.owner.rater_code
    first = {"priority": 0, "minutes_before": 60, "rater": ada}
    second = {"priority": None, "minutes_before": -30, "rater": oda}
    owner = as_person(cast.owner)
    answer = owner.put("/projects/shop/escalation-steps/", {"steps": [first, second, first]})
    assert [{key: row[key] for key in first} for row in answer.json()["steps"]] == [first, second] or [
        {key: row[key] for key in first} for row in answer.json()["steps"]
    ] == [second, first]
    kept = EscalationStep.objects.get(priority=0).pk
    owner.put("/projects/shop/escalation-steps/", {"steps": [first]})
    assert EscalationStep.objects.get().pk == kept
    assert (
        cast.key_with("read").get("/escalation-steps/").json() == owner.get("/projects/shop/escalation-steps/").json()
    )
    stranger = {"steps": [first | {"rater": "r-nobody"}]}
    assert pointers(problem(owner.put("/projects/shop/escalation-steps/", stranger), 400)) == ["/steps"]
    elsewhere = Membership.objects.filter(project__slug="elsewhere")[0]
    foreign = {"steps": [first | {"rater": elsewhere.rater_code}]}
    assert pointers(problem(owner.put("/projects/shop/escalation-steps/", foreign), 400)) == ["/steps"]
    assert problem(owner.put("/projects/shop/escalation-steps/", {"steps": [first | {"priority": 3}]}), 400)
    problem(as_person(cast.reviewers[0]).put("/projects/shop/escalation-steps/", {"steps": []}), 404)
    assert AuditEntry.objects.filter(project=cast.project, verb="escalation.changed").count() == 2
