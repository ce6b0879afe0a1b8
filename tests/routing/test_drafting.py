"""Drafts of policies: thresholds that spend a budget, and tiers that are never laxer for more at stake."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.policy.document import PolicyDocument
from routing.policy.drafting import budget_thresholds, deciding_confidences, threshold_for_share, with_thresholds
from routing.policy.learning import confidences, fit_calibrator
from tests.routing.documents import ALWAYS, SAMPLED, policy, ships_from
from tests.routing.logs import noisy_rows

# Thresholds for a budget ---------------------------------------------------------------------------


def reviewed_at(values: list[float | None], threshold: float) -> int:
    return sum(value is None or value < threshold for value in values)


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [
        ([0.1, 0.2, 0.3, 0.4], 0.5, 0.3),
        ([0.1, 0.2, 0.3, 0.4], 0.0, 0.1),
        ([0.1, 0.2, 0.3, 0.4], 0.49, 0.2),
        ([0.1, 0.2, 0.3, 0.4], 1.0, 1.0),
        # Ties go to the side that costs less than the budget.
        ([0.5, 0.5, 0.5, 0.9], 0.5, 0.5),
        ([0.5, 0.5, 0.5, 0.9], 0.75, 0.9),
        # Outputs without a confidence are reviewed anyway and use the budget first.
        ([None, 0.2, 0.3, 0.4], 0.5, 0.3),
        ([None, None, 0.3, 0.4], 0.5, 0.3),
        ([None, None, None, 0.4], 0.5, 0.0),
        ([None, None], 0.5, 0.0),
        ([], 0.5, 1.0),
        # 0.29 · 100 is 28.999999999999996 in floating point.
        ([number / 100 for number in range(100)], 0.29, 0.29),
    ],
)
def test_a_budget_becomes_a_threshold(values: list[float | None], share: float, expected: float) -> None:
    assert threshold_for_share(values, share) == expected


@given(
    values=st.lists(st.none() | st.sampled_from([0.0, 0.2, 0.5, 0.5000001, 0.9, 1.0]), min_size=1, max_size=30),
    share=st.integers(0, 100).map(lambda percent: percent / 100),
)
def test_it_spends_the_budget_as_far_as_ties_allow_and_never_more(values: list[float | None], share: float) -> None:
    threshold = threshold_for_share(values, share)
    allowed = round(share * len(values) * 100) // 100
    unknown = values.count(None)
    assert reviewed_at(values, threshold) <= max(allowed, unknown)
    stricter = [value for value in values if value is not None and value > threshold]
    if stricter and unknown <= allowed:
        assert reviewed_at(values, min(stricter)) > allowed


def test_a_budget_is_spent_on_audit_and_review_together() -> None:
    rng = np.random.default_rng(14)
    rows = [replace(row, stakes=("mid", "low")[number % 2]) for number, row in enumerate(noisy_rows(400, rng))]
    parameters = fit_calibrator(rows).parameters
    chosen, basis = budget_thresholds(rows, parameters, policy(), ("mid", "low"), review_share=0.4, audit_rate=0.2)
    assert chosen["mid"] == chosen["low"] == basis["mid"]["threshold"]
    below = reviewed_at(confidences(parameters, rows), chosen["mid"])
    assert below + 0.2 * (400 - below) == pytest.approx(0.4 * 400, abs=1)
    assert (basis["low"]["status"], basis["low"]["certified"]) == ("budget", False)
    everything_audited, _ = budget_thresholds(rows, parameters, policy(), ("mid",), review_share=0.2, audit_rate=0.5)
    values = confidences(parameters, [row for row in rows if row.stakes == "mid"])
    assert reviewed_at(values, everything_audited["mid"]) == 0


def test_what_a_person_sees_anyway_has_no_confidence_that_decides() -> None:
    rows = noisy_rows(200, np.random.default_rng(15))
    parameters = fit_calibrator(rows).parameters
    odd = [
        replace(rows[0], evidence={}),
        replace(rows[0], evidence={**rows[0].evidence, "ensemble": None}),
        replace(rows[0], evidence={**rows[0].evidence}, intent="chat"),
    ]
    # The first two ask for a person by themselves, the third is an intent like any other.
    assert [value is None for value in deciding_confidences(odd, parameters, policy())] == [True, True, False]
    unheard = policy(required_signals=["judge:strict"])
    assert deciding_confidences(rows, parameters, unheard) == [None] * 200
    assert deciding_confidences(rows, parameters, policy()) == confidences(parameters, rows)


# Drafts --------------------------------------------------------------------------------------------


def test_a_draft_changes_the_tiers_named_and_nothing_else() -> None:
    before = policy(
        mid={"mode": "always", "raters": 2, "sla_minutes": 90},
        low=ships_from(0.7, audit_rate=0.2),
        intents={"refund": {"low": SAMPLED}},
        gold_rate=0.2,
        required_signals=["judge:strict"],
    )
    drafted = with_thresholds(before, {"mid": 0.9, "low": 0.8}, audit_rate=0.05)
    draft = PolicyDocument.model_validate(drafted.document)
    assert drafted.raised == {}
    assert draft.tiers.high == before.tiers.high
    assert draft.tiers.mid.model_dump() == before.tiers.mid.model_dump() | {
        "mode": "below_threshold",
        "threshold": 0.9,
        "audit_rate": 0.05,
    }
    # A tier that ships already keeps the audit rate its owner gave it.
    assert (draft.tiers.low.threshold, draft.tiers.low.audit_rate) == (0.8, 0.2)
    assert draft.intents == before.intents
    assert draft.model_copy(update={"tiers": before.tiers}) == before


def test_a_draft_without_thresholds_is_the_policy_itself() -> None:
    before = policy(mid=ships_from(0.5), low=SAMPLED)
    drafted = with_thresholds(before, {}, audit_rate=0.5)
    assert PolicyDocument.model_validate(drafted.document) == before
    assert drafted.raised == {}


def test_a_tier_is_made_as_strict_as_the_one_below_it() -> None:
    drafted = with_thresholds(policy(), {"high": 0.7, "mid": 0.8, "low": 0.9}, audit_rate=0.05)
    tiers = PolicyDocument.model_validate(drafted.document).tiers
    assert (tiers.high.threshold, tiers.mid.threshold, tiers.low.threshold) == (0.9, 0.9, 0.9)
    assert set(drafted.raised) == {"mid", "high"}
    assert "low stakes are reviewed below 0.900" in drafted.raised["mid"][0]


def test_what_is_above_a_reviewed_tier_is_reviewed() -> None:
    before = policy(mid=ships_from(0.5, audit_rate=0.3, raters=3), low=ships_from(0.4))
    drafted = with_thresholds(before, {"mid": 0.9}, audit_rate=0.05, uncertified=("high", "low"))
    tiers = PolicyDocument.model_validate(drafted.document).tiers
    assert [tiers.high.mode, tiers.mid.mode, tiers.low.mode] == ["always"] * 3
    # Only how it ships is changed.
    assert (tiers.mid.raters, tiers.mid.audit_rate) == (3, 0.3)
    assert drafted.raised == {
        "mid": ["made stricter: low stakes are always reviewed, and higher stakes never ship more easily"]
    }


def test_tiers_of_intents_follow_where_they_would_be_laxer() -> None:
    before = policy(
        mid=ships_from(0.6),
        low=SAMPLED,
        intents={
            "refund": {"mid": ships_from(0.5)},
            "chat": {"low": ships_from(0.55), "required_signals": ["judge:strict"]},
            "faq": {"low": SAMPLED},
        },
    )
    drafted = with_thresholds(before, {"mid": 0.9, "low": 0.7}, audit_rate=0.05)
    draft = PolicyDocument.model_validate(drafted.document)
    assert draft.tier_for("refund", "mid").threshold == 0.7
    assert draft.intents["chat"] == before.intents["chat"]
    assert draft.intents["faq"] == before.intents["faq"]
    assert drafted.raised == {
        "mid": [
            "for intent refund, made stricter: low stakes are reviewed below 0.700, "
            "and higher stakes never ship more easily"
        ]
    }
    alone = with_thresholds(
        policy(mid=SAMPLED, low=SAMPLED, intents={"chat": {"low": ALWAYS, "mid": ALWAYS}}), {}, audit_rate=0.5
    )
    assert alone.raised == {}


def strictness_of(tier: dict[str, Any]) -> tuple[int, float]:
    return {"sampled": 0, "below_threshold": 1, "always": 2}[tier["mode"]], tier.get("threshold", 0.0)


tier = st.sampled_from([ALWAYS, SAMPLED, ships_from(0.3), ships_from(0.6), ships_from(0.9)])


@given(
    tiers=st.tuples(tier, tier, tier).map(lambda three: sorted(three, key=strictness_of, reverse=True)),
    chosen=st.dictionaries(st.sampled_from(["high", "mid", "low"]), st.sampled_from([0.2, 0.5, 0.95])),
    special=st.dictionaries(st.sampled_from(["high", "mid", "low"]), tier),
    uncertified=st.booleans(),
)
def test_every_draft_is_a_valid_policy_and_never_laxer_than_asked(
    tiers: list[Any], chosen: dict[str, float], special: dict[str, Any], uncertified: bool
) -> None:
    named = dict(zip(("high", "mid", "low"), tiers, strict=True))
    try:
        before = policy(**named, intents={"chat": special})
    except ValueError:
        # The owner's own exceptions were out of order: no policy to begin with.
        return
    left = [stakes for stakes in named if stakes not in chosen] if uncertified else []
    drafted = with_thresholds(before, chosen, audit_rate=0.1, uncertified=left)
    after = PolicyDocument.model_validate(drafted.document)
    for stakes, threshold in chosen.items():
        assert getattr(after.tiers, stakes).strictness >= (1, threshold)
    for stakes in named:
        own = getattr(before.intents["chat"], stakes)
        if own is not None:
            assert after.tier_for("chat", stakes).strictness >= own.strictness
    again = with_thresholds(after, {}, audit_rate=0.1)
    assert (again.document, again.raised) == (drafted.document, {})
