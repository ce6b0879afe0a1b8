"""Promise 6: a missing, late or invalid signal lowers autonomy, never raises it. Pure, over any policy."""

import random
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest, chi2_contingency

from routing.policy.confidence import signature
from routing.policy.decide import Facts, RoutingDecision, decide, required_signals
from routing.policy.document import STAKES_RANK, PolicyDocument
from routing.policy.draw import keyed_draw
from tests.factories import output_body, route
from tests.people import Cast

UNHURRIED = [HealthCheck.too_slow, HealthCheck.filter_too_much]
repeatable = settings(derandomize=True, deadline=None, max_examples=300, suppress_health_check=UNHURRIED)
KEY = b"a key that the caller never sees"
SIGNALS = ("grounding", "judge:strict", "judge:lenient", "score:s")
INTENTS = ("billing", "returns", "weather")
STRICTNESS = {"sampled": 0, "below_threshold": 1, "always": 2}


@st.composite
def tiers(draw: st.DrawFn) -> dict[str, Any]:
    mode = draw(st.sampled_from(list(STRICTNESS)))
    tier: dict[str, Any] = {"mode": mode, "audit_rate": draw(st.floats(0.01, 1))}
    if mode == "below_threshold":
        tier["threshold"] = draw(st.floats(0, 1))
    return tier


def strictness(tier: dict[str, Any]) -> tuple[int, float]:
    return STRICTNESS[tier["mode"]], tier.get("threshold", 0.0)


@st.composite
def policies(draw: st.DrawFn) -> PolicyDocument:
    """Any policy: at least as strict, the more is at stake, or it would not be one."""
    three = sorted(draw(st.lists(tiers(), min_size=3, max_size=3)), key=strictness, reverse=True)
    rules = [
        {"name": "dear", "when": {">": [{"var": "metadata.amount"}, 100]}, "stakes": draw(st.sampled_from(LEVELS))},
        {"name": "cheap", "when": {"<": [{"var": "metadata.amount"}, 5]}, "stakes": "low"},
    ]
    required = st.none() | st.lists(st.sampled_from(SIGNALS), unique=True, max_size=3)
    return PolicyDocument.model_validate(
        {
            "tiers": dict(zip(LEVELS, three, strict=True)),
            "intents": draw(st.sampled_from([{}, {"billing": {"required_signals": ["grounding"]}}])),
            "stakes": {
                "default": draw(st.sampled_from(LEVELS)),
                "by_intent": draw(st.dictionaries(st.sampled_from(INTENTS), st.sampled_from(LEVELS))),
                "rules": draw(st.sampled_from([[], rules])),
            },
            "required_signals": draw(required),
        }
    )


LEVELS = tuple(STAKES_RANK)
evidences = st.dictionaries(st.sampled_from(SIGNALS), st.none() | st.floats(0, 1))


@st.composite
def outputs(draw: st.DrawFn) -> Facts:
    return Facts(
        external_id=draw(st.text(min_size=1, max_size=20)),
        intent=draw(st.sampled_from(INTENTS)),
        stakes=draw(st.none() | st.sampled_from(LEVELS)),
        flags=tuple(draw(st.lists(st.sampled_from(["adversarial", "incident", "novel"]), unique=True))),
        evidence=draw(evidences),
        metadata=draw(st.fixed_dictionaries({}, optional={"amount": st.integers(0, 200) | st.text(max_size=3)})),
    )


@st.composite
def calibrators(draw: st.DrawFn) -> dict[str, Any] | None:
    """None, or a constant for each set of useful signals that it was fitted for."""
    if draw(st.booleans()):
        return None
    useful = draw(st.sets(st.sampled_from(SIGNALS)))
    cells = st.sets(st.sampled_from(sorted(useful)), min_size=1).map(signature) if useful else st.nothing()
    models = st.floats(0, 1).map(lambda value: {"kind": "constant", "keys": [], "value": value})
    scope = {
        "labels": 500,
        "signals": {key: {"useful": key in useful} for key in SIGNALS},
        "expected": draw(st.lists(st.sampled_from(sorted(useful)), unique=True)) if useful else [],
        "cells": draw(st.dictionaries(cells, models)),
        "base_rate": draw(st.none() | models),
        "intents": {},
    }
    return {"format": 2, "scopes": {"*": scope}}


