"""Conditions of policy rules: decided only when they can be, never a way in, never dodged by leaving something out."""

import re
import time
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.policy.conditions import MAX_COMPARISONS, MAX_DEPTH, check_condition, condition_schema, evaluate

AMOUNT = {"var": "metadata.amount"}
REGION = {"var": "metadata.region"}
FACTS = {
    "intent": "billing",
    "flags": ["incident"],
    "metadata": {
        "amount": 300,
        "vip": True,
        "plan": "gold",
        "note": "",
        "text": "300",
        "deep": {"x": [1]},
        "holes": [None],
    },
    "prompt": "Where is my refund?\nHurry.",
    "response": "Rückerstattung: 1200 €",
}
SCHEMA = jsonschema_rs.validator_for({"$ref": "#/$defs/C", "$defs": {"C": condition_schema("#/$defs/C")}})


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ({"==": [{"var": "intent"}, "billing"]}, True),
        ({"!=": [{"var": "intent"}, "billing"]}, False),
        ({"==": [{"var": "metadata.vip"}, True]}, True),
        ({"==": [AMOUNT, 300.0]}, True),
        ({">": [AMOUNT, 299.5]}, True),
        ({">": [AMOUNT, 300]}, False),
        ({">=": [AMOUNT, 300]}, True),
        ({"<": [AMOUNT, 300]}, False),
        ({"<=": [300, AMOUNT]}, True),
        ({"in": ["incident", {"var": "flags"}]}, True),
        ({"in": ["adversarial", {"var": "flags"}]}, False),
        ({"in": [{"var": "intent"}, ["billing", "refund"]]}, True),
        ({"in": [{"var": "intent"}, ["refund", 5]]}, False),
        ({"in": ["ill", {"var": "intent"}]}, True),
        ({"in": [{"var": "intent"}, []]}, False),
        # Empty text is inside every text, which nobody means.
        ({"in": [{"var": "metadata.note"}, "DE,FR,UK"]}, False),
        ({"and": [{">": [AMOUNT, 1]}, {"==": [{"var": "metadata.vip"}, True]}]}, True),
        ({"and": [{">": [AMOUNT, 1]}, {"==": [{"var": "metadata.vip"}, False]}]}, False),
        ({"or": [{">": [AMOUNT, 1000]}, {"==": [{"var": "metadata.plan"}, "gold"]}]}, True),
        ({"or": [{">": [AMOUNT, 1000]}, {"==": [{"var": "metadata.plan"}, "tin"]}]}, False),
        ({"not": {">": [AMOUNT, 1000]}}, True),
        # Whether there is a value can always be told.
        ({"==": [REGION, None]}, True),
        ({"==": [None, REGION]}, True),
        ({"!=": [REGION, None]}, False),
        ({"==": [AMOUNT, None]}, False),
        ({"==": [{"var": "metadata.deep"}, None]}, False),
        ({"==": [{"var": "metadata.amount.deeper"}, None]}, True),
        ({"in": [REGION, ["DE", None]]}, True),
        ({"in": [{"var": "metadata.plan"}, ["DE", None]]}, False),
        ({"matches": [{"var": "prompt"}, "refund"]}, True),
        ({"matches": [{"var": "prompt"}, "^Hurry"]}, False),
        ({"matches": [{"var": "prompt"}, "(?m)^Hurry"]}, True),
        ({"matches": [{"var": "response"}, r"(?i)\bRÜCK\pL+"]}, True),
        ({"matches": [{"var": "metadata.plan"}, r"^g.ld$"]}, True),
        ({"matches": [{"var": "metadata.note"}, "."]}, False),
    ],
)
def test_it_is_true_exactly_when_it_says_so(condition: dict[str, Any], expected: bool) -> None:
    check_condition(condition)
    assert evaluate(condition, FACTS) is expected
    assert SCHEMA.is_valid(condition)


