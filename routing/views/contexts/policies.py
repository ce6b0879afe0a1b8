"""Policies as they are read: tiers, differences, replays."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as later

from reviewapp.core.fingerprints import fingerprint
from routing.models import Policy, PolicyActivation, ScheduledActivation
from routing.policy.difference import differences
from routing.policy.document import STAKES_RANK
from routing.policy.replay import Replay
from routing.policy.sentences import joined
from routing.services.told import told
from routing.services.two_persons import may_put_in_force, routing_settings
from routing.views.contexts.words import (
    actor_names,
    aggregation_label,
    mode_label,
    reason_label,
    stakes_label,
    stakes_within,
)
from routing.views.figures import compact, duration, fixed, part_of, percent, percent_range, pretty, undefined

# Values longer than this many characters are spread over lines.
ONE_LINE = 60
DETECTORS = {"adversarial": later("adversarial"), "novelty": later("novelty")}


@dataclass(frozen=True, slots=True)
class TierLine:
    """How one tier of outputs is treated, for all intents or for one."""

    intent: str
    stakes: str
    mode: str
    threshold: str
    audit_rate: str
    raters: str
    verdict: str
    due: str


@dataclass(frozen=True, slots=True)
class Change:
    """One value that differs: where, and both sides, on one line each unless it is long."""

    pointer: str
    before: str
    after: str
    before_long: bool
    after_long: bool


@dataclass(frozen=True, slots=True)
class PolicyRow:
    """`step` is what putting it in force would be called: "" for the one that is."""

    version: int
    name: str
    status: str
    effective_at: datetime | None
    step: str
    parent: int | None
    calibrator_version: int | None
    note: str
    author: str
    created_at: datetime
    published_at: datetime | None


@dataclass(frozen=True, slots=True)
class Activation:
    """One line of the log: from when on, by whose word, and who had written what came into force."""

    effective_at: datetime
    ordered_at: datetime | None
    by: str
    authors: str
    reason: str


@dataclass(frozen=True, slots=True)
class ScheduleLine:
    version: int
    effective_at: datetime
    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class PolicyDetail:
    row: PolicyRow
    authors: str
    revision: int
    editable: bool
    sha256: str
    tiers: Sequence[TierLine]
    rules: Sequence[tuple[str, str]]
    document: str
    compared_with: int | None
    changes: Sequence[Change]
    calibrator_change: str
    activations: Sequence[Activation]
    schedule: ScheduleLine | None
    proposal_pk: int | None
    second_person: str


@dataclass(frozen=True, slots=True)
class ActivationDetail:
    """What somebody who puts a version in force should see. `refusal`: why it is not theirs to do."""

    version: int
    active_version: int
    step: str
    draft: bool
    authors: str
    changes: Sequence[Change]
    calibrator_change: str
    schedule: ScheduleLine | None
    refusal: str


@dataclass(frozen=True, slots=True)
class ReplayLine:
    """One quantity of a replay, under its name; `before` is "" where nothing is compared."""

    label: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class ReplayTable:
    lines: Sequence[ReplayLine]
    reasons: Sequence[tuple[str, int]]
    rejected: Sequence[str]


def tier_lines(document: Mapping[str, Any]) -> list[TierLine]:
    """The general tiers, then those of the intents that were set apart."""
    lines = [_tier("", stakes, document["tiers"][stakes]) for stakes in STAKES_RANK]
    for intent, tiers in sorted(document.get("intents", {}).items()):
        lines += [_tier(intent, stakes, tiers[stakes]) for stakes in STAKES_RANK if tiers.get(stakes)]
    return lines


def _tier(intent: str, stakes: str, tier: Mapping[str, Any]) -> TierLine:
    ships = tier["mode"] != "always"
    raters = str(tier["raters"])
    if tier["overlap_share"] > 0:
        raters = _("%(raters)s, %(more)s on %(share)s") % {
            "raters": raters,
            "more": tier["overlap_raters"],
            "share": percent(tier["overlap_share"], 0),
        }
    return TierLine(
        intent=intent,
        stakes=stakes_label(stakes),
        mode=mode_label(tier["mode"]),
        threshold="–" if tier["threshold"] is None else fixed(tier["threshold"], 3),
        audit_rate=percent(tier["audit_rate"]) if ships else "–",
        raters=raters,
        # A version of before the choice was there has the majority.
        verdict=aggregation_label(tier.get("aggregation", "majority")),
        due=duration(60 * tier["sla_minutes"]),
    )


def change_rows(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    return [_change(row["pointer"], row["before"], row["after"]) for row in differences(before, after)]


def _change(pointer: str, before: Any, after: Any) -> Change:
    (left, left_long), (right, right_long) = _shown(before), _shown(after)
    return Change(pointer, left, right, left_long, right_long)


def _shown(value: Any) -> tuple[str, bool]:
    """A value, and whether it is spread over lines."""
    line = compact(value)
    if len(line) <= ONE_LINE:
        return line, False
    return pretty(value) if isinstance(value, dict | list) else line, True


def policy_row(
    policy: Policy, *, active: Policy, scheduled: ScheduledActivation | None, names: Mapping[str, str]
) -> PolicyRow:
    coming = scheduled if scheduled and scheduled.policy_id == policy.pk else None
    status = "in force" if policy.pk == active.pk else ("scheduled" if coming else "")
    return PolicyRow(
        version=policy.version,
        name=policy.name,
        status=status or ("published" if policy.published_at else "draft"),
        effective_at=coming.effective_at if coming else None,
        step=_step(policy, active),
        parent=policy.parent.version if policy.parent else None,
        calibrator_version=policy.calibrator.version if policy.calibrator else None,
        note=policy.note,
        author=names.get(policy.created_by, policy.created_by),
        created_at=policy.created_at,
        published_at=policy.published_at,
    )


def _step(policy: Policy, active: Policy) -> str:
    if policy.pk == active.pk:
        return ""
    back = policy.published_at and policy.version < active.version
    text = _("Roll back to v%(version)s") if back else _("Put v%(version)s in force")
    return text % {"version": policy.version}


def schedule_line(scheduled: ScheduledActivation | None, names: Mapping[str, str]) -> ScheduleLine | None:
    if scheduled is None:
        return None
    by = names.get(scheduled.actor, scheduled.actor)
    return ScheduleLine(scheduled.policy.version, scheduled.effective_at, by, scheduled.reason)


def is_editable(policy: Policy) -> bool:
    """A draft that no recalibration measured."""
    return policy.published_at is None and getattr(policy, "proposed_by", None) is None


def policy_detail(
    policy: Policy, *, active: Policy, scheduled: ScheduledActivation | None, against: Policy | None, viewer: str
) -> PolicyDetail:
    """One version, compared with `against`, as `viewer` (an actor of the audit log) may act on it."""
    names = actor_names(policy.project)
    proposal = getattr(policy, "proposed_by", None)
    row = policy_row(policy, active=active, scheduled=scheduled, names=names)
    return PolicyDetail(
        row=row,
        authors=_people(policy.authors, names),
        revision=policy.revision,
        editable=is_editable(policy),
        sha256=fingerprint(policy.document),
        tiers=tier_lines(policy.document),
        rules=_rules(policy.document),
        document=pretty(policy.document),
        compared_with=against.version if against else None,
        changes=change_rows(against.document, policy.document) if against else [],
        calibrator_change=_calibrator_change(against, policy) if against else "",
        activations=[
            _activation(entry, names) for entry in PolicyActivation.objects.filter(policy=policy).order_by("-pk")
        ],
        schedule=schedule_line(scheduled, names) if scheduled and scheduled.policy_id == policy.pk else None,
        proposal_pk=proposal.pk if proposal else None,
        second_person=_refusal(policy, viewer) if row.step else "",
    )


def activation_detail(
    policy: Policy, *, active: Policy, scheduled: ScheduledActivation | None, viewer: str
) -> ActivationDetail:
    names = actor_names(policy.project)
    return ActivationDetail(
        version=policy.version,
        active_version=active.version,
        step=_step(policy, active) or _("Put v%(version)s in force again") % {"version": policy.version},
        draft=policy.published_at is None,
        authors=_people(policy.authors, names),
        changes=change_rows(active.document, policy.document),
        calibrator_change=_calibrator_change(active, policy),
        schedule=schedule_line(scheduled, names),
        refusal=_refusal(policy, viewer),
    )


def _refusal(policy: Policy, viewer: str) -> str:
    if not routing_settings(policy.project).two_persons or may_put_in_force(policy=policy, actor=viewer):
        return ""
    return _("You wrote a part of this version, and this project asks for two persons: another owner puts it in force.")


def _people(actors: Sequence[str], names: Mapping[str, str]) -> str:
    return joined([names.get(actor, actor) for actor in actors], words=translation)


def _activation(entry: PolicyActivation, names: Mapping[str, str]) -> Activation:
    return Activation(
        effective_at=entry.effective_at,
        ordered_at=entry.at if entry.at != entry.effective_at else None,
        by=names.get(entry.actor, entry.actor),
        authors=_people(entry.authors, names),
        reason=entry.reason,
    )


def _calibrator_change(before: Policy, after: Policy) -> str:
    if before.calibrator_id == after.calibrator_id:
        return ""
    sides = [f"v{side.calibrator.version}" if side.calibrator else _("none") for side in (before, after)]
    return _("The calibrator changes from %(before)s to %(after)s.") % {"before": sides[0], "after": sides[1]}


def _rules(document: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What else decides, in a line each; the document below has it in full."""
    required = document.get("required_signals")
    detectors = document.get("detectors", {})
    stakes_rules = [f"{rule['name']} → {stakes_within(rule['stakes'])}" for rule in document["stakes"]["rules"]]
    checks = [f"{check['name']} ({stakes_within(check['severity'])})" for check in document.get("checks", [])]
    lines = [
        (_("Required signals"), _("those that the calibrator relies on") if required is None else _joined(required)),
        (_("Default stakes"), stakes_label(document["stakes"]["default"])),
        (_("Stakes rules"), _joined(stakes_rules)),
        (_("Checks"), _joined(checks)),
        (_("Detectors"), _joined([_detector(name, detectors.get(name)) for name in DETECTORS])),
        (_("Judges of ours"), _joined(document.get("judges", {}).get("names", []))),
        (_("Gold"), _("%(share)s of claims") % {"share": percent(document["gold_rate"])}),
        (_("Target"), target_text(document["targets"])),
    ]
    return [(name, line or _("none")) for name, line in lines]


