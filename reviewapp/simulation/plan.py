"""What a simulation is asked for, and the policies that follow from it. Pure."""

import hashlib
from dataclasses import asdict, dataclass
from typing import Any

from reviewapp.simulation.pool import Pool
from reviewapp.simulation.reviewers import REAL
from routing.policy.document import PolicyDocument, review_everything

TIERS = ("high", "mid", "low")


@dataclass(frozen=True, slots=True)
class Plan:
    """Shares and rates are fractions in [0, 1]; `review_share` includes the audit."""

    seed: int = 1
    outputs: int = 10_000
    warmup: int = 1_500
    review_share: float = 0.2
    audit_rate: float = 0.04
    gold_rate: float = 0.1
    overlap_share: float = 0.05
    mode: str = REAL
    shifts: tuple[str, ...] = ()
    sleeper: bool = False
    copier: bool = False

    @property
    def draw_key(self) -> bytes:
        """The project's key for audit and overlap draws: the same seed audits the same outputs."""
        return hashlib.sha256(f"draws of simulation {self.seed}".encode()).digest()

    @property
    def overlap_raters(self) -> int:
        """Copying shows only where a third person judged the same item."""
        return 3 if self.copier else 2

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def first_policy(plan: Plan, pool: Pool) -> PolicyDocument:
    """Reviews everything, with the owner's stakes by intent and gold planted."""
    document = review_everything().model_dump(mode="json")
    document["stakes"] = {"default": pool.default_stakes, "by_intent": dict(pool.stakes_by_intent)}
    document["gold_rate"] = plan.gold_rate
    for tier in document["tiers"].values():
        tier.update(overlap_share=plan.overlap_share, overlap_raters=plan.overlap_raters)
    return PolicyDocument.model_validate(document)
