"""JSON Schemas inside policies: which are accepted, and what a value has against one. Pure.

The work of a validation must be bounded by the size of schema and value, whoever wrote the value. So references
stay inside the schema and never come back to where they started (a recursive schema, and one whose references
multiply, can ask for exponential work), patterns run in an engine of linear time, and nothing is fetched.
"""

import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

import jsonschema_rs

from routing.policy.subject import MISSING, at_pointer, quoted

MAX_SCHEMA_CHARS = 50_000
MAX_SCHEMA_DEPTH = 64
# Objects, lists and values of the schema, those behind a reference counted once per reference.
MAX_UNFOLDED = 20_000
PATTERN_BYTES = 1 << 20
REFUSED = ("$dynamicRef", "$recursiveRef", "$anchor", "$dynamicAnchor", "$recursiveAnchor", "$vocabulary")


def check_schema(schema: Mapping[str, Any] | bool) -> None:
    """Raises ValueError saying why `schema` cannot be used."""
    try:
        text = _canonical(schema)
    except (TypeError, ValueError, RecursionError):
        raise ValueError("the schema is no JSON, or nests too deep") from None
    if len(text) > MAX_SCHEMA_CHARS:
        raise ValueError(f"the schema may be {MAX_SCHEMA_CHARS} characters long; this one has {len(text)}")
    parts, _depth = _Unfolding(schema).measure("", schema, 0)
    if parts > MAX_UNFOLDED:
        raise ValueError("the schema is too large with its references written out")
    try:
        _validator(text)
    except (ValueError, jsonschema_rs.ReferencingError) as error:
        raise ValueError(f"not a JSON Schema: {str(error).splitlines()[0][:200]}") from None


def schema_fault(schema: Mapping[str, Any] | bool, value: Any) -> str | None:
    """The first thing that `value` has against a checked `schema`, as a sentence; None if it fits."""
    error = next(_validator(_canonical(schema)).iter_errors(value), None)
    if error is None:
        return None
    path = "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in error.instance_path)
    where = f" at {quoted(path)}" if path else ""
    return f"does not fit the schema{where}: {_complaint(error.kind)}"


def _complaint(kind: jsonschema_rs.ValidationErrorKind) -> str:
    """What is wrong. Not in the library's words, which may quote any amount of the value."""
    if isinstance(kind, jsonschema_rs.ValidationErrorKind.Required):
        return f"{quoted(kind.property)} is missing"
    if isinstance(kind, jsonschema_rs.ValidationErrorKind.AdditionalProperties):
        return f"{quoted(kind.unexpected[0])} has no place there"
    if isinstance(kind, jsonschema_rs.ValidationErrorKind.FalseSchema):
        return "nothing may be there"
    return f'its "{kind.name}" is not met'


class _Unfolding:
    """Measures a schema with its references written out: (parts, depth), each part measured once."""

    def __init__(self, schema: Mapping[str, Any] | bool) -> None:
        self.schema = schema
        self.known: dict[str, tuple[int, int]] = {}
        self.open: set[str] = set()

    def measure(self, pointer: str, node: Any, above: int) -> tuple[int, int]:
        """`above`: how deep `node` already is. Raises ValueError."""
        if pointer in self.open:
            raise ValueError(f"the schema refers to itself at {quoted(pointer or '#')}; a recursive one has no bound")
        if above <= MAX_SCHEMA_DEPTH and pointer not in self.known:
            self.open.add(pointer)
            inside = [self.measure(*part, above + 1) for part in self._inside(pointer, node)]
            self.open.discard(pointer)
            parts = 1 + sum(size for size, _depth in inside)
            self.known[pointer] = min(parts, MAX_UNFOLDED + 1), 1 + max((depth for _size, depth in inside), default=0)
        if above > MAX_SCHEMA_DEPTH or above + self.known[pointer][1] > MAX_SCHEMA_DEPTH:
            raise ValueError(f"the schema, references included, may nest {MAX_SCHEMA_DEPTH} deep")
        return self.known[pointer]

    def _inside(self, pointer: str, node: Any) -> Iterator[tuple[str, Any]]:
        if isinstance(node, list):
            for index, inner in enumerate(node):
                yield f"{pointer}/{index}", inner
        elif isinstance(node, Mapping):
            for key, inner in node.items():
                if isinstance(inner, str):
                    _check_keyword(pointer, key)
                if key == "$ref" and isinstance(inner, str):
                    yield self._target(inner)
                else:
                    yield f"{pointer}/{key.replace('~', '~0').replace('/', '~1')}", inner

    def _target(self, reference: str) -> tuple[str, Any]:
        if reference not in ("", "#") and not reference.startswith("#/"):
            raise ValueError(f"a reference must stay inside the schema (#/…); {quoted(reference)} does not")
        pointer = reference.removeprefix("#")
        target = at_pointer(self.schema, pointer)
        if target is MISSING or "%" in pointer:
            raise ValueError(f"the schema has nothing at {quoted(reference)}")
        return pointer, target


def _check_keyword(pointer: str, key: str) -> None:
    if key in REFUSED or (pointer and key in ("$id", "$schema")):
        raise ValueError(f'"{key}" is not taken here')


def _canonical(schema: Mapping[str, Any] | bool) -> str:
    return json.dumps(schema, sort_keys=True, allow_nan=False, ensure_ascii=False)


@lru_cache(maxsize=256)
def _validator(text: str) -> jsonschema_rs.Validator:
    return jsonschema_rs.validator_for(
        json.loads(text),
        # Formats bind, and unknown ones are refused: a schema must not promise more than it tests.
        validate_formats=True,
        ignore_unknown_formats=False,
        pattern_options=jsonschema_rs.RegexOptions(size_limit=PATTERN_BYTES),
        offline=True,
    )
