"""What people said of gold cases."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from labeling.models import GoldResult
from reviewapp.core.reading import word
from routing.views.contexts.words import preference_label


@dataclass(frozen=True, slots=True)
class GoldAnswer:
    """One person's rating of one gold case beside its known answer."""

    at: datetime
    rater: str
    case_pk: int
    reference: str
    known: str
    said: str
    correct: bool
    in_round: bool


def gold_answers(results: Iterable[GoldResult]) -> list[GoldAnswer]:
    return [gold_answer(result) for result in results]


def gold_answer(result: GoldResult) -> GoldAnswer:
    case, rating = result.gold_case, result.rating
    return GoldAnswer(
        at=result.at,
        rater=result.reviewer.rater_code,
        case_pk=case.pk,
        reference=case.reference,
        known=known_answer(case.acceptable, case.preferred),
        said=preference_label(rating.preferred) or word(rating.verdict),
        correct=result.correct,
        in_round=rating.assignment.round_id is not None,
    )


def known_answer(acceptable: bool | None, preferred: str) -> str:
    if preferred:
        return preference_label(preferred)
    return _("acceptable") if acceptable else _("not acceptable")
