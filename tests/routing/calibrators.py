"""Calibrators made by hand, in the shape that routing.policy.confidence describes."""

from collections.abc import Iterable, Mapping
from typing import Any

from routing.policy.confidence import FORMAT, signature


def constant(value: float, *keys: str) -> dict[str, Any]:
    """A model that says the same of every output of its cell."""
    return {"kind": "constant", "keys": list(keys), "value": value}


def worth(status: str = "useful") -> dict[str, Any]:
    """What a calibrator stores of one signal."""
    known = status != "undetermined"
    return {
        "status": status,
        "auc": 0.8 if known else None,
        "low": (0.7 if status == "useful" else 0.4) if known else None,
        "high": 0.9 if known else None,
        "confidence": 0.95,
        "labels": 200 if known else 20,
        "acceptable": 150 if known else 15,
        "prompts": 200 if known else 20,
        "reason": "" if known else "fewer than 50 labels",
        "useful": status == "useful",
        "present": 1.0,
    }


def scope(
    *cells: Mapping[str, Any],
    base_rate: float | None = None,
    expected: Iterable[str] = (),
    worthless: Iterable[str] = (),
    undetermined: Iterable[str] = (),
    **more: Any,
) -> dict[str, Any]:
    """A scope whose useful signals are those of its cells."""
    useful = sorted({key for model in cells for key in model["keys"]} | set(expected))
    return {
        "labels": 200,
        "signals": {key: worth() for key in useful}
        | {key: worth("worthless") for key in worthless}
        | {key: worth("undetermined") for key in undetermined},
        "expected": sorted(expected),
        "cells": {signature(model["keys"]): model for model in cells},
        "base_rate": None if base_rate is None else constant(base_rate),
        **more,
    }


def calibrator(scopes: Mapping[str, Any] | None = None, **by_intent: Any) -> dict[str, Any]:
    """Parameters with these scopes; "*" cannot be a keyword, so it goes into `scopes`."""
    return {"format": FORMAT, "scopes": {**(scopes or {}), **by_intent}}
