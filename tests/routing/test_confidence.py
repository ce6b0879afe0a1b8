"""Confidence: which calibration speaks for which output, and when none does."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.policy.calibration import coefficients_of, contributions, fit, logit, predict
from routing.policy.confidence import UNCALIBRATED_CEILING, Confidence, confidence, expected_signals, signature
from tests.routing.calibrators import calibrator, constant, scope

CALIBRATOR = calibrator(
    {
        "*": scope(
            constant(0.72, "judge:strict"),
            constant(0.83, "grounding", "judge:strict"),
            base_rate=0.6,
            worthless=["score:tone"],
            undetermined=["ensemble"],
            intents={"refund": ["judge:strict"], "chat": []},
        )
    },
    billing=scope(constant(0.91, "judge:strict"), expected=["judge:strict"], worthless=["grounding"]),
    summary=scope(base_rate=0.9, worthless=["score:tone"]),
)


# Scopes --------------------------------------------------------------------------------------------


def test_an_intent_with_a_scope_of_its_own_comes_before_all_intents() -> None:
    own = confidence(CALIBRATOR, "billing", {"judge:strict": 0.5})
    general = confidence(CALIBRATOR, "refund", {"judge:strict": 0.5})
    assert (own.value, own.basis, own.scope) == (0.91, "billing|judge:strict", "billing")
    assert (general.value, general.basis, general.scope) == (0.72, "*|judge:strict", "*")


def test_a_scope_that_is_silent_is_not_spoken_for_by_all_intents() -> None:
    # For billing grounding is worthless, which all intents together do not know.
    found = confidence(CALIBRATOR, "billing", {"grounding": 1.0})
    assert (found.value, found.basis) == (None, "no calibration for billing|base rate")


def test_no_intent_speaks_for_all_by_its_name() -> None:
    named = calibrator({"*": scope(constant(0.4, "a"), expected=["a"], intents={"*": []})})
    assert confidence(named, "*", {"a": 1.0}) == confidence(named, "refund", {"a": 1.0})
    assert expected_signals(named, "*") == set()


def test_a_calibrator_without_scopes_says_nothing() -> None:
    assert confidence(calibrator(), "billing", {"judge:strict": 1.0}) == Confidence(None, "no calibration")
    assert expected_signals(calibrator(), "billing") == set()
    only_billing = calibrator(billing=scope(base_rate=0.9))
    assert confidence(only_billing, "refund", {}).value is None


# Cells ---------------------------------------------------------------------------------------------


def test_the_set_of_signals_does_not_depend_on_their_order_and_not_on_what_names_hold() -> None:
    assert signature(["b", "a"]) == signature(["a", "b"])
    assert signature(["score:a+score:b"]) != signature(["score:a", "score:b"])
    assert signature(['score:a","score:b']) != signature(["score:a", "score:b"])


@pytest.mark.parametrize(
    "evidence",
    [
        {"judge:lenient": 1.0},
        {"judge:strict": 1.0, "score:new": 1.0},
        {"judge:strict": 1.0, "grounding": 1.0, "score:new": 1.0},
        {"score:tone": 1.0, "score:new": 0.0},
    ],
    ids=["another judge", "one too many", "all and one", "beside a worthless one"],
)
def test_a_signal_that_the_calibrator_never_saw_leaves_nothing_to_say(evidence: dict[str, float | None]) -> None:
    found = confidence(CALIBRATOR, "refund", evidence)
    assert found.value is None
    assert max(evidence.keys() - {"judge:strict", "grounding", "score:tone"}) in found.basis


def test_a_set_of_useful_signals_without_a_model_leaves_nothing_to_say() -> None:
    found = confidence(CALIBRATOR, "refund", {"grounding": 1.0})
    assert (found.value, found.basis) == (None, "no calibration for *|grounding")


@given(
    tone=st.none() | st.floats(0, 1),
    votes=st.none() | st.floats(0, 1),
    sent=st.sets(st.sampled_from(["score:tone", "ensemble"])),
    evidence=st.dictionaries(st.sampled_from(["judge:strict", "grounding"]), st.none() | st.floats(0, 1)),
    intent=st.sampled_from(["refund", "chat", "unheard of"]),
)
def test_signals_without_worth_change_nothing(
    tone: float | None, votes: float | None, sent: set[str], evidence: dict[str, float | None], intent: str
) -> None:
    extra = {"score:tone": tone, "ensemble": votes}
    found = confidence(CALIBRATOR, intent, evidence | {key: extra[key] for key in sent})
    plain = confidence(CALIBRATOR, intent, evidence)
    assert (found.value, found.scope, found.contributions) == (plain.value, plain.scope, plain.contributions)


def test_where_no_signal_is_useful_the_base_rate_speaks() -> None:
    for evidence in ({"score:tone": 0.01}, {"score:tone": 0.99}, {}):
        found = confidence(CALIBRATOR, "summary", evidence)
        assert (found.value, found.basis, found.contributions) == (0.9, "summary|base rate", {})


def test_outputs_without_a_useful_signal_have_a_base_rate_where_the_intent_is_known() -> None:
    assert confidence(CALIBRATOR, "chat", {"score:tone": 0.1}).value == 0.6
    # Nobody knows which signals this one should have come with.
    assert confidence(CALIBRATOR, "unheard of", {"score:tone": 0.1}).value is None
    assert confidence(CALIBRATOR, "unheard of", {"judge:strict": 0.1}).value == 0.72


def test_a_signal_that_says_nothing_counts_as_not_sent() -> None:
    silent = confidence(CALIBRATOR, "billing", {"judge:strict": 0.5, "grounding": None})
    assert silent == confidence(CALIBRATOR, "billing", {"judge:strict": 0.5})


@pytest.mark.parametrize("parameters", [None, calibrator(billing=CALIBRATOR["scopes"]["billing"])])
@pytest.mark.parametrize("evidence", [{}, {"judge:strict": None}])
def test_without_any_evidence_there_is_no_confidence(parameters: Any, evidence: dict[str, float | None]) -> None:
    assert confidence(parameters, "billing", evidence).value is None
    assert confidence(parameters, "billing", evidence).basis == "no signal"


# Expected signals ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("intent", "expected"),
    [("billing", {"judge:strict"}), ("summary", set()), ("refund", {"judge:strict"}), ("chat", set()), ("new", set())],
)
def test_the_calibrator_says_what_it_expects(intent: str, expected: set[str]) -> None:
    assert expected_signals(CALIBRATOR, intent) == expected
    assert expected_signals(None, intent) == set()


def test_an_intent_that_it_never_saw_is_expected_to_bring_what_all_bring() -> None:
    parameters = calibrator({"*": scope(constant(0.4, "a"), expected=["a"], intents={"refund": []})})
    assert expected_signals(parameters, "new") == {"a"}
    assert expected_signals(parameters, "refund") == set()


# Without a calibrator ------------------------------------------------------------------------------


@given(evidence=st.dictionaries(st.sampled_from(["a", "b", "c"]), st.floats(0, 1), min_size=1))
def test_without_a_calibrator_the_weakest_evidence_speaks_below_the_ceiling(
    evidence: dict[str, float | None],
) -> None:
    found = confidence(None, "billing", evidence)
    assert (found.basis, found.scope) == ("uncalibrated", "")
    assert found.value is not None
    assert 0.0 <= found.value <= UNCALIBRATED_CEILING == 0.9
    weakest = min(value for value in evidence.values() if value is not None)
    assert found.value == pytest.approx(0.9 * weakest)


# Models --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("fitted", "expected"), [(1.0000001, 1.0), (-1e-9, 0.0)])
def test_rounding_in_a_model_never_leaves_0_to_1(fitted: float, expected: float) -> None:
    assert confidence(calibrator({"*": scope(constant(fitted, "a"))}), "billing", {"a": 0.5}).value == expected


def fitted(n: int, *, keys: list[str], seed: int = 1, linear: tuple[str, ...] = ()) -> dict[str, Any]:
    """A model of evidence in which every key says something."""
    rng = np.random.default_rng(seed)
    matrix = rng.uniform(size=(n, len(keys)))
    good = rng.uniform(size=n) < matrix.mean(axis=1)
    model = fit(keys, matrix, good.astype(float), linear=linear).model
    assert model is not None
    return model


@pytest.mark.parametrize(("n", "keys"), [(200, ["a"]), (200, ["a", "b", "c"]), (1500, ["a", "b"])])
def test_contributions_explain_the_confidence(n: int, keys: list[str]) -> None:
    model = fitted(n, keys=keys)
    parameters = calibrator({"*": scope(model)})
    low, high = (confidence(parameters, "billing", dict.fromkeys(keys, value)) for value in (0.1, 0.9))
    assert low.value is not None
    assert high.value is not None
    assert low.value < high.value
    assert all(low.contributions[key] < 0 < high.contributions[key] for key in keys)
    if model["kind"] == "logistic" and "x" not in model:
        odds = sum(high.contributions.values()) + model["intercept"]
        assert float(logit([high.value], 1e-9)[0]) == pytest.approx(odds)


def test_a_constant_has_no_contributions_and_a_curve_no_coefficient() -> None:
    assert contributions(constant(0.7, "a"), {"a": 0.9}) == {"a": 0.0}
    assert coefficients_of(constant(0.7, "a")) == {"a": 0.0}
    curve = {"kind": "isotonic", "keys": ["a"], "x": [0.0, 1.0], "y": [0.2, 0.8], "base": 0.5}
    assert coefficients_of(curve) == {"a": None}
    assert contributions(curve, {"a": 0.5}) == {"a": pytest.approx(0.0)}
    assert set(coefficients_of(fitted(200, keys=["a", "b"]))) == {"a", "b"}


@pytest.mark.parametrize("n", [200, 1500])
@pytest.mark.parametrize("linear", [(), ("a", "b")])
def test_more_evidence_never_lowers_confidence(n: int, linear: tuple[str, ...]) -> None:
    rng = np.random.default_rng(4)
    # b is a noisy copy of a, and its noise harms: by itself it rises with quality, beside a it falls.
    truth, noise = rng.uniform(0.2, 0.8, size=n), rng.uniform(-0.2, 0.2, size=n)
    matrix = np.column_stack([truth, truth + noise])
    good = rng.uniform(size=n) < truth - noise
    model = fit(["a", "b"], matrix, good.astype(float), linear=linear).model
    assert model is not None
    assert model["coefficients"][1] == 0.0
    assert model["coefficients"][0] > 0.0
    grid = np.linspace(0, 1, 21)
    for fixed in grid:
        for moving, other in (("a", "b"), ("b", "a")):
            values = [predict(model, {moving: float(value), other: float(fixed)}) for value in grid]
            assert (np.diff(values) >= 0).all()


def test_a_linear_signal_keeps_its_distances() -> None:
    """Half of a judge's praise is worth half of it; on a logit it would be next to nothing."""
    rng = np.random.default_rng(3)
    said = rng.choice([0.0, 0.75, 1.0], size=600)
    good = rng.uniform(size=600) < 0.1 + 0.8 * said
    odds = {}
    for linear in ((), ("judge:a",)):
        model = fit(["judge:a"], said[:, None], good.astype(float), linear=linear).model
        assert model is not None
        low, middle, high = (float(logit([predict(model, {"judge:a": e})], 1e-9)[0]) for e in (0.0, 0.75, 1.0))
        odds[bool(linear)] = (middle - low) / (high - low)
    assert odds[True] == pytest.approx(0.75)
    assert odds[False] < 0.65


@pytest.mark.parametrize("n", [60, 1500])
def test_a_model_survives_json(n: int) -> None:
    model = fitted(n, keys=["a", "judge:b"], linear=("judge:b",))
    restored = json.loads(json.dumps(model))
    evidence = {"a": 0.31, "judge:b": 0.75}
    assert predict(restored, evidence) == predict(model, evidence)
    assert contributions(restored, evidence) == contributions(model, evidence)
