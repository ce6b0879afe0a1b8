"""Proposals: what verdicts allow to be changed, and nothing changed by it."""

import json
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from labeling.models import VerdictValue
from reviewapp.core.models import AuditEntry
from routing.models import ActivePolicy, Calibrator, Certificate, Decision, Policy, Recalibration
from routing.policy.calibration import fit
from routing.policy.confidence import signature
from routing.services.recalibration import RecalibrationRefused, propose_recalibration
from routing.services.replays import replay_policy
from routing.tasks import propose_due_recalibrations
from tests.factories import output_body, pair_body, route
from tests.learning.history import SHIPPING, hand_in, judge_open, live_through
from tests.people import NOW, Cast

# Loose enough that a few hundred verdicts can certify it.
TARGETS = {"undetected_error": 0.08, "level": 0.9}


def propose(cast: Cast, **options: Any) -> Recalibration:
    return propose_recalibration(project=cast.project, actor="person:7", **({"now": NOW} | options))


def draft_of(proposal: Recalibration) -> dict[str, Any]:
    tiers: dict[str, Any] = proposal.policy.document["tiers"]
    return tiers


# How many verdicts ---------------------------------------------------------------------------------


def test_it_needs_fifty_verdicts(cast: Cast, rng: np.random.Generator) -> None:
    wrong = hand_in(cast.project, 60, rng)
    judge_open(cast.project, cast.reviewers[0], wrong, most=49)
    with pytest.raises(RecalibrationRefused, match="needs 50 verdicts; there are 49"):
        propose(cast)
    assert not Recalibration.objects.exists()
    assert not Calibrator.objects.exists()
    judge_open(cast.project, cast.reviewers[0], wrong, most=1)
    assert propose(cast, review_share=0.5).labels_used == 50


def test_it_does_not_count_preferences_as_verdicts_on_an_output(cast: Cast, rng: np.random.Generator) -> None:
    bodies = [pair_body() for _number in range(60)]
    route(cast.project, *bodies)
    judge_open(cast.project, cast.reviewers[0], {body["external_id"]: False for body in bodies})
    with pytest.raises(RecalibrationRefused, match="there are 0"):
        propose(cast)
    live_through(cast, 70, rng)
    proposal = propose(cast, review_share=0.5)
    assert (proposal.labels_used, proposal.replay["outputs"]) == (70, 70)


def test_it_looks_only_as_far_back_as_asked(cast: Cast, rng: np.random.Generator) -> None:
    live_through(cast, 60, rng, now=NOW - timedelta(days=30))
    live_through(cast, 55, rng)
    assert propose(cast, review_share=0.5, since=NOW - timedelta(days=1)).labels_used == 55
    with pytest.raises(RecalibrationRefused, match="there are 0"):
        propose(cast, since=NOW + timedelta(seconds=1))


# What is proposed ----------------------------------------------------------------------------------


def test_a_proposal_changes_nothing_by_itself(cast: Cast, rng: np.random.Generator) -> None:
    live_through(cast, 120, rng)
    before = ActivePolicy.objects.get(project=cast.project).policy
    proposal = propose(cast, review_share=0.3)
    assert proposal.status == "proposed"
    assert proposal.policy.published_at is None
    assert proposal.policy.parent == before
    assert ActivePolicy.objects.get(project=cast.project).policy == before
    hand_in(cast.project, 5, rng)
    assert {row.policy for row in Decision.objects.filter(project=cast.project)} == {before}
    assert {row.action for row in Decision.objects.filter(project=cast.project)} == {"review"}


def test_a_budget_becomes_one_threshold_that_spends_it(cast: Cast, rng: np.random.Generator) -> None:
    live_through(cast, 300, rng)
    live_through(cast, 100, rng, stakes="low")
    live_through(cast, 20, rng, stakes="high")
    proposal = propose(cast, review_share=0.4, audit_rate=0.2)
    tiers = draft_of(proposal)
    assert tiers["mid"]["threshold"] == tiers["low"]["threshold"]
    assert {name: tier["mode"] for name, tier in tiers.items()} == {
        "high": "always",
        "mid": "below_threshold",
        "low": "below_threshold",
    }
    assert tiers["mid"]["audit_rate"] == 0.2
    # A quarter of the two tiers goes below the threshold; a fifth of the rest is audited: 40 % together.
    expected = proposal.replay["by_stakes"]
    assert expected["high"] == {"ship": 0, "audited": 0, "review": 20}
    # Ties at the threshold ship, so it may be a little less.
    assert 95 < expected["mid"]["review"] + expected["low"]["review"] <= 100
    assert proposal.thresholds["mid"]["status"] == "budget"
    assert proposal.thresholds["mid"]["certified"] is False


