"""What the rows' words are called on the pages."""

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as later
from django.utils.translation import pgettext_lazy

from labeling.queries.agreement import OUTCOME, PREFERENCE
from labeling.stats.slices import ALL_SLICES
from reviewapp.core.models import Membership, Project

REASONS = {
    "low_confidence": later("Low confidence"),
    "high_stakes": later("High stakes"),
    "adversarial": later("Adversarial"),
    "novel": later("Novel"),
    "no_signal": later("No signal"),
    "invalid_signal": later("Invalid signal"),
    "incident": later("Incident"),
    "everything_reviewed": later("Everything is reviewed"),
    "autonomy_contracted": later("Autonomy contracted"),
    "audit": later("Audit draw"),
}
CHECK_FAILED = "check_failed:"
SILENCES = {
    "unreachable": later("unreachable"),
    "timeout": later("timeout"),
    "server_error": later("server error"),
    "rate_limited": later("rate limited"),
    "key_refused": later("key refused"),
    "request_refused": later("request refused"),
    "target_refused": later("target refused"),
    "too_large": later("too large"),
    "malformed": later("malformed"),
    "cut_off": later("cut off"),
    "refusal": later("refusal"),
    "invalid_verdict": later("invalid verdict"),
    "oversize": later("oversize"),
    "no_key": later("no key"),
    "no_rubric": later("no rubric"),
    "inactive": later("inactive"),
    "budget_spent": later("budget spent"),
    "circuit_open": later("circuit open"),
    "deadline": later("deadline"),
}
STAKES = {"high": later("High"), "mid": later("Mid"), "low": later("Low")}
STAKES_WITHIN = {
    "high": pgettext_lazy("stakes", "high"),
    "mid": pgettext_lazy("stakes", "mid"),
    "low": pgettext_lazy("stakes", "low"),
}
MODES = {
    "always": later("review all"),
    "below_threshold": later("review below threshold"),
    "sampled": later("ship, audit a sample"),
}
AGGREGATIONS = {
    "single": later("the first rating"),
    "unanimous": later("all agree"),
    "majority": later("the majority"),
    "dawid_skene": later("weighted by reliability"),
    "adjudication": later("adjudication"),
}
CRITERIA = {OUTCOME: later("accepted or not"), PREFERENCE: later("preference")}
PREFERENCES = {"a": later("A is better"), "b": later("B is better"), "tie": later("Tie")}


def reason_label(reason: str) -> str:
    if reason.startswith(CHECK_FAILED):
        return _("Check failed: %(check)s") % {"check": reason.removeprefix(CHECK_FAILED)}
    return str(REASONS.get(reason, reason.replace("_", " ")))


def stakes_label(stakes: str) -> str:
    """A tier at the beginning of a line: "High"."""
    return str(STAKES[stakes])


def stakes_within(stakes: str) -> str:
    """A tier within a sentence: "high"."""
    return str(STAKES_WITHIN.get(stakes, stakes))


def mode_label(mode: str) -> str:
    return str(MODES.get(mode, mode))


def aggregation_label(method: str) -> str:
    """How ratings became a verdict; "" for a verdict that does not say."""
    return str(AGGREGATIONS.get(method, method.replace("_", " ")))


def preference_label(preferred: str) -> str:
    """ "" for no preference."""
    return str(PREFERENCES.get(preferred, ""))


def silence(why: str) -> str:
    """Why a judge of ours said nothing; English as the API has it."""
    return str(SILENCES.get(why, why.replace("_", " ")))


def criterion_label(name: str) -> str:
    return str(CRITERIA.get(name, name))


def slice_label(name: str) -> str:
    return _("all") if name == ALL_SLICES else name


def decision_label(action: str, *, audited: bool) -> str:
    if action == "pending":
        return _("pending")
    if action == "review":
        return str(pgettext_lazy("decision", "review"))
    return _("shipped, audited") if audited else _("shipped")


def actor_names(project: Project) -> dict[str, str]:
    """The audit log's names for the project's people, with the names that people know them by."""
    memberships = Membership.objects.filter(project=project).select_related("person")
    names = {f"person:{membership.person_id}": str(membership.person) for membership in memberships}
    return names | {"command": _("the command line"), "system": _("the system")}
