"""What a policy would have done with logged traffic, and what that would have cost. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from routing.policy.decide import Facts, RoutingDecision, decide
from routing.policy.document import PolicyDocument
from routing.policy.error_rate import error_rate
from routing.policy.learning import strata_of

MAX_CASES = 100


@dataclass(frozen=True, slots=True)
class Past:
    """One logged output: its facts, the inclusion probability it had, and its verdict if it got one.

    `by_model`: a model weighs its raters, so it can have no verdict that an error rate may rest on.
    """

    facts: Facts
    inclusion_probability: float
    acceptable: bool | None
    by_model: bool = False


@dataclass(frozen=True, slots=True)
class Replay:
    """Volumes are counts of outputs; `ratings` counts people's ratings, overlap included.

    `error_rate` is the estimated share of errors in what would ship, with its interval, from verdicts
    weighted by the inclusion probability they were logged with; null with a reason where not estimable. It is of
    the outputs that people label: `left_out` counts those that would ship and whose labels come from a model.
    `would_ship_rejected` names shipped outputs that a person had found wrong (at most 100).
    """

    outputs: int
    shipped: int
    reviewed: int
    audited: int
    ratings: int
    review_hours: float | None
    by_stakes: dict[str, dict[str, int]]
    reasons: dict[str, int]
    error_rate: float | None
    error_interval: tuple[float, float] | None
    error_status: str
    verdicts_used: int
    left_out: int
    would_ship_rejected: list[str]

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def replay(
    past: Sequence[Past],
    *,
    policy: PolicyDocument,
    calibrator: Mapping[str, Any] | None,
    key: bytes,
    seconds_per_rating: float | None,
    level: float = 0.95,
) -> Replay:
    """Decide every logged output again under `policy`; `seconds_per_rating` is the people's median."""
    decisions = [decide(row.facts, policy=policy, calibrator=calibrator, key=key) for row in past]
    pairs = list(zip(past, decisions, strict=True))
    shipped = [row for row, decision in pairs if decision.action == "ship"]
    by_people = [row for row in shipped if not row.by_model]
    rate = error_rate(strata_of((row.inclusion_probability, row.acceptable) for row in by_people), confidence=level)
    ratings = sum(decision.raters for decision in decisions if decision.needs_review)
    return Replay(
        outputs=len(past),
        shipped=len(shipped),
        reviewed=len(past) - len(shipped),
        audited=sum(decision.audited for decision in decisions),
        ratings=ratings,
        review_hours=None if seconds_per_rating is None else ratings * seconds_per_rating / 3600,
        by_stakes=_by_stakes(decisions),
        reasons=dict(Counter(reason for decision in decisions for reason in decision.reasons).most_common()),
        error_rate=rate.poststratified,
        error_interval=(rate.interval.low, rate.interval.high) if rate.interval else None,
        error_status=rate.status if rate.status == "ok" else f"{rate.status}: {rate.reason}",
        verdicts_used=rate.audited,
        left_out=len(shipped) - len(by_people),
        would_ship_rejected=[row.facts.external_id for row in shipped if row.acceptable is False][:MAX_CASES],
    )


def _by_stakes(decisions: Sequence[RoutingDecision]) -> dict[str, dict[str, int]]:
    counts: dict[str, Counter[str]] = {stakes: Counter() for stakes in ("high", "mid", "low")}
    for decision in decisions:
        counts[decision.stakes]["audited" if decision.audited else decision.action] += 1
    return {stakes: {name: count[name] for name in ("ship", "audited", "review")} for stakes, count in counts.items()}