def test_high_stakes_stay_reviewed_unless_the_owner_names_them(cast: Cast, rng: np.random.Generator) -> None:
    live_through(cast, 80, rng, stakes="high")
    assert draft_of(propose(cast, review_share=0.2))["high"]["mode"] == "always"
    everything = draft_of(propose(cast, review_share=0.2, tiers=["high", "mid", "low"]))
    assert everything["high"]["mode"] == "below_threshold"


def test_higher_stakes_are_not_shipped_over_lower_ones_that_are_reviewed(cast: Cast, rng: np.random.Generator) -> None:
    live_through(cast, 80, rng, stakes="high")
    proposal = propose(cast, review_share=0.2, tiers=["high"])
    assert {tier["mode"] for tier in draft_of(proposal).values()} == {"always"}
    assert proposal.thresholds["high"]["raised"] == [
        "made stricter: mid stakes are always reviewed, and higher stakes never ship more easily"
    ]


def test_a_certified_threshold_rests_on_rows_that_did_not_fit_the_calibrator(
    cast: Cast, rng: np.random.Generator
) -> None:
    cast.put_in_force(targets=TARGETS)
    live_through(cast, 700, rng)
    proposal = propose(cast)
    basis = proposal.thresholds["mid"]
    assert basis["status"] == "certified"
    assert basis["bound"] <= 0.08
    # Six in ten prompts fit, the others choose.
    assert 370 < proposal.labels_used < 470
    assert all(row["audited"] <= 700 - proposal.labels_used for row in basis["rows"])
    assert draft_of(proposal)["mid"]["threshold"] == basis["threshold"]
    # Nobody has judged low stakes: they ship by the same threshold, certified on both together. Reviewed, they
    # would take the higher stakes with them.
    low = proposal.thresholds["low"]
    assert (low["status"], low["together_with"], low["labels"]) == ("certified", ["mid"], 0)
    assert draft_of(proposal)["low"]["threshold"] == basis["threshold"]
    # The whole log does not speak against it.
    assert proposal.replay["error_interval"][0] < 0.08
    assert proposal.replay["shipped"] > 100


def test_a_tier_that_shipped_and_cannot_be_certified_is_reviewed_again(cast: Cast, rng: np.random.Generator) -> None:
    """The old threshold was chosen for another calibrator: kept, it would ship under no guarantee at all."""
    shipping = {"mode": "below_threshold", "threshold": 0.2, "audit_rate": 0.5}
    cast.put_in_force(tier=shipping, targets={"undetected_error": 0.005})
    live_through(cast, 200, rng)
    draft = draft_of(propose(cast))
    assert [draft[stakes]["mode"] for stakes in ("high", "mid", "low")] == ["always"] * 3


def test_what_is_reviewed_and_cannot_be_certified_stays_as_it_is(cast: Cast, rng: np.random.Generator) -> None:
    cast.put_in_force(targets={"undetected_error": 0.005})
    live_through(cast, 200, rng)
    proposal = propose(cast)
    active = ActivePolicy.objects.get(project=cast.project).policy
    assert proposal.policy.document == active.document
    assert proposal.thresholds["mid"]["status"] == "too_few_labels"
    assert proposal.replay["shipped"] == 0


