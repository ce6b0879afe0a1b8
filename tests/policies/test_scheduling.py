"""A policy takes effect at its moment: exactly for intake, and by a sweep where nothing comes in."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from labeling.models import QueueSettings
from reviewapp.core.models import AuditEntry, Project
from routing.models import ActivePolicy, Decision, Policy, PolicyActivation, ScheduledActivation
from routing.services.policies import (
    activate_policy,
    apply_due_activation,
    cancel_schedule,
    draft_policy,
    ruling_in_force,
    schedule_policy,
)
from routing.services.two_persons import ActivationRefused
from routing.tasks import put_due_policies_in_force
from tests.browser.visiting import queries, signed_in, text_of
from tests.factories import output_body, route
from tests.people import NOW, Cast, make_cast, person, policy_document
from tests.threads import in_threads

SAMPLED = {"mode": "sampled", "audit_rate": 0.5}
LATER = NOW + timedelta(hours=6)
TICK = timedelta(microseconds=1)


def draft(cast: Cast, **changes: Any) -> Policy:
    return draft_policy(project=cast.project, document=policy_document(**changes), actor="person:1")


def schedule(cast: Cast, moment: datetime = LATER, **changes: Any) -> ScheduledActivation:
    policy = draft(cast, tier=SAMPLED, **changes)
    return schedule_policy(policy=policy, actor="person:1", now=NOW, effective_at=moment, reason="Monday.")


def in_force(cast: Cast) -> Policy:
    return ActivePolicy.objects.get(project=cast.project).policy


def decided_at(cast: Cast, moment: datetime) -> str:
    return Decision.objects.get(output=route(cast.project, output_body(), now=moment)[0]).action


def test_it_takes_effect_exactly_at_its_moment(cast: Cast, noise: Cast) -> None:
    before = in_force(cast)
    scheduled = schedule(cast, gold_rate=0.2)
    assert decided_at(cast, LATER - TICK) == "review"
    assert (in_force(cast), QueueSettings.objects.get(project=cast.project).gold_rate) == (before, 0.0)
    assert decided_at(cast, LATER) == "ship"
    assert (in_force(cast), QueueSettings.objects.get(project=cast.project).gold_rate) == (scheduled.policy, 0.2)
    assert not ScheduledActivation.objects.exists()
    assert decided_at(noise, LATER) == "review"
    log = PolicyActivation.objects.filter(policy=scheduled.policy).get()
    assert (log.actor, log.authors, log.reason) == ("person:1", ["person:1"], "Monday.")
    assert (log.at, log.effective_at) == (NOW, LATER)


def test_a_batch_that_comes_in_long_after_finds_it_in_force_since_its_moment(cast: Cast) -> None:
    schedule(cast)
    assert decided_at(cast, LATER + timedelta(days=3)) == "ship"
    assert PolicyActivation.objects.latest("pk").effective_at == LATER


def test_it_takes_effect_without_traffic(cast: Cast, noise: Cast) -> None:
    now = timezone.now()
    policy = draft(cast, tier=SAMPLED)
    schedule_policy(
        policy=policy, actor="person:1", now=now - timedelta(hours=2), effective_at=now - timedelta(hours=1)
    )
    untouched = draft(noise, tier=SAMPLED)
    schedule_policy(policy=untouched, actor="person:1", now=now, effective_at=now + timedelta(hours=1))
    assert put_due_policies_in_force() == 1
    assert put_due_policies_in_force() == 0
    assert in_force(cast) == policy
    assert in_force(noise) != untouched


def test_looking_whether_one_is_due_costs_no_query_more(cast: Cast) -> None:
    ruling_in_force(cast.project, now=NOW)
    plain = _queries_of_ruling(cast.project)
    schedule(cast)
    assert _queries_of_ruling(cast.project) == plain == 1


def _queries_of_ruling(project: Project) -> int:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as captured:
        ruling_in_force(project, now=NOW)
    return len(captured)


def test_what_is_scheduled_is_published_and_changes_no_more(cast: Cast) -> None:
    scheduled = schedule(cast)
    assert scheduled.policy.published_at == NOW
    cancel_schedule(project=cast.project, actor="person:1", now=NOW)
    assert in_force(cast) != scheduled.policy
    assert decided_at(cast, LATER) == "review"


def test_a_newer_plan_replaces_an_older_one(cast: Cast) -> None:
    first = schedule(cast)
    second = schedule(cast, LATER + timedelta(hours=1))
    assert ScheduledActivation.objects.get() == second
    with pytest.raises(IntegrityError), transaction.atomic():
        ScheduledActivation.objects.create(project=cast.project, policy=second.policy, effective_at=LATER)
    assert decided_at(cast, LATER) == "review"
    assert decided_at(cast, LATER + timedelta(hours=1)) == "ship"
    dropped = AuditEntry.objects.get(verb="policy.schedule_dropped")
    assert (dropped.target, dropped.actor) == (f"policy:{first.policy_id}", "person:1")


def test_whatever_is_put_in_force_meanwhile_ends_the_plan(cast: Cast) -> None:
    schedule(cast)
    older = in_force(cast)
    activate_policy(policy=older, actor="person:2", now=NOW, reason="Stay careful.")
    assert decided_at(cast, LATER) == "review"
    assert AuditEntry.objects.filter(verb="policy.schedule_dropped", actor="person:2").exists()


def test_what_was_due_is_in_the_log_though_another_policy_follows_before_any_output(cast: Cast) -> None:
    scheduled, older = schedule(cast), in_force(cast)
    assert not cancel_schedule(project=cast.project, actor="person:2", now=LATER)
    assert in_force(cast) == scheduled.policy
    activate_policy(policy=older, actor="person:2", now=LATER + TICK)
    log = PolicyActivation.objects.filter(policy__project=cast.project).order_by("-pk")[:2]
    assert [(row.policy, row.effective_at) for row in log] == [(older, LATER + TICK), (scheduled.policy, LATER)]


@pytest.mark.parametrize("moment", [NOW, NOW - timedelta(seconds=1), NOW + timedelta(days=367)])
def test_moments_that_passed_or_are_years_away_are_refused(cast: Cast, moment: datetime) -> None:
    policy = draft(cast)
    with pytest.raises(ActivationRefused, match="a later moment, at most a year ahead"):
        schedule_policy(policy=policy, actor="person:1", now=NOW, effective_at=moment)
    policy.refresh_from_db()
    assert policy.published_at is None


# Over the API and on the pages -------------------------------------------------------------------------


def test_an_owner_schedules_looks_and_cancels_over_the_api(cast: Cast, noise: Cast) -> None:
    owner, policy = person(cast.owner), draft(cast, tier=SAMPLED)
    address = f"/projects/shop/policies/{policy.version}/activate/"
    moment = (timezone.now() + timedelta(hours=1)).isoformat()
    assert owner.get("/projects/shop/policies/scheduled/").json() == {"scheduled": None}
    past = owner.post(address, {"effective_at": "2020-01-01T00:00:00Z"})
    assert (past.status_code, past.json()["errors"][0]["pointer"]) == (400, "/effective_at")
    answer = owner.post(address, {"reason": "At night.", "effective_at": moment})
    assert (answer.status_code, answer.json()["status"]) == (200, "scheduled")
    shown = person(cast.auditor).get("/projects/shop/policies/scheduled/").json()["scheduled"]
    assert (shown["policy"], shown["reason"]) == (policy.version, "At night.")
    statuses = [row["status"] for row in owner.get("/projects/shop/policies/").json()["results"]]
    assert statuses[:2] == ["scheduled", "active"]
    assert person(cast.auditor).delete("/projects/shop/policies/scheduled/").status_code == 404
    assert person(noise.owner).delete("/projects/shop/policies/scheduled/").status_code == 404
    assert cast.key_with("read").delete("/policies/scheduled/").status_code == 403
    assert owner.delete("/projects/shop/policies/scheduled/").status_code == 204
    assert owner.delete("/projects/shop/policies/scheduled/").status_code == 404
    assert owner.get(f"/projects/shop/policies/{policy.version}/").json()["status"] == "published"


def test_an_owner_schedules_and_cancels_on_the_pages(cast: Cast) -> None:
    browser, policy = signed_in(cast.owner), draft(cast, tier=SAMPLED)
    address = f"/projects/shop/policies/{policy.version}/activate/"
    given = {"reason": "At night.", "revision": 1}
    past = browser.post(address, given | {"effective_at": "2020-01-01T00:00"})
    assert (past.status_code, "a later moment" in text_of(past)) == (400, True)
    moment = timezone.now() + timedelta(days=2)
    assert browser.post(address, given | {"effective_at": f"{moment:%Y-%m-%dT%H:%M}"}).status_code == 302
    for page in ("policies/", f"policies/{policy.version}/"):
        text = text_of(browser.get(f"/projects/shop/{page}"))
        assert f"takes effect on <b>{moment:%-d %b %Y %H:%M} UTC</b>" in text
    other = text_of(browser.get("/projects/shop/policies/1/activate/"))
    assert "Going on here drops that plan." in other
    assert "Roll back to v1?" in other
    assert browser.get("/projects/shop/policies/schedule/cancel/").status_code == 302
    assert ScheduledActivation.objects.exists()
    assert browser.post("/projects/shop/policies/schedule/cancel/").status_code == 302
    assert not ScheduledActivation.objects.exists()
    assert browser.post("/projects/shop/policies/schedule/cancel/").status_code == 404


def test_the_list_of_policies_costs_the_same_however_long(cast: Cast) -> None:
    owner, browser = person(cast.owner), signed_in(cast.owner)
    schedule(cast, timezone.now() + timedelta(days=1))

    def costs() -> tuple[int, int]:
        return (
            queries(lambda: owner.get("/projects/shop/policies/")),
            queries(lambda: browser.get("/projects/shop/policies/")),
        )

    few = costs()
    for _ in range(12):
        draft(cast)
    assert costs() == few


# Many at once ------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_one_policy_is_in_force_however_many_are_put_in_force_at_once() -> None:
    cast = make_cast()
    drafts = [draft(cast, gold_rate=number / 20) for number in range(6)]

    def act(number: int) -> None:
        if number % 2:
            activate_policy(policy=drafts[number], actor="person:1", now=NOW)
        else:
            schedule_policy(policy=drafts[number], actor="person:1", now=NOW, effective_at=LATER)

    in_threads(6, act)
    active = ActivePolicy.objects.get(project=cast.project)
    activations = PolicyActivation.objects.filter(policy__in=drafts).order_by("pk")
    assert activations.count() == 3
    assert activations.last() is not None
    assert active.policy == activations.reverse()[0].policy
    assert QueueSettings.objects.get(project=cast.project).gold_rate == active.policy.document["gold_rate"]
    assert ScheduledActivation.objects.count() <= 1


@pytest.mark.django_db(transaction=True)
def test_outputs_and_the_sweep_at_its_moment_apply_a_plan_once() -> None:
    cast = make_cast()
    scheduled = schedule(cast)

    def act(number: int) -> str:
        if number == 0:
            apply_due_activation(project=cast.project, now=LATER)
            return "ship"
        return decided_at(cast, LATER)

    assert set(in_threads(6, act)) == {"ship"}
    assert PolicyActivation.objects.filter(policy=scheduled.policy).count() == 1
    assert in_force(cast) == scheduled.policy
