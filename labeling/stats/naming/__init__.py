"""Which reviewers are named, and by what evidence: weak on gold, asleep, or copying somebody.

Evidence is told as an e-value: by how much a bet against the reviewer's innocence would have multiplied its stake. Of
an innocent one it exceeds 1/α with probability at most α (Shafer 2021); that of gold does so at any time, however often
one looks (Ville 1939), that of pace at one look, and that of copying as far as the others' habits are known, which
are estimated. Who is named is decided over all reviewers and all three questions at once by the e-BH procedure
(Wang and Ramdas 2022), in its weighted form: of a team without fault anybody at all is named with probability at most
`level`, and of those named on average at most that share is named wrongly.
"""

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias, TypeVar

import numpy as np

from labeling.stats.naming.copies import Answers, PairEvidence, copying_evidence
from labeling.stats.reviewers import acceptance_creep

Rater = TypeVar("Rater", bound=Hashable)
Kind: TypeAlias = Literal["weak_on_gold", "asleep", "copies"]
Reason: TypeAlias = Literal["no_planted_failures", "too_few_ratings", "too_few_shared_items"]

LEVEL = 0.05
# How the chance of a false alarm is shared out: most of it goes to the question that evidence is scarcest for.
SHARES: Mapping[Kind, float] = {"weak_on_gold": 0.5, "asleep": 0.1, "copies": 0.4}
# Catching fewer planted failures than this is weak; the same level as the drift alarms call good.
GOOD_SENSITIVITY = 0.92
WEAK_LEVELS = (0.6, 0.7, 0.8)
# A review in a quarter of the time is another way of reviewing, not a quick reader.
ASLEEP_RATIO = 0.25
ENOUGH_RATINGS = 20
# Beyond this an e-value says no more, and stays a number that JSON can hold.
MOST = 1e12


@dataclass(frozen=True, slots=True)
class Record:
    """What there is to go by about one reviewer.

    `caught` of `failures` planted ones. `seconds` (> 0) and `accepted` per rating of live items, oldest first; the
    last `recent` of them are compared with those before. `answers` maps item to (answer, moment of handing in).
    """

    caught: int
    failures: int
    seconds: Sequence[float]
    accepted: Sequence[bool]
    answers: Answers
    recent: int = 0


@dataclass(frozen=True, slots=True)
class Finding:
    """One question about one reviewer. `evidence` is its e-value and `needed` what would have named the reviewer; both
    None with a `reason` where there is nothing to go by. `n` counts what it rests on, `events` the telling part:
    failures missed, ratings that accept, or telling items on which the two agree (of `n` telling ones).

    `peer` is the one copied, None for the other questions.
    """

    reviewer: Hashable
    kind: Kind
    peer: Hashable | None
    evidence: float | None
    needed: float | None
    named: bool
    n: int
    events: int
    reason: Reason | None = None


def naming(records: Mapping[Rater, Record], level: float = LEVEL) -> tuple[Finding, ...]:
    """Every question that could be asked of every reviewer, answered or not, in the order of `records`.

    `level` in (0, 1). Copying is asked of every ordered pair, and told of each reviewer with the peer that the evidence
    is strongest for.
    """
    if not 0.0 < level < 1.0:
        raise ValueError(f"level must lie strictly between 0 and 1, not {level}")
    questions = [*_weakness(records), *_sleep(records)]
    pairs = copying_evidence({name: record.answers for name, record in records.items()})
    asked = [question for question in questions if question.evidence is not None]
    weights = _weights(asked, len(pairs))
    scores = [(question.evidence or 0.0) * weights[question.kind] for question in asked]
    scores += [pair.evidence * weights["copies"] for pair in pairs]
    line = e_bh(scores, level)
    needed: dict[Kind, float | None] = {kind: line / share if share else None for kind, share in weights.items()}
    found = [_decided(question, needed[question.kind]) for question in questions]
    found += _copies(records, pairs, needed["copies"])
    places: dict[Hashable, int] = {name: place for place, name in enumerate(records)}
    return tuple(sorted(found, key=lambda finding: (places[finding.reviewer], finding.kind != "weak_on_gold")))


def e_bh(scores: Sequence[float], level: float) -> float:
    """The least weighted e-value that is named: 1/(level · r) for the largest r for which r scores reach it, and
    1/level when none does (Wang and Ramdas 2022, section 5; the weights sum to 1)."""
    for place, score in reversed(list(enumerate(sorted(scores, reverse=True), start=1))):
        if score * level * place >= 1.0:
            return 1.0 / (level * place)
    return 1.0 / level


