"""Confidence: evidence through a calibrator into P(acceptable).

A calibrator's parameters are plain JSON:

    {"format": 2,
     "scopes": {"<intent>" or "*": {
        "labels":    verdicts that it was learnt from,
        "signals":   {key: {"status": "useful" | "worthless" | "undetermined", "auc", "low", "high", "confidence",
                            "labels", "acceptable", "prompts", "reason", "present", "useful"}},
        "expected":  [useful keys that came with at least 95 % of the scope's outputs],
        "cells":     {"<useful keys that are present>": model},
        "base_rate": model or null: outputs without any useful signal,
        "intents":   {"<intent>": expected keys}}}}     in "*" only

An intent with enough verdicts is a *scope* of its own; "*" speaks for all others and nothing speaks in its
place. Within a scope only useful signals count: those without worth change nothing by being there or not. One
model is fitted per *cell*, the set of useful signals that are present, so that dropping one lands among outputs
that lacked it too; where that cell has no model, and where a signal comes that the calibrator never saw, nothing
can be said and a person decides. Models are described in routing.policy.calibration.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from routing.policy.calibration import contributions, predict

FORMAT = 2
# Without labels nobody knows what the signals are worth, so confidence stays below every certain claim.
UNCALIBRATED_CEILING = 0.9
ANY_INTENT = "*"
BASE_RATE = "base rate"


@dataclass(frozen=True, slots=True)
class Confidence:
    """`value` in [0, 1], or None where nothing can be said; `basis` names the cell or the reason.

    `scope` is the intent whose verdicts speak, "*" for all intents, "" for none. `contributions`: what each
    signal adds to the log-odds, against the average output of its cell.
    """

    value: float | None
    basis: str
    scope: str = ""
    contributions: Mapping[str, float] = field(default_factory=dict)


def confidence(parameters: Mapping[str, Any] | None, intent: str, evidence: Mapping[str, float | None]) -> Confidence:
    """P(acceptable) of one output. `parameters` are those of a Calibrator, or None before the first."""
    present = {key: value for key, value in evidence.items() if value is not None}
    if parameters is None:
        if not present:
            return Confidence(None, "no signal")
        # The weakest evidence speaks: with nothing known about any signal, doubt wins.
        return Confidence(UNCALIBRATED_CEILING * min(present.values()), "uncalibrated")
    name = scope_for(parameters, intent)
    if name is None:
        return Confidence(None, "no calibration")
    scope = parameters["scopes"][name]
    if strangers := sorted(present.keys() - scope["signals"].keys()):
        return Confidence(None, f"no calibration for {', '.join(strangers)}", name)
    useful = {key: value for key, value in present.items() if scope["signals"][key]["useful"]}
    basis = cell_name(name, useful)
    model = scope["cells"].get(signature(useful)) if useful else _base_rate(scope, intent)
    if model is None:
        return Confidence(None, f"no calibration for {basis}" if present else "no signal", name)
    value = min(1.0, max(0.0, predict(model, useful)))
    return Confidence(value, basis, name, contributions(model, useful))


def expected_signals(parameters: Mapping[str, Any] | None, intent: str) -> frozenset[str]:
    """The signals that the calibrator gives weight for this intent and that nearly all its outputs came with.

    One of them missing is a reason to ask a person, whatever the cell of the others would say.
    """
    name = None if parameters is None else scope_for(parameters, intent)
    if parameters is None or name is None:
        return frozenset()
    scope = parameters["scopes"][name]
    return frozenset(scope.get("intents", {}).get(intent, scope["expected"]))


def scope_for(parameters: Mapping[str, Any], intent: str) -> str | None:
    """The scope that speaks for an intent: its own, else all intents together, else None."""
    scopes = parameters["scopes"]
    # No caller may pose as all intents by the name of its own.
    own = intent if intent != ANY_INTENT else None
    return next((name for name in (own, ANY_INTENT) if name is not None and name in scopes), None)


def _base_rate(scope: Mapping[str, Any], intent: str) -> Mapping[str, Any] | None:
    """The model for outputs without a useful signal. An intent that the calibrator never saw has none where
    others have useful signals: who knows whether this one should have come with them."""
    known = intent in scope.get("intents", (intent,)) or not any(row["useful"] for row in scope["signals"].values())
    model: Mapping[str, Any] | None = scope["base_rate"]
    return model if known else None


def signature(keys: Iterable[str]) -> str:
    """A set of signals as one word. JSON, because names may hold any character."""
    return json.dumps(sorted(keys), separators=(",", ":"))


def cell_name(scope: str, keys: Iterable[str]) -> str:
    """A cell as people read it; the outputs without a useful signal make the base rate."""
    return f"{scope}|{'+'.join(sorted(keys)) or BASE_RATE}"
