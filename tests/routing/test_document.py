"""Policy documents: what is refused, and where the fault is said to be."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from routing.policy.difference import differences
from routing.policy.document import STAKES_RANK, PolicyDocument, review_everything
from routing.services.policies import PolicyRefused, parse_document
from tests.routing.documents import ALWAYS, SAMPLED, document, policy, ships_from

RULE = {"name": "large", "when": {">": [{"var": "metadata.amount"}, 250]}, "stakes": "high"}


def faults_of(sent: Any) -> dict[str, str]:
    """Pointer to code, for everything that is wrong with a document."""
    with pytest.raises(PolicyRefused) as refused:
        parse_document(sent)
    assert all(set(error) == {"pointer", "code", "detail"} for error in refused.value.errors)
    return {error["pointer"]: error["code"] for error in refused.value.errors}


@pytest.mark.parametrize(
    ("sent", "pointer"),
    [
        # Shape
        ({}, "/tiers"),
        ({"tiers": {"high": ALWAYS, "mid": ALWAYS}}, "/tiers/low"),
        (document() | {"colour": "red"}, "/colour"),
        (document(low=ALWAYS, mid=ALWAYS | {"auditrate": 0.1}), "/tiers/mid/auditrate"),
        (document(low=ALWAYS, mid={"mode": "never"}), "/tiers/mid/mode"),
        # A threshold goes with its mode, and only with it
        (document(low=ALWAYS, mid={"mode": "below_threshold"}), "/tiers/mid"),
        (document(low=ALWAYS, mid=SAMPLED | {"threshold": 0.5}), "/tiers/mid"),
        (document(low=ALWAYS, mid=ALWAYS | {"threshold": 0.5}), "/tiers/mid"),
        # Ranges
        (document(low=ALWAYS, mid=ships_from(1.01)), "/tiers/mid/threshold"),
        (document(low=ALWAYS, mid=ships_from(-0.01)), "/tiers/mid/threshold"),
        (document(low=ALWAYS, mid=ships_from(float("nan"))), "/tiers/mid/threshold"),
        (document(low=ALWAYS, mid=ships_from(0.9, audit_rate=0.0)), "/tiers/mid/audit_rate"),
        (document(low=ALWAYS, mid=ships_from(0.9, audit_rate=float("inf"))), "/tiers/mid/audit_rate"),
        (document(mid=ALWAYS, high=ALWAYS | {"raters": 0}), "/tiers/high/raters"),
        (document(mid=ALWAYS, high=ALWAYS | {"raters": 10}), "/tiers/high/raters"),
        (document(mid=ALWAYS, high=ALWAYS | {"overlap_share": 1.1}), "/tiers/high/overlap_share"),
        (document(mid=ALWAYS, high=ALWAYS | {"overlap_raters": 1}), "/tiers/high/overlap_raters"),
        (document(mid=ALWAYS, high=ALWAYS | {"sla_minutes": 0}), "/tiers/high/sla_minutes"),
        (document(gold_rate=0.51), "/gold_rate"),
        (document(targets={"undetected_error": 0.0}), "/targets/undetected_error"),
        (document(targets={"undetected_error": 1.0}), "/targets/undetected_error"),
        (document(targets={"level": 0.5}), "/targets/level"),
        # Stakes
        (document(stakes={"default": "huge"}), "/stakes/default"),
        (document(stakes={"by_intent": {"billing": "huge"}}), "/stakes/by_intent/billing"),
        (document(stakes={"rules": [RULE, RULE | {"when": {"eval": [1]}}]}), "/stakes/rules/1/when"),
        (document(stakes={"rules": [RULE | {"name": ""}]}), "/stakes/rules/0/name"),
        (document(stakes={"rules": [RULE | {"stakes": "none"}]}), "/stakes/rules/0/stakes"),
        # Intents, whose names may hold what a pointer must escape (RFC 6901)
        (document(intents={"billing": {"mid": {"mode": "below_threshold"}}}), "/intents/billing/mid"),
        (document(intents={"a/b~c": {"mid": {"mode": "never"}}}), "/intents/a~1b~0c/mid/mode"),
        # Strict numbers
        (document(low=ALWAYS, mid=ships_from(True)), "/tiers/mid/threshold"),
        (document(low=ALWAYS, mid=ships_from("0.9")), "/tiers/mid/threshold"),  # type: ignore[arg-type]
        (document(mid=ALWAYS, high=ALWAYS | {"raters": True}), "/tiers/high/raters"),
        (document(gold_rate=True), "/gold_rate"),
        # Higher stakes are never laxer, nor in one intent
        (document(mid=SAMPLED, low=ALWAYS), ""),
        (document(high=SAMPLED, mid=ships_from(0.9)), ""),
        (document(mid=ships_from(0.8), low=ships_from(0.9)), ""),
        (document(mid=ships_from(0.9), intents={"billing": {"low": ALWAYS}}), ""),
        (document(low=SAMPLED, intents={"billing": {"high": SAMPLED}}), ""),
        # Names
        (document(stakes={"rules": [RULE, RULE]}), ""),
        (document(judges={"names": ["strict", "strict"]}), ""),
        (document(required_signals=["verdict"]), "/required_signals/0"),
        # Not a document at all
        ("everything", ""),
        (None, ""),
        ([document()], ""),
    ],
)
def test_it_refuses_a_document_and_points_at_the_fault(sent: Any, pointer: str) -> None:
    assert list(faults_of(sent)) == [pointer]


def test_it_names_every_fault_at_once() -> None:
    sent = document(mid=ships_from(2.0), low={"mode": "never"}, gold_rate=-1, shade="blue")
    assert set(faults_of(sent)) == {"/tiers/mid/threshold", "/tiers/low/mode", "/gold_rate", "/shade"}


def test_it_survives_json_unchanged() -> None:
    sent = document(
        mid=ships_from(0.85, overlap_share=0.2, credential="nurse"),
        intents={"billing": {"low": SAMPLED}},
        stakes={"default": "low", "by_intent": {"refund": "high"}, "rules": [RULE]},
        required_signals=["judge:strict"],
    )
    parsed = parse_document(sent)
    stored = json.loads(json.dumps(parsed.model_dump(mode="json")))
    assert PolicyDocument.model_validate(stored) == parsed
    assert list(differences(stored, parsed.model_dump(mode="json"))) == []


def test_it_cannot_be_changed_once_parsed() -> None:
    parsed = policy()
    with pytest.raises(ValidationError, match="frozen"):
        parsed.gold_rate = 0.0  # type: ignore[misc]
    with pytest.raises(ValidationError, match="frozen"):
        parsed.tiers.high.mode = "sampled"  # type: ignore[misc]


def test_an_intent_replaces_single_tiers_and_leaves_the_others() -> None:
    parsed = policy(mid=ships_from(0.9), intents={"refund": {"mid": ALWAYS}})
    assert parsed.tier_for("refund", "mid").mode == "always"
    assert parsed.tier_for("refund", "low") is parsed.tiers.low
    assert parsed.tier_for("billing", "mid").threshold == 0.9


@pytest.mark.parametrize("changes", [{"low": SAMPLED}, {"intents": {"billing": {"low": ships_from(0.99)}}}])
def test_it_reviews_everything_only_if_every_tier_does(changes: dict[str, Any]) -> None:
    assert policy(intents={"billing": {"mid": ALWAYS}}).reviews_everything
    assert not policy(**changes).reviews_everything


def test_the_first_policy_reviews_everything() -> None:
    first = review_everything()
    assert first.reviews_everything
    assert {first.tier_for("any", stakes).mode for stakes in STAKES_RANK} == {"always"}


def test_a_difference_points_at_single_values() -> None:
    before = document(mid=ships_from(0.9), low=SAMPLED, intents={"a/b": {"low": ALWAYS}})
    after = document(mid=ships_from(0.8), low=SAMPLED, intents={"a/b": {"low": SAMPLED}})
    assert list(differences(before, after)) == [
        {"pointer": "/intents/a~1b/low/audit_rate", "before": None, "after": 0.1},
        {"pointer": "/intents/a~1b/low/mode", "before": "always", "after": "sampled"},
        {"pointer": "/tiers/mid/threshold", "before": 0.9, "after": 0.8},
    ]
