"""The published JSON Schema of a policy document, derived from the models that judge it.

Whatever the service accepts fits the schema; what does not fit it is refused. The other way round it is
the description that says what no schema can: rules between fields, and what a text rule may hold.
"""

from typing import Any

from routing.policy.conditions import condition_schema
from routing.policy.document import FEWEST_FOR_MODEL, PolicyDocument

DIALECT = "https://json-schema.org/draft/2020-12/schema"
DESCRIPTION = """\
The routing rules of a project, as one version of its policy. Numbers are numbers: neither `true` nor "0.5" is one.

Beyond this schema the service refuses a document in which
- a tier is laxer than the tier of lower stakes, in general or for one intent (`always` is strictest, then
  `below_threshold` by its threshold, then `sampled`): an output must never ship because more is at stake;
- two checks, two stakes rules or two judges have one name;
- a tier ships by threshold, no calibrator is there, and `required_signals` is null: name the signals without
  which an output goes to a person, or [];
- a regular expression is not RE2, a schema inside a check is not a JSON Schema, or a condition nests too deep.
"""
THRESHOLD_RULE = {
    "if": {"properties": {"mode": {"const": "below_threshold"}}, "required": ["mode"]},
    "then": {"properties": {"threshold": {"type": "number"}}, "required": ["threshold"]},
    "else": {"properties": {"threshold": {"type": "null"}}},
}

MODEL_RULE = {
    "if": {"properties": {"aggregation": {"const": "dawid_skene"}}, "required": ["aggregation"]},
    "then": {"properties": {"raters": {"minimum": FEWEST_FOR_MODEL}}, "required": ["raters"]},
}


def policy_schema() -> dict[str, Any]:
    """A JSON Schema (2020-12) that stands alone."""
    schema = PolicyDocument.model_json_schema()
    definitions = schema["$defs"]
    definitions["Tier"]["allOf"] = [THRESHOLD_RULE, MODEL_RULE]
    definitions["Condition"] = condition_schema("#/$defs/Condition")
    definitions["StakesRule"]["properties"]["when"] = {"$ref": "#/$defs/Condition"}
    return {"$schema": DIALECT} | schema | {"title": "Policy document", "description": DESCRIPTION}
