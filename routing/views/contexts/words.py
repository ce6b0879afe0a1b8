"""What the rows' words are called on the pages."""

from labeling.queries.agreement import OUTCOME, PREFERENCE
from labeling.stats.slices import ALL_SLICES
from reviewapp.core.models import Membership, Project

REASONS = {
    "low_confidence": "Low confidence",
    "high_stakes": "High stakes",
    "adversarial": "Adversarial",
    "novel": "Novel",
    "no_signal": "No signal",
    "invalid_signal": "Invalid signal",
    "incident": "Incident",
    "everything_reviewed": "Everything is reviewed",
    "autonomy_contracted": "Autonomy contracted",
    "audit": "Audit draw",
}
CHECK_FAILED = "check_failed:"
STAKES = {"high": "High", "mid": "Mid", "low": "Low"}
MODES = {"always": "review all", "below_threshold": "review below threshold", "sampled": "ship, audit a sample"}
CRITERIA = {OUTCOME: "accepted or not", PREFERENCE: "preference"}
PREFERENCES = {"a": "A is better", "b": "B is better", "tie": "Tie"}


def reason_label(reason: str) -> str:
    if reason.startswith(CHECK_FAILED):
        return f"Check failed: {reason.removeprefix(CHECK_FAILED)}"
    return REASONS.get(reason, reason.replace("_", " "))


def criterion_label(name: str) -> str:
    return CRITERIA.get(name, name)


def slice_label(name: str) -> str:
    return "all" if name == ALL_SLICES else name


def decision_label(action: str, *, audited: bool) -> str:
    if action in ("review", "pending"):
        return action
    return "shipped, audited" if audited else "shipped"


def actor_names(project: Project) -> dict[str, str]:
    """The audit log's names for the project's people, with the names that people know them by."""
    memberships = Membership.objects.filter(project=project).select_related("person")
    names = {f"person:{membership.person_id}": str(membership.person) for membership in memberships}
    return names | {"command": "the command line", "system": "the system"}
