"""JSON Schemas of what the reviewing and measuring endpoints take and answer, where serializers cannot say them."""

from typing import Any

from labeling.models import CriterionType
from reviewapp.core.models import TaskKind
from reviewapp.core.schemas import WHITE

Schema = dict[str, Any]
TEXT: Schema = {"type": "string"}
SCALAR: Schema = {"type": ["string", "number", "boolean"]}
NUMBER: Schema = {"type": ["number", "null"]}

LEVEL: Schema = {
    "type": "object",
    "required": ["value"],
    "properties": {"value": SCALAR},
    "additionalProperties": True,
}
CRITERION_PROPERTIES: Schema = {
    "name": {"type": "string", "minLength": 1, "maxLength": 60, "pattern": "^[-a-zA-Z0-9_]+$"},
    "question": {"type": "string", "minLength": 1, "maxLength": 500},
    "required": {"type": "boolean", "default": True},
    "levels": {"type": "array", "items": LEVEL, "description": "In scale order, with different values."},
    "fail_values": {"type": "array", "items": SCALAR, "description": "Of the levels' values, those that fail."},
    "minimum": NUMBER,
    "maximum": NUMBER,
    "fail_below": NUMBER,
}
NUMERIC: Schema = {
    "type": "object",
    "required": ["name", "type", "question", "minimum", "maximum"],
    "additionalProperties": False,
    "properties": CRITERION_PROPERTIES
    | {"type": {"const": CriterionType.NUMERIC}, "minimum": {"type": "number"}, "maximum": {"type": "number"}},
}


def _scale(types: list[str], levels: Schema) -> Schema:
    return {
        "type": "object",
        "required": ["name", "type", "question", "levels"],
        "additionalProperties": False,
        "properties": CRITERION_PROPERTIES
        | {"type": {"enum": types}, "levels": CRITERION_PROPERTIES["levels"] | levels},
    }


CRITERION: Schema = {
    "oneOf": [
        NUMERIC,
        _scale([CriterionType.CATEGORICAL, CriterionType.ORDINAL], {"minItems": 2}),
        _scale([CriterionType.BINARY], {"minItems": 2, "maxItems": 2}),
    ]
}
RUBRIC_BODY: Schema = {
    "type": "object",
    "required": ["name", "criteria"],
    "additionalProperties": False,
    "properties": {
        "name": {"type": "string", "maxLength": 100, "pattern": rf"^[^/\u0000]*[^/{WHITE}\u0000][^/\u0000]*$"},
        "task_kind": {"enum": TaskKind.values, "default": TaskKind.POINTWISE},
        "instructions": {"type": "string", "default": ""},
        "corrections": {"type": "boolean", "default": True},
        "criteria": {"type": "array", "items": CRITERION},
    },
    # Two responses can be compared without any question; one cannot be judged without.
    "anyOf": [
        {"properties": {"task_kind": {"const": TaskKind.PAIRWISE}}, "required": ["task_kind"]},
        {"properties": {"criteria": {"type": "array", "minItems": 1}}},
    ],
}
RUBRIC: Schema = {
    "type": "object",
    "required": ["id", "name", "version", "status", "task_kind", "instructions", "corrections", "criteria"],
    "properties": {
        "id": {"type": "integer"},
        "name": TEXT,
        "version": {"type": "integer", "minimum": 1},
        "status": {"enum": ["active", "published", "draft"]},
        "task_kind": {"enum": TaskKind.values},
        "criteria": {"type": "array", "items": {"type": "object", "required": ["name", "type", "question"]}},
    },
}
ROWS: Schema = {
    "type": "object",
    "required": ["results"],
    "properties": {"results": {"type": "array", "items": {"type": "object"}}},
}
DISPUTE: Schema = {
    "type": "object",
    "required": ["id", "intent", "status", "rubric", "ratings", "verdict"],
    "properties": {"id": {"type": "string", "format": "uuid"}, "ratings": {"type": "array"}},
}

TASK: Schema = {
    "type": "object",
    "required": ["kind", "prompt", "context"],
    "properties": {
        "kind": {"enum": TaskKind.values},
        "context": {"type": "array", "items": {"type": "object"}},
        "response": TEXT,
        "a": TEXT,
        "b": TEXT,
        "steps": {"type": "array", "items": {"type": "object"}},
    },
    "oneOf": [{"required": ["response"]}, {"required": ["a", "b"]}, {"required": ["steps"]}],
}
QUESTIONS: Schema = {
    "type": "object",
    "required": ["name", "version", "criteria", "pairwise", "corrections"],
    "properties": {
        "name": TEXT,
        "version": {"type": "integer"},
        "pairwise": {"type": "boolean"},
        "corrections": {"type": "boolean"},
        "criteria": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["name", "type", "question", "required"],
                "properties": {"type": {"enum": CriterionType.values}},
                "oneOf": [{"required": ["levels"]}, {"required": ["min", "max"]}],
            },
        },
    },
}
CLAIM: Schema = {
    "type": "object",
    "required": ["assignment", "lease_expires_at", "task", "rubric", "today"],
    "properties": {
        "assignment": TEXT,
        "lease_expires_at": {"type": "string", "format": "date-time"},
        "task": TASK,
        "rubric": QUESTIONS,
        "today": {
            "type": "object",
            "required": ["done", "cap"],
            "properties": {"done": {"type": "integer", "minimum": 0}, "cap": {"type": "integer", "minimum": 0}},
        },
    },
}
