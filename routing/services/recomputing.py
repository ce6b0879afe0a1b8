"""Recomputation: the same decision again, from the stored rows and the pinned policy and calibrator."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from routing.models import Decision, Signal
from routing.policy.decide import RoutingDecision, decide
from routing.policy.document import PolicyDocument
from routing.services.gathering import Gathered, gather
from routing.services.policies import parse_document
from routing.services.stored import decided_request, heard_judges, screening_of

# Two computers need not agree on the last bits of a logarithm.
TOLERANCE = 1e-9
FIELDS = ("action", "reasons", "confidence", "stakes", "flags", "inclusion_probability", "audited")


@dataclass(frozen=True, slots=True)
class Difference:
    """One field of the decision, or one part of its trace (`trace.<name>`), that comes out otherwise."""

    field: str
    stored: Any
    recomputed: Any


@dataclass(frozen=True, slots=True)
class Recomputed:
    """The decision as it comes out today, what differs, and the policy it rests on."""

    decision: RoutingDecision
    document: PolicyDocument
    differences: tuple[Difference, ...]

    @property
    def reproduced(self) -> bool:
        return not self.differences


def recompute(decision: Decision, *, signals: Sequence[Signal]) -> Recomputed:
    """Decide again. The decision comes with its output, content, project, policy and calibrator; `signals` are all
    rows of the output, by key. What the detectors said is taken as it was: they learn, and this is about the rules."""
    document = parse_document(decision.policy.document)
    gathered = gather(
        decided_request(decision, signals),
        document=document,
        screening=screening_of(decision),
        heard=heard_judges(decision, signals),
    )
    again = decide(
        gathered.facts,
        policy=document,
        calibrator=decision.calibrator.parameters if decision.calibrator else None,
        key=bytes(decision.project.draw_key),
    )
    return Recomputed(again, document, tuple(_differences(decision, again, gathered)))


def _differences(stored: Decision, again: RoutingDecision, gathered: Gathered) -> list[Difference]:
    pairs = [(name, getattr(stored, name), _plain(getattr(again, name))) for name in FIELDS]
    trace = _plain({**again.trace, **gathered.trace})
    pairs += [(f"trace.{name}", stored.trace.get(name), value) for name, value in sorted(trace.items())]
    return [Difference(name, before, after) for name, before, after in pairs if not _same(before, after)]


def _plain(value: Any) -> Any:
    """As JSON would give it back."""
    if isinstance(value, Mapping):
        return {key: _plain(inner) for key, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list | tuple) else value


def _same(left: Any, right: Any) -> bool:
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(_same(left[key], right[key]) for key in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(_same(a, b) for a, b in zip(left, right, strict=True))
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, int | float) and isinstance(right, int | float):
        return math.isclose(left, right, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
    return bool(left == right)
