"""The error rate of what shipped unreviewed, from its random audit.

A stratum holds the shipped outputs that had the same inclusion probability (tier × audit rate). N =
`shipped`, n = `audited` counts those audited *with a verdict*, k = `errors` those of them found wrong. Rates
and bounds are fractions in [0, 1]. The audit is a Bernoulli draw per output, so within a stratum every subset
of n outputs is equally likely to be the audited one.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from scipy.special import betainc, chdtri

from labeling.stats.intervals import Interval, clopper_pearson, clopper_pearson_upper

OK = "ok"
NOTHING_SHIPPED = "nothing_shipped"
UNAUDITED_STRATUM = "unaudited_stratum"


@dataclass(frozen=True, slots=True)
class Stratum:
    """Counts of one stratum; ValueError unless 0 ≤ errors ≤ audited ≤ shipped. `audit_rate` in (0, 1], or
    None where nobody asks for the estimates that need it."""

    shipped: int
    audited: int
    errors: int
    audit_rate: float | None = None
    name: str = ""

    def __post_init__(self) -> None:
        if not 0 <= self.errors <= self.audited <= self.shipped:
            raise ValueError(f"needs 0 <= errors <= audited <= shipped: {self}")
        if self.audit_rate is not None and not 0.0 < self.audit_rate <= 1.0:
            raise ValueError(f"audit_rate must lie in (0, 1]: {self}")


@dataclass(frozen=True, slots=True)
class StratumRate:
    """One stratum's own rate with its one-sided Clopper–Pearson upper bound; None without a verdict."""

    name: str
    shipped: int
    audited: int
    errors: int
    rate: float | None
    upper: float | None


@dataclass(frozen=True, slots=True)
class ErrorRate:
    """Error rate of the process behind the shipped outputs, at `confidence`.

    `upper` and `interval` are the ones to certify with: Clopper–Pearson where one stratum shipped, Fay–Feuer
    where several did. `expected_unseen` is the number of errors among the outputs without a verdict. `status`
    is "ok", "nothing_shipped" or "unaudited_stratum"; other than "ok" leaves the estimates None and `reason`
    says why.
    """

    status: str
    reason: str
    confidence: float
    shipped: int
    audited: int
    errors: int
    horvitz_thompson: float | None
    hajek: float | None
    poststratified: float | None
    fay_feuer_upper: float | None
    fay_feuer_interval: Interval | None
    upper: float | None
    interval: Interval | None
    expected_unseen: float | None
    per_stratum: tuple[StratumRate, ...]


@dataclass(frozen=True, slots=True)
class Undetected:
    """Errors that left in a finite batch with nobody having seen them, as numbers and as shares of all
    outputs.

    `expected` is None exactly where `status` is not "ok"; `reason` then says why.
    """

    status: str
    reason: str
    confidence: float
    outputs: int
    shipped: int
    audited: int
    errors: int
    expected: float | None
    low: int | None
    high: int | None
    rate: float | None
    interval: Interval | None


