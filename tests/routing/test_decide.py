"""The routing decision: stakes, reasons, audit and overlap, and a trace that explains them."""

import itertools
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from routing.policy.decide import RoutingDecision, decide, judges_to_ask, stakes_said
from routing.policy.document import STAKES_RANK, PolicyDocument
from routing.policy.draw import keyed_draw
from tests.routing.calibrators import calibrator, constant, scope
from tests.routing.documents import ALWAYS, KEY, SAMPLED, facts, policy, ships_from

LARGE = {"name": "large amounts", "when": {">": [{"var": "metadata.amount"}, 250]}, "stakes": "high"}
SMALL_TALK = {"name": "small talk", "when": {"==": [{"var": "intent"}, "chat"]}, "stakes": "low"}


def knowing(value: float, *keys: str, expected: bool = False) -> dict[str, Any]:
    """A calibrator for outputs with just these signals that always says `value`."""
    return calibrator({"*": scope(constant(value, *keys), expected=keys if expected else ())})


CALIBRATOR = knowing(0.85, "score:grounded")


def routed(policy: PolicyDocument, calibrator: Any = None, **fields: Any) -> RoutingDecision:
    return decide(facts(**fields), policy=policy, calibrator=calibrator, key=KEY)


# Stakes --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({}, ("mid", "default")),
        ({"stakes": "low"}, ("low", "caller")),
        ({"intent": "refund"}, ("high", "intent")),
        ({"intent": "chat"}, ("low", "rule small talk")),
        ({"metadata": {"amount": 251}}, ("high", "rule large amounts")),
        ({"metadata": {"amount": 250}}, ("mid", "default")),
        # The highest wins, whoever says it
        ({"intent": "chat", "stakes": "mid"}, ("mid", "caller")),
        ({"intent": "chat", "stakes": "mid", "metadata": {"amount": 999}}, ("high", "rule large amounts")),
        ({"intent": "refund", "stakes": "low"}, ("high", "intent")),
    ],
)
def test_the_highest_of_caller_intent_and_rules_wins(said: dict[str, Any], expected: tuple[str, str]) -> None:
    found = policy(stakes={"by_intent": {"refund": "high"}, "rules": [LARGE, SMALL_TALK]})
    said = {"metadata": {"amount": 0}} | said
    decided = routed(found, **said)
    assert (decided.stakes, decided.trace["stakes_basis"]) == expected
    assert list(expected) in decided.trace["stakes_said"]


@pytest.mark.parametrize("metadata", [{}, {"amount": None}, {"amount": "100000"}, {"amount": [1]}, {"amount": True}])
def test_a_rule_that_cannot_be_decided_speaks_as_if_it_held(metadata: dict[str, Any]) -> None:
    """Or whoever leaves the amount out would get away with what the amount would have raised."""
    found = routed(policy(stakes={"default": "low", "rules": [LARGE]}), metadata=metadata)
    assert (found.stakes, found.trace["stakes_basis"]) == (
        "high",
        "rule large amounts, which could not be decided",
    )


def test_a_rule_that_cannot_be_decided_silences_nobody() -> None:
    small = {"name": "small", "when": {"<": [{"var": "metadata.amount"}, 10]}, "stakes": "low"}
    found = policy(stakes={"default": "mid", "rules": [small]})
    assert [routed(found, metadata=sent).stakes for sent in ({"amount": 500}, {}, {"amount": 5})] == [
        "mid",
        "mid",
        "low",
    ]


def test_a_failed_check_raises_the_stakes_to_its_severity_and_brings_a_person_in() -> None:
    found = policy(low=SAMPLED, stakes={"default": "low"})
    failed = routed(found, failed_checks={"citations": "mid", "length": "low"})
    assert (failed.stakes, failed.trace["stakes_basis"]) == ("mid", "check citations")
    assert failed.reasons[:2] == ("check_failed:citations", "check_failed:length")
    assert failed.flags == ("check_failed",)
    assert routed(found).action == "ship"


