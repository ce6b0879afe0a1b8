"""Decisions in words: each reason, the draws, and who set the stakes."""

from dataclasses import replace
from typing import Any

import pytest

from routing.policy.sentences import Told, apart, joined, reason_sentence, stakes_sentence, summary

TOLD = Told(
    action="review",
    audited=False,
    reasons=["low_confidence"],
    confidence=0.71,
    basis="uncalibrated",
    stakes="mid",
    mode="below_threshold",
    threshold=0.85,
    audit_rate=0.1,
    audit_draw=None,
)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({}, "Reviewed because confidence 0.71 is below the threshold 0.85 for mid stakes."),
        (
            {"confidence": 0.849999},
            "Reviewed because confidence 0.849999 is below the threshold 0.850000 for mid stakes.",
        ),
        (
            {"confidence": None, "basis": "no calibration for b"},
            "Reviewed because nothing can be said of its confidence (no calibration for b), and mid stakes ship by a "
            "threshold.",
        ),
        (
            {"reasons": ["no_signal"], "missing": ["a", "b"]},
            "Reviewed because the required signals a and b did not come.",
        ),
        ({"reasons": ["no_signal"]}, "Reviewed because no signal came with it."),
        (
            {"reasons": ["invalid_signal", "incident"], "silent": {"grounding": "0 of 0"}},
            "Reviewed because nothing can be made of grounding (0 of 0) and the caller reported an incident.",
        ),
        (
            {"reasons": ["check_failed:short"], "failed": {"short": "has 9 characters; 5 are allowed"}},
            "Reviewed because the check “short” failed (has 9 characters; 5 are allowed).",
        ),
        (
            {"reasons": ["adversarial", "novel"], "flags_given": ["adversarial"]},
            "Reviewed because its input looks adversarial, as the caller says and its input is unlike what this "
            "project has seen lately.",
        ),
        (
            {"action": "ship", "reasons": [], "confidence": 0.9, "audit_draw": 0.4},
            "Shipped because confidence 0.90 reaches the threshold 0.85 for mid stakes; not audited, because its "
            "draw 0.40 is not below the audit rate 0.10.",
        ),
        (
            {"action": "ship", "reasons": ["audit"], "mode": "sampled", "audited": True, "audit_draw": 0.04},
            "Shipped because outputs of mid stakes ship unless something speaks against them, and nothing did; "
            "audited, because its draw 0.04 is below the audit rate 0.10.",
        ),
    ],
)
def test_it_says_why_in_words(changes: dict[str, Any], sentence: str) -> None:
    assert summary(replace(TOLD, **changes)) == sentence


def test_a_reason_of_a_later_day_is_said_in_its_own_words() -> None:
    assert reason_sentence("moon_phase", TOLD) == "moon phase"
    assert reason_sentence("autonomy_contracted", TOLD) == "autonomy is contracted at present"


def test_two_numbers_are_shown_apart() -> None:
    assert apart(0.5, 0.5) == ("0.50", "0.50")
    assert apart(0.1 + 0.2, 0.3) == (repr(0.1 + 0.2), "0.3")
    assert joined(["a", "b", "c"]) == "a, b and c"


def test_stakes_say_who_won() -> None:
    assert "default: mid" in stakes_sentence("mid", "default", [["mid", "default"]])
    said = [["low", "caller"], ["high", "rule large, which could not be decided"]]
    assert stakes_sentence("high", said[1][1], said) == (
        "The stakes are high: the rule “large” (it could not be decided, so it counts as if it held) said so; "
        "the caller said low. The highest wins."
    )