def error_rate(strata: Sequence[Stratum], *, confidence: float = 0.95) -> ErrorRate:
    """All estimates of the shipped slice's error rate, overall and per stratum.

    Horvitz and Thompson 1952: Σ k_h/π_h ÷ N; Hájek 1971: Σ k_h/π_h ÷ Σ n_h/π_h; post-stratified: Σ N_h/N ·
    k_h/n_h, the one to use because the shipped counts are known exactly. A stratum that shipped but has no
    verdict yet makes the last, and every bound, not estimable; a stratum that shipped nothing is dropped.
    """
    live = [stratum for stratum in strata if stratum.shipped]
    status, reason = _status(live)
    ok = status == OK
    shipped = sum(stratum.shipped for stratum in live)
    known = bool(live) and all(stratum.audit_rate for stratum in live)
    flagged = sum(s.errors / s.audit_rate for s in live if s.audit_rate)
    labelled = sum(s.audited / s.audit_rate for s in live if s.audit_rate)
    return ErrorRate(
        status=status,
        reason=reason,
        confidence=confidence,
        shipped=shipped,
        audited=sum(stratum.audited for stratum in live),
        errors=sum(stratum.errors for stratum in live),
        horvitz_thompson=flagged / shipped if known and labelled else None,
        hajek=flagged / labelled if known and labelled else None,
        poststratified=sum(s.shipped / shipped * s.errors / s.audited for s in live) if ok else None,
        fay_feuer_upper=fay_feuer_upper(live, confidence) if ok else None,
        fay_feuer_interval=_fay_feuer_interval(live, confidence) if ok else None,
        upper=rate_upper(live, confidence),
        interval=rate_interval(live, confidence),
        expected_unseen=sum((s.shipped - s.audited) * s.errors / s.audited for s in live) if ok else None,
        per_stratum=tuple(_stratum_rate(stratum, confidence) for stratum in strata),
    )


def rate_upper(strata: Sequence[Stratum], confidence: float = 0.95) -> float | None:
    """One-sided upper bound of the process's error rate, or None where it is not estimable."""
    live = [stratum for stratum in strata if stratum.shipped]
    if _status(live)[0] != OK:
        return None
    if len(live) == 1:
        return clopper_pearson_upper(live[0].errors, live[0].audited, confidence)
    return fay_feuer_upper(live, confidence)


def rate_interval(strata: Sequence[Stratum], confidence: float = 0.95) -> Interval | None:
    """Two-sided interval of the process's error rate, or None where it is not estimable."""
    live = [stratum for stratum in strata if stratum.shipped]
    if _status(live)[0] != OK:
        return None
    if len(live) == 1:
        return clopper_pearson(live[0].errors, live[0].audited, confidence)
    return _fay_feuer_interval(live, confidence)


def fay_feuer_upper(strata: Sequence[Stratum], confidence: float, *, growth: float = 1.0) -> float:
    """One-sided gamma upper bound of Σ W_h p_h (Fay and Feuer 1997; w_h = W_h/n_h), and what it would become
    if all verdicts and errors were `growth` times as many.

    Every stratum that shipped must have a verdict.
    """
    estimate, variance, largest = _moments(strata)
    # More of the same leaves the estimate and divides each weight.
    estimate, variance = estimate + largest / growth, variance / growth + (largest / growth) ** 2
    degrees = 2.0 * estimate**2 / variance
    return min(1.0, float(variance / (2.0 * estimate) * chdtri(degrees, 1.0 - confidence)))


def fay_feuer_lower(strata: Sequence[Stratum], confidence: float) -> float:
    """One-sided gamma lower bound, the counterpart of `fay_feuer_upper`; 0 without an error."""
    estimate, variance, _ = _moments(strata)
    if not variance:
        return 0.0
    return float(variance / (2.0 * estimate) * chdtri(2.0 * estimate**2 / variance, confidence))


