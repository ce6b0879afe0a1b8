"""An explanation as a page: the service's account, with its numbers as people read them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as later
from django.utils.translation import ngettext

from routing.policy.sentences import joined
from routing.services.told import all_told, told
from routing.views.contexts.words import mode_label, silence, stakes_label
from routing.views.figures import compact, decimal, fixed, percent, percent_range, pretty, shortest

ORIGINS = {"caller": later("the caller"), "judge": later("a judge of ours")}


@dataclass(frozen=True, slots=True)
class SignalLine:
    """`weight` is what it adds to the log-odds, "" where no calibrator weighed it."""

    key: str
    origin: str
    raw: str
    evidence: str
    weight: str
    note: str
    data: str
    required: bool


@dataclass(frozen=True, slots=True)
class Voice:
    """One who spoke on the stakes."""

    who: str
    stakes: str
    won: bool


@dataclass(frozen=True, slots=True)
class Explanation:
    """Everything on the page. `reproduced` is None for what is not decided yet."""

    id: str
    external_id: str
    intent: str
    pending: bool
    action: str
    summary: str
    decided_at: datetime | None
    reasons: Sequence[tuple[str, str]]
    signals: Sequence[SignalLine]
    required: str
    missing: str
    confidence: Sequence[tuple[str, str]]
    voices: Sequence[Voice]
    stakes: str
    flags: Sequence[tuple[str, str]]
    screening: str
    checks: Sequence[Mapping[str, Any]]
    rule: Sequence[tuple[str, str]]
    draws: Sequence[tuple[str, str]]
    policy: Mapping[str, Any] | None
    calibrator: Mapping[str, Any] | None
    calibrator_number: int | None
    reproduced: bool | None
    differences: Sequence[tuple[str, str, str]]


def explanation(found: Mapping[str, Any]) -> Explanation:
    """The page of `routing.services.explaining.explain`."""
    pending = found["status"] == "pending"
    output, calibrator = found["output"], found["calibrator"]
    again = found.get("recomputation")
    return Explanation(
        id=output["id"],
        external_id=output["external_id"],
        intent=output["intent"],
        pending=pending,
        action="pending" if pending else found["decision"]["action"],
        summary=found["summary"],
        decided_at=None if pending else found["decision"]["decided_at"],
        reasons=[] if pending else [(row["code"], row["sentence"]) for row in found["decision"]["reasons"]],
        signals=[_signal(row) for row in found["signals"]],
        required="" if pending else _required(found["required_signals"]),
        missing="" if pending else _missing(found["required_signals"]),
        confidence=[] if pending else _confidence(found["confidence"]),
        voices=[] if pending else [_voice(row) for row in found["stakes"]["said"]],
        stakes="" if pending else found["stakes"]["sentence"],
        flags=[] if pending else _flags(found["flags"]),
        screening="" if pending or not found["flags"]["screening"] else pretty(found["flags"]["screening"]),
        checks=found.get("checks", []),
        rule=[] if pending else _rule(found["rule"]),
        draws=[]
        if pending
        else [
            (_("Audit"), found["audit"]["sentence"]),
            (_("Raters"), found["overlap"]["sentence"]),
            (_("Verdict"), found["aggregation"]["sentence"]),
        ],
        policy=found["policy"],
        calibrator=calibrator,
        calibrator_number=int(calibrator["version"].removeprefix("v")) if calibrator else None,
        reproduced=again["reproduced"] if again else None,
        differences=[
            (row["field"], compact(row["stored"]), compact(row["recomputed"]))
            for row in (again["differences"] if again else [])
        ],
    )


def _signal(row: Mapping[str, Any]) -> SignalLine:
    shown = {name: value for name, value in (row["data"] or {}).items() if name not in ("kind", "name")}
    weight = row.get("contribution")
    return SignalLine(
        key=row["key"],
        origin=str(ORIGINS.get(row["origin"], row["origin"])),
        raw=_number(row["raw"]),
        evidence=_number(row.get("evidence")),
        weight="" if weight is None else ("+" if weight >= 0 else "") + decimal(weight),
        note=_remark(row),
        data=compact(shown) if row["data"] is not None else _("it said nothing"),
        required=row.get("required", False),
    )


def _remark(row: Mapping[str, Any]) -> str:
    """What there is to say of the signal, and why a judge of ours said nothing."""
    note = "; ".join(all_told(row.get("note", "").split("; ")))
    return f"{note} ({silence(row['silent'])})" if row.get("silent") else note


def _number(value: float | None) -> str:
    return "–" if value is None else fixed(value, 3)


def _required(required: Mapping[str, Any]) -> str:
    if not required["keys"]:
        return _("No signal is required by name; an output without any is reviewed all the same.")
    text = _("The policy requires %(keys)s.")
    if required["basis"] != "policy":
        text = _("The calibrator relies on %(keys)s.")
    return text % {"keys": joined(required["keys"], words=translation)}


def _missing(required: Mapping[str, Any]) -> str:
    lacking = [*required["missing"], *(_("%(key)s (it said nothing)") % {"key": key} for key in required["silent"])]
    return _("Missing: %(keys)s.") % {"keys": joined(lacking, words=translation)} if lacking else ""


def _confidence(confidence: Mapping[str, Any]) -> list[tuple[str, str]]:
    lines = [
        (_("P(acceptable)"), _("unknown") if confidence["value"] is None else fixed(confidence["value"], 3)),
        (_("From"), confidence["sentence"]),
    ]
    if confidence["scope"]:
        lines.append(
            (
                _("Learnt on"),
                _("all intents")
                if confidence["scope"] == "*"
                else _("the intent %(intent)s") % {"intent": confidence["scope"]},
            )
        )
    if held_out := confidence["reliability"]:
        low, high = held_out["interval"]
        lines.append(
            (
                _("Held out"),
                ngettext(
                    "%(observed)s (%(interval)s) accepted of %(count)d output like this, %(predicted)s predicted",
                    "%(observed)s (%(interval)s) accepted of %(count)d outputs like this, %(predicted)s predicted",
                    held_out["n"],
                )
                % {
                    "observed": percent(held_out["observed"]),
                    "interval": percent_range(low, high),
                    "count": held_out["n"],
                    "predicted": percent(held_out["mean_predicted"]),
                },
            )
        )
    return lines


def _voice(row: Mapping[str, Any]) -> Voice:
    return Voice(who=told(row["by"]), stakes=stakes_label(row["stakes"]), won=row["won"])


def _flags(flags: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [
        (_("Given by the caller"), joined(flags["given"], words=translation) or _("none")),
        (_("Detected"), joined(flags["detected"], words=translation) or _("none")),
    ]


def _rule(rule: Mapping[str, Any]) -> list[tuple[str, str]]:
    threshold = "–" if rule["threshold"] is None else shortest(rule["threshold"])
    return [
        (_("Tier"), _("%(stakes)s stakes") % {"stakes": stakes_label(rule["stakes"])}),
        (_("Rule"), mode_label(str(rule["mode"]))),
        (_("Threshold"), threshold),
    ]
