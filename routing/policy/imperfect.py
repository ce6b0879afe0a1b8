"""Error rates seen by people who miss some failures and fail some good outputs."""

from collections.abc import Sequence
from dataclasses import dataclass

from labeling.stats.intervals import Interval, clopper_pearson, clopper_pearson_upper
from routing.policy.error_rate import Stratum, error_rate, rate_interval, rate_upper


@dataclass(frozen=True, slots=True)
class GoldCounts:
    """What reviewers did with gold cases: `caught` of the planted `failures`, `passed` of the `clean`
    ones."""

    caught: int
    failures: int
    passed: int
    clean: int

    def __post_init__(self) -> None:
        if not 0 <= self.caught <= self.failures or not 0 <= self.passed <= self.clean:
            raise ValueError(f"needs 0 <= caught <= failures and 0 <= passed <= clean: {self}")


@dataclass(frozen=True, slots=True)
class CorrectedRate:
    """An error rate as `observed` and as corrected (`rate`, `interval`, one-sided `upper`) for the reviewers'
    `sensitivity` and `specificity`. Undefined figures are None and `reason` says why."""

    observed: float | None
    sensitivity: float | None
    specificity: float | None
    rate: float | None
    interval: Interval | None
    upper: float | None
    confidence: float
    gold: GoldCounts
    reason: str = ""


def corrected_rate(strata: Sequence[Stratum], gold: GoldCounts, *, confidence: float = 0.95) -> CorrectedRate:
    """The true rate behind audit verdicts of imperfect reviewers.

    observed = true·Se + (1 − true)·(1 − Sp), hence true = (observed + Sp − 1)/(Se + Sp − 1) (Rogan and Gladen
    1978), cut to [0, 1]. The bounds take the extremes over the box of an interval each for the observed rate,
    Se and Sp at 1 − α/3, so that all three hold together with probability 1 − α (Bonferroni). Where that box
    reaches reviewers no better than chance (Se + Sp ≤ 1) there are no bounds: more gold cases are needed.
    """
    observed = error_rate(strata, confidence=confidence)
    sensitivity = gold.caught / gold.failures if gold.failures else None
    specificity = gold.passed / gold.clean if gold.clean else None
    seen = (observed.poststratified, sensitivity, specificity)
    if observed.poststratified is None:
        return CorrectedRate(*seen, None, None, None, confidence, gold, observed.reason)
    if sensitivity is None or specificity is None:
        return CorrectedRate(*seen, None, None, None, confidence, gold, "needs gold failures and clean gold cases")
    if sensitivity + specificity <= 1.0:
        return CorrectedRate(*seen, None, None, None, confidence, gold, "reviewers no better than chance on gold cases")
    rate = rogan_gladen(observed.poststratified, sensitivity, specificity)
    bounds = _bounds(strata, gold, 1.0 - (1.0 - confidence) / 3.0)
    if bounds is None:
        reason = "too few gold cases to rule out reviewers no better than chance"
        return CorrectedRate(*seen, rate, None, None, confidence, gold, reason)
    return CorrectedRate(*seen, rate, *bounds, confidence, gold)


def rogan_gladen(observed: float, sensitivity: float, specificity: float) -> float:
    """(observed + Sp − 1)/(Se + Sp − 1) cut to [0, 1]; ValueError unless Se + Sp > 1."""
    if sensitivity + specificity <= 1.0:
        raise ValueError("sensitivity and specificity must add up to more than 1")
    return min(1.0, max(0.0, (observed + specificity - 1.0) / (sensitivity + specificity - 1.0)))


def _bounds(strata: Sequence[Stratum], gold: GoldCounts, level: float) -> tuple[Interval, float] | None:
    """The two-sided interval and the one-sided upper bound, each of the three parts at `level`.

    The corrected rate grows with the observed one, falls with Se and, as long as it is below 1, grows with
    Sp.
    """
    observed, observed_upper = rate_interval(strata, level), rate_upper(strata, level)
    sensitivity = clopper_pearson(gold.caught, gold.failures, level)
    specificity = clopper_pearson(gold.passed, gold.clean, level)
    if observed is None or observed_upper is None or sensitivity is None or specificity is None:
        return None
    if sensitivity.low + specificity.low <= 1.0:
        return None
    interval = Interval(
        rogan_gladen(observed.low, sensitivity.high, specificity.low),
        rogan_gladen(observed.high, sensitivity.low, specificity.high),
    )
    missed_upper = clopper_pearson_upper(gold.failures - gold.caught, gold.failures, level)
    passed_upper = clopper_pearson_upper(gold.passed, gold.clean, level)
    if missed_upper is None or passed_upper is None:
        return None
    return interval, rogan_gladen(observed_upper, 1.0 - missed_upper, passed_upper)