def test_rules_read_the_words_of_prompt_and_response() -> None:
    rule = {"name": "dose", "when": {"matches": [{"var": "response"}, r"\b\d+ ?mg\b"]}, "stakes": "high"}
    found = policy(low=SAMPLED, stakes={"default": "low", "rules": [rule]})
    assert routed(found, response="Take 20 mg at night.").stakes == "high"
    assert routed(found, response="Take it at night.").stakes == "low"


@pytest.mark.parametrize(("by_intent", "by_rule"), list(itertools.product([None, *STAKES_RANK], repeat=2)))
def test_a_caller_cannot_lower_what_the_owner_said(by_intent: str | None, by_rule: str | None) -> None:
    always = {"name": "always", "when": {"!=": [{"var": "intent"}, None]}, "stakes": by_rule}
    stakes = {
        "by_intent": {"billing": by_intent} if by_intent else {},
        "rules": [always] if by_rule else [],
    }
    found = policy(stakes=stakes)
    owner_said = [word for word in (by_intent, by_rule) if word]
    for word in STAKES_RANK:
        result = min((stakes for stakes, _who in stakes_said(facts(stakes=word), found)), key=STAKES_RANK.__getitem__)
        assert all(STAKES_RANK[result] <= STAKES_RANK[said] for said in [word, *owner_said])


def test_rules_of_stakes_see_flags_and_decide_which_tier_applies() -> None:
    flagged = {"name": "flagged", "when": {"in": ["incident", {"var": "flags"}]}, "stakes": "high"}
    found = policy(mid=SAMPLED, high=ALWAYS | {"raters": 3}, stakes={"rules": [flagged]})
    assert routed(found, flags=("incident",)).raters == 3
    assert routed(found).raters == 1


@pytest.mark.parametrize(
    "disguised",
    [
        "Take 500 mg daily.",
        "Take \uff15\uff10\uff10 mg daily.",
        "Take 500 \U0001d5c6\U0001d5c0 daily.",
        "Take 500\u338e daily.",
        "Take \u2075\u2070\u2070 mg daily.",
        "Take 500 m\u0332g daily.",
        "Take 500\u00a0mg daily.",
        "Take 500 m\u200bg daily.",
    ],
)
def test_a_rule_on_words_is_not_dodged_by_how_they_are_encoded(disguised: str) -> None:
    rule = {"name": "dose", "when": {"matches": [{"var": "response"}, r"(?i)\b\d+ ?mg\b"]}, "stakes": "high"}
    found = policy(low=SAMPLED, stakes={"default": "low", "rules": [rule]})
    assert routed(found, response=disguised).stakes == "high"


@pytest.mark.parametrize("written", ["refund", "Refund", "refund ", "refu\u200bnd", "\uff52efund", "r\u0435fund"])
def test_an_intent_that_looks_like_one_of_the_policy_is_that_one(written: str) -> None:
    by_intent = policy(low=SAMPLED, stakes={"default": "low", "by_intent": {"refund": "high"}})
    assert routed(by_intent, intent=written).reasons == ("high_stakes",)
    own_tier = policy(mid=SAMPLED, intents={"refund": {"mid": ALWAYS}})
    assert routed(own_tier, intent=written).action == "review"
    assert routed(own_tier, intent="funds").action == "ship"


# Tiers ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("confidence", "action"), [(0.85, "ship"), (0.84, "ship"), (0.86, "review")])
def test_it_ships_at_and_above_the_threshold(confidence: float, action: str) -> None:
    found = routed(policy(mid=ships_from(confidence)), CALIBRATOR)
    assert found.confidence == 0.85
    assert found.action == action
    assert ("low_confidence" in found.reasons) == (action == "review")


