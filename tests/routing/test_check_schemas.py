"""Checks that read JSON: strictly, and against schemas whose work is bounded."""

from typing import Any

import pytest
from pydantic import ValidationError

from routing.policy.checks import Check
from tests.routing.checking import INVOICE, check, passes, run, subject


@pytest.mark.parametrize(
    ("response", "fault"),
    [
        ("", "no valid JSON"),
        ("Here you are: {}", "no valid JSON"),
        ('```json\n{"a": 1}\n```', "no valid JSON"),
        ('{"a": 1}{"a": 1}', "no valid JSON"),
        # Each of these is read differently by some parser.
        ('{"a": 1, "a": 2}', "no valid JSON"),
        ('{"a": 1, "\\u0061": 2}', "no valid JSON"),
        ('{"a": NaN}', "no valid JSON"),
        ('{"a": -Infinity}', "no valid JSON"),
        ('{"a": 1e999}', "no valid JSON"),
        ('{"a": ' + "9" * 5000 + "}", "no valid JSON"),
        ('\ufeff{"a": 1}', "no valid JSON"),
        ('{"a":' * 65 + "1" + "}" * 65, "nests deeper than 64"),
        ("[" * 200_000 + "]" * 200_000, "nests deeper than 64"),
        ("[" * 2_000_000, "nests deeper than 64"),
    ],
    ids=range(14),
)
@pytest.mark.parametrize(
    "looked_for",
    [
        check("required_fields", paths=["/a"]),
        check("json_schema", schema=True),
        check("numeric_range", pointer="/a", min=0),
    ],
    ids=["fields", "schema", "range"],
)
def test_json_is_read_strictly(looked_for: Check, response: str, fault: str) -> None:
    result = run(looked_for, subject(response))
    assert not result.passed
    assert result.reason.startswith("the response ")
    assert fault in result.reason


def test_json_may_nest_as_deep_as_it_says() -> None:
    assert passes(check("json_schema", schema=True), subject('{"a":' * 64 + "1" + "}" * 64))


@pytest.mark.parametrize(
    ("response", "fault"),
    [
        ('{"total": 5, "due": "2026-01-31", "code": "aaa"}', ""),
        ("{}", "“total” is missing"),
        ('{"total": -1}', 'at “/total”: its "minimum" is not met'),
        ('{"total": 1' + "0" * 400 + "}", 'at “/total”: its "maximum" is not met'),
        ('{"total": "5"}', 'at “/total”: its "type" is not met'),
        ('{"total": true}', 'at “/total”: its "type" is not met'),
        ('{"total": 5, "due": "tomorrow"}', 'at “/due”: its "format" is not met'),
        ('{"total": 5, "x": 1}', "“x” has no place there"),
        # 2^40 steps in an engine that tracks back.
        ('{"total": 5, "code": "' + "a" * 40 + '!"}', 'at “/code”: its "pattern" is not met'),
        ("[]", 'its "type" is not met'),
    ],
    ids=range(10),
)
def test_it_asks_for_the_shape_of_a_schema(response: str, fault: str) -> None:
    result = run(check("json_schema", schema=INVOICE), subject(response))
    assert result.passed is (not fault)
    assert fault in result.reason


def branching(levels: int) -> dict[str, Any]:
    inner = {f"a{level}": {"allOf": [{"$ref": f"#/$defs/a{level + 1}"}] * 2} for level in range(levels)}
    return {"$ref": "#/$defs/a0", "$defs": inner | {f"a{levels}": {"type": "string"}}}


def chained(links: int, *, backwards: bool) -> dict[str, Any]:
    inner = [(f"a{link}", {"$ref": f"#/$defs/a{link + 1}"}) for link in range(links)]
    end = [(f"a{links}", {"type": "string"})]
    # Backwards, each link is known to be short before the next one adds to it.
    return {"$defs": dict([*end, *reversed(inner)] if backwards else [*inner, *end]), "$ref": "#/$defs/a0"}


def wrapped(levels: int) -> dict[str, Any]:
    schema: dict[str, Any] = {}
    for _level in range(levels):
        schema = {"not": schema}
    return schema


@pytest.mark.parametrize(
    ("schema", "fault"),
    [
        ({"type": "nope"}, "not a JSON Schema"),
        ({"minLength": -1}, "not a JSON Schema"),
        ({"format": "nope"}, "not a JSON Schema"),
        ({"pattern": "("}, "not a JSON Schema"),
        ({"pattern": "(?=a)b"}, "not a JSON Schema"),
        ({"pattern": r"(\w{1000}){1000}"}, "not a JSON Schema"),
        ({"$schema": "https://schemas.example/mine"}, "not a JSON Schema"),
        ({"$ref": "https://schemas.example/mine"}, "must stay inside"),
        ({"properties": {"a": {"$ref": "//schemas.example/mine"}}}, "must stay inside"),
        ({"items": {"$ref": "file:///etc/passwd"}}, "must stay inside"),
        ({"$ref": "other.json#/a"}, "must stay inside"),
        ({"$ref": "http://json-schema.org/draft-07/schema#"}, "must stay inside"),
        ({"$ref": "#anchor"}, "must stay inside"),
        ({"$ref": "#/$defs/none"}, "nothing at"),
        ({"items": {"$id": "https://schemas.example/mine"}}, '"\\$id" is not taken'),
        ({"$dynamicRef": "#a"}, "not taken"),
        ({"$ref": "#"}, "refers to itself"),
        ({"properties": {"child": {"$ref": "#"}}}, "refers to itself"),
        ({"$defs": {"a": {"items": {"$ref": "#/$defs/b"}}, "b": {"not": {"$ref": "#/$defs/a"}}}}, "refers to itself"),
        (branching(14), "too large"),
        (chained(500, backwards=False), "64 deep"),
        (chained(500, backwards=True), "64 deep"),
        (wrapped(65), "64 deep"),
        (wrapped(900), "64 deep"),
        ({"enum": ["x" * 60_000]}, "50000 characters"),
        ({"maximum": float("nan")}, "no JSON"),
        ([], "dictionary"),
        ("{}", "dictionary"),
    ],
    ids=range(28),
)
def test_it_refuses_a_schema_that_has_no_bound_or_lies_elsewhere(schema: Any, fault: str) -> None:
    with pytest.raises(ValidationError, match=fault):
        check("json_schema", schema=schema)


def test_a_schema_may_refer_to_its_own_parts_many_times() -> None:
    looked_for = check("json_schema", schema=branching(8))
    assert passes(looked_for, subject('"text"'))
    assert not passes(looked_for, subject("5"))
    # A property may be called as a keyword is.
    assert passes(check("json_schema", schema={"properties": {"$ref": {"type": "string"}}}), subject('{"$ref": "x"}'))


def test_it_looks_at_metadata_where_it_says_so() -> None:
    output = subject("no JSON", metadata={"amount": 5, "tags": ["a"]})
    for kind, fields in (
        ("required_fields", {"paths": ["/amount", "/tags/0"]}),
        ("json_schema", {"schema": {"required": ["amount"]}}),
        ("numeric_range", {"pointer": "/amount", "max": 5}),
    ):
        looked_for = check(kind, part="metadata", **fields)
        assert passes(looked_for, output)
        assert run(looked_for, subject("{}")).reason.startswith("the metadata ")
        assert not passes(looked_for, subject("{}", metadata={"amount": float("nan"), "tags": ["a"]}))
        deep: Any = []
        for _level in range(50_000):
            deep = [deep]
        assert "nests deeper" in run(looked_for, subject("{}", metadata={"amount": 5, "tags": deep})).reason
