"""The published schema of policies: it refuses nothing that the service accepts, and says the same of shapes."""

import json
from copy import deepcopy
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from routing.policy.schema import policy_schema
from routing.services.policies import PolicyRefused, parse_document
from tests.people import Caller, Cast, person
from tests.routing.documents import ALWAYS, SAMPLED, document, ships_from

VALIDATOR = jsonschema_rs.validator_for(policy_schema())
FULL = document(
    mid=ships_from(0.85, overlap_share=0.2, overlap_raters=3, credential="nurse"),
    intents={"refund": {"mid": ALWAYS, "low": ALWAYS, "required_signals": ["judge:strict"]}, "chat": {"low": SAMPLED}},
    stakes={
        "default": "low",
        "by_intent": {"refund": "high"},
        "rules": [
            {
                "name": "large",
                "when": {
                    "and": [
                        {
                            "or": [
                                {">": [{"var": "metadata.amount"}, 250]},
                                {"matches": [{"var": "prompt"}, "(?i)urgent"]},
                            ]
                        },
                        {"not": {"in": [{"var": "intent"}, ["chat", "smalltalk", None, 3, True]]}},
                        {"!=": [{"var": "metadata.country"}, "NL"]},
                    ]
                },
                "stakes": "high",
            }
        ],
    },
    required_signals=["judge:strict", "grounding", "score:any: thing"],
    checks=[
        {"kind": "required_fields", "name": "fields", "severity": "high", "paths": ["/total"], "intents": ["refund"]},
        {"kind": "json_schema", "name": "shape", "severity": "mid", "schema": {"type": "object"}},
        {"kind": "numeric_range", "name": "sum", "severity": "mid", "pointer": "/total", "min": 0, "max": 1000.5},
        {"kind": "must_match", "name": "greets", "severity": "low", "pattern": "^Dear"},
        {"kind": "must_not_match", "name": "no-mail", "severity": "mid", "pattern": "[a-z]+@[a-z]+", "part": "prompt"},
        {"kind": "allowed_citations", "name": "cites", "severity": "high", "required": True},
        {"kind": "max_length", "name": "short", "severity": "low", "characters": 2000},
        {"kind": "language", "name": "dutch", "severity": "low", "allowed": ["nl", "en"]},
    ],
    detectors={"adversarial": {"false_alarm_rate": 0.02}, "novelty": None},
    judges={"names": ["strict"], "intents": ["refund"], "deadline_seconds": 60},
    gold_rate=0.2,
    targets={"undetected_error": 0.01, "level": 0.9},
)


def accepted(sent: Any) -> bool:
    try:
        parse_document(sent)
    except PolicyRefused:
        return False
    return True


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Paths to every value inside a document, the document itself apart."""
    if isinstance(value, dict):
        return [p for key, inner in value.items() for p in [(*path, key), *places(inner, (*path, key))]]
    if isinstance(value, list):
        return [p for index, inner in enumerate(value) for p in [(*path, index), *places(inner, (*path, index))]]
    return []


JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 2000),
    st.sampled_from([0.0, 0.3, 0.5, 0.9, 1.0, 1.5, -0.1, 1e300]),
    st.sampled_from(["", "high", "mid", "low", "always", "below_threshold", "sampled", "judge:x", "grounding", "true"]),
    st.text(max_size=12),
    st.sampled_from([[], {}, ["judge:x"], [1], {"var": "intent"}, {"mode": "always"}, {"==": [1, 1]}, {"==": [1]}]),
)


@st.composite
def documents(draw: st.DrawFn) -> Any:
    """A full document with a few values replaced, dropped or added."""
    changed = deepcopy(FULL)
    for _ in range(draw(st.integers(0, 3))):
        path = draw(st.sampled_from(places(changed)))
        holder = changed
        for part in path[:-1]:
            holder = holder[part]
        match draw(st.sampled_from(["replace", "drop", "add"])):
            case "replace":
                holder[path[-1]] = draw(JUNK)
            case "drop":
                del holder[path[-1]]
            case "add" if isinstance(holder, dict):
                holder[draw(st.sampled_from(["surprise", "threshold", "high", "names", "not"]))] = draw(JUNK)
            case _:
                holder.append(draw(JUNK)) if isinstance(holder, list) else None
    return changed


def test_a_full_document_is_accepted_by_both() -> None:
    parsed = parse_document(FULL)
    VALIDATOR.validate(FULL)
    # What is stored has every default written out, and fits as well.
    VALIDATOR.validate(parsed.model_dump(mode="json"))


@settings(max_examples=600, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(documents())
def test_whatever_the_service_accepts_fits_the_schema(sent: Any) -> None:
    if accepted(sent):
        assert [error.message for error in VALIDATOR.iter_errors(sent)] == []


@pytest.mark.parametrize(
    "sent",
    [
        {},
        document() | {"colour": "red"},
        document(low=ALWAYS, mid={"mode": "below_threshold"}),
        document(low=ALWAYS, mid=SAMPLED | {"threshold": 0.5}),
        document(low=ALWAYS, mid=ships_from(1.01)),
        document(low=ALWAYS, mid=ALWAYS | {"audit_rate": 0}),
        document(gold_rate=True),
        document(required_signals=["verdict"]),
        document(stakes={"rules": [{"name": "r", "when": {"eval": [1]}, "stakes": "high"}]}),
        document(stakes={"rules": [{"name": "r", "when": {"and": []}, "stakes": "high"}]}),
        document(stakes={"rules": [{"name": "r", "when": {"==": [{"var": "secret"}, 1]}, "stakes": "high"}]}),
        document(checks=[{"kind": "psychic", "name": "x", "severity": "low"}]),
        document(detectors={"novelty": {"false_alarm_rate": 0.5}}),
    ],
)
def test_what_the_schema_refuses_the_service_refuses(sent: Any) -> None:
    assert not VALIDATOR.is_valid(sent)
    assert not accepted(sent)


def test_rules_between_fields_are_in_its_words(cast: Cast) -> None:
    lax = document(high=SAMPLED, mid=ALWAYS)
    assert VALIDATOR.is_valid(lax)
    assert not accepted(lax)
    assert "laxer" in policy_schema()["description"]


def test_every_key_and_every_person_may_read_it(cast: Cast) -> None:
    for caller in (cast.key_with("route"), person(cast.reviewers[0])):
        answer = caller.get("/policies/schema/")
        assert (answer.status_code, json.loads(json.dumps(policy_schema()))) == (200, answer.json())
    assert Caller().get("/policies/schema/").status_code == 401