def routed(facts: Facts, policy: PolicyDocument, calibrator: dict[str, Any] | None, **changes: Any) -> RoutingDecision:
    fields = {name: getattr(facts, name) for name in Facts.__slots__}
    return decide(Facts(**(fields | changes)), policy=policy, calibrator=calibrator, key=KEY)


@repeatable
@given(outputs(), policies(), calibrators())
def test_it_reviews_what_has_no_signal_at_all(facts: Facts, policy: PolicyDocument, calibrator: Any) -> None:
    decision = routed(facts, policy, calibrator, evidence={})
    assert decision.action == "review"
    assert "no_signal" in decision.reasons
    assert (decision.inclusion_probability, decision.audited) == (1.0, False)


@repeatable
@given(outputs(), policies(), calibrators(), st.sampled_from(SIGNALS))
def test_it_reviews_what_has_an_invalid_signal(
    facts: Facts, policy: PolicyDocument, calibrator: Any, broken: str
) -> None:
    """As a judge that crashed, or a grounding check with nothing to check."""
    decision = routed(facts, policy, calibrator, evidence={**facts.evidence, broken: None})
    assert decision.action == "review"
    assert "invalid_signal" in decision.reasons


@repeatable
@given(outputs(), policies(), calibrators(), st.data())
def test_it_reviews_what_lacks_a_required_signal(
    facts: Facts, policy: PolicyDocument, calibrator: Any, data: st.DataObject
) -> None:
    """Those the owner names, and where the owner names none, those that the calibrator relies on."""
    required = sorted(required_signals(facts.intent, policy, calibrator))
    assume(required)
    lost = data.draw(st.sampled_from(required))
    evidence = {name: value for name, value in facts.evidence.items() if name != lost}
    assert routed(facts, policy, calibrator, evidence=evidence).action == "review"


@repeatable
@given(outputs(), policies(), calibrators(), st.data())
def test_it_never_ships_for_one_signal_less_what_it_reviewed_when_all_are_required(
    facts: Facts, policy: PolicyDocument, calibrator: Any, data: st.DataObject
) -> None:
    """Dropping, breaking or emptying: with every signal required there is no way round."""
    policy = policy.model_copy(update={"required_signals": SIGNALS, "intents": {}})
    before = routed(facts, policy, calibrator)
    kept = data.draw(st.sets(st.sampled_from(SIGNALS)))
    fewer = {name: value for name, value in facts.evidence.items() if name in kept}
    broken = {name: (value if name in kept else None) for name, value in facts.evidence.items()}
    for evidence in (fewer, broken):
        after = routed(facts, policy, calibrator, evidence=evidence)
        assert before.action == "ship" or after.action == "review"


@repeatable
@given(outputs(), policies(), calibrators(), st.sampled_from(LEVELS))
def test_it_never_ships_for_higher_stakes_what_it_reviewed_for_lower(
    facts: Facts, policy: PolicyDocument, calibrator: Any, said: str
) -> None:
    before = routed(facts, policy, calibrator)
    after = routed(facts, policy, calibrator, stakes=said)
    if STAKES_RANK[after.stakes] <= STAKES_RANK[before.stakes]:
        assert before.action == "ship" or after.action == "review"


@repeatable
@given(outputs(), policies(), calibrators(), st.sampled_from(LEVELS))
def test_it_lets_no_caller_lower_what_the_owner_said(
    facts: Facts, policy: PolicyDocument, calibrator: Any, said: str
) -> None:
    silent = routed(facts, policy, calibrator, stakes=None)
    spoken = routed(facts, policy, calibrator, stakes=said)
    if silent.trace["stakes_basis"] != "default":
        assert STAKES_RANK[spoken.stakes] <= STAKES_RANK[silent.stakes]


@repeatable
@given(outputs(), policies(), calibrators(), st.sampled_from(["adversarial", "incident", "novel"]))
def test_it_never_ships_for_one_flag_more(facts: Facts, policy: PolicyDocument, calibrator: Any, flag: str) -> None:
    decision = routed(facts, policy, calibrator, flags=(*facts.flags, flag))
    assert decision.action == "review"
    assert flag in decision.reasons


@repeatable
@given(outputs(), policies(), calibrators())
def test_it_decides_the_same_again_and_says_why(facts: Facts, policy: PolicyDocument, calibrator: Any) -> None:
    decision = routed(facts, policy, calibrator)
    assert routed(facts, policy, calibrator, evidence=dict(reversed(list(facts.evidence.items())))) == decision
    if decision.action == "review":
        assert decision.reasons
        assert (decision.inclusion_probability, decision.audited) == (1.0, False)
    else:
        assert decision.reasons == (("audit",) if decision.audited else ())
        assert decision.inclusion_probability == policy.tier_for(facts.intent, decision.stakes).audit_rate


