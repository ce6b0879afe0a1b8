"""Policies as they are read: tiers, differences, replays."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from reviewapp.core.models import Project
from routing.models import Policy, PolicyActivation
from routing.policy.difference import differences
from routing.policy.document import STAKES_RANK
from routing.policy.replay import Replay
from routing.views.contexts.words import MODES, STAKES, actor_names, reason_label
from routing.views.figures import compact, duration, percent, percent_range, pretty


@dataclass(frozen=True, slots=True)
class TierLine:
    """How one tier of outputs is treated, for all intents or for one."""

    intent: str
    stakes: str
    mode: str
    threshold: str
    audit_rate: str
    raters: str
    due: str


@dataclass(frozen=True, slots=True)
class Change:
    """One value that differs: where, and both sides on one line."""

    pointer: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class PolicyRow:
    version: int
    name: str
    status: str
    parent: int | None
    calibrator_version: int | None
    note: str
    author: str
    created_at: datetime
    published_at: datetime | None


@dataclass(frozen=True, slots=True)
class Activation:
    at: datetime
    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class PolicyDetail:
    row: PolicyRow
    tiers: Sequence[TierLine]
    document: str
    changes: Sequence[Change]
    activations: Sequence[Activation]
    proposal_pk: int | None


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
        raters += f", {tier['overlap_raters']} on {percent(tier['overlap_share'], 0)}"
    return TierLine(
        intent=intent,
        stakes=STAKES[stakes],
        mode=MODES[tier["mode"]],
        threshold="–" if tier["threshold"] is None else f"{tier['threshold']:.3f}",
        audit_rate=percent(tier["audit_rate"]) if ships else "–",
        raters=raters,
        due=duration(60 * tier["sla_minutes"]),
    )


def change_rows(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    return [Change(row["pointer"], compact(row["before"]), compact(row["after"])) for row in differences(before, after)]


def policy_rows(project: Project, policies: Iterable[Policy], *, active_id: int | None) -> list[PolicyRow]:
    names = actor_names(project)
    return [policy_row(policy, active_id=active_id, names=names) for policy in policies]


def policy_row(policy: Policy, *, active_id: int | None, names: Mapping[str, str]) -> PolicyRow:
    published = "published" if policy.published_at else "draft"
    return PolicyRow(
        version=policy.version,
        name=policy.name,
        status="in force" if policy.pk == active_id else published,
        parent=policy.parent.version if policy.parent else None,
        calibrator_version=policy.calibrator.version if policy.calibrator else None,
        note=policy.note,
        author=names.get(policy.created_by, policy.created_by),
        created_at=policy.created_at,
        published_at=policy.published_at,
    )


def policy_detail(policy: Policy, *, active_id: int | None) -> PolicyDetail:
    names = actor_names(policy.project)
    proposal = getattr(policy, "proposed_by", None)
    return PolicyDetail(
        row=policy_row(policy, active_id=active_id, names=names),
        tiers=tier_lines(policy.document),
        document=pretty(policy.document),
        changes=change_rows(policy.parent.document, policy.document) if policy.parent else [],
        activations=[
            Activation(entry.at, names.get(entry.actor, entry.actor), entry.reason)
            for entry in PolicyActivation.objects.filter(policy=policy).order_by("-pk")
        ],
        proposal_pk=proposal.pk if proposal else None,
    )


def replay_table(found: Replay, *, before: Mapping[str, Any] | None = None) -> ReplayTable:
    return replay_table_of(found.as_json(), before=before)


def replay_table_of(after: Mapping[str, Any], *, before: Mapping[str, Any] | None = None) -> ReplayTable:
    """A replay's JSON as lines, beside what it is compared with, in the same shape."""
    lines = [
        ReplayLine(label, _side(before, name) if before else "", _side(after, name))
        for name, label in (
            ("outputs", "Outputs"),
            ("shipped", "Shipped"),
            ("audited", "of these audited"),
            ("reviewed", "Sent to review"),
            ("ratings", "Ratings that people give"),
            ("review_hours", "Hours that people spend"),
            ("error_rate", "Errors among what ships"),
            ("verdicts_used", "Verdicts this rests on"),
        )
    ]
    lines += [
        ReplayLine(f"Shipped, {STAKES[stakes].lower()} stakes", _shipped(before, stakes), _shipped(after, stakes))
        for stakes in STAKES_RANK
    ]
    reasons = [(reason_label(reason), count) for reason, count in after["reasons"].items()]
    return ReplayTable(lines=lines, reasons=reasons, rejected=after["would_ship_rejected"])


def _side(found: Mapping[str, Any], name: str) -> str:
    value = found[name]
    if name == "review_hours":
        return "undefined: no rating was timed yet" if value is None else duration(3600 * value)
    if name == "error_rate":
        return _error_rate(found)
    whole = found["outputs"]
    if name in ("shipped", "audited", "reviewed") and whole:
        return f"{value} ({percent(value / whole, 0)})"
    return str(value)


def _error_rate(found: Mapping[str, Any]) -> str:
    if found["error_rate"] is None:
        return f"not estimable: {found['error_status'].partition(': ')[2] or found['error_status']}"
    low, high = found["error_interval"]
    return f"{percent(found['error_rate'])} ({percent_range(low, high)})"


def _shipped(found: Mapping[str, Any] | None, stakes: str) -> str:
    if found is None:
        return ""
    counts = found["by_stakes"][stakes]
    return f"{counts['ship'] + counts['audited']} of {sum(counts.values())}"