def weakness_evidence(caught: int, failures: int, good: float = GOOD_SENSITIVITY) -> float:
    """E-value against "catches at least `good` of planted failures": the mean likelihood ratio of three weak levels
    over `good`. Raises ValueError for impossible counts."""
    if not 0 <= caught <= failures:
        raise ValueError(f"caught must lie in 0..failures, not {caught} of {failures}")
    missed = failures - caught
    ratios = [
        math.exp(min(50.0, caught * math.log(weak / good) + missed * math.log((1.0 - weak) / (1.0 - good))))
        for weak in WEAK_LEVELS
    ]
    return min(MOST, sum(ratios) / len(ratios))


def sleep_evidence(
    seconds: Sequence[float], accepted: int, other_seconds: Sequence[float], other_accepted: int
) -> float:
    """E-value against "reviews no faster than four times the others' pace, or accepts no more than they do".

    Mann and Whitney's test on a quarter of the others' seconds and Fisher's exact test on acceptance; the weaker of the
    two p-values, as 1/(2√p) (Vovk and Wang 2021, calibrators).
    """
    from scipy.stats import mannwhitneyu

    slower = ASLEEP_RATIO * np.asarray(other_seconds, dtype=np.float64)
    fast = float(mannwhitneyu(np.asarray(seconds), slower, alternative="less", method="asymptotic").pvalue)
    passing = acceptance_creep(other_accepted, len(other_seconds), accepted, len(seconds)).p_one_sided or 0.0
    return min(MOST, 0.5 / math.sqrt(max(fast, passing, 0.25 / MOST**2)))


def _weights(asked: Sequence[Finding], pairs: int) -> dict[Kind, float]:
    """What each question of a kind gets of 1; a kind about which nothing can be asked leaves its share to the rest."""
    counts: dict[Kind, int] = {kind: sum(entry.kind == kind for entry in asked) for kind in SHARES}
    counts["copies"] = pairs
    shared = sum(SHARES[kind] for kind, count in counts.items() if count)
    return {kind: SHARES[kind] / shared / count if count else 0.0 for kind, count in counts.items()}


def _decided(question: Finding, needed: float | None) -> Finding:
    evidence = question.evidence
    if evidence is None or needed is None:
        return question
    return replace(question, needed=needed, named=evidence >= needed)


def _weakness(records: Mapping[Rater, Record]) -> list[Finding]:
    found = []
    for name, record in records.items():
        missed = record.failures - record.caught
        reason: Reason | None = None
        evidence: float | None = weakness_evidence(record.caught, record.failures)
        if not record.failures:
            evidence, reason = None, "no_planted_failures"
        found.append(_open(name, "weak_on_gold", evidence, record.failures, missed, reason))
    return found


def _sleep(records: Mapping[Rater, Record]) -> list[Finding]:
    """The mean of two e-values, which is one: against the others, and against one's own beginnings."""
    found = []
    for name, record in records.items():
        others = [other for peer, other in records.items() if peer != name]
        total = len(record.seconds)
        evidence: float | None = None
        reason: Reason | None = None
        if total >= ENOUGH_RATINGS and sum(len(other.seconds) for other in others) >= ENOUGH_RATINGS:
            seconds = np.concatenate([np.asarray(other.seconds, dtype=np.float64) for other in others])
            accepted = sum(sum(other.accepted) for other in others)
            among = sleep_evidence(record.seconds, sum(record.accepted), seconds.tolist(), accepted)
            before = _own_collapse(record)
            evidence = among if before is None else (among + before) / 2.0
        else:
            reason = "too_few_ratings"
        found.append(_open(name, "asleep", evidence, total, sum(record.accepted), reason))
    return found


def _own_collapse(record: Record) -> float | None:
    """The same against one's own earlier ratings; None without enough on both sides."""
    split = len(record.seconds) - record.recent
    if record.recent < ENOUGH_RATINGS or split < ENOUGH_RATINGS:
        return None
    return sleep_evidence(
        record.seconds[split:], sum(record.accepted[split:]), record.seconds[:split], sum(record.accepted[:split])
    )


def _open(name: Hashable, kind: Kind, evidence: float | None, n: int, events: int, reason: Reason | None) -> Finding:
    return Finding(name, kind, None, evidence, None, False, n, events, reason)


def _copies(records: Mapping[Rater, Record], pairs: Sequence[PairEvidence], needed: float | None) -> list[Finding]:
    """Each reviewer with the peer that the evidence is strongest for."""
    best: dict[Hashable, PairEvidence] = {}
    for pair in pairs:
        if pair.reviewer not in best or pair.evidence > best[pair.reviewer].evidence:
            best[pair.reviewer] = pair
    return [_follower(name, best.get(name), needed) for name in records]


def _follower(name: Hashable, pair: PairEvidence | None, needed: float | None) -> Finding:
    if pair is None or needed is None:
        return _open(name, "copies", None, 0, 0, "too_few_shared_items")
    named = pair.evidence >= needed
    return Finding(name, "copies", pair.peer, pair.evidence, needed, named, pair.telling, pair.agreeing)
