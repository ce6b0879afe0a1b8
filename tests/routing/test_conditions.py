"""Conditions of policy rules: true only when meant, and never a way in."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.policy.conditions import MAX_DEPTH, check_condition, holds

AMOUNT = {"var": "metadata.amount"}
VIEW = {
    "intent": "billing",
    "flags": ["incident"],
    "metadata": {"amount": 300, "vip": True, "plan": "gold", "note": ""},
}


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ({"==": [{"var": "intent"}, "billing"]}, True),
        ({"!=": [{"var": "intent"}, "billing"]}, False),
        ({">": [AMOUNT, 299.5]}, True),
        ({">": [AMOUNT, 300]}, False),
        ({">=": [AMOUNT, 300]}, True),
        ({"<": [AMOUNT, 300]}, False),
        ({"<=": [300, AMOUNT]}, True),
        ({"in": ["incident", {"var": "flags"}]}, True),
        ({"in": [{"var": "intent"}, ["billing", "refund"]]}, True),
        ({"in": ["ill", {"var": "intent"}]}, True),
        ({"in": [{"var": "intent"}, []]}, False),
        ({"and": [{">": [AMOUNT, 1]}, {"==": [{"var": "metadata.vip"}, True]}]}, True),
        ({"and": [{">": [AMOUNT, 1]}, {"==": [{"var": "metadata.vip"}, False]}]}, False),
        ({"or": [{">": [AMOUNT, 1000]}, {"==": [{"var": "metadata.plan"}, "gold"]}]}, True),
        ({"not": {">": [AMOUNT, 1000]}}, True),
        ({"<": ["apple", {"var": "metadata.plan"}]}, True),
        # A missing variable is null, and null is something one can ask for.
        ({"==": [{"var": "metadata.region"}, None]}, True),
        ({"!=": [{"var": "metadata.region"}, None]}, False),
        ({"==": [{"var": "metadata.amount.deeper"}, None]}, True),
    ],
)
def test_it_holds_exactly_when_it_says_so(condition: dict[str, Any], expected: bool) -> None:
    check_condition(condition)
    assert holds(condition, VIEW) is expected


@pytest.mark.parametrize(
    "condition",
    [
        # Nothing can be ordered against what is not there, or is of another kind.
        *({name: [{"var": "metadata.region"}, 0]} for name in (">", ">=", "<", "<=")),
        *({name: [0, {"var": "metadata.region"}]} for name in (">", ">=", "<", "<=")),
        {">": [{"var": "metadata.plan"}, 0]},
        {"<": [{"var": "metadata.plan"}, 10**9]},
        {">": [{"var": "metadata.vip"}, 0]},
        {"<=": [{"var": "flags"}, ["z"]]},
        {">=": [None, None]},
        # True is not the number 1, although Python says so.
        {"==": [{"var": "metadata.vip"}, 1]},
        {"==": [1.0, {"var": "metadata.vip"}]},
        {"in": [{"var": "metadata.vip"}, [0, 1]]},
        {"in": [1, [True]]},
        # Empty text is inside every text.
        {"in": [{"var": "metadata.note"}, "DE,FR,UK"]},
        {"in": [{"var": "metadata.region"}, "DE,FR,None"]},
        {"in": [{"var": "metadata.amount"}, "300"]},
        {"in": ["plan", {"var": "metadata"}]},
        {"in": ["a", {"var": "metadata.region"}]},
    ],
)
def test_it_is_never_true_by_accident(condition: dict[str, Any]) -> None:
    check_condition(condition)
    assert holds(condition, VIEW) is False


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
        ({"in": [{"var": "a", "default": 1}, []]}, "an operand"),
        ({">": [{"+": [1, 2]}, 0]}, "an operand"),
    ],
)
def test_it_refuses_what_is_not_a_condition(condition: Any, fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        check_condition(condition)


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


@pytest.mark.parametrize("path", ["metadata.__class__", "__class__.__mro__", "metadata.items", "", ".", "a." * 5000])
def test_a_path_reads_facts_and_nothing_else(path: str) -> None:
    assert holds({"==": [{"var": path}, None]}, VIEW)


values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("xyz$.", max_size=4), inner, max_size=3),
    max_leaves=6,
)
operands = values.filter(lambda value: not isinstance(value, dict)) | st.just({"var": "metadata.x"})
comparisons = st.builds(
    lambda name, left, right: {name: [left, right]},
    st.sampled_from(["==", "!=", ">", ">=", "<", "<=", "in"]),
    operands,
    operands,
)
conditions = st.recursive(
    comparisons,
    lambda inner: (
        st.builds(lambda parts: {"and": parts}, st.lists(inner, min_size=1, max_size=3))
        | st.builds(lambda parts: {"or": parts}, st.lists(inner, min_size=1, max_size=3))
        | st.builds(lambda part: {"not": part}, inner)
    ),
    max_leaves=5,
)


@settings(max_examples=150)
@given(condition=conditions, metadata=st.dictionaries(st.sampled_from(["x", "y"]), values))
def test_whatever_passes_the_check_can_be_asked_of_any_facts(condition: Any, metadata: dict[str, Any]) -> None:
    check_condition(condition)
    assert holds(condition, {"intent": "billing", "flags": [], "metadata": metadata}) in (True, False)


@settings(max_examples=150)
@given(sent=values)
def test_a_hostile_condition_is_refused_and_never_crashes(sent: Any) -> None:
    # No operator of ours occurs in these, so none may pass.
    with pytest.raises(ValueError, match=r"a condition is|unknown operator|nest"):
        check_condition(sent)
