"""Conditions of policy rules: a small, closed subset of JSONLogic (jsonlogic.com), never evaluated as code.

A condition is a JSON object with one operator:

- {"and": [condition, …]}, {"or": [condition, …]}, {"not": condition};
- {"==" | "!=": [operand, operand]}: both of one type;
- {">" | ">=" | "<" | "<=": [operand, operand]}: two numbers;
- {"in": [operand, operand]}: one of a list, or text within text (empty text is within none);
- {"matches": [{"var": …}, "pattern"]}: an RE2 regular expression found anywhere in the text, as it was sent or as
  it looks to a reader: styled letters and hidden characters hide nothing.

An operand is a literal or {"var": path}; a path starts with one of `FACTS` and leads on by dots into objects
("metadata.amount"). `prompt` and `response` are plain text: the turns of a chat, both candidates or the steps
of a run are joined by line breaks. Lists stand only on the right of "in".

Answers are three-valued. What cannot be decided is None: a variable that is missing or null, values of
different types ("1200" is text, `true` is not 1, and text has no order), text too long for a pattern. None goes
through "and", "or" and "not" as in Kleene's strong logic of three values (S. C. Kleene, Introduction to
Metamathematics, 1952, § 64): it stays None unless the rest settles the answer whatever it is. So leaving a value
out can turn a decided answer only into None, never into its opposite; whoever asks treats None as true and
says so, else a caller could dodge a rule by not sending what it looks at.

The exception is asked for: {"==": [{"var": path}, null]} is true where nothing was sent, and never None. A rule
that is to look only at outputs that carry the value says {"and": [{"!=": [{"var": path}, null]}, …]}.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from operator import ge, gt, le, lt
from typing import Any

from routing.policy.patterns import MAX_PATTERN_CHARS, SearchTooCostly, check_pattern, found_in_any_guise

FACTS = ("intent", "metadata", "flags", "prompt", "response")
ORDERINGS: dict[str, Callable[[Any, Any], bool]] = {">": gt, ">=": ge, "<": lt, "<=": le}
COMPARISONS = ("==", "!=", *ORDERINGS, "in")
MAX_DEPTH = 8
# Comparisons in one condition, entries of one list, characters of one text.
MAX_COMPARISONS = 100
MAX_ENTRIES = 1000
MAX_CHARS = 1000
MAX_QUOTED = 60


def check_condition(condition: Any) -> None:
    """Raises ValueError naming what is wrong with the shape of `condition`."""
    if _count(condition, 0) > MAX_COMPARISONS:
        raise ValueError(f"a condition may hold {MAX_COMPARISONS} comparisons")


def evaluate(condition: Mapping[str, Any], facts: Mapping[str, Any]) -> bool | None:
    """Whether a checked `condition` is true of `facts`; None where that cannot be decided. Never raises."""
    name, argument = next(iter(condition.items()))
    if name == "and":
        return _all(evaluate(inner, facts) for inner in argument)
    if name == "or":
        return _not(_all(_not(evaluate(inner, facts)) for inner in argument))
    if name == "not":
        return _not(evaluate(argument, facts))
    if name == "matches":
        return _matches(_value(argument[0], facts), argument[1])
    left, right = argument
    if name == "==":
        return _equal(left, right, facts)
    if name == "!=":
        return _not(_equal(left, right, facts))
    if name == "in":
        return _within(_value(left, facts), _value(right, facts), listed=isinstance(right, list))
    return _ordered(name, _value(left, facts), _value(right, facts))


def condition_schema(reference: str) -> dict[str, Any]:
    """A JSON Schema of conditions, to stand where `reference` points: all but their depth, size and patterns."""
    text = {"type": "string", "maxLength": MAX_CHARS}
    number, null = {"type": "number"}, {"type": "null"}
    value = [text, number, {"type": "boolean"}]
    variable = {
        "type": "object",
        "properties": {"var": text | {"pattern": rf"^(?:{'|'.join(FACTS)})(?:\.[\s\S]+)?$"}},
        "required": ["var"],
        "additionalProperties": False,
    }
    operand, amount = {"anyOf": [*value, null, variable]}, {"anyOf": [number, variable]}
    several = {"type": "array", "maxItems": MAX_ENTRIES, "items": {"anyOf": [*value, null]}}
    pattern = {"type": "string", "minLength": 1, "maxLength": MAX_PATTERN_CHARS}
    operators: dict[str, Any] = {
        "and": {"type": "array", "minItems": 1, "items": {"$ref": reference}},
        "or": {"type": "array", "minItems": 1, "items": {"$ref": reference}},
        "not": {"$ref": reference},
        **dict.fromkeys(("==", "!="), _pair(operand, operand)),
        **dict.fromkeys(ORDERINGS, _pair(amount, amount)),
        "in": _pair({"anyOf": [*value, variable]}, {"anyOf": [text, variable, several]}),
        "matches": _pair(variable, pattern),
    }
    return {
        "type": "object",
        "description": "One operator and what it takes.",
        "properties": operators,
        "minProperties": 1,
        "maxProperties": 1,
        "additionalProperties": False,
    }


def _pair(left: dict[str, Any], right: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "prefixItems": [left, right], "items": False, "minItems": 2}


def _count(condition: Any, depth: int) -> int:
    """The number of comparisons in a condition that is well formed; else ValueError."""
    if depth > MAX_DEPTH:
        raise ValueError(f"conditions may nest at most {MAX_DEPTH} deep")
    if not isinstance(condition, Mapping) or len(condition) != 1:
        raise ValueError("a condition is an object with exactly one operator")
    name, argument = next(iter(condition.items()))
    if name == "not":
        return _count(argument, depth + 1)
    if name in ("and", "or"):
        if not isinstance(argument, list) or not argument:
            raise ValueError(f'"{name}" takes a list of at least one condition')
        return sum(_count(inner, depth + 1) for inner in argument)
    if name == "matches":
        _check_matches(argument)
    elif name in COMPARISONS:
        _check_comparison(name, argument)
    else:
        raise ValueError(f'unknown operator "{str(name)[:MAX_QUOTED]}"')
    return 1


def _check_matches(argument: Any) -> None:
    match argument:
        case [{"var": _} as variable, str() as pattern]:
            _check_operand(variable)
            check_pattern(pattern)
        case _:
            raise ValueError('"matches" takes a list of {"var": path} and a pattern')


def _check_comparison(name: str, argument: Any) -> None:
    if not isinstance(argument, list) or len(argument) != 2:
        raise ValueError(f'"{name}" takes a list of two operands')
    left, right = argument
    _check_operand(left)
    if name == "in":
        return _check_container(left, right)
    _check_operand(right)
    if name in ORDERINGS and not all(isinstance(operand, Mapping) or _is_number(operand) for operand in argument):
        raise ValueError(f'"{name}" orders numbers; with anything else it could never be decided')


def _check_container(left: Any, right: Any) -> None:
    if left is None:
        raise ValueError('"in" needs something to look for; null is in nothing')
    if isinstance(right, list):
        if len(right) > MAX_ENTRIES:
            raise ValueError(f"a list may have {MAX_ENTRIES} entries")
        for entry in right:
            _check_literal(entry)
    elif isinstance(right, str | Mapping):
        _check_operand(right)
    else:
        raise ValueError('"in" looks in a list, in a text or in {"var": path}')


def _check_operand(operand: Any) -> None:
    if not isinstance(operand, Mapping):
        return _check_literal(operand)
    if set(operand) != {"var"} or not isinstance(operand["var"], str):
        raise ValueError('an operand is a literal or {"var": path}')
    fact, dot, rest = operand["var"].partition(".")
    if fact not in FACTS or (dot and not rest) or len(operand["var"]) > MAX_CHARS:
        raise ValueError(f'"{operand["var"][:MAX_QUOTED]}" is no fact; a path starts with one of {", ".join(FACTS)}')


def _check_literal(value: Any) -> None:
    if isinstance(value, str):
        if len(value) > MAX_CHARS:
            raise ValueError(f"a text may be {MAX_CHARS} characters long")
    elif value is not None and not isinstance(value, bool) and not _is_number(value):
        raise ValueError('an operand is a literal or {"var": path}: a text, a number, true, false or null')


def _is_number(value: Any) -> bool:
    """JSON has neither NaN nor infinity, and Python counts True as 1."""
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, int) and not isinstance(value, bool)


def _value(operand: Any, facts: Mapping[str, Any]) -> Any:
    if not isinstance(operand, Mapping):
        return operand
    value: Any = facts
    for part in operand["var"].split("."):
        if not isinstance(value, Mapping):
            return None
        value = value.get(part)
    return value


def _all(answers: Iterable[bool | None]) -> bool | None:
    """Kleene's conjunction; looks no further than the first False."""
    undecided = False
    for answer in answers:
        if answer is False:
            return False
        undecided = undecided or answer is None
    return None if undecided else True


