"""What a simulation is asked for, and the policies that follow from it. Pure."""

import hashlib
from dataclasses import asdict, dataclass
from typing import Any

from reviewapp.simulation.pool import Pool
from reviewapp.simulation.reviewers import PERFECT, REAL
from routing.policy.document import PolicyDocument, review_everything

TIERS = ("high", "mid", "low")


@dataclass(frozen=True, slots=True)
class Plan:
    """Shares and rates are fractions in [0, 1]; `review_share` includes the audit."""

    seed: int = 1
    outputs: int = 10_000
    warmup: int = 1_500
    review_share: float = 0.2
    audit_rate: float = 0.05
    gold_rate: float = 0.1
    mode: str = REAL
    shifts: tuple[str, ...] = ()
    sleeper: bool = False
    copier: bool = False

    @property
    def draw_key(self) -> bytes:
        """The project's key for audit and overlap draws: the same seed audits the same outputs."""
        return hashlib.sha256(f"draws of simulation {self.seed}".encode()).digest()

    @property
    def estimate(self) -> str:
        """Which estimate speaks for a run: people are taken at their word only where they are always right."""
        return "observed" if self.mode == PERFECT and not self.sleeper else "corrected"

    @property
    def warmup_raters(self) -> int:
        """Two people and, where they differ, an adjudicator: what the first labels get wrong, the router
        learns. All eight where copying is to show: it shows on items that the two and others judged."""
        return 8 if self.copier else 2

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def first_policy(plan: Plan, pool: Pool) -> PolicyDocument:
    """Reviews everything by several people, with the owner's stakes by intent and gold planted."""
    document = review_everything().model_dump(mode="json")
    document["stakes"] = {"default": pool.default_stakes, "by_intent": dict(pool.stakes_by_intent)}
    document["gold_rate"] = plan.gold_rate
    # What is simulated is routing by confidence. The detectors have measurements of their own, and here nobody
    # attacks: all they could do is send ordinary outputs to people.
    document["detectors"] = {"adversarial": None, "novelty": None}
    return _with_raters(document, plan.warmup_raters)


def policy_after_warmup(first: PolicyDocument) -> PolicyDocument:
    """The same with one person per item, which the recalibration then starts from."""
    return _with_raters(first.model_dump(mode="json"), 1)


def _with_raters(document: dict[str, Any], raters: int) -> PolicyDocument:
    for tier in document["tiers"].values():
        tier.update(raters=raters, overlap_share=0.0)
    return PolicyDocument.model_validate(document)
