"""From several people's judgements of one item to one verdict, or to a dispute. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Judgement:
    """One standing rating, reduced to what a verdict needs. `preferred` is "" for pointwise items."""

    verdict: str
    preferred: str
    correction: str
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Agreed:
    """The answer that one rater gave, or on which more than half agreed."""

    value: str
    preferred: str
    correction: str
    criteria: Mapping[str, Any]
    reached_by: str


def aggregate(judgements: Sequence[Judgement]) -> Agreed | None:
    """The strict majority's answer, or None: a tie is never broken silently, it goes to adjudication.

    Two raters must agree; of three or more, more than half. The first correction among those who
    agree is taken. A criterion's value is null where its raters have no strict majority.
    """
    answers = Counter((judgement.verdict, judgement.preferred) for judgement in judgements)
    (value, preferred), votes = answers.most_common(1)[0]
    if 2 * votes <= len(judgements):
        return None
    agreeing = [judgement for judgement in judgements if (judgement.verdict, judgement.preferred) == (value, preferred)]
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
