"""Conditions of policy rules: a small, closed subset of JSONLogic (jsonlogic.com), never evaluated as code.

A condition is a JSON object with one operator: {"and": [...]}, {"or": [...]}, {"not": condition},
or a comparison {"==" | "!=" | ">" | ">=" | "<" | "<=" | "in": [operand, operand]}; an operand is a
literal or {"var": "metadata.amount"}. A missing variable is null; an ordering with null or between
different types is false, true is not 1, and empty text is in no other text, so a rule never fires by accident.
"""

import operator
from collections.abc import Callable, Mapping
from typing import Any


def _equal(left: Any, right: Any) -> bool:
    # Python counts True as 1; JSON does not.
    return isinstance(left, bool) == isinstance(right, bool) and bool(left == right)


COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "==": _equal,
    "!=": lambda left, right: not _equal(left, right),
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}
ORDERINGS = {">", ">=", "<", "<="}
MAX_DEPTH = 8


def check_condition(condition: Any, depth: int = 0) -> None:
    """Raises ValueError naming what is wrong with the shape of `condition`."""
    if depth > MAX_DEPTH:
        raise ValueError(f"conditions may nest at most {MAX_DEPTH} deep")
    if not isinstance(condition, dict) or len(condition) != 1:
        raise ValueError("a condition is an object with exactly one operator")
    name, argument = next(iter(condition.items()))
    if name in ("and", "or"):
        if not isinstance(argument, list) or not argument:
            raise ValueError(f'"{name}" takes a list of at least one condition')
        for inner in argument:
            check_condition(inner, depth + 1)
    elif name == "not":
        check_condition(argument, depth + 1)
    elif name in COMPARISONS or name == "in":
        if not isinstance(argument, list) or len(argument) != 2:
            raise ValueError(f'"{name}" takes a list of two operands')
        for operand in argument:
            _check_operand(operand)
    else:
        raise ValueError(f'unknown operator "{name}"')


def holds(condition: Mapping[str, Any], facts: Mapping[str, Any]) -> bool:
    """Whether a checked `condition` is true of `facts` (intent, metadata, flags, …)."""
    name, argument = next(iter(condition.items()))
    if name == "and":
        return all(holds(inner, facts) for inner in argument)
    if name == "or":
        return any(holds(inner, facts) for inner in argument)
    if name == "not":
        return not holds(argument, facts)
    left, right = (_value(operand, facts) for operand in argument)
    if name == "in":
        return _within(left, right)
    if name in ORDERINGS and not _comparable(left, right):
        return False
    return COMPARISONS[name](left, right)


def _check_operand(operand: Any) -> None:
    if isinstance(operand, dict) and not (set(operand) == {"var"} and isinstance(operand["var"], str)):
        raise ValueError('an operand is a literal or {"var": "path"}')


def _value(operand: Any, facts: Mapping[str, Any]) -> Any:
    if not isinstance(operand, dict):
        return operand
    value: Any = facts
    for part in operand["var"].split("."):
        if not isinstance(value, Mapping):
            return None
        value = value.get(part)
    return value


def _within(left: Any, right: Any) -> bool:
    if isinstance(right, list):
        return any(_equal(left, entry) for entry in right)
    return isinstance(left, str) and isinstance(right, str) and left != "" and left in right


def _comparable(left: Any, right: Any) -> bool:
    if isinstance(left, bool) or isinstance(right, bool):
        return False
    both_numbers = isinstance(left, int | float) and isinstance(right, int | float)
    return both_numbers or (isinstance(left, str) and isinstance(right, str))
