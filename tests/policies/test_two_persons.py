"""The two-person rule: whoever wrote a policy does not put it in force, nor ends the rule alone."""

from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from django.utils import timezone

from reviewapp.core.models import AuditEntry, Membership
from reviewapp.core.services.keys import create_api_key
from routing.models import ActivePolicy, Policy, PolicyActivation, Recalibration, RoutingSettings, ScheduledActivation
from routing.services.policies import activate_policy, draft_policy, edit_draft, schedule_policy
from routing.services.recalibration import approve_recalibration, propose_recalibration
from routing.services.two_persons import (
    SecondPersonNeeded,
    ask_for_two_persons,
    end_two_persons,
    may_put_in_force,
    routing_settings,
)
from tests.browser.visiting import signed_in, text_of
from tests.learning.history import live_through
from tests.people import NOW, Caller, Cast, person, policy_document

RULE = "/projects/shop/two-person-rule/"


def who(member: Membership) -> str:
    return f"person:{member.person_id}"


@pytest.fixture
def rule(cast: Cast) -> RoutingSettings:
    return ask_for_two_persons(project=cast.project, actor=who(cast.owner))


def draft(cast: Cast, actor: str, **changes: Any) -> Policy:
    return draft_policy(project=cast.project, document=policy_document(**changes), actor=actor)


def test_without_the_rule_one_person_does_both(cast: Cast) -> None:
    policy = draft(cast, who(cast.owner))
    assert may_put_in_force(policy=policy, actor=who(cast.owner))
    activate_policy(policy=policy, actor=who(cast.owner), now=NOW)


def test_the_author_does_not_put_it_in_force_and_another_person_does(
    cast: Cast, noise: Cast, second: Membership, rule: RoutingSettings
) -> None:
    policy = draft(cast, who(cast.owner))
    with pytest.raises(SecondPersonNeeded, match="another owner"):
        activate_policy(policy=policy, actor=who(cast.owner), now=NOW)
    with pytest.raises(SecondPersonNeeded):
        schedule_policy(policy=policy, actor=who(cast.owner), now=NOW, effective_at=NOW + timedelta(days=1))
    policy.refresh_from_db()
    assert (policy.published_at, ScheduledActivation.objects.count()) == (None, 0)
    activate_policy(policy=policy, actor=who(second), now=NOW)
    log = PolicyActivation.objects.get(policy=policy)
    assert (log.authors, log.actor) == ([who(cast.owner)], who(second))
    # Another project is as it was.
    activate_policy(policy=draft(noise, who(noise.owner)), actor=who(noise.owner), now=NOW)


def test_editing_a_draft_makes_one_of_its_authors(cast: Cast, second: Membership, rule: RoutingSettings) -> None:
    policy = draft(cast, who(cast.owner))
    edit_draft(policy=policy, actor=who(second), revision=1, note="My words too.")
    for author in (cast.owner, second):
        with pytest.raises(SecondPersonNeeded):
            activate_policy(policy=policy, actor=who(author), now=NOW)


def test_programs_put_nothing_in_force(cast: Cast, second: Membership, rule: RoutingSettings) -> None:
    policy = draft(cast, who(cast.owner))
    answer = cast.program.post(f"/policies/{policy.version}/activate/")
    assert (answer.status_code, answer.json()["code"]) == (403, "second_person_needed")
    assert "not a program" in answer.json()["detail"]
    for actor in ("command", "system"):
        with pytest.raises(SecondPersonNeeded):
            activate_policy(policy=policy, actor=actor, now=NOW)


def test_what_a_key_wrote_counts_as_of_whoever_made_the_key(
    cast: Cast, second: Membership, rule: RoutingSettings
) -> None:
    _key, secret = create_api_key(project=cast.project, scopes=["admin"], actor=who(cast.owner))
    version = Caller(f"Api-Key {secret}").post("/policies/", {"document": policy_document()}).json()["version"]
    address = f"/projects/shop/policies/{version}/activate/"
    refused = person(cast.owner).post(address)
    assert (refused.status_code, refused.json()["code"]) == (403, "second_person_needed")
    assert person(second).post(address).status_code == 200


def test_a_recalibration_needs_a_second_person_too(cast: Cast, second: Membership, rule: RoutingSettings) -> None:
    live_through(cast, 60, np.random.default_rng(5))
    proposal = propose_recalibration(project=cast.project, actor=who(cast.owner), now=NOW, review_share=0.5)
    with pytest.raises(SecondPersonNeeded):
        approve_recalibration(proposal=proposal, actor=who(cast.owner), now=NOW)
    assert Recalibration.objects.get().status == "proposed"
    refused = person(cast.owner).post(f"/projects/shop/recalibrations/{proposal.pk}/approve/")
    assert refused.status_code == 403
    page = signed_in(cast.owner).post(
        f"/projects/shop/recalibrations/{proposal.pk}/decide/", {"decision": "approve", "reason": "Mine."}, follow=True
    )
    assert "two persons" in text_of(page)
    assert Recalibration.objects.get().status == "proposed"
    approve_recalibration(proposal=proposal, actor=who(second), now=NOW)
    assert ActivePolicy.objects.get(project=cast.project).policy == proposal.policy