@pytest.mark.parametrize(
    ("tiers", "said", "reasons"),
    [
        ({}, {"stakes": "mid"}, ["everything_reviewed"]),
        ({}, {"stakes": "high"}, ["high_stakes", "everything_reviewed"]),
        ({"low": SAMPLED}, {"stakes": "high"}, ["high_stakes"]),
        ({"mid": ALWAYS, "low": SAMPLED}, {"stakes": "mid"}, ["everything_reviewed"]),
        ({"mid": ships_from(0.9)}, {}, ["low_confidence"]),
        ({"mid": ships_from(0.5)}, {"evidence": {}}, ["no_signal"]),
        ({"mid": ships_from(0.5)}, {"evidence": {"a": None}}, ["invalid_signal"]),
        ({"mid": ships_from(0.5)}, {"evidence": {"a": 1.0, "b": None}}, ["invalid_signal"]),
        ({"mid": ships_from(0.5)}, {"flags": ("adversarial",)}, ["adversarial"]),
        ({"mid": ships_from(0.5)}, {"flags": ("novel", "incident")}, ["incident", "novel"]),
        ({"mid": SAMPLED}, {"evidence": {}}, ["no_signal"]),
        ({"mid": SAMPLED}, {"evidence": {"a": None}}, ["invalid_signal"]),
        ({"mid": SAMPLED}, {"flags": ("incident",)}, ["incident"]),
        ({"mid": ALWAYS}, {"flags": ("incident",), "evidence": {}}, ["incident", "everything_reviewed", "no_signal"]),
    ],
)
def test_every_review_says_why(tiers: dict[str, Any], said: dict[str, Any], reasons: list[str]) -> None:
    found = routed(policy(**tiers), **said)
    assert found.action == "review"
    assert list(found.reasons) == reasons
    assert (found.inclusion_probability, found.audited, found.needs_review) == (1.0, False, True)


def test_a_sampled_tier_ships_whatever_the_confidence() -> None:
    assert routed(policy(mid=SAMPLED), evidence={"score:grounded": 0.0}).action == "ship"


def test_an_intent_with_tiers_of_its_own_is_held_to_them() -> None:
    found = policy(mid=ships_from(0.1), intents={"refund": {"mid": ALWAYS}})
    assert routed(found).action == "ship"
    assert routed(found, intent="refund").action == "review"


# Failing closed ------------------------------------------------------------------------------------


def test_an_output_whose_signals_no_calibration_knows_goes_to_a_person() -> None:
    lax = policy(mid=ships_from(0.0))
    unknown = {"score:grounded": 1.0, "score:invented": 1.0}
    assert routed(lax, CALIBRATOR).action == "ship"
    assert routed(lax, CALIBRATOR, evidence=unknown).reasons == ("low_confidence",)
    assert routed(lax, CALIBRATOR, evidence=unknown).confidence is None


@pytest.mark.parametrize(
    ("evidence", "reasons"),
    [
        ({"score:grounded": 1.0, "judge:strict": 1.0}, ()),
        ({"score:grounded": 1.0}, ("no_signal",)),
        ({"score:grounded": 1.0, "judge:strict": None}, ("invalid_signal",)),
        ({"judge:strict": 1.0}, ("no_signal",)),
        ({"score:grounded": 1.0, "judge:lenient": 1.0}, ("no_signal",)),
    ],
)
def test_a_required_signal_that_is_absent_brings_a_person_in(
    evidence: dict[str, float | None], reasons: tuple[str, ...]
) -> None:
    strict = policy(mid=ships_from(0.5), required_signals=["judge:strict", "score:grounded"])
    found = routed(strict, evidence=evidence)
    assert found.reasons == (("audit",) if found.audited else reasons)
    assert found.action == ("review" if reasons else "ship")


NAMES = ["grounding", "judge:strict", "score:grounded"]


@given(
    evidence=st.fixed_dictionaries({name: st.floats(0, 1) for name in NAMES}),
    lost=st.sampled_from(NAMES),
    threshold=st.floats(0, 1),
    calibrated=st.booleans(),
)
def test_losing_a_required_signal_never_turns_a_review_into_a_shipment(
    evidence: dict[str, float | None], lost: str, threshold: float, calibrated: bool
) -> None:
    model = knowing(1.0, *NAMES) if calibrated else None
    strict = policy(mid=ships_from(threshold), low=SAMPLED, required_signals=NAMES)
    for missing in ({name: value for name, value in evidence.items() if name != lost}, evidence | {lost: None}, {}):
        for stakes in ("mid", "low"):
            assert routed(strict, model, evidence=missing, stakes=stakes).action == "review"


