"""What schemathesis takes for a failure and is none, each with its reason. Everything else counts.

No check is switched off; what is excused is excused answer by answer.
"""

import re
from collections.abc import Mapping
from typing import Any

# Rules that no JSON Schema can say, so that a request may fit the document and yet be refused with 400: by the
# pointer and code of the problem's errors. A refusal for any other reason fails `positive_data_acceptance`.
BEYOND_A_SCHEMA = {
    r".* value_error": "a relation between fields, such as supported <= total or one signal of a name",
    r".* too_deep": "values nest at most 64 deep",
    r".* nul": "no text holds NULs; left out of the longest texts' schemas here, see `plan.lightened`",
    r".* number_too_large": "integers have 64 bits; JSON Schema cannot tell 1e300 from the same number written out",
    r"/document/.* int_type": "for JSON Schema 2.0 is a whole number; a policy's numbers are taken as they are written",
    r"/document/required_signals signals_unnamed": "who ships by threshold without a calibrator names the signals",
    r"/document invalid": "a document, a note, or both",
    r"/document/checks/\d+/allowed too_short": "no language is left of those named, which are none",
    r"/(since|until|effective_at) overflow": "a moment that leaves the calendar once it is told in UTC",
    r".* out_of_range": "a moment that lies ahead, by a year at most",
    r"/(base_url|url|key|key_env|name) refused": "an address that may be called, a key for it, and a name not taken",
    r".* (max_digits|max_decimal_places)": "no schema counts the digits of a number",
    r"/monthly_budget refused": "a budget needs the prices of tokens",
    r"/(response|candidates) invalid": "either a response or two candidates",
    r"/cursor invalid": "a cursor is opaque: it comes from a page's links",
    r"/(acceptable|preferred) (invalid|refused|taken)": "the same words have another right answer in another case",
    r"/reference taken": "a gold case of this name is there already",
    r"/(values|correction|verdict|preferred|cause)\b.* (unknown|off_scale|required|unexpected|contradiction|invalid)": (
        "what the rubric of this very assignment asks for"
    ),
    r"/spans\b.* (unexpected|out_of_range|unknown|invalid)": "what this very assignment allows to mark",
    r"/idempotency_key used": "the key belongs to a rating that was undone",
    r"/criteria/.* invalid": "a relation within a criterion: minimum < maximum, different levels, failing levels exist",
    r"/(first_day|last_day|rater|steps) refused": "days that are over or too far, or somebody from elsewhere",
    r"/rater unknown": "somebody who is not in the project",
    r"/intent unknown": "an intent of which nothing has come to review",
    r"/rubric unknown": "a version that is not in the project, or is a draft",
    r"/item invalid": "an item that is not in the project, or that no adjudicator has decided",
    r"/rater required": "a key speaks for nobody, so it says who is away",
    r" invalid": "the rubric is published already",
}


def excused(check: str, label: str, status: int, body: Any) -> str | None:
    """Why this failure is none; None if it is one."""
    if not isinstance(body, Mapping):
        return None
    if check == "positive_data_acceptance" and status == 400:
        return _beyond_a_schema(body.get("errors", []))
    if check == "negative_data_rejection" and label == "POST /api/v1/outputs/batch/" and status == 200:
        refused = any(row["status"] >= 400 for row in body["results"])
        return "one bad output never affects the others: it is refused in its own row" if refused else None
    return None


def _beyond_a_schema(errors: list[dict[str, str]]) -> str | None:
    reasons = [_reason(f"{error['pointer']} {error['code']}") for error in errors]
    return "; ".join(sorted({reason for reason in reasons if reason})) if reasons and all(reasons) else None


def _reason(fault: str) -> str | None:
    return next((reason for pattern, reason in BEYOND_A_SCHEMA.items() if re.fullmatch(pattern, fault)), None)