def test_rolling_back_takes_somebody_who_did_not_write_that_version(
    cast: Cast, second: Membership, rule: RoutingSettings
) -> None:
    older, newer = draft(cast, who(cast.owner)), draft(cast, who(second))
    activate_policy(policy=older, actor=who(second), now=NOW)
    activate_policy(policy=newer, actor=who(cast.owner), now=NOW)
    with pytest.raises(SecondPersonNeeded):
        activate_policy(policy=older, actor=who(cast.owner), now=NOW)
    activate_policy(policy=older, actor=who(second), now=NOW)


# Ending it -------------------------------------------------------------------------------------------


def test_ending_the_rule_takes_two_persons(cast: Cast, second: Membership, rule: RoutingSettings) -> None:
    end_two_persons(project=cast.project, actor=who(cast.owner), now=NOW)
    assert routing_settings(cast.project).two_persons
    with pytest.raises(SecondPersonNeeded, match="another owner"):
        end_two_persons(project=cast.project, actor=who(cast.owner), now=NOW)
    assert not end_two_persons(project=cast.project, actor=who(second), now=NOW).two_persons
    verbs = AuditEntry.objects.filter(project=cast.project, verb__startswith="two_persons").order_by("pk")
    assert [(row.verb, row.actor) for row in verbs] == [
        ("two_persons.asked_for", who(cast.owner)),
        ("two_persons.ending_asked", who(cast.owner)),
        ("two_persons.ended", who(second)),
    ]


def test_anybody_may_keep_the_rule_and_then_asking_starts_anew(
    cast: Cast, second: Membership, rule: RoutingSettings
) -> None:
    end_two_persons(project=cast.project, actor=who(cast.owner), now=NOW)
    ask_for_two_persons(project=cast.project, actor=who(second))
    assert end_two_persons(project=cast.project, actor=who(second), now=NOW).two_persons
    assert routing_settings(cast.project).ending_asked_by == who(second)


def test_switching_it_on_ends_a_plan_that_one_person_made_alone(cast: Cast, second: Membership) -> None:
    alone = draft(cast, who(cast.owner))
    schedule_policy(policy=alone, actor=who(cast.owner), now=NOW, effective_at=NOW + timedelta(days=1))
    ask_for_two_persons(project=cast.project, actor=who(second))
    assert not ScheduledActivation.objects.exists()
    end_two_persons(project=cast.project, actor=who(cast.owner), now=NOW)
    end_two_persons(project=cast.project, actor=who(second), now=NOW)
    schedule_policy(policy=alone, actor=who(second), now=NOW, effective_at=NOW + timedelta(days=1))
    ask_for_two_persons(project=cast.project, actor=who(second))
    assert ScheduledActivation.objects.exists()


def test_the_rule_over_the_api(cast: Cast, noise: Cast, second: Membership) -> None:
    first, other = person(cast.owner), person(second)
    assert first.get(RULE).json() == {"on": False, "ending_asked_by": None, "ending_asked_at": None}
    assert cast.program.put("/two-person-rule/", {"on": True}).json()["code"] == "second_person_needed"
    assert first.put(RULE, {"on": True}).json()["on"] is True
    assert first.put(RULE, {"on": False}).json()["ending_asked_by"] == who(cast.owner)
    again = first.put(RULE, {"on": False})
    assert (again.status_code, again.json()["code"]) == (403, "second_person_needed")
    assert cast.program.put("/two-person-rule/", {"on": False}).status_code == 403
    assert person(cast.auditor).put(RULE, {"on": False}).status_code == 404
    assert person(noise.owner).put(RULE, {"on": False}).status_code == 404
    assert person(cast.auditor).get(RULE).json()["on"] is True
    assert other.put(RULE, {"on": False}).json() == {"on": False, "ending_asked_by": None, "ending_asked_at": None}
    assert first.put(RULE, {"on": "perhaps"}).status_code == 400


def test_the_rule_on_the_pages(cast: Cast, second: Membership) -> None:
    first, other = signed_in(cast.owner), signed_in(second)
    settings, address = "/projects/shop/settings/", "/projects/shop/settings/two-persons/"
    assert "Ask for two persons" in text_of(first.get(settings))
    first.post(address, {"on": "yes"})
    assert routing_settings(cast.project).two_persons
    policy = draft(cast, who(cast.owner))
    page = text_of(first.get(f"/projects/shop/policies/{policy.version}/activate/"))
    assert "another owner puts it in force" in page
    assert '<form method="post" class="sheet-form">' not in page
    refused = first.post(
        f"/projects/shop/policies/{policy.version}/activate/", {"reason": "Mine.", "revision": 1}, follow=True
    )
    assert "two persons" in text_of(refused)
    first.post(address, {"on": "no"})
    assert "Confirm: end it" not in text_of(first.get(settings))
    assert routing_settings(cast.project).two_persons
    assert "Confirm: end it" in text_of(other.get(settings))
    other.post(address, {"on": "no"})
    assert not routing_settings(cast.project).two_persons
    assert "Ask for two persons" in text_of(other.get(settings))
    assert timezone.now()