@pytest.mark.parametrize(
    "condition",
    [
        # What is not there, however it is compared.
        *({name: [REGION, 0]} for name in ("==", "!=", ">", ">=", "<", "<=")),
        *({name: [0, REGION]} for name in ("==", "!=", ">", ">=", "<", "<=")),
        {"==": [REGION, REGION]},
        {"in": [REGION, ["DE"]]},
        {"in": [REGION, "DE,FR,None"]},
        {"in": ["a", REGION]},
        # The null of a caller's own list asks nothing.
        {"in": [REGION, {"var": "metadata.holes"}]},
        {"matches": [REGION, ".*"]},
        {"==": [{"var": "metadata.plan.deeper"}, "gold"]},
        # Text that looks like a number is text, and true is not 1, although Python says so.
        *({name: [{"var": "metadata.text"}, 10]} for name in ("==", "!=", ">", ">=", "<", "<=")),
        {">": [{"var": "metadata.vip"}, 0]},
        {"==": [{"var": "metadata.vip"}, 1]},
        {"==": [1.0, {"var": "metadata.vip"}]},
        {"in": [{"var": "metadata.vip"}, [0, 1]]},
        {"in": [1, [True]]},
        {"in": [AMOUNT, "300"]},
        {"matches": [AMOUNT, "3"]},
        # Text has no order: "9" would come after "10".
        {"<": [{"var": "metadata.plan"}, {"var": "intent"}]},
        # Lists and objects are neither equal to anything nor above it.
        {"<=": [{"var": "flags"}, {"var": "flags"}]},
        {"==": [{"var": "flags"}, {"var": "flags"}]},
        {"in": ["plan", {"var": "metadata"}]},
        {"in": [{"var": "metadata.deep"}, ["DE"]]},
    ],
)
def test_it_does_not_decide_what_cannot_be_decided(condition: dict[str, Any]) -> None:
    check_condition(condition)
    assert evaluate(condition, FACTS) is None
    # Nor does denying it decide it.
    assert evaluate({"not": condition}, FACTS) is None
    assert SCHEMA.is_valid(condition)


TRUE, FALSE, UNDECIDED = {"==": [1, 1]}, {"==": [1, 2]}, {">": [REGION, 0]}


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ({"and": [TRUE, UNDECIDED]}, None),
        ({"and": [FALSE, UNDECIDED]}, False),
        ({"and": [UNDECIDED, FALSE]}, False),
        ({"or": [TRUE, UNDECIDED]}, True),
        ({"or": [UNDECIDED, TRUE]}, True),
        ({"or": [FALSE, UNDECIDED]}, None),
        ({"not": {"and": [UNDECIDED, TRUE]}}, None),
        ({"not": {"or": [UNDECIDED, TRUE]}}, False),
        ({"and": [UNDECIDED]}, None),
        # A rule about outputs that carry the value says so.
        ({"and": [{"!=": [REGION, None]}, {">": [REGION, 0]}]}, False),
    ],
)
def test_the_rest_settles_it_only_where_it_would_whatever_the_answer(condition: Any, expected: bool | None) -> None:
    check_condition(condition)
    assert evaluate(condition, FACTS) is expected


@pytest.mark.parametrize("sent", [{}, {"amount": None}, {"amount": "1000000"}, {"amount": [10**6]}, {"amount": True}])
@pytest.mark.parametrize("rule", [{">": [AMOUNT, 1000]}, {"not": {"<=": [AMOUNT, 1000]}}, {"!=": [AMOUNT, 0]}])
def test_an_amount_left_out_or_disguised_never_counts_as_small(rule: Any, sent: dict[str, Any]) -> None:
    check_condition(rule)
    assert evaluate(rule, {"metadata": {"amount": 10**6}}) is True
    assert evaluate(rule, {"metadata": sent}) is not False


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_a_number_that_json_does_not_have_decides_nothing(value: float) -> None:
    facts = {"metadata": {"amount": value}}
    for name in ("==", ">", "<="):
        assert evaluate({name: [AMOUNT, 0]}, facts) is None
    with pytest.raises(ValueError, match="an operand"):
        check_condition({">": [AMOUNT, value]})


def test_numbers_of_any_size_are_compared_exactly() -> None:
    assert evaluate({">": [AMOUNT, 2.0**53]}, {"metadata": {"amount": 2**53 + 1}}) is True
    assert evaluate({">": [AMOUNT, 1.5]}, {"metadata": {"amount": 10**5000}}) is True


