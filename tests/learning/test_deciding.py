"""A person's word on a proposal: approved, rejected, or overtaken."""

from datetime import timedelta

import numpy as np
import pytest

from labeling.models import QueueSettings
from reviewapp.core.models import AuditEntry
from routing.models import ActivePolicy, Decision, PolicyActivation, Recalibration
from routing.services.policies import activate_policy
from routing.services.recalibration import (
    RecalibrationRefused,
    approve_recalibration,
    propose_recalibration,
    reject_recalibration,
)
from tests.factories import output_body, route
from tests.learning.history import live_through
from tests.people import NOW, Cast, policy_document

LATER = NOW + timedelta(hours=1)


@pytest.fixture
def proposal(cast: Cast, rng: np.random.Generator) -> Recalibration:
    """A proposal to ship what the new calibrator is surest of, on a policy that plants gold."""
    cast.put_in_force(gold_rate=0.15)
    live_through(cast, 60, rng)
    return propose_recalibration(project=cast.project, actor="person:1", now=NOW, review_share=0.3, audit_rate=0.25)


def approve(proposal: Recalibration) -> Recalibration:
    return approve_recalibration(proposal=proposal, actor="person:1", now=LATER, reason="fits our hours")


def reject(proposal: Recalibration) -> Recalibration:
    return reject_recalibration(proposal=proposal, actor="person:1", now=LATER, reason="too few verdicts on refunds")


def test_an_approved_policy_is_in_force_for_the_next_output(cast: Cast, proposal: Recalibration) -> None:
    approved = approve(proposal)
    assert (approved.status, approved.decided_by, approved.decided_at) == ("approved", "person:1", LATER)
    approved.policy.refresh_from_db()
    assert approved.policy.published_at == LATER
    assert ActivePolicy.objects.get(project=cast.project).policy == approved.policy
    sure = output_body(signals=[{"kind": "score", "name": "grounded", "value": 0.99}])
    decision = Decision.objects.get(output=route(cast.project, sure, now=LATER)[0])
    assert (decision.policy, decision.calibrator) == (proposal.policy, proposal.calibrator)
    assert (decision.action, decision.inclusion_probability) == ("ship", 0.25)


def test_approval_is_written_down_with_who_and_why(cast: Cast, proposal: Recalibration) -> None:
    approve(proposal)
    entries = AuditEntry.objects.filter(project=cast.project, verb__in=["recalibration.approved", "policy.activated"])
    activated, approved = entries.order_by("-pk")[:2]
    assert (approved.actor, approved.target) == ("person:1", f"recalibration:{proposal.pk}")
    assert approved.data["reason"] == "fits our hours"
    assert activated.data["version"] == proposal.policy.version
    activation = PolicyActivation.objects.get(policy=proposal.policy)
    assert (activation.actor, activation.at) == ("person:1", LATER)
    assert "fits our hours" in activation.reason


def test_approval_gives_the_queue_the_policys_share_of_gold(cast: Cast, proposal: Recalibration) -> None:
    QueueSettings.objects.filter(project=cast.project).update(gold_rate=0.0)
    approve(proposal)
    assert QueueSettings.objects.get(project=cast.project).gold_rate == 0.15


def test_a_rejected_proposal_leaves_everything_as_it_was(cast: Cast, proposal: Recalibration) -> None:
    before = ActivePolicy.objects.get(project=cast.project).policy
    rejected = reject(proposal)
    assert (rejected.status, rejected.reason) == ("rejected", "too few verdicts on refunds")
    assert ActivePolicy.objects.get(project=cast.project).policy == before
    rejected.policy.refresh_from_db()
    assert rejected.policy.published_at is None
    entry = AuditEntry.objects.get(project=cast.project, verb="recalibration.rejected")
    assert entry.data == {"reason": "too few verdicts on refunds"}


@pytest.mark.parametrize("first", [approve, reject])
@pytest.mark.parametrize("second", [approve, reject])
def test_a_proposal_is_decided_once(proposal: Recalibration, first: object, second: object) -> None:
    assert callable(first)
    assert callable(second)
    status = first(proposal).status
    with pytest.raises(RecalibrationRefused, match=f"was {status} already"):
        second(Recalibration.objects.get(pk=proposal.pk))
    assert Recalibration.objects.get(pk=proposal.pk).status == status


def test_a_proposal_overtaken_by_another_policy_is_refused(cast: Cast, proposal: Recalibration) -> None:
    cast.put_in_force(tier={"mode": "always", "raters": 2})
    overtaking = ActivePolicy.objects.get(project=cast.project).policy
    with pytest.raises(RecalibrationRefused, match="propose again"):
        approve(proposal)
    assert ActivePolicy.objects.get(project=cast.project).policy == overtaking
    assert Recalibration.objects.get(pk=proposal.pk).status == "proposed"
    # It can still be put away.
    assert reject(Recalibration.objects.get(pk=proposal.pk)).status == "rejected"


def test_one_of_two_proposals_overtakes_the_other(cast: Cast, proposal: Recalibration) -> None:
    rival = propose_recalibration(project=cast.project, actor="person:2", now=NOW, review_share=0.5)
    approve(proposal)
    with pytest.raises(RecalibrationRefused, match="Another policy has come into force"):
        approve(rival)


def test_a_proposal_stands_again_once_its_parent_is_back_in_force(cast: Cast, proposal: Recalibration) -> None:
    parent = ActivePolicy.objects.get(project=cast.project).policy
    cast.put_in_force(tier={"mode": "always", "raters": 2})
    activate_policy(policy=parent, actor="person:1", now=NOW, reason="back")
    assert approve(proposal).status == "approved"


def test_the_next_proposal_starts_from_the_approved_policy(
    cast: Cast, proposal: Recalibration, rng: np.random.Generator
) -> None:
    approve(proposal)
    live_through(cast, 60, rng, now=LATER)
    following = propose_recalibration(project=cast.project, actor="person:1", now=LATER, review_share=0.5)
    assert following.policy.parent == proposal.policy
    # What ships already keeps its audit rate.
    assert following.policy.document["tiers"]["mid"]["audit_rate"] == 0.25
    assert following.policy.document["gold_rate"] == 0.15
    assert following.policy.document["tiers"]["high"] == proposal.policy.document["tiers"]["high"]
    assert set(policy_document()) <= set(following.policy.document)