def _not(answer: bool | None) -> bool | None:
    return None if answer is None else not answer


def _equal(left: Any, right: Any, facts: Mapping[str, Any]) -> bool | None:
    if left is None or right is None:
        # The null of the owner asks whether there is a value; the null of a caller is no answer.
        return _value(left, facts) is None and _value(right, facts) is None
    return _same(_value(left, facts), _value(right, facts))


def _same(left: Any, right: Any) -> bool | None:
    for of_type in (_is_number, _is_bool, _is_text):
        if of_type(left) and of_type(right):
            return bool(left == right)
    return None


def _is_bool(value: Any) -> bool:
    return isinstance(value, bool)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _within(left: Any, right: Any, *, listed: bool) -> bool | None:
    """`listed`: the list is the owner's own, whose null asks whether there is a value, as with "=="."""
    if isinstance(left, str) and isinstance(right, str):
        return left != "" and left in right
    if not isinstance(right, list):
        return None
    if listed and left is None and None in right:
        return True
    answers = [_same(left, entry) for entry in right]
    if True in answers:
        return True
    # Entries of another type are other values; but where all are, this was not what the list is about.
    return None if answers and False not in answers else False


def _ordered(name: str, left: Any, right: Any) -> bool | None:
    return ORDERINGS[name](left, right) if _is_number(left) and _is_number(right) else None


def _matches(text: Any, pattern: str) -> bool | None:
    if not isinstance(text, str):
        return None
    try:
        return found_in_any_guise(pattern, text)
    except (SearchTooCostly, UnicodeEncodeError):
        return None
