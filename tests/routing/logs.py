"""Logged outputs, as short as the tests of learning need them."""

from typing import Any

import numpy as np

from routing.policy.scopes import Logged


def logged(
    number: int,
    *,
    acceptable: bool | None = True,
    evidence: dict[str, float | None] | None = None,
    inclusion: float = 1.0,
    intent: str = "billing",
    prompt: str = "",
    stakes: str = "mid",
    same_family: frozenset[str] = frozenset(),
) -> Logged:
    return Logged(
        intent=intent,
        stakes=stakes,
        evidence={"score:grounded": 0.8} if evidence is None else evidence,
        inclusion_probability=inclusion,
        acceptable=acceptable,
        prompt=prompt or f"prompt {number}",
        same_family=same_family,
    )


def noisy_rows(count: int, rng: np.random.Generator, *, key: str = "score:grounded", **fields: Any) -> list[Logged]:
    """Outputs that are acceptable with exactly the probability their one signal says."""
    scores = rng.uniform(size=count)
    good = rng.uniform(size=count) < scores
    return [
        logged(number, evidence={key: float(score)}, acceptable=bool(ok), **fields)
        for number, (score, ok) in enumerate(zip(scores, good, strict=True))
    ]
