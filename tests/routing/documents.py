"""Policy documents and facts, as short as the tests of the pure router need them."""

from collections.abc import Mapping
from typing import Any

from routing.policy.decide import Facts
from routing.policy.document import PolicyDocument

KEY = b"k" * 32
ALWAYS: dict[str, Any] = {"mode": "always"}
SAMPLED: dict[str, Any] = {"mode": "sampled", "audit_rate": 0.1}


def ships_from(threshold: float, *, audit_rate: float = 0.1, **more: Any) -> dict[str, Any]:
    """A tier that ships at and above `threshold`."""
    return {"mode": "below_threshold", "threshold": threshold, "audit_rate": audit_rate, **more}


def document(
    *,
    high: Mapping[str, Any] = ALWAYS,
    mid: Mapping[str, Any] | None = None,
    low: Mapping[str, Any] | None = None,
    **fields: Any,
) -> dict[str, Any]:
    """A document as it is sent; every tier reviews everything unless told otherwise.

    What is not told is as the next higher tier: a tier may not be stricter than one of higher stakes.
    """
    mid = high if mid is None else mid
    low = mid if low is None else low
    return {"tiers": {"high": dict(high), "mid": dict(mid), "low": dict(low)}, **fields}


def policy(**fields: Any) -> PolicyDocument:
    return PolicyDocument.model_validate(document(**fields))


def facts(external_id: str = "case-1", **fields: Any) -> Facts:
    """An output of intent billing whose one signal says 0.8."""
    return Facts(external_id, **({"intent": "billing", "evidence": {"score:grounded": 0.8}} | fields))