def _joined(parts: Iterable[str]) -> str:
    return joined(parts, words=translation)


def target_text(targets: Mapping[str, Any]) -> str:
    """How much may go wrong unseen, and how sure one has to be of it."""
    shares = {"share": percent(targets["undetected_error"]), "level": percent(targets["level"], 0)}
    return _("at most %(share)s wrong at %(level)s confidence") % shares


def _detector(name: str, detector: Mapping[str, Any] | None) -> str:
    title = str(DETECTORS[name])
    if detector is None:
        return _("%(detector)s off") % {"detector": title}
    share = percent(detector["false_alarm_rate"])
    return _("%(detector)s at %(share)s false alarms") % {"detector": title, "share": share}


def replay_table(found: Replay, *, before: Mapping[str, Any] | None = None) -> ReplayTable:
    return replay_table_of(found.as_json(), before=before)


def replay_table_of(after: Mapping[str, Any], *, before: Mapping[str, Any] | None = None) -> ReplayTable:
    """A replay's JSON as lines, beside what it is compared with, in the same shape."""
    lines = [
        ReplayLine(label, _side(before, name) if before else "", _side(after, name))
        for name, label in (
            ("outputs", _("Outputs")),
            ("shipped", _("Shipped")),
            ("audited", _("of these audited")),
            ("reviewed", _("Sent to review")),
            ("ratings", _("Ratings that people give")),
            ("review_hours", _("Hours that people spend")),
            ("error_rate", _("Errors among what ships")),
            ("verdicts_used", _("Verdicts this rests on")),
        )
    ]
    lines += [
        ReplayLine(
            _("Shipped, %(stakes)s stakes") % {"stakes": stakes_within(stakes)},
            _shipped(before, stakes),
            _shipped(after, stakes),
        )
        for stakes in STAKES_RANK
    ]
    if after.get("left_out"):
        label = _("of these left out: labelled by a model")
        lines.append(ReplayLine(label, str(before.get("left_out", 0)) if before else "", str(after["left_out"])))
    reasons = [(reason_label(reason), count) for reason, count in after["reasons"].items()]
    return ReplayTable(lines=lines, reasons=reasons, rejected=after["would_ship_rejected"])


def _side(found: Mapping[str, Any], name: str) -> str:
    value = found[name]
    if name == "review_hours":
        return undefined(_("no rating was timed yet")) if value is None else duration(3600 * value)
    if name == "error_rate":
        return _error_rate(found)
    whole = found["outputs"]
    if name in ("shipped", "audited", "reviewed") and whole:
        return f"{value} ({percent(value / whole, 0)})"
    return str(value)


def _error_rate(found: Mapping[str, Any]) -> str:
    if found["error_rate"] is None:
        reason = found["error_status"].partition(": ")[2] or found["error_status"]
        return _("not estimable: %(reason)s") % {"reason": told(reason)}
    low, high = found["error_interval"]
    return f"{percent(found['error_rate'])} ({percent_range(low, high)})"


def _shipped(found: Mapping[str, Any] | None, stakes: str) -> str:
    if found is None:
        return ""
    counts = found["by_stakes"][stakes]
    return part_of(counts["ship"] + counts["audited"], sum(counts.values()))
