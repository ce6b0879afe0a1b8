"""JSON Schemas that the whole OpenAPI document shares: problems, and what a request may hold anywhere."""

from typing import Any

# Legal in JSON, refused here: no database text can hold a NUL.
STORABLE_TEXT = r"^[^\u0000]*$"
# What `str.strip` takes away. A pattern's own \s is another set: it lacks U+001C to U+001F and has U+FEFF.
WHITE = r"\u0009-\u000d\u001c-\u0020\u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
# The framework trims texts; one of white space alone is then missing.
SOME_TEXT = rf"^[^\u0000]*[^{WHITE}\u0000][^\u0000]*$"
MAX_INTEGER = 2**63 - 1
JSON_REFERENCE = {"$ref": "#/components/schemas/Json"}
# Keywords by which a schema says for itself what it takes.
DECIDED = ("$ref", "enum", "const", "anyOf", "oneOf", "allOf", "not")

PROBLEM_SCHEMA: dict[str, Any] = {
    "type": "object",
    "description": "RFC 9457 problem details. `code` is for programs, `detail` for people.",
    "required": ["type", "title", "status", "detail", "errors"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string"},
        "code": {"type": "string"},
        "until": {
            "type": "string",
            "format": "date-time",
            "description": "When the same request will be taken, where that is known.",
        },
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "code", "detail"],
                "properties": {
                    "pointer": {"type": "string", "description": "A JSON pointer (RFC 6901) into the request."},
                    "code": {"type": "string"},
                    "detail": {"type": "string"},
                },
            },
        },
    },
}

JSON_SCHEMA: dict[str, Any] = {
    "description": "Any JSON value without NUL characters, with integers of 64 bits, at most 64 levels deep.",
    "anyOf": [
        {"type": ["null", "boolean", "number"]},
        {"type": "string", "pattern": STORABLE_TEXT},
        {"type": "array", "items": JSON_REFERENCE},
        {"type": "object", "propertyNames": {"pattern": STORABLE_TEXT}, "additionalProperties": JSON_REFERENCE},
    ],
}


def storable(schema: dict[str, Any]) -> dict[str, Any]:
    """A request's schema, with the limits that hold everywhere written at every text, number and free value."""
    if schema.get("oneOf") == [JSON_REFERENCE, {"type": "null"}] or schema.get("oneOf") == [{}, {"type": "null"}]:
        # A free value that may be null: null is one of the free values.
        return dict(JSON_REFERENCE)
    if any(word in schema for word in DECIDED):
        return {key: _inside(key, value) for key, value in schema.items()}
    if not set(schema) - {"title", "description", "default"}:
        return {key: value for key, value in schema.items() if key != "title"} | JSON_REFERENCE
    limited = {key: _inside(key, value) for key, value in schema.items()}
    kinds = schema.get("type", [])
    if "string" in kinds and not {"pattern", "format"} & set(schema):
        limited["pattern"] = STORABLE_TEXT
    if "integer" in kinds:
        limited = {"minimum": -MAX_INTEGER, "maximum": MAX_INTEGER} | limited
    if "object" in kinds and schema.get("additionalProperties", "properties" not in schema) is not False:
        limited["propertyNames"] = {"pattern": STORABLE_TEXT}
        if schema.get("additionalProperties") in (None, True, {}):
            limited["additionalProperties"] = JSON_REFERENCE
    return limited


def _inside(key: str, value: Any) -> Any:
    if key in ("properties", "patternProperties"):
        return {name: storable(part) for name, part in value.items()}
    if key in ("anyOf", "oneOf", "allOf", "prefixItems"):
        return [storable(part) for part in value]
    if key in ("items", "additionalProperties") and isinstance(value, dict):
        return storable(value)
    return value