@repeatable
@given(outputs(), policies(), calibrators())
def test_it_never_ships_for_a_value_left_out_what_it_reviewed_with_it(
    facts: Facts, policy: PolicyDocument, calibrator: Any
) -> None:
    before = routed(facts, policy, calibrator)
    for metadata in ({}, {"amount": None}, {"amount": "1"}):
        after = routed(facts, policy, calibrator, metadata=metadata)
        assert STAKES_RANK[after.stakes] <= STAKES_RANK[before.stakes]
        assert before.action == "ship" or after.action == "review"


# The audit draw -------------------------------------------------------------------------------------------

IDS = [f"case-{number:06}" for number in range(100_000)]
RATE = 0.05
SAMPLING = PolicyDocument.model_validate(
    {"tiers": {stakes: {"mode": "sampled", "audit_rate": RATE} for stakes in LEVELS}, "gold_rate": 0}
)


@pytest.fixture(scope="module")
def audited() -> np.ndarray:
    """Which of 100,000 shipped outputs are audited at a rate of 5 %."""
    rng = random.Random(3)
    found = []
    for external_id in IDS:
        evidence = {"score:s": rng.random()}
        facts = Facts(external_id, rng.choice(INTENTS), rng.choice(LEVELS), evidence=evidence)
        found.append(decide(facts, policy=SAMPLING, calibrator=None, key=KEY).audited)
    return np.array(found)


def test_it_audits_at_the_rate_it_states(audited: np.ndarray) -> None:
    assert binomtest(int(audited.sum()), len(IDS), RATE).pvalue > 0.001


def test_it_audits_without_regard_to_what_the_caller_controls(audited: np.ndarray) -> None:
    """Confidence, intent and stakes were random above; the id's digits and its place in the day are not."""
    rng = random.Random(3)
    values, intents, stakes = zip(*((rng.random(), rng.choice(INTENTS), rng.choice(LEVELS)) for _ in IDS), strict=True)
    for number in (np.array(values), np.arange(len(IDS)), np.array([int(name[-1]) for name in IDS])):
        assert abs(np.corrcoef(number, audited)[0, 1]) < 4 / np.sqrt(len(IDS))
    for words in (intents, stakes):
        table = [[sum(audited[np.array(words) == word]), sum(~audited[np.array(words) == word])] for word in set(words)]
        assert chi2_contingency(np.array(table, dtype=int)).pvalue > 0.001


def test_it_depends_on_the_id_and_on_nothing_else_of_the_output(audited: np.ndarray) -> None:
    """Or a caller could ask for another draw by changing a comma."""
    for index in range(0, 2000, 7):
        other = Facts(IDS[index], "another intent", "low", evidence={"grounding": 1.0}, metadata={"try": 2})
        assert decide(other, policy=SAMPLING, calibrator=None, key=KEY).audited == audited[index]


def test_it_does_not_help_to_choose_ids_without_the_key(audited: np.ndarray) -> None:
    """Ids that escaped under every key that a caller could think of are audited as often as any others."""
    guesses = [bytes([number]) * 32 for number in range(20)]
    lucky = [
        index
        for index, name in enumerate(IDS[:40_000])
        if all(keyed_draw(guess, "audit", name) >= RATE for guess in guesses)
    ]
    assert len(lucky) > 5_000
    assert binomtest(int(audited[lucky].sum()), len(lucky), RATE).pvalue > 0.001


# Through the whole intake -----------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("signals", "reasons"),
    [
        (None, ["no_signal"]),
        ([], ["no_signal"]),
        ([{"kind": "grounding", "supported": 0, "total": 0}], ["invalid_signal"]),
        ([{"kind": "score", "name": "s", "value": 1.0}, {"kind": "grounding", "supported": 0, "total": 0}],
         ["invalid_signal"]),
        ([{"kind": "score", "name": "s", "value": 1.0}], []),
    ],
)  # fmt: skip
def test_it_ships_nothing_on_faith(signals: Any, reasons: list[str], cast: Cast) -> None:
    cast.put_in_force(tier={"mode": "sampled", "audit_rate": 1e-9})
    [output] = route(cast.project, output_body(signals=signals))
    assert output.decision.reasons == reasons
    assert output.decision.action == ("review" if reasons else "ship")
