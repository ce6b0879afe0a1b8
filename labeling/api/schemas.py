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
        "span_categories": {
            "type": "array",
            "default": [],
            "maxItems": 20,
            "uniqueItems": True,
            "items": {"type": "string", "maxLength": 60, "pattern": rf"^[^\u0000]*[^{WHITE}\u0000][^\u0000]*$"},
        },
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
        "status": {"enum": ["active", "published", "draft", "calibrating", "calibrated", "withdrawn"]},
        "task_kind": {"enum": TaskKind.values},
        "criteria": {"type": "array", "items": {"type": "object", "required": ["name", "type", "question"]}},
        "document": {"type": "object", "description": "What POST to rubrics/ takes."},
        "changes": {"type": "array", "items": {"type": "object", "required": ["pointer", "before", "after"]}},
        "measured": {"type": "array", "items": {"type": "object", "required": ["criterion", "before", "after"]}},
        "measured_by_intent": {"type": "array", "items": {"type": "object", "required": ["intent", "criterion"]}},
    },
}
ROWS: Schema = {
    "type": "object",
    "required": ["results"],
    "properties": {"results": {"type": "array", "items": {"type": "object"}}},
}
OBJECT: Schema = {"type": "object"}
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
    "required": ["name", "version", "criteria", "pairwise", "corrections", "span_categories"],
    "properties": {
        "name": TEXT,
        "version": {"type": "integer"},
        "pairwise": {"type": "boolean"},
        "corrections": {"type": "boolean"},
        "span_categories": {"type": "array", "items": TEXT},
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
            "required": ["done", "cap", "break_in_minutes", "break_until"],
            "properties": {
                "done": {"type": "integer", "minimum": 0},
                "cap": {"type": "integer", "minimum": 0},
                "break_in_minutes": {
                    "type": ["integer", "null"],
                    "minimum": 0,
                    "description": "Whole minutes until a break is due; 0: now; null: none comes.",
                },
                "break_until": {
                    "type": ["string", "null"],
                    "format": "date-time",
                    "description": "While a break is due: when it will have been long enough.",
                },
            },
        },
    },
}

DAY: Schema = {"type": "string", "format": "date"}
DAY_OR_NONE: Schema = {"type": ["string", "null"], "format": "date"}
MOMENT_OR_NONE: Schema = {"type": ["string", "null"], "format": "date-time"}
ABSENCE: Schema = {
    "type": "object",
    "required": ["id", "rater", "name", "first_day", "last_day", "note"],
    "properties": {
        "id": {"type": "integer"},
        "rater": TEXT,
        "name": TEXT,
        "first_day": DAY,
        "last_day": DAY,
        "note": TEXT,
    },
}
ALARM: Schema = {
    "type": "object",
    "required": ["id", "kind", "subject", "detail", "data", "raised_at", "seen_at", "cleared_at"],
    "properties": {
        "id": {"type": "integer"},
        "kind": TEXT,
        "subject": TEXT,
        "detail": TEXT,
        "data": {"type": "object"},
        "raised_at": {"type": "string", "format": "date-time"},
        "seen_at": MOMENT_OR_NONE,
        "cleared_at": MOMENT_OR_NONE,
    },
}
STEPS: Schema = {
    "type": "object",
    "required": ["steps"],
    "properties": {
        "steps": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["priority", "minutes_before", "rater", "name"],
                "properties": {
                    "priority": {"type": ["integer", "null"]},
                    "minutes_before": {"type": "integer"},
                    "rater": TEXT,
                    "name": TEXT,
                },
            },
        }
    },
}
COLLEAGUE: Schema = {
    "type": "object",
    "required": ["rater", "name", "role", "credentials", "daily_cap", "standby", "working", "away"],
    "properties": {
        "rater": TEXT,
        "name": TEXT,
        "role": {"enum": ["reviewer", "adjudicator"]},
        "credentials": {"type": "array", "items": TEXT},
        "daily_cap": {"type": ["integer", "null"]},
        "standby": {"type": "boolean"},
        "working": {"type": "boolean", "description": "Neither paused nor still learning."},
        "away": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["first_day", "last_day"],
                "properties": {"first_day": DAY, "last_day": DAY},
            },
        },
    },
}
POOL: Schema = {
    "type": "object",
    "required": ["role", "credential", "waiting", "present_today", "gaps"],
    "properties": {
        "role": {"enum": ["reviewer", "adjudicator"]},
        "credential": TEXT,
        "waiting": {"type": "integer", "minimum": 0},
        "present_today": {"type": "integer", "minimum": 0},
        "gaps": {
            "type": "array",
            "description": "Days without anybody, of the coming 21. Without a first day: nobody is in the pool.",
            "items": {
                "type": "object",
                "required": ["first_day", "last_day", "away"],
                "properties": {
                    "first_day": DAY_OR_NONE,
                    "last_day": DAY_OR_NONE,
                    "away": {"type": "array", "items": TEXT},
                },
            },
        },
    },
}
STAFFING: Schema = {
    "type": "object",
    "required": ["people", "pools"],
    "properties": {
        "people": {"type": "array", "items": COLLEAGUE},
        "pools": {"type": "array", "items": POOL},
    },
}
