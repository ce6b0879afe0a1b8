"""Confidence: which calibration speaks for which output, and when none does."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.policy.confidence import UNCALIBRATED_CEILING, confidence, signature


def constant(value: float, *keys: str) -> dict[str, Any]:
    return {"kind": "constant", "keys": list(keys), "value": value}


CALIBRATOR = {
    "cells": {
        "billing|judge:strict": constant(0.91, "judge:strict"),
        "*|judge:strict": constant(0.72, "judge:strict"),
        "*|grounding+judge:strict": constant(0.83, "grounding", "judge:strict"),
    }
}


def test_an_intent_with_a_cell_of_its_own_comes_before_all_intents() -> None:
    own = confidence(CALIBRATOR, "billing", {"judge:strict": 0.5})
    general = confidence(CALIBRATOR, "refund", {"judge:strict": 0.5})
    assert (own.value, own.basis) == (0.91, "billing|judge:strict")
    assert (general.value, general.basis) == (0.72, "*|judge:strict")


def test_an_intent_without_a_cell_for_these_signals_falls_back_on_all_intents() -> None:
    found = confidence(CALIBRATOR, "billing", {"judge:strict": 0.5, "grounding": 0.5})
    assert (found.value, found.basis) == (0.83, "*|grounding+judge:strict")


def test_the_set_of_signals_does_not_depend_on_their_order() -> None:
    assert signature({"b": 0.1, "a": 0.2}) == signature({"a": 0.9, "b": 0.9}) == "a+b"


@pytest.mark.parametrize(
    "evidence",
    [
        {"grounding": 1.0},
        {"judge:lenient": 1.0},
        {"judge:strict": 1.0, "score:tone": 1.0},
        {"judge:strict": 1.0, "grounding": 1.0, "score:tone": 1.0},
    ],
    ids=["one dropped", "another judge", "one too many", "all and one"],
)
def test_signals_that_no_calibration_was_fitted_for_give_no_confidence(evidence: dict[str, float | None]) -> None:
    found = confidence(CALIBRATOR, "billing", evidence)
    assert found.value is None
    assert signature(evidence) in found.basis


def test_a_signal_that_says_nothing_counts_as_not_sent() -> None:
    silent = confidence(CALIBRATOR, "billing", {"judge:strict": 0.5, "grounding": None})
    assert silent == confidence(CALIBRATOR, "billing", {"judge:strict": 0.5})


@pytest.mark.parametrize("calibrator", [None, CALIBRATOR])
@pytest.mark.parametrize("evidence", [{}, {"judge:strict": None}])
def test_without_any_evidence_there_is_no_confidence(calibrator: Any, evidence: dict[str, float | None]) -> None:
    assert confidence(calibrator, "billing", evidence).value is None


@given(evidence=st.dictionaries(st.sampled_from(["a", "b", "c"]), st.floats(0, 1), min_size=1))
def test_without_a_calibrator_the_weakest_evidence_speaks_below_the_ceiling(
    evidence: dict[str, float | None],
) -> None:
    found = confidence(None, "billing", evidence)
    assert found.basis == "uncalibrated"
    assert found.value is not None
    assert 0.0 <= found.value <= UNCALIBRATED_CEILING == 0.9
    weakest = min(value for value in evidence.values() if value is not None)
    assert found.value == pytest.approx(0.9 * weakest)


@pytest.mark.parametrize(("fitted", "expected"), [(1.0000001, 1.0), (-1e-9, 0.0)])
def test_rounding_in_a_model_never_leaves_0_to_1(fitted: float, expected: float) -> None:
    calibrator = {"cells": {"*|a": constant(fitted, "a")}}
    assert confidence(calibrator, "billing", {"a": 0.5}).value == expected
