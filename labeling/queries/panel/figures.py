"""What the panel says of one reviewer. Every figure has its count, and a reason where it has no value."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from labeling.queries.panel.rows import Window
from labeling.stats.intervals import Interval, wilson
from labeling.stats.sequential import beta_mixture_sequence

# With fewer ratings on either side a change of pace or of acceptance is not looked at.
ENOUGH_RATINGS = 10
ENOUGH_GOLD = 10


@dataclass(frozen=True, slots=True)
class Share:
    """`successes` of `n`, with Wilson's 95 % interval; rate and interval are None without any, with a `reason`."""

    successes: int
    n: int
    rate: float | None
    interval: Interval | None
    reason: str | None

    @classmethod
    def of(cls, successes: int, n: int, *, without: str) -> "Share":
        return cls(successes, n, successes / n if n else None, wilson(successes, n), None if n else without)


@dataclass(frozen=True, slots=True)
class GoldShare:
    """As Share, with the band that holds the truth at 95 % however often it is looked at."""

    successes: int
    n: int
    rate: float | None
    interval: Interval | None
    always: Interval | None
    reason: str | None

    @classmethod
    def of(cls, answers: Sequence[bool], *, without: str) -> "GoldShare":
        right, n = sum(answers), len(answers)
        share = Share.of(right, n, without=without)
        always = beta_mixture_sequence(right, n) if n else None
        return cls(right, n, share.rate, share.interval, always, share.reason)


@dataclass(frozen=True, slots=True)
class Gold:
    """Planted cases, all and apart; pairs count for accuracy only. `rounds` holds those of practice, qualification and
    calibration, which count nowhere else."""

    accuracy: GoldShare
    sensitivity: GoldShare
    specificity: GoldShare
    rounds: Mapping[str, Share]


@dataclass(frozen=True, slots=True)
class Coefficient:
    """Two series of answers to the same `n` items: share of equal ones and Cohen's kappa, each None with a reason."""

    n: int
    same: int
    percent: float | None
    interval: Interval | None
    kappa: float | None
    kappa_interval: Interval | None
    reason: str | None
    kappa_reason: str | None


@dataclass(frozen=True, slots=True)
class Agreement:
    """Share of the other ratings of the same items that say the same: `pairs` of ratings on `items`."""

    same: int
    pairs: int
    items: int
    rate: float | None
    interval: Interval | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class Difference:
    """Own less the peers' mean on the same `n` items, with the 95 % interval of a bootstrap over items."""

    n: int
    own: float | None
    peers: float | None
    difference: float | None
    interval: Interval | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class CriterionWeek:
    """One criterion in one week, "2026-w47"."""

    week: str
    agreement: Agreement
    failing: Difference | None


@dataclass(frozen=True, slots=True)
class CriterionFigures:
    """One criterion of a rubric's every version. `level` is in steps of the scale, for ordinal criteria only; `failing`
    is the share of own answers that fail the output less the peers', None where no value fails. `weeks` are those in
    which it was answered, oldest first."""

    criterion: str
    agreement: Agreement
    repeats: Coefficient
    level: Difference | None
    failing: Difference | None
    weeks: Sequence[CriterionWeek]


@dataclass(frozen=True, slots=True)
class PeerFigures:
    """The outcome of this reviewer against one other, on the items that both judged."""

    rater: str
    result: Coefficient


@dataclass(frozen=True, slots=True)
class Copying:
    """The peer whom this reviewer follows most closely: on `telling` of the `shared` items not everybody agreed.

    `with_others` is the agreement with everybody else on the same items."""

    peer: str | None
    shared: int
    telling: int
    agreeing: int
    with_peer: Share
    with_others: Share
    reason: str | None


@dataclass(frozen=True, slots=True)
class Change:
    """Recent ratings (the window's last 28 days) against those before. `p` is one-sided; both None with a reason."""

    recent: float | None
    before: float | None
    n_recent: int
    n_before: int
    change: float | None
    p: float | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds per item: quartiles, and `collapse`, whose change is the ratio of medians."""

    n: int
    median: float | None
    lower: float | None
    upper: float | None
    collapse: Change
    reason: str | None


@dataclass(frozen=True, slots=True)
class Acceptance:
    share: Share
    creep: Change


@dataclass(frozen=True, slots=True)
class Side:
    """Of `n` pairs that were no tie, so many went to the side shown first; exact two-sided binomial test of a half."""

    first: int
    n: int
    rate: float | None
    interval: Interval | None
    p: float | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class Fatigue:
    """Log-odds of being right on gold per ten items into a shift; negative is fatigue. `positions` are the shares right
    by position. A shift is work without a pause of half an hour."""

    n: int
    slope: float | None
    interval: Interval | None
    p: float | None
    positions: Sequence[tuple[str, Share]]
    reason: str | None


@dataclass(frozen=True, slots=True)
class Week:
    """One week, "2026-w47"."""

    week: str
    ratings: int
    gold: Share
    sensitivity: Share
    specificity: Share
    repeats: Share
    agreement: Share
    severity: Difference
    acceptance: Share
    first_side: Share
    median_seconds: float | None


@dataclass(frozen=True, slots=True)
class Named:
    """One question that was asked of the reviewer: `evidence` to 1 against them, where `needed` to 1 names them. `n` is
    what it rests on, `events` the telling part of it."""

    kind: str
    peer: str | None
    evidence: float | None
    needed: float | None
    named: bool
    n: int
    events: int
    reason: str | None


@dataclass(frozen=True, slots=True)
class Panel:
    """Everything about one reviewer but what only routing knows."""

    rater: str
    person: str
    paused: bool
    window: Window
    ratings: int
    gold: Gold
    repeats: Coefficient
    agreement: Agreement
    severity: Difference
    criteria: Sequence[CriterionFigures]
    peers: Sequence[PeerFigures]
    copying: Copying
    pace: Pace
    acceptance: Acceptance
    side: Side
    fatigue: Fatigue
    weeks: Sequence[Week]
    named: Sequence[Named]

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Summary:
    """One line of the list: the headline figures, and what the reviewer is named for."""

    rater: str
    person: str
    paused: bool
    ratings: int
    accuracy: GoldShare
    sensitivity: GoldShare
    specificity: GoldShare
    acceptance: Share
    agreement: Agreement
    severity: Difference
    median_seconds: float | None
    named: Sequence[Named]

    def as_json(self) -> dict[str, Any]:
        return asdict(self)