def test_verdicts_weigh_by_the_chance_they_had(cast: Cast, rng: np.random.Generator) -> None:
    cast.put_in_force(tier=SHIPPING)
    live_through(cast, 500, rng)
    decisions = Decision.objects.filter(project=cast.project, output__reviews__item__verdict__isnull=False)
    assert set(decisions.values_list("inclusion_probability", flat=True)) == {0.25, 1.0}
    rows = list(
        decisions.order_by("-output_id").values_list(
            "trace__evidence", "output__reviews__item__verdict__value", "inclusion_probability"
        )
    )
    evidence = [[row[0]["score:grounded"]] for row in rows]
    good = [float(row[1] == VerdictValue.ACCEPT) for row in rows]
    weighted = fit(["score:grounded"], evidence, good, weights=[1 / row[2] for row in rows]).model
    plain = fit(["score:grounded"], evidence, good).model
    assert weighted is not None
    assert plain is not None
    found = propose(cast, review_share=0.3).calibrator.parameters["scopes"]["*"]["cells"]
    found = found[signature(["score:grounded"])]
    assert found["slope"] == pytest.approx(weighted["slope"], rel=1e-6)
    assert found["intercept"] == pytest.approx(weighted["intercept"], rel=1e-6)
    # Without weights it would have come out otherwise.
    assert abs(plain["intercept"] - weighted["intercept"]) > 0.01


@pytest.mark.parametrize("audit_rate", [1.0, 0.05])
def test_a_budget_of_everything_reviews_everything(cast: Cast, rng: np.random.Generator, audit_rate: float) -> None:
    live_through(cast, 60, rng)
    proposal = propose(cast, review_share=1.0, audit_rate=audit_rate)
    covered = proposal.replay["reviewed"] + proposal.replay["audited"]
    assert covered == pytest.approx(60, abs=3)
    assert draft_of(proposal)["mid"]["audit_rate"] == audit_rate


def test_an_audit_that_alone_overspends_the_budget_is_refused(cast: Cast, rng: np.random.Generator) -> None:
    live_through(cast, 60, rng)
    with pytest.raises(RecalibrationRefused, match="lower the audit rate"):
        propose(cast, review_share=0.05, audit_rate=0.5)


# What comes with it --------------------------------------------------------------------------------


def test_it_comes_with_its_replay_its_certificate_and_a_line_in_the_log(cast: Cast, rng: np.random.Generator) -> None:
    live_through(cast, 80, rng)
    proposal = propose(cast, review_share=0.3)
    assert json.dumps(proposal.replay) == json.dumps(replay_policy(proposal.policy).as_json())
    assert proposal.certificate == Certificate.objects.get(project=cast.project)
    assert proposal.calibrator == proposal.policy.calibrator
    assert proposal.calibrator.metrics["n"] == 80
    assert proposal.calibrator.fitted_on["cells"] == {"*|score:grounded": 80}
    entry = AuditEntry.objects.filter(project=cast.project, verb="recalibration.proposed").get()
    assert (entry.actor, entry.target) == ("person:7", f"recalibration:{proposal.pk}")


def test_every_proposal_has_a_calibrator_and_a_policy_version_of_its_own(cast: Cast, rng: np.random.Generator) -> None:
    live_through(cast, 60, rng)
    first, second = propose(cast, review_share=0.3), propose(cast, review_share=0.3)
    assert (first.calibrator.version, second.calibrator.version) == (1, 2)
    assert second.policy.version == first.policy.version + 1
    assert first.policy.parent == second.policy.parent


# By itself -----------------------------------------------------------------------------------------


def test_a_sweep_proposes_once_there_are_enough_new_verdicts(cast: Cast, rng: np.random.Generator) -> None:
    live_through(cast, 199, rng)
    assert propose_due_recalibrations() == 0
    live_through(cast, 1, rng)
    assert propose_due_recalibrations() == 1
    assert Recalibration.objects.get().created_by == "system"
    # One open question at a time.
    assert propose_due_recalibrations() == 0


def test_an_old_calibrator_knows_nothing_of_a_new_signal(cast: Cast, rng: np.random.Generator) -> None:
    live_through(cast, 100, rng)
    proposal = propose(cast, review_share=0.1)
    newcomer = output_body(signals=[{"kind": "grounding", "supported": 9, "total": 9}])
    route(cast.project, newcomer)
    # The replay is made again, now with an output that no cell was fitted for: it would go to a person.
    again = replay_policy(Policy.objects.get(pk=proposal.policy_id))
    assert again.reviewed == proposal.replay["reviewed"] + 1
