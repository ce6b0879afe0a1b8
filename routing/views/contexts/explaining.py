"""An explanation as a page: the service's account, with its numbers as people read them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from routing.policy.sentences import joined
from routing.views.contexts.words import MODES, STAKES
from routing.views.figures import compact, percent, percent_range, pretty

ORIGINS = {"caller": "the caller", "judge": "a judge of ours"}


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
        draws=[] if pending else [("Audit", found["audit"]["sentence"]), ("Raters", found["overlap"]["sentence"])],
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
        origin=ORIGINS.get(row["origin"], row["origin"]),
        raw=_number(row["raw"]),
        evidence=_number(row.get("evidence")),
        weight="" if weight is None else f"{weight:+.2f}".replace("-", "−"),
        note=row.get("note", "") + (f" ({row['silent'].replace('_', ' ')})" if row.get("silent") else ""),
        data=compact(shown) if row["data"] is not None else "it said nothing",
        required=row.get("required", False),
    )


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _required(required: Mapping[str, Any]) -> str:
    if not required["keys"]:
        return "No signal is required by name; an output without any is reviewed all the same."
    who = "The policy requires" if required["basis"] == "policy" else "The calibrator relies on"
    return f"{who} {joined(required['keys'])}."


def _missing(required: Mapping[str, Any]) -> str:
    lacking = [*required["missing"], *(f"{key} (it said nothing)" for key in required["silent"])]
    return f"Missing: {joined(lacking)}." if lacking else ""


def _confidence(confidence: Mapping[str, Any]) -> list[tuple[str, str]]:
    lines = [
        ("P(acceptable)", "unknown" if confidence["value"] is None else f"{confidence['value']:.3f}"),
        ("From", confidence["sentence"]),
    ]
    if confidence["scope"]:
        lines.append(
            ("Learnt on", "all intents" if confidence["scope"] == "*" else f"the intent {confidence['scope']}")
        )
    if held_out := confidence["reliability"]:
        low, high = held_out["interval"]
        lines.append(
            (
                "Held out",
                f"{percent(held_out['observed'])} ({percent_range(low, high)}) accepted of {held_out['n']} outputs "
                f"like this, {percent(held_out['mean_predicted'])} predicted",
            )
        )
    return lines


def _voice(row: Mapping[str, Any]) -> Voice:
    return Voice(who=row["by"], stakes=STAKES[row["stakes"]], won=row["won"])


def _flags(flags: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [
        ("Given by the caller", joined(flags["given"]) or "none"),
        ("Detected", joined(flags["detected"]) or "none"),
    ]


def _rule(rule: Mapping[str, Any]) -> list[tuple[str, str]]:
    threshold = "–" if rule["threshold"] is None else f"{rule['threshold']:g}"
    return [
        ("Tier", f"{STAKES[rule['stakes']]} stakes"),
        ("Rule", MODES.get(rule["mode"], str(rule["mode"]))),
        ("Threshold", threshold),
    ]