@pytest.mark.parametrize(
    ("condition", "fault"),
    [
        ({}, "exactly one operator"),
        ({"==": [1, 1], "!=": [1, 2]}, "exactly one operator"),
        ("intent == billing", "exactly one operator"),
        (["=="], "exactly one operator"),
        ({"eval": ["1"]}, 'unknown operator "eval"'),
        ({"__import__": ["os"]}, "unknown operator"),
        ({"var": "intent"}, "unknown operator"),
        ({"and": []}, "at least one"),
        ({"or": {"==": [1, 1]}}, "at least one"),
        ({"not": []}, "exactly one operator"),
        ({"==": [1]}, "two operands"),
        ({"==": [1, 2, 3]}, "two operands"),
        ({"==": "ab"}, "two operands"),
        ({"in": [{"var": 5}, []]}, "an operand"),
        ({"in": [{"var": "intent", "default": 1}, []]}, "an operand"),
        ({">": [{"+": [1, 2]}, 0]}, "an operand"),
        ({"==": [{"var": "flags"}, ["incident"]]}, "an operand"),
        ({"in": [{"var": "intent"}, [["billing"]]]}, "an operand"),
        ({"in": [None, {"var": "flags"}]}, "something to look for"),
        ({"in": [{"var": "intent"}, 5]}, "looks in a list"),
        ({"<": ["apple", {"var": "metadata.plan"}]}, "orders numbers"),
        ({">": [AMOUNT, "250"]}, "orders numbers"),
        ({">": [AMOUNT, None]}, "orders numbers"),
        ({">": [AMOUNT, True]}, "orders numbers"),
        ({"matches": [{"var": "prompt"}]}, "takes a list of"),
        ({"matches": ["refund", {"var": "prompt"}]}, "takes a list of"),
        ({"matches": [{"var": "prompt"}, 5]}, "takes a list of"),
    ],
)
def test_it_refuses_what_is_not_a_condition(condition: Any, fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        check_condition(condition)
    assert not SCHEMA.is_valid(condition)


@pytest.mark.parametrize(
    ("pattern", "fault"),
    [
        ("", "empty"),
        ("(", "not an RE2 regular expression: missing"),
        (r"(a)\1", "not an RE2 regular expression"),
        ("(?=a)", "not an RE2 regular expression"),
        ("a" * 1001, "1000 characters"),
        (r"\pL{1000}", "too large"),
        ("\ud800", "surrogates"),
    ],
)
def test_it_refuses_a_pattern_that_it_could_not_run_in_linear_time(
    pattern: str, fault: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ValueError, match=fault):
        check_condition({"matches": [{"var": "prompt"}, pattern]})
    # The library would tell standard error what it thinks of a pattern.
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("text", ["a" * 2_000_000, "ab" * 1_000_000, "\ud800"], ids=["as", "abs", "surrogate"])
@pytest.mark.parametrize("pattern", ["(a+)+$", "(a|aa)+c", "[ab]*a[ab]{900}[ab]{900}c"])
def test_a_hostile_text_hangs_no_pattern(text: str, pattern: str) -> None:
    check_condition({"matches": [{"var": "prompt"}, pattern]})
    started = time.monotonic()
    answer = evaluate({"matches": [{"var": "prompt"}, pattern]}, {"prompt": text})
    # This one alone took 16 s before the cost of a search was capped.
    assert time.monotonic() - started < 5
    if text == "\ud800" or "900" in pattern:
        assert answer is None
    else:
        assert answer is bool(re.search(pattern, text[-4:]))


def nested(depth: int) -> dict[str, Any]:
    condition: dict[str, Any] = {"==": [1, 1]}
    for _level in range(depth):
        condition = {"not": condition}
    return condition


def test_it_nests_only_so_deep() -> None:
    check_condition(nested(MAX_DEPTH))
    with pytest.raises(ValueError, match="nest at most"):
        check_condition(nested(MAX_DEPTH + 1))
    # Far beyond what Python itself could follow.
    with pytest.raises(ValueError, match="nest at most"):
        check_condition(nested(900))


def test_it_is_only_so_large() -> None:
    check_condition({"and": [TRUE] * MAX_COMPARISONS})
    with pytest.raises(ValueError, match="comparisons"):
        check_condition({"and": [TRUE] * (MAX_COMPARISONS + 1)})
    check_condition({"in": [AMOUNT, [1] * 1000]})
    with pytest.raises(ValueError, match="entries"):
        check_condition({"in": [AMOUNT, [1] * 1001]})
    with pytest.raises(ValueError, match="characters"):
        check_condition({"==": [REGION, "x" * 1001]})


@pytest.mark.parametrize(
    "path",
    ["__class__", "__class__.__mro__", "", ".", "metadata.", "amount", "output.intent", "metadata." + "a." * 600],
)
def test_a_path_starts_with_a_fact(path: str) -> None:
    with pytest.raises(ValueError, match="is no fact") as refused:
        check_condition({"==": [{"var": path}, 1]})
    assert len(str(refused.value)) < 200


@pytest.mark.parametrize("path", ["metadata.__class__", "metadata.items", "intent.upper", "flags.0", "metadata..x"])
def test_a_path_reads_facts_and_nothing_else(path: str) -> None:
    check_condition({"==": [{"var": path}, None]})
    assert evaluate({"==": [{"var": path}, None]}, FACTS) is True


values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("xyz$.", max_size=4), inner, max_size=3),
    max_leaves=6,
)
# A small world, so that things are equal, within and above each other often enough.
small = st.sampled_from([0, 1, 1.0, 2, 2.5, True, False, "", "1", "a", "ab"])
scalars = small | st.text(max_size=3) | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
variables = st.sampled_from(["metadata.x", "metadata.y", "metadata.x.y", "prompt"]).map(lambda path: {"var": path})
facts_of = st.fixed_dictionaries(
    {}, optional={"x": small | values | st.lists(small), "y": small | values | st.lists(small)}
).map(lambda metadata: {"intent": "billing", "flags": [], "prompt": "ab", "response": "", "metadata": metadata})