def test_what_a_calibrator_relies_on_is_required_unless_the_owner_names_others() -> None:
    model = knowing(0.95, "score:grounded", "judge:strict", expected=True)
    everything = {"score:grounded": 1.0, "judge:strict": 1.0}
    lax = policy(mid=ships_from(0.5))
    assert routed(lax, model, evidence=everything).action == "ship"
    assert routed(lax, model, evidence={"score:grounded": 1.0}).reasons == ("no_signal",)
    assert routed(lax, model).trace["required_signals"] == ["judge:strict", "score:grounded"]
    named = policy(mid=ships_from(0.5), required_signals=["score:grounded"])
    assert "no_signal" not in routed(named, model, evidence={"score:grounded": 1.0}).reasons
    own = policy(mid=ships_from(0.5), required_signals=["grounding"], intents={"billing": {"required_signals": []}})
    assert "no_signal" not in routed(own, evidence={"score:grounded": 1.0}).reasons
    assert routed(own, intent="refund", evidence={"score:grounded": 1.0}).reasons == ("no_signal",)


# Judges of ours ------------------------------------------------------------------------------------

JUDGED = {"judges": {"names": ["house"]}, "required_signals": []}


def asked(found: PolicyDocument, **fields: Any) -> tuple[str, ...]:
    return judges_to_ask(facts(**fields), policy=found, calibrator=None)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({}, ("house",)),
        ({"evidence": {}}, ("house",)),
        ({"intent": "refund"}, ("house",)),
        # A person will see these whatever the judge says, so it is not paid for.
        ({"stakes": "high"}, ()),
        ({"flags": ("incident",)}, ()),
        ({"failed_checks": {"length": "low"}}, ()),
        ({"evidence": {"score:grounded": None}}, ()),
        # The caller spoke in its name, which counts for nothing.
        ({"evidence": {"judge:house": None}}, ()),
    ],
)
def test_judges_are_asked_only_where_their_word_counts(said: dict[str, Any], expected: tuple[str, ...]) -> None:
    assert asked(policy(mid=ships_from(0.5), **JUDGED), **said) == expected


def test_judges_are_asked_on_their_intents_only() -> None:
    found = policy(mid=SAMPLED, judges={"names": ["house"], "intents": ["billing"]})
    assert (asked(found), asked(found, intent="refund")) == (("house",), ())


@pytest.mark.parametrize("tier", [ships_from(0.0), SAMPLED])
def test_nothing_ships_without_the_judge_that_the_policy_asks(tier: dict[str, Any]) -> None:
    found = policy(mid=tier, **JUDGED)
    assert routed(found).reasons == ("no_signal",)
    assert routed(found, evidence={"score:grounded": 0.8, "judge:house": None}).reasons == ("invalid_signal",)
    assert routed(found, evidence={"score:grounded": 0.8, "judge:house": 0.9}).action == "ship"


# Audit and overlap ---------------------------------------------------------------------------------


def many(found: PolicyDocument, count: int = 4000, **fields: Any) -> list[RoutingDecision]:
    return [
        decide(facts(f"case-{number}", **fields), policy=found, calibrator=None, key=KEY) for number in range(count)
    ]


@pytest.mark.parametrize("tier", [ships_from(0.5, audit_rate=0.07), SAMPLED | {"audit_rate": 0.07}])
def test_what_ships_is_audited_at_the_rate_that_the_decision_states(tier: dict[str, Any]) -> None:
    decisions = many(policy(mid=tier))
    assert {found.action for found in decisions} == {"ship"}
    assert {found.inclusion_probability for found in decisions} == {0.07}
    audited = sum(found.audited for found in decisions)
    assert binomtest(audited, len(decisions), 0.07).pvalue > 0.001
    assert all(found.reasons == (("audit",) if found.audited else ()) for found in decisions)
    assert all(found.needs_review == found.audited for found in decisions)


