"""From several people's judgements of one item to one verdict, or to a dispute. Pure.

The methods that owners choose between, per tier:

    single       the first judgement decides; further ones only measure agreement
    unanimous    all who were asked give the same answer
    majority     more than half of those who were asked do
    dawid_skene  acceptable or not as the raters' reliabilities have it (see labeling.stats.reliability)
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

ByVotes: TypeAlias = Literal["single", "unanimous", "majority"]

# How probable a model must find an answer for it to be the verdict.
POSTERIOR_BAR = 0.9


@dataclass(frozen=True, slots=True)
class Judgement:
    """One standing rating, reduced to what a verdict needs. `preferred` is "" for pointwise items."""

    verdict: str
    preferred: str
    correction: str
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Agreed:
    """The answer that one rater gave, or on which enough of them agreed."""

    value: str
    preferred: str
    correction: str
    criteria: Mapping[str, Any]
    reached_by: str


def needed_votes(method: ByVotes, asked: int) -> int:
    """How many of `asked` judgements must be alike."""
    if method == "single":
        return 1
    return asked if method == "unanimous" else asked // 2 + 1


def aggregate(judgements: Sequence[Judgement], method: ByVotes = "majority") -> Agreed | None:
    """The answer that enough judgements share, or None: a tie is never broken silently, it goes to adjudication.

    `judgements` are not empty, and in the order they were given. The first correction among those who agree is
    taken. A criterion's value is null where its raters have no strict majority.
    """
    if method == "single":
        judgements = judgements[:1]
    answer, votes = Counter(map(_answer, judgements)).most_common(1)[0]
    if votes < needed_votes(method, len(judgements)):
        return None
    return _agreed(answer, judgements)


def by_posterior(judgements: Sequence[Judgement], unacceptable: float) -> Agreed | None:
    """The verdict that the probability of the output being unacceptable, in [0, 1], allows; else None.

    Only acceptable or not is a matter of probability. Between correct and reject those who found the output
    unacceptable decide by their number, and where they are tied nobody does. An answer that no rater gave is none.
    """
    if unacceptable >= POSTERIOR_BAR:
        agreeing = [judgement for judgement in judgements if judgement.verdict != "accept"]
    elif 1.0 - unacceptable >= POSTERIOR_BAR:
        agreeing = [judgement for judgement in judgements if judgement.verdict == "accept"]
    else:
        return None
    leaders = Counter(map(_answer, agreeing)).most_common(2)
    if not leaders or (len(leaders) == 2 and leaders[0][1] == leaders[1][1]):
        return None
    return _agreed(leaders[0][0], judgements)


def _answer(judgement: Judgement) -> tuple[str, str]:
    return judgement.verdict, judgement.preferred


def _agreed(answer: tuple[str, str], judgements: Sequence[Judgement]) -> Agreed:
    agreeing = [judgement for judgement in judgements if _answer(judgement) == answer]
    value, preferred = answer
    return Agreed(
        value=value,
        preferred=preferred,
        correction=next((judgement.correction for judgement in agreeing if judgement.correction), ""),
        criteria=_criteria(judgements),
        reached_by="single" if len(judgements) == 1 else "agreement",
    )


def _criteria(judgements: Sequence[Judgement]) -> dict[str, Any]:
    names = sorted({name for judgement in judgements for name in judgement.values})
    return {name: _majority([judgement.values.get(name) for judgement in judgements]) for name in names}


def _majority(values: Sequence[Any]) -> Any:
    value, votes = Counter(values).most_common(1)[0]
    return value if 2 * votes > len(values) else None
