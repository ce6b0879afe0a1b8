"""Policy versions: drafted, put in force, rolled back, never edited; and what a replay says of them."""

import random
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from django.db import DatabaseError, IntegrityError, transaction

from labeling.models import QueueSettings
from reviewapp.core.models import AuditEntry
from routing.models import ActivePolicy, Decision, Policy, PolicyActivation
from routing.services.policies import PolicyRefused, activate_policy, draft_policy, ruling_in_force
from routing.services.recalibration import approve_recalibration, propose_recalibration
from routing.services.replays import replay_policy
from tests.factories import output_body, pair_body, route, run_body
from tests.learning.history import SHIPPING, hand_in, judge_open, live_through
from tests.people import NOW, Cast, policy_document


def draft(cast: Cast, **changes: Any) -> Policy:
    return draft_policy(project=cast.project, document=policy_document(**changes), actor="person:1", note="a try")


def activate(policy: Policy, reason: str = "") -> PolicyActivation:
    return activate_policy(policy=policy, actor="person:1", now=NOW, reason=reason)


def in_force(cast: Cast) -> Policy:
    return ActivePolicy.objects.get(project=cast.project).policy


# Versions ------------------------------------------------------------------------------------------


def test_a_draft_is_the_next_version_and_not_in_force(cast: Cast, noise: Cast) -> None:
    before = in_force(cast)
    first, second = draft(cast), draft(cast)
    assert (first.version, second.version) == (before.version + 1, before.version + 2)
    assert first.parent == second.parent == before
    assert (first.published_at, in_force(cast)) == (None, before)
    assert draft(noise).version == in_force(noise).version + 1
    entry = AuditEntry.objects.get(verb="policy.drafted", target=f"policy:{first.pk}")
    assert (entry.actor, entry.data) == ("person:1", {"version": first.version})


def test_a_document_that_is_no_policy_leaves_no_draft(cast: Cast) -> None:
    count = Policy.objects.count()
    with pytest.raises(PolicyRefused):
        draft(cast, gold_rate=2)
    assert Policy.objects.count() == count


def test_a_stored_document_is_complete(cast: Cast) -> None:
    stored = draft(cast).document
    # Defaults are written out, so that a later change of a default changes no policy of today.
    assert stored["targets"] == {"undetected_error": 0.02, "level": 0.95}
    assert stored["tiers"]["mid"]["sla_minutes"] == 1440


def test_putting_a_draft_in_force_publishes_it_and_sets_the_share_of_gold(cast: Cast) -> None:
    policy = draft(cast, gold_rate=0.2)
    activation = activate(policy, "more gold")
    policy.refresh_from_db()
    assert policy.published_at == NOW
    assert in_force(cast) == policy
    assert QueueSettings.objects.get(project=cast.project).gold_rate == 0.2
    assert (activation.reason, activation.actor) == ("more gold", "person:1")


def test_an_older_version_put_in_force_rolls_back(cast: Cast) -> None:
    older = in_force(cast)
    newer = draft(cast, tier=SHIPPING, gold_rate=0.2)
    activate(newer)
    shipped = Decision.objects.get(output=route(cast.project, output_body())[0])
    activate(older, "too bold")
    reviewed = Decision.objects.get(output=route(cast.project, output_body())[0])
    assert (shipped.policy, shipped.action) == (newer, "ship")
    assert (reviewed.policy, reviewed.action) == (older, "review")
    assert QueueSettings.objects.get(project=cast.project).gold_rate == 0.0
    log = PolicyActivation.objects.filter(policy__project=cast.project).order_by("pk")
    assert [row.policy for row in log][-2:] == [newer, older]
    # The first publication stays the date that it was published.
    published = older.published_at
    older.refresh_from_db()
    assert older.published_at == published
    # What is drafted next starts from what is in force, not from the newest version.
    assert draft(cast).parent == older


def test_two_policies_cannot_be_in_force_at_once(cast: Cast, noise: Cast) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        ActivePolicy.objects.create(project=cast.project, policy=draft(cast))
    assert ActivePolicy.objects.count() == 2