def test_at_an_audit_rate_of_1_everything_that_ships_is_audited() -> None:
    assert all(found.audited for found in many(policy(mid=ships_from(0.5, audit_rate=1.0)), 50))


def test_a_share_of_the_items_gets_several_raters_whatever_sends_them_to_people() -> None:
    overlapping = ALWAYS | {"overlap_share": 0.25, "overlap_raters": 3}
    reviewed = many(policy(mid=overlapping))
    several = sum(found.raters == 3 for found in reviewed)
    assert {found.raters for found in reviewed} == {1, 3}
    assert binomtest(several, len(reviewed), 0.25).pvalue > 0.001
    shipped = many(policy(mid=ships_from(0.5, audit_rate=0.5, overlap_share=0.25, overlap_raters=3)))
    both = sum(found.audited and found.raters == 3 for found in shipped)
    assert binomtest(both, len(shipped), 0.125).pvalue > 0.001


def test_overlap_never_lowers_the_number_of_raters() -> None:
    found = routed(policy(mid=ALWAYS | {"raters": 4, "overlap_share": 1.0, "overlap_raters": 2}))
    assert found.raters == 4


def test_terms_of_the_tier_come_with_the_decision() -> None:
    found = routed(policy(mid=ALWAYS | {"sla_minutes": 30, "credential": "nurse", "raters": 2}))
    assert (found.sla_minutes, found.credential, found.raters) == (30, "nurse", 2)


# Trace ---------------------------------------------------------------------------------------------


def test_the_same_arguments_give_the_same_decision() -> None:
    found = policy(mid=ships_from(0.6, overlap_share=0.5))
    assert many(found, 200) == many(found, 200)


def test_another_key_audits_others() -> None:
    found = policy(mid=ships_from(0.5, audit_rate=0.5))
    ours = [row.audited for row in many(found, 300)]
    theirs = [
        decide(facts(f"case-{number}"), policy=found, calibrator=None, key=b"x" * 32).audited for number in range(300)
    ]
    assert 90 < sum(one != other for one, other in zip(ours, theirs, strict=True)) < 210


@pytest.mark.parametrize("threshold", [0.5, 0.9])
def test_the_trace_holds_what_the_decision_follows_from(threshold: float) -> None:
    rule = {"name": "chat", "when": {"==": [{"var": "intent"}, "billing"]}, "stakes": "low"}
    tier = ships_from(threshold, audit_rate=0.3)
    found = routed(policy(low=tier, stakes={"rules": [rule]}), CALIBRATOR, stakes="low")
    assert found.confidence is not None
    trace = dict(found.trace)
    assert trace.pop("audit_draw") == (keyed_draw(KEY, "audit", "case-1") if threshold < 0.85 else None)
    assert trace == {
        "evidence": {"score:grounded": 0.8},
        "required_signals": [],
        "confidence_basis": "*|score:grounded",
        "contributions": {"score:grounded": 0.0},
        "stakes_given": "low",
        "stakes_basis": "caller",
        "stakes_said": [["low", "caller"], ["low", "rule chat"]],
        "failed_checks": {},
        "mode": "below_threshold",
        "threshold": threshold,
        "audit_rate": 0.3,
    }
    # Shipped or not, audited or not: all of it can be told from the trace and the confidence alone.
    assert found.action == ("ship" if found.confidence >= found.trace["threshold"] else "review")
    draw = found.trace["audit_draw"]
    assert found.audited == (draw is not None and draw < found.trace["audit_rate"])


def test_flags_are_kept_and_facts_are_not_changed() -> None:
    sent = facts(flags=("incident",), metadata={"amount": 1})
    before = replace(sent)
    assert decide(sent, policy=policy(mid=SAMPLED), calibrator=None, key=KEY).flags == ("incident",)
    assert sent == before