def undetected(strata: Sequence[Stratum], *, outputs: int, confidence: float = 0.95) -> Undetected:
    """Undetected errors of a finite batch of `outputs` outputs, of which `strata` shipped.

    Audited errors are found, and what went to review is assumed seen, so only the N_h − n_h shipped outputs
    without a verdict count: D̂ = Σ r_h k_h with r_h = (N_h − n_h)/n_h. The target D is the *realised* number,
    not its expectation θ, so the interval adds its spread: θ gets Fay and Feuer's gamma distribution (1997;
    the lower one for the lower bound, the upper one for the upper) and D given θ is Poisson, which makes D
    negative binomial. In one stratum P(D > d) is then P(Bin(k + 1 + d, n/N) ≤ k): the exact inversion of
    "each of the k + D errors was audited with probability n/N", with no assumption on where errors come from.
    Bounds are whole numbers in 0 … Σ(N_h − n_h).
    """
    live = [stratum for stratum in strata if stratum.shipped]
    shipped, audited = sum(s.shipped for s in live), sum(s.audited for s in live)
    if outputs < shipped:
        raise ValueError(f"{shipped} shipped of only {outputs} outputs")
    counts = (confidence, outputs, shipped, audited, sum(s.errors for s in live))
    status, reason = _status(live)
    if not outputs:
        return Undetected(NOTHING_SHIPPED, "no outputs", *counts, None, None, None, None, None)
    if status == UNAUDITED_STRATUM:
        return Undetected(status, reason, *counts, None, None, None, None, None)
    ratios = [(s.shipped - s.audited) / s.audited for s in live]
    expected = sum(ratio * s.errors for ratio, s in zip(ratios, live, strict=True))
    low, high = _realised_bounds(live, ratios, shipped - audited, (1.0 - confidence) / 2.0)
    interval = Interval(low / outputs, high / outputs)
    return Undetected(OK, "", *counts, expected, low, high, expected / outputs, interval)


def _status(live: Sequence[Stratum]) -> tuple[str, str]:
    if not live:
        return NOTHING_SHIPPED, "nothing shipped"
    unaudited = [stratum for stratum in live if not stratum.audited]
    if unaudited:
        outputs = sum(stratum.shipped for stratum in unaudited)
        return UNAUDITED_STRATUM, f"{len(unaudited)} strata with {outputs} shipped outputs have no audit verdict"
    return OK, ""


def _stratum_rate(stratum: Stratum, confidence: float) -> StratumRate:
    return StratumRate(
        name=stratum.name,
        shipped=stratum.shipped,
        audited=stratum.audited,
        errors=stratum.errors,
        rate=stratum.errors / stratum.audited if stratum.audited else None,
        upper=clopper_pearson_upper(stratum.errors, stratum.audited, confidence),
    )


def _moments(strata: Sequence[Stratum]) -> tuple[float, float, float]:
    """Σ w_h k_h, Σ w_h² k_h and max w_h with w_h = N_h/(N·n_h)."""
    live = [stratum for stratum in strata if stratum.shipped]
    shipped = sum(stratum.shipped for stratum in live)
    weights = [stratum.shipped / shipped / stratum.audited for stratum in live]
    pairs = list(zip(weights, (stratum.errors for stratum in live), strict=True))
    return sum(w * k for w, k in pairs), sum(w * w * k for w, k in pairs), max(weights)


def _fay_feuer_interval(strata: Sequence[Stratum], confidence: float) -> Interval:
    level = (1.0 + confidence) / 2.0
    return Interval(fay_feuer_lower(strata, level), fay_feuer_upper(strata, level))


def _realised_bounds(live: Sequence[Stratum], ratios: Sequence[float], unaudited: int, tail: float) -> tuple[int, int]:
    """The `tail` quantile of D under the lower gamma and the 1 − `tail` quantile under the upper one."""
    largest = max(ratios, default=0.0)
    if not unaudited:
        return 0, 0
    mean = sum(r * s.errors for r, s in zip(ratios, live, strict=True))
    variance = sum(r * r * s.errors for r, s in zip(ratios, live, strict=True))
    low = _negative_binomial_quantile(tail, mean, variance, unaudited) if mean else 0
    return low, _negative_binomial_quantile(1.0 - tail, mean + largest, variance + largest**2, unaudited)


def _negative_binomial_quantile(probability: float, mean: float, variance: float, most: int) -> int:
    """The smallest d ≤ `most` with P(D ≤ d) ≥ `probability`, D Poisson with a gamma mean of these moments."""
    size, success = mean**2 / variance, mean / (mean + variance)
    low, high = 0, most
    while low < high:
        middle = (low + high) // 2
        if betainc(size, middle + 1.0, success) >= probability:
            high = middle
        else:
            low = middle + 1
    return low
