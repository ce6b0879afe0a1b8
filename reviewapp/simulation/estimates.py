"""Undetected errors: the truth beside what the product says of it from its own audit. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from labeling.stats.intervals import Interval
from reviewapp.simulation.outcome import Outcome
from reviewapp.simulation.plan import TIERS
from reviewapp.simulation.pool import COSTS
from routing.policy.error_rate import Stratum, Undetected, undetected
from routing.policy.imperfect import GoldCounts, corrected_rate

LEVEL = 0.95
OVERALL = "all"
NOTHING = "nothing shipped (n=0)"


@dataclass(frozen=True, slots=True)
class Slice:
    """All of the stream, one stakes tier or one group of intents. `intents` is empty for all of them."""

    kind: str
    name: str
    intents: frozenset[str] = frozenset()

    def holds(self, outcome: Outcome) -> bool:
        return self.kind == OVERALL or self.name in (outcome.stakes, outcome.arrival.group)


@dataclass(frozen=True, slots=True)
class GoldAnswer:
    """One person's answer to one gold case; `right` about whether it was wrong."""

    intent: str
    error: bool
    right: bool
    reviewer: str = ""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A share of all outputs with its 95 % interval, or None and the `reason`. `holds_truth`: the interval holds
    the true share of errors that left unreviewed."""

    rate: float | None
    low: float | None
    high: float | None
    holds_truth: bool | None
    reason: str = ""

    @property
    def nothing(self) -> bool:
        """There was nothing to estimate, which is not the same as not knowing."""
        return self.reason == NOTHING


@dataclass(frozen=True, slots=True)
class UndetectedRow:
    """One slice. `left` counts all errors that nobody caught, `left_unreviewed` those that nobody looked at.

    `observed` takes reviewers at their word; `corrected` allows for what gold cases show they miss and for their
    false alarms. Both speak about `left_unreviewed`.
    """

    kind: str
    name: str
    outputs: int
    shipped: int
    audited: int
    errors: int
    left: int
    left_unreviewed: int
    observed: Estimate
    corrected: Estimate


@dataclass(frozen=True, slots=True)
class CostRow:
    """Cost of undetected errors per output: truth, both ways, and the estimates from the audit."""

    left: float
    left_unreviewed: float
    observed: Estimate
    corrected: Estimate


Strata = Callable[[Slice], Sequence[Stratum]]
TierCount = tuple[Slice, Sequence[Stratum]]


def slices_of(outcomes: Sequence[Outcome]) -> list[Slice]:
    """All, then the tiers, then the groups that occur."""
    groups = sorted({outcome.arrival.group for outcome in outcomes})
    found = {outcome.stakes for outcome in outcomes}

    def intents(name: str) -> frozenset[str]:
        return frozenset(o.arrival.row.intent for o in outcomes if name in (o.stakes, o.arrival.group))

    return [
        Slice(OVERALL, OVERALL),
        *(Slice("stakes", name, intents(name)) for name in TIERS if name in found),
        *(Slice("group", name, intents(name)) for name in groups),
    ]


def undetected_row(
    part: Slice,
    outcomes: Sequence[Outcome],
    strata: Sequence[Stratum],
    gold: Sequence[GoldAnswer],
    *,
    level: float = LEVEL,
) -> UndetectedRow:
    """What the audit counted in `strata` beside the truth of the slice's outcomes; intervals at `level`."""
    members = [outcome for outcome in outcomes if part.holds(outcome)]
    unreviewed = sum(outcome.unreviewed for outcome in members)
    missed = sum(outcome.error and outcome.unreviewed for outcome in members)
    truth = missed / len(members) if members else 0.0
    found = undetected(strata, outputs=len(members), confidence=level)
    own = [answer for answer in gold if part.kind == OVERALL or answer.intent in part.intents]
    return UndetectedRow(
        kind=part.kind,
        name=part.name,
        outputs=len(members),
        shipped=found.shipped,
        audited=found.audited,
        errors=sum(outcome.error for outcome in members),
        left=sum(outcome.error and not outcome.caught for outcome in members),
        left_unreviewed=missed,
        observed=_observed(found, truth),
        corrected=_corrected(strata, gold_counts(own), unreviewed / (len(members) or 1), truth, level),
    )


def cost_row(outcomes: Sequence[Outcome], tiers: Sequence[TierCount], gold: Sequence[GoldAnswer]) -> CostRow:
    """Costs over all `outcomes`, from what the audit says of each tier.

    The tiers' intervals hold together with 95 % when each does with 1 − 5 %/3 (Bonferroni), so their
    bounds may be added up.
    """
    total = len(outcomes) or 1
    left = sum(COSTS[o.stakes] for o in outcomes if o.error and not o.caught) / total
    unreviewed = sum(COSTS[o.stakes] for o in outcomes if o.error and o.unreviewed) / total
    level = 1.0 - (1.0 - LEVEL) / len(TIERS)
    rows = [(part.name, undetected_row(part, outcomes, strata, gold, level=level)) for part, strata in tiers]
    observed = _added_up([(name, row.outputs / total, row.observed) for name, row in rows], unreviewed)
    corrected = _added_up([(name, row.outputs / total, row.corrected) for name, row in rows], unreviewed)
    return CostRow(left, unreviewed, observed, corrected)


def _added_up(tiers: Sequence[tuple[str, float, Estimate]], truth: float) -> Estimate:
    """Each tier's share of traffic times its cost times its rate. A tier that shipped nothing adds nothing."""
    unknown = [f"{name}: {found.reason}" for name, _share, found in tiers if found.rate is None and not found.nothing]
    if unknown:
        return Estimate(None, None, None, None, "; ".join(unknown))
    rate, low, high = (
        sum(COSTS[name] * share * (getattr(found, figure) or 0.0) for name, share, found in tiers)
        for figure in ("rate", "low", "high")
    )
    return Estimate(rate, low, high, low <= truth <= high)


def gold_counts(answers: Sequence[GoldAnswer]) -> GoldCounts:
    failures = [answer.right for answer in answers if answer.error]
    clean = [answer.right for answer in answers if not answer.error]
    return GoldCounts(sum(failures), len(failures), sum(clean), len(clean))


def _observed(found: Undetected, truth: float) -> Estimate:
    if found.rate is None or found.interval is None:
        return Estimate(None, None, None, None, f"{found.reason} (n={found.audited})")
    return _with_truth(found.rate, found.interval, truth)


def _corrected(strata: Sequence[Stratum], gold: GoldCounts, unreviewed: float, truth: float, level: float) -> Estimate:
    """The corrected rate of what shipped, as a share of all outputs: `unreviewed` is the share it applies to."""
    if not any(stratum.shipped for stratum in strata):
        return Estimate(None, None, None, None, NOTHING)
    found = corrected_rate(strata, gold, confidence=level)
    if found.rate is None or found.interval is None:
        return Estimate(None, None, None, None, f"{found.reason} (n={gold.failures + gold.clean})")
    scaled = Interval(found.interval.low * unreviewed, found.interval.high * unreviewed)
    return _with_truth(found.rate * unreviewed, scaled, truth)


def _with_truth(rate: float, interval: Interval, truth: float) -> Estimate:
    return Estimate(rate, interval.low, interval.high, interval.low <= truth <= interval.high)