def test_a_published_policy_cannot_be_changed_and_a_draft_can(cast: Cast) -> None:
    policy = draft(cast)
    Policy.objects.filter(pk=policy.pk).update(note="a better note")
    activate(policy)
    published = Policy.objects.filter(pk=policy.pk)
    for change in ({"note": "x"}, {"document": policy_document(gold_rate=0.4)}, {"published_at": None}):
        with pytest.raises(DatabaseError, match="permanent"), transaction.atomic():
            published.update(**change)
    with pytest.raises(DatabaseError, match="permanent"), transaction.atomic():
        published._raw_delete(published.db)
    with pytest.raises(DatabaseError, match="permanent"), transaction.atomic():
        PolicyActivation.objects.filter(policy=policy).update(reason="never")


def test_the_ruling_follows_the_policy_in_force(cast: Cast) -> None:
    first = ruling_in_force(cast.project, now=NOW)
    cast.put_in_force(tier=SHIPPING)
    second = ruling_in_force(cast.project, now=NOW)
    assert second.version == first.version + 1
    assert (first.document.reviews_everything, second.document.reviews_everything) == (True, False)


# Replays -------------------------------------------------------------------------------------------


def logged(cast: Cast) -> tuple[int, int, int, int]:
    """Outputs, shipped, audited and reviewed, by what was decided at the time."""
    rows = Decision.objects.filter(project=cast.project).exclude(output__task_kind="pairwise")
    return (
        rows.count(),
        rows.filter(action="ship").count(),
        rows.filter(audited=True).count(),
        rows.filter(action="review").count(),
    )


def test_a_replay_of_the_policy_in_force_decides_as_it_did(cast: Cast, rng: np.random.Generator) -> None:
    live_through(cast, 80, rng)
    proposal = propose_recalibration(project=cast.project, actor="person:1", now=NOW, review_share=0.4, audit_rate=0.3)
    approve_recalibration(proposal=proposal, actor="person:1", now=NOW)
    later = NOW + timedelta(days=1)
    amounts = random.Random(1)
    for stakes in (None, "low", "high"):
        hand_in(cast.project, 40, rng, now=later, stakes=stakes, metadata={"amount": amounts.random() * 1e18})
    hand_in(cast.project, 10, rng, now=later, flags=["incident"])
    bodies = [run_body(), pair_body(), output_body(signals=[]), output_body(intent="unheard of")]
    route(cast.project, *bodies, now=later)
    found = replay_policy(proposal.policy, since=later)
    before = logged(cast)
    first = (80, 0, 0, 80)
    assert (found.outputs, found.shipped, found.audited, found.reviewed) == tuple(
        all_of - early for all_of, early in zip(before, first, strict=True)
    )
    reasons = Decision.objects.filter(decided_at=later).exclude(output__task_kind="pairwise")
    counted: dict[str, int] = {}
    for row in reasons:
        for reason in row.reasons:
            counted[reason] = counted.get(reason, 0) + 1
    assert found.reasons == counted


def test_a_replay_compares_a_draft_with_traffic_that_it_never_saw(
    cast: Cast, noise: Cast, rng: np.random.Generator
) -> None:
    live_through(cast, 200, rng)
    lax, strict = draft(cast, tier=SHIPPING), draft(cast, tier=SHIPPING | {"threshold": 0.8})
    found, stricter = replay_policy(lax), replay_policy(strict)
    assert found.outputs == stricter.outputs == 200
    assert found.shipped > stricter.shipped > 0
    assert found.error_rate is not None
    assert stricter.error_rate is not None
    assert found.error_rate > stricter.error_rate
    # All was judged under the old policy, so what either would have let through can be named.
    assert len(found.would_ship_rejected) > len(stricter.would_ship_rejected)
    assert logged(cast) == (200, 0, 0, 200)


def test_a_replay_counts_hours_from_what_ratings_take(cast: Cast, rng: np.random.Generator) -> None:
    wrong = hand_in(cast.project, 30, rng)
    assert replay_policy(in_force(cast)).review_hours is None
    judge_open(cast.project, cast.reviewers[0], wrong)
    # 30 ratings of 20 seconds.
    assert replay_policy(in_force(cast)).review_hours == pytest.approx(30 * 20 / 3600)
