"""Promise 8: from any figure to the rows, the rubric version and the policy version behind it."""

import json
from typing import Any

import pytest

from labeling.models import GoldenSet, Rating, Verdict
from reviewapp.core.models import AuditEntry
from routing.models import Calibrator, Decision, OutputReview, Policy
from routing.policy.decide import Facts, decide
from routing.services.certificates import certificate_digest
from routing.services.policies import draft_policy, parse_document
from tests.factories import judge, output_body, route
from tests.people import NOW, Cast, make_cast, policy_document
from tests.promises.estate import Estate, build_estate

pytestmark = pytest.mark.django_db


@pytest.fixture
def estate(cast: Cast) -> Estate:
    return build_estate(make_cast("marmalade"))


def test_it_can_decide_every_output_again_from_what_it_kept(cast: Cast) -> None:
    """The decision's own trace, the policy version and the calibrator it names are all it takes."""
    rules = [{"name": "dear", "when": {">": [{"var": "metadata.amount"}, 100]}, "stakes": "high"}]
    tier = {"mode": "below_threshold", "threshold": 0.5, "audit_rate": 0.4}
    for turn in range(3):
        cast.put_in_force(tier=tier | {"threshold": 0.3 * (turn + 1)}, stakes={"rules": rules})
        values = [number / 12 for number in range(12)]
        signals = [[{"kind": "score", "name": "s", "value": value}] for value in values]
        route(cast.project, *(output_body(signals=signal, metadata={"amount": 120}) for signal in signals[:4]))
        route(cast.project, *(output_body(signals=signal, flags=["incident"]) for signal in signals[4:6]))
        route(cast.project, *(output_body(signals=signal, stakes="low") for signal in signals[6:]))
    decisions = Decision.objects.filter(project=cast.project).select_related("output", "policy", "calibrator")
    assert decisions.count() == 36
    for made in decisions:
        facts = Facts(
            external_id=made.output.external_id,
            intent=made.output.intent,
            stakes=made.trace["stakes_given"],
            flags=tuple(made.flags),
            evidence={signal.key: signal.evidence for signal in made.output.signals.all()},
            metadata=made.output.metadata,
        )
        assert facts.evidence == made.trace["evidence"]
        again = decide(
            facts,
            policy=parse_document(made.policy.document),
            calibrator=made.calibrator.parameters if made.calibrator else None,
            key=bytes(cast.project.draw_key),
        )
        assert (again.action, list(again.reasons), again.confidence, again.stakes, again.audited) == (
            made.action,
            made.reasons,
            made.confidence,
            made.stakes,
            made.audited,
        )
        assert again.inclusion_probability == made.inclusion_probability
        # The rest of it says where the facts come from: flags given, signals weighed, checks, screening.
        assert dict(again.trace).items() <= made.trace.items()


def test_it_leads_from_an_output_to_its_policy_and_its_rubric(estate: Estate) -> None:
    program = estate.cast.program
    output = program.get(f"/outputs/{estate.output.pk}/").json()
    version = output["decision"]["policy"]["version"]
    document = program.get(f"/policies/{version}/").json()["document"]
    assert document == Policy.objects.get(project=estate.cast.project, version=version).document
    asked = output["verdict"]["rubric"]
    rubrics = program.get("/rubrics/").json()["results"]
    [rubric] = [row for row in rubrics if (row["name"], row["version"]) == (asked["name"], asked["version"])]
    assert set(output["verdict"]["criteria"]) <= {criterion["name"] for criterion in rubric["criteria"]}


def test_it_leads_from_a_verdict_to_the_ratings_it_rests_on(estate: Estate) -> None:
    for verdict in Verdict.objects.filter(item__project=estate.cast.project):
        ratings = Rating.objects.filter(pk__in=verdict.rating_ids, item=verdict.item)
        assert ratings.count() == len(verdict.rating_ids) == verdict.raters
        assert {rating.rubric_id for rating in ratings} == {verdict.rubric_id}
        assert OutputReview.objects.get(item=verdict.item).output.project == estate.cast.project


def test_it_leads_from_a_golden_case_to_the_output_and_the_verdict(estate: Estate) -> None:
    program = estate.cast.program
    exported = b"".join(program.get(f"/golden-sets/{estate.golden_set.name}/export/").streaming_content)
    cases = [json.loads(line) for line in exported.decode().splitlines()]
    assert len(cases) == GoldenSet.objects.get(pk=estate.golden_set.pk).case_count
    for case in cases:
        output = program.get(f"/outputs/{case['id']}/").json()
        assert output["verdict"]["verdict"] == case["verdict"]
        assert output["verdict"]["rubric"] == case["rubric"]


def test_it_leads_from_a_proposal_to_everything_it_rests_on(estate: Estate) -> None:
    program = estate.cast.program
    proposal = program.get(f"/recalibrations/{estate.recalibration.pk}/").json()
    policy = program.get(f"/policies/{proposal['policy']}/").json()
    assert policy["calibrator"] == proposal["calibrator"]
    calibrator = Calibrator.objects.get(project=estate.cast.project, version=int(proposal["calibrator"][1:]))
    assert calibrator.fitted_on.keys() >= {"labels", "cells"}
    assert proposal["labels_used"] == calibrator.fitted_on["labels"]
    [certificate] = [
        row for row in program.get("/certificates/").json()["results"] if row["id"] == proposal["certificate"]["id"]
    ]
    assert certificate["sha256"] == certificate_digest(certificate["inputs"], certificate["result"])
    assert certificate["inputs"].keys() >= {"until", "level", "outputs", "strata"}


def test_it_names_the_rubric_behind_every_line_of_agreement(cast: Cast) -> None:
    cast.put_in_force(tier={"raters": 2})
    route(cast.project, *(output_body() for _ in range(3)))
    for member in cast.reviewers[:2]:
        for _ in range(3):
            judge(member)
    for row in cast.program.get("/agreement/").json()["results"]:
        assert row["rubric"] == "acceptability v1"
        assert (row["items"], row["ratings"], row["raters"]) == (3, 6, 2)


def test_it_writes_down_who_changed_what(estate: Estate) -> None:
    entries = AuditEntry.objects.filter(project=estate.cast.project)
    verbs = set(entries.values_list("verb", flat=True))
    expected = {"project.created", "member.added", "policy.drafted", "policy.activated", "rubric.published"}
    expected |= {"recalibration.proposed", "certificate.issued", "golden_set.frozen", "gold.added", "api_key.created"}
    assert expected <= verbs
    assert all(entry.actor for entry in entries)
    draft = draft_policy(project=estate.cast.project, document=policy_document(), actor="test")
    before = entries.all().count()
    answer = estate.cast.program.post(f"/policies/{draft.version}/activate/", {"reason": "tried it"})
    assert answer.status_code == 200
    newest: Any = entries.order_by("-pk")[0]
    assert entries.all().count() == before + 1
    assert newest.actor == f"key:{estate.cast.key.split('.')[0]}"
    assert newest.data["reason"] == "tried it"
    assert newest.at > NOW
