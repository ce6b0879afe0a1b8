"""JSON Schemas of what the API takes and answers, where serializers cannot say them."""

from typing import Any

from labeling.models import Aggregation, GoldOrigin, Preference, ReachedBy, VerdictValue
from reviewapp.core.models import TaskKind
from reviewapp.core.openapi import inlined
from reviewapp.core.schemas import SOME_TEXT
from routing.models import Action, Stakes
from routing.serializers.outputs import MAX_BATCH, OutputIn

Schema = dict[str, Any]
NULL: Schema = {"type": "null"}
TEXT: Schema = {"type": "string"}
MOMENT: Schema = {"type": "string", "format": "date-time"}
SHARE: Schema = {"type": "number", "minimum": 0, "maximum": 1}


def closed(properties: Schema, *, required: list[str] | None = None) -> Schema:
    """An object of a response: all of its properties are always there. More may come with later versions."""
    return {"type": "object", "required": required or list(properties), "properties": properties}


def nullable(schema: Schema) -> Schema:
    return {"anyOf": [schema, NULL]}


def exactly_one(schema: Schema, names: tuple[str, ...]) -> Schema:
    """The object's schema, with the rule that one of these nullable properties is given and no other."""
    present = {name: schema["properties"][name]["anyOf"][0] for name in names}
    branches = [
        {"required": [name], "properties": {other: present[name] if other == name else NULL for other in names}}
        for name in names
    ]
    return schema | {"anyOf": branches}


def _output_body() -> Schema:
    """`OutputIn` with the rules that pydantic checks in code."""
    body = inlined(OutputIn.model_json_schema())
    signals = body["properties"]["signals"]["items"]
    for branch in signals["oneOf"]:
        if "runs" in branch["properties"]:
            branch["properties"]["runs"]["items"] = _judge_run(branch["properties"]["runs"]["items"])
    moment = body["properties"]["occurred_at"]["anyOf"][0]
    moment["pattern"] = "^(19[7-9]|20[0-9]|21[0-9])[0-9]-"
    # Token probabilities have a branch of their own only to be refused with a reason.
    signals["oneOf"] = [branch for branch in signals["oneOf"] if _kind(branch) != "token_probability"]
    return exactly_one(body, ("response", "candidates", "trajectory"))


def _judge_run(run: Schema) -> Schema:
    says = exactly_one(run, ("verdict", "score", "preferred"))
    for branch in says["anyOf"]:
        if "preferred" not in branch["required"]:
            branch["properties"]["order"] = NULL
    return says


def _kind(branch: Schema) -> Any:
    return branch["properties"]["kind"].get("const")


OUTPUT_BODY = _output_body()
BATCH_BODY: Schema = {
    "type": "object",
    "required": ["outputs"],
    "additionalProperties": False,
    "properties": {
        "outputs": {
            "type": "array",
            "description": "Each is judged by itself: one that does not fit is a problem in its place in the results.",
            "minItems": 1,
            "maxItems": MAX_BATCH,
            "items": OUTPUT_BODY,
        }
    },
}

