"""Labels by a model vouch for nothing: they are left out of what is learnt and certified, and counted there."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from django.db.models import Max

from labeling.models import Aggregation, ReviewItem, Verdict
from reviewapp.core.models import Membership
from routing.models import ActivePolicy, Certificate, OutputReview, Recalibration
from routing.policy.drafting import certified_thresholds
from routing.policy.learning import fit_calibrator
from routing.policy.replay import replay
from routing.queries import projects_due_for_recalibration
from routing.services.certificates import estimate_undetected, issue_certificate
from routing.services.recalibration import RecalibrationRefused, propose_recalibration
from routing.services.replays import replay_policy
from tests.aggregation.crowd import hand_in, shared_past, tier, verdict_of
from tests.browser.visiting import signed_in, text_of
from tests.factories import ACCEPT, REJECT, item_of, output_body, route
from tests.learning.history import live_through
from tests.people import NOW, Cast, make_cast
from tests.routing.documents import KEY, SAMPLED, policy
from tests.routing.logs import logged, noisy_rows
from tests.routing.test_replay import past


def weigh_some(cast: Cast, count: int) -> None:
    """As if so many of the newest outputs had come in under a tier that weighs its raters."""
    newest = OutputReview.objects.filter(output__project=cast.project).order_by("-pk").values("item_id")[:count]
    ReviewItem.objects.filter(pk__in=list(newest.values_list("item_id", flat=True))).update(
        aggregation=Aggregation.DAWID_SKENE
    )


def propose(cast: Cast, **options: Any) -> Recalibration:
    return propose_recalibration(project=cast.project, actor="person:7", now=NOW, **options)


def certificate(cast: Cast) -> Certificate:
    return issue_certificate(project=cast.project, actor="person:7", now=NOW.replace(year=2027))


@pytest.mark.django_db
def test_a_verdict_by_model_changes_no_certificate_number(cast: Cast, reviewers: list[Membership]) -> None:
    shared_past(cast, reviewers[:5], gold=30)
    cast.put_in_force(tier=tier("majority", 5) | {"mode": "sampled", "audit_rate": 1.0})
    for answers in ([ACCEPT] * 5, [REJECT] * 5, [ACCEPT] * 5):
        route(cast.project)
        hand_in(reviewers[:5], answers)
    [output] = route(cast.project)
    before, unseen = certificate(cast), estimate_undetected(cast.project)
    # No policy can bring this about: audits fall back to the majority. Should a row say so all the same:
    ReviewItem.objects.filter(pk=item_of(output).pk).update(aggregation=Aggregation.DAWID_SKENE)
    hand_in(reviewers[:5], [REJECT, REJECT, ACCEPT, ACCEPT, ACCEPT])
    verdict = verdict_of(item_of(output))
    assert verdict is not None
    assert (verdict.basis["method"], verdict.value) == ("dawid_skene", "reject")
    after = certificate(cast)
    assert (after.result, after.statement) == (before.result, before.statement)
    assert (before.inputs["left_out"], after.inputs["left_out"]) == (0, 1)
    assert estimate_undetected(cast.project) == unseen
    owner = signed_in(cast.owner)
    page = text_of(owner.get(f"/projects/{cast.project.slug}/certificates/{after.pk}/"))
    assert "1 verdict whose raters a model weighed" in page
    assert "1 verdict is left out: a model weighed its raters." in text_of(
        owner.get(f"/projects/{cast.project.slug}/console/")
    )


@pytest.mark.django_db
def test_a_verdict_by_model_teaches_no_calibrator(cast: Cast) -> None:
    rng = np.random.default_rng(3)
    live_through(cast, 60, rng)
    without = propose(cast, review_share=0.5)
    live_through(cast, 30, rng)
    weigh_some(cast, 30)
    proposal = propose(cast, review_share=0.5)
    assert (proposal.labels_used, proposal.calibrator.fitted_on["left_out"]) == (60, 30)
    fits = [found.calibrator.metrics["brier"] for found in (without, proposal)]
    assert fits[0] == pytest.approx(fits[1])
    owner = signed_in(cast.owner)
    page = text_of(owner.get(f"/projects/{cast.project.slug}/recalibrations/{proposal.pk}/"))
    assert "30 verdicts are left out everywhere here" in page
    page = text_of(owner.get(f"/projects/{cast.project.slug}/calibrators/{proposal.calibrator.version}/"))
    assert "30 verdicts were left out" in page


@pytest.mark.django_db
def test_they_are_not_counted_towards_a_calibration(cast: Cast) -> None:
    live_through(cast, 70, np.random.default_rng(4))
    weigh_some(cast, 30)
    with pytest.raises(RecalibrationRefused, match="there are 40, and 30 more whose raters were weighed by a model"):
        propose(cast)


@pytest.mark.django_db
def test_they_make_no_proposal_due(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("routing.queries.PROPOSAL_VERDICTS", 20)
    live_through(cast, 30, np.random.default_rng(5))
    assert projects_due_for_recalibration(NOW) == [cast.project]
    weigh_some(cast, 11)
    assert projects_due_for_recalibration(NOW) == []


@pytest.mark.django_db
def test_a_replay_says_how_many_it_leaves_out(cast: Cast) -> None:
    make_cast("elsewhere")
    live_through(cast, 40, np.random.default_rng(6))
    cast.put_in_force(tier={"mode": "sampled", "audit_rate": 0.5})
    active = ActivePolicy.objects.get(project=cast.project).policy
    before = replay_policy(active)
    route(cast.project, *(output_body() for _number in range(10)))
    weigh_some(cast, 4)
    after = replay_policy(active)
    assert before.left_out == 0
    assert 0 < after.left_out <= 4
    page = text_of(
        signed_in(cast.owner).get(f"/projects/{cast.project.slug}/policies/{active.version}/replay/", {"since": ""})
    )
    assert "of these left out: labelled by a model" in page


def test_thresholds_are_certified_on_what_people_label() -> None:
    rows = noisy_rows(800, np.random.default_rng(8))
    document = policy(targets={"undetected_error": 0.2, "level": 0.9}, required_signals=[])
    parameters = fit_calibrator(rows).parameters
    # All of them wrong at the highest score, by the word of a model.
    labelled = [
        replace(logged(10_000 + n, evidence={"score:grounded": 0.999}, acceptable=None), by_model=True)
        for n in range(300)
    ]
    alone = certified_thresholds(rows, parameters, document, ["mid"])
    assert alone[0]
    assert certified_thresholds([*rows, *labelled], parameters, document, ["mid"]) == alone


def test_the_error_rate_of_a_replay_is_of_what_people_label() -> None:
    rows = [past(number, inclusion=0.5, acceptable=number > 2) for number in range(40)]
    by_model = [replace(past(100 + number), by_model=True) for number in range(25)]
    under = policy(high=SAMPLED)
    alone, found = (
        replay(each, policy=under, calibrator=None, key=KEY, seconds_per_rating=30.0)
        for each in (rows, [*rows, *by_model])
    )
    assert (found.error_rate, found.error_interval) == (alone.error_rate, alone.error_interval)
    assert (alone.left_out, found.left_out, found.shipped) == (0, 25, 65)


@pytest.mark.django_db
def test_what_a_person_decided_in_such_a_tier_is_left_out_as_well(cast: Cast, reviewers: list[Membership]) -> None:
    """Which items reached an adjudicator hangs on what the model found doubtful: they stand for nothing else."""
    shared_past(cast, reviewers[:5], gold=30)
    cast.put_in_force(tier=tier("dawid_skene", 5))
    [output] = route(cast.project)
    hand_in(reviewers[:5], [ACCEPT, REJECT, REJECT, ACCEPT, REJECT])
    hand_in([cast.adjudicator], [REJECT | {"cause": "truly_contested"}])
    assert Verdict.objects.filter(item=item_of(output), reached_by="adjudication").exists()
    with pytest.raises(RecalibrationRefused, match="there are 0, and 1 more"):
        propose(cast)
    assert Recalibration.objects.aggregate(newest=Max("pk"))["newest"] is None
