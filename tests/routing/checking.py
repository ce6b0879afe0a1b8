"""Building blocks of tests about checks: checks, outputs, and one against the other."""

from typing import Any

from pydantic import TypeAdapter

from routing.policy.checks import Check, CheckResult, Subject, run_checks

CHECK: TypeAdapter[Check] = TypeAdapter(Check)


def check(kind: str, **fields: Any) -> Check:
    return CHECK.validate_python({"kind": kind, "name": "it", "severity": "mid"} | fields)


def subject(response: str = "", **parts: Any) -> Subject:
    body = {"response": response}
    return Subject(**({"intent": "refund", "task_kind": "pointwise", "prompt": "", "body": body} | parts))


def steps(*entries: tuple[str, Any]) -> Subject:
    body = {"steps": [{"type": kind, "content": content} for kind, content in entries]}
    return subject(task_kind="trajectory", body=body)


def pair(a: str, b: str) -> Subject:
    return subject(task_kind="pairwise", body={"a": a, "b": b})


def run(looked_for: Check, output: Subject) -> CheckResult:
    (result,) = run_checks([looked_for], output)
    assert result.passed == (result.reason == "")
    return result


def passes(looked_for: Check, output: Subject) -> bool:
    return run(looked_for, output).passed


INVOICE = {
    "type": "object",
    "required": ["total"],
    "additionalProperties": False,
    "properties": {
        "total": {"$ref": "#/$defs/amount"},
        "due": {"type": "string", "format": "date"},
        "code": {"pattern": "^(a+)+$"},
    },
    "$defs": {"amount": {"type": "integer", "minimum": 0, "maximum": 10**6}},
}