DECISION = closed(
    {
        "action": {"enum": [*Action.values, "pending"]},
        "reasons": {"type": "array", "items": TEXT},
        "confidence": nullable(SHARE),
        "stakes": {"enum": Stakes.values},
        "flags": {"type": "array", "items": TEXT},
        "policy": closed({"name": TEXT, "version": {"type": "integer"}}),
        "calibrator": nullable(TEXT),
        "inclusion_probability": nullable(SHARE),
        "audited": {"type": "boolean"},
        "review": nullable(closed({"id": {"type": "string", "format": "uuid"}, "due_at": MOMENT})),
    }
)
COUNT: Schema = {"type": "integer", "minimum": 0}
AGGREGATION = closed(
    {
        "method": {"enum": [*Aggregation.values, "adjudication"], "description": "How the ratings became the verdict."},
        "chosen": {"enum": Aggregation.values, "description": "What the tier's policy says; see `fallback`."},
        "asked": {"type": "integer", "minimum": 1, "description": "How many people are to judge the output."},
        "votes": {
            "type": "object",
            "additionalProperties": COUNT,
            "description": "How many raters said what, by verdict or, for pairs, by preference.",
        },
        "needed": nullable(
            {
                "type": "number",
                "description": "Equal answers that a verdict takes; with `dawid_skene` the posterior that it takes.",
            }
        ),
        "prior": nullable(SHARE | {"description": "With `dawid_skene`: share of unacceptable outputs lately."}),
        "posterior": nullable(SHARE | {"description": "With `dawid_skene`: probability of being unacceptable."}),
        "items": nullable(COUNT | {"description": "With `dawid_skene`: items that the reliabilities rest on."}),
        "known": nullable(COUNT | {"description": "Of these, planted ones with a known answer."}),
        "fallback": nullable(
            {
                "type": "object",
                "required": ["reason"],
                "properties": {
                    "reason": {"enum": ["pairs", "few_items", "few_votes"]},
                    "found": COUNT,
                    "needed": COUNT,
                },
                "description": "Why the majority decided although `dawid_skene` was chosen.",
            }
        ),
    }
)
VERDICT = closed(
    {
        "id": {"type": "string", "format": "uuid"},
        "verdict": {"enum": VerdictValue.values},
        "corrected_response": nullable(TEXT),
        "preferred": nullable({"enum": Preference.values}),
        "criteria": {"type": "object"},
        "reached_by": {"enum": ReachedBy.values},
        "raters": {"type": "integer", "minimum": 1},
        "aggregation": nullable(AGGREGATION),
        "rubric": closed({"name": TEXT, "version": {"type": "integer"}}),
        "decided_at": MOMENT,
    }
)
OUTPUT = closed(
    {
        "id": {"type": "string", "format": "uuid"},
        "external_id": TEXT,
        "intent": TEXT,
        "received_at": MOMENT,
        "decision": DECISION,
        "verdict": nullable(VERDICT),
    }
)
BATCH_ROW: Schema = {
    "type": "object",
    "required": ["status"],
    "properties": {"status": {"enum": [200, 201, 400, 409, 413]}},
}
GOLDEN_SET = closed(
    {
        "name": TEXT,
        "file": TEXT,
        "cases": {"type": "integer", "minimum": 0},
        "sha256": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
        "composition": {"type": "object"},
        "parent": nullable(TEXT),
        "seed": TEXT,
        "created_by": TEXT,
        "created_at": MOMENT,
    }
)
GOLD_CASE = closed(
    {
        "id": {"type": "integer"},
        "reference": TEXT,
        "intent": TEXT,
        "acceptable": nullable({"type": "boolean"}),
        "preferred": nullable({"enum": Preference.values}),
        "origin": TEXT,
        "explanation": TEXT,
        "practice": {"type": "boolean"},
        "exposures": closed({"used": {"type": "integer"}, "planned": nullable({"type": "integer"})}),
        "promoted_from": nullable({"type": "string", "format": "uuid", "description": "The adjudicated item."}),
        "retired_at": nullable(MOMENT),
        "retired_because": TEXT,
    }
)


def _gold_body() -> Schema:
    """One response with its verdict, or two with a preference."""
    shared: Schema = {
        "reference": {"type": "string", "minLength": 1, "maxLength": 200, "pattern": SOME_TEXT},
        "intent": {"type": "string", "minLength": 1, "maxLength": 100, "pattern": SOME_TEXT},
        "prompt": OUTPUT_BODY["properties"]["prompt"],
        "context": {
            "type": "array",
            "items": {"type": "object", "additionalProperties": {"type": "string", "pattern": SOME_TEXT}},
        },
        "origin": {"enum": GoldOrigin.values, "default": GoldOrigin.PLANTED_FAILURE},
        "explanation": {"type": "string", "default": ""},
        "exposures": {"type": "integer", "minimum": 1, "maximum": 1000, "default": 30},
        "practice": {
            "type": "boolean",
            "default": False,
            "description": "To learn from: its answer is told after the person's own, so it is never planted.",
        },
    }
    response = {"type": "string", "minLength": 1}
    single: Schema = {
        "task_kind": {"const": TaskKind.POINTWISE, "default": TaskKind.POINTWISE},
        "response": response,
        "acceptable": {"type": "boolean"},
    }
    pair: Schema = {
        "task_kind": {"const": TaskKind.PAIRWISE},
        "candidates": {"type": "array", "minItems": 2, "maxItems": 2, "items": response},
        "preferred": {"enum": Preference.values},
        "acceptable": NULL,
        "response": response,
    }
    always = ["reference", "intent", "prompt"]
    return {
        "oneOf": [
            body_of(shared | single, required=[*always, "response", "acceptable"]),
            body_of(shared | pair, required=[*always, "task_kind", "candidates", "preferred"]),
        ]
    }


def body_of(properties: Schema, *, required: list[str]) -> Schema:
    """An object of a request: nothing else may be in it."""
    return {"type": "object", "required": required, "additionalProperties": False, "properties": properties}


GOLD_BODY = _gold_body()