def comparisons(literals: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    operands = literals | variables
    numbers = operands.filter(lambda operand: not isinstance(operand, str | bool | None))
    return (
        st.builds(
            lambda name, pair: {name: pair}, st.sampled_from(["==", "!="]), st.lists(operands, min_size=2, max_size=2)
        )
        | st.builds(
            lambda name, pair: {name: pair},
            st.sampled_from([">", ">=", "<", "<="]),
            st.lists(numbers, min_size=2, max_size=2),
        )
        | st.builds(
            lambda left, right: {"in": [left, right]},
            operands.filter(lambda operand: operand is not None),
            st.lists(literals, max_size=3) | variables | st.just("ab"),
        )
        | st.builds(
            lambda variable, pattern: {"matches": [variable, pattern]}, variables, st.sampled_from(["a", "^b", "."])
        )
    )


def conditions_of(literals: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.recursive(
        comparisons(literals),
        lambda inner: (
            st.builds(lambda parts: {"and": parts}, st.lists(inner, min_size=1, max_size=3))
            | st.builds(lambda parts: {"or": parts}, st.lists(inner, min_size=1, max_size=3))
            | st.builds(lambda part: {"not": part}, inner)
        ),
        max_leaves=5,
    ).filter(_shallow)


def _shallow(condition: Any) -> bool:
    try:
        check_condition(condition)
    except ValueError as error:
        if "nest" not in str(error):
            raise
        return False
    return True


conditions = conditions_of(scalars | st.none())
without_null = conditions_of(scalars)


@settings(max_examples=200)
@given(condition=conditions, facts=facts_of)
def test_whatever_passes_the_check_can_be_asked_of_any_facts(condition: Any, facts: dict[str, Any]) -> None:
    answer = evaluate(condition, facts)
    assert answer in (True, False, None)
    assert SCHEMA.is_valid(condition)
    assert evaluate({"not": {"not": condition}}, facts) is answer
    assert evaluate({"and": [condition, condition]}, facts) is answer
    assert evaluate({"or": [condition]}, facts) is answer


@settings(max_examples=200)
@given(parts=st.lists(conditions, min_size=1, max_size=3), facts=facts_of)
def test_denying_any_of_them_is_denying_all_of_them(parts: list[Any], facts: dict[str, Any]) -> None:
    any_of, none_of = {"or": parts}, {"and": [{"not": part} for part in parts]}
    assert evaluate({"not": any_of}, facts) is evaluate(none_of, facts)


@settings(max_examples=300)
@given(
    condition=without_null,
    facts=facts_of,
    left_out=st.sets(st.sampled_from(["x", "y"]), min_size=1),
    null=st.booleans(),
)
def test_leaving_something_out_never_turns_an_answer_round(
    condition: Any, facts: dict[str, Any], left_out: set[str], null: bool
) -> None:
    before = evaluate(condition, facts)
    kept = {key: value for key, value in facts["metadata"].items() if key not in left_out}
    after = evaluate(condition, facts | {"metadata": kept | (dict.fromkeys(left_out) if null else {})})
    assert after is None or after is before


@settings(max_examples=200)
@given(parts=st.lists(conditions, min_size=2, max_size=4), facts=facts_of)
def test_another_alternative_only_makes_it_truer_and_another_demand_only_less(parts: list[Any], facts: Any) -> None:
    rank = {False: 0, None: 1, True: 2}
    fewer = parts[:-1]
    assert rank[evaluate({"or": parts}, facts)] >= rank[evaluate({"or": fewer}, facts)]
    assert rank[evaluate({"and": parts}, facts)] <= rank[evaluate({"and": fewer}, facts)]


@settings(max_examples=150)
@given(sent=values)
def test_a_hostile_condition_is_refused_and_never_crashes(sent: Any) -> None:
    # No operator of ours occurs in these, so none may pass.
    with pytest.raises(ValueError, match=r"a condition is|unknown operator|nest"):
        check_condition(sent)


def test_facts_may_nest_deeper_than_python_can_follow() -> None:
    deep: Any = 1
    for _level in range(50_000):
        deep = [deep]
    facts = {"metadata": {"amount": deep}}
    for condition in ({"==": [AMOUNT, AMOUNT]}, {"in": [1, AMOUNT]}, {"in": [AMOUNT, [1]]}, {">": [AMOUNT, AMOUNT]}):
        check_condition(condition)
        assert evaluate(condition, facts) is None
