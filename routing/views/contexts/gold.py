"""Gold as a supply, and what adjudication has made ready to become gold."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Prefetch, QuerySet
from django.utils.translation import gettext as _

from labeling.alarm_sentences import sentence
from labeling.models import GoldCase, QueueSettings, Rating, ReviewItem, VerdictValue
from labeling.queries.gold import Mix, Supply, adjudicated_not_gold, mix
from labeling.queries.staffing import open_alarms
from labeling.services.gold_retiring import GOLD_LEAKED
from labeling.services.gold_watch import REFERENCES_REJECTED
from labeling.services.rounds import GOLD_SHORT
from labeling.services.rubrics import excerpt
from labeling.stats.reviewers import Rate
from reviewapp.core.models import Project
from reviewapp.core.reading import word
from routing.views.contexts.measuring import known_answer
from routing.views.contexts.outputs import Text, prompt_texts, response_texts
from routing.views.contexts.words import preference_label
from routing.views.figures import Estimate, fixed, percent, rate, undefined

ALARMS = (GOLD_SHORT, GOLD_LEAKED, REFERENCES_REJECTED)


@dataclass(frozen=True, slots=True)
class SupplyLine:
    """One intent; lengths are medians in characters, a dash where there was nothing."""

    intent: str
    cases: int
    exposures: int
    live: int
    gold: int
    live_length: str
    gold_length: str
    lacking: bool


@dataclass(frozen=True, slots=True)
class SupplyPage:
    """What is left of gold, and how it compares with the live work of the last thirty days."""

    asked: str
    planted: Estimate
    intents_apart: str
    lengths_apart: str
    lines: Sequence[SupplyLine]
    without: str


@dataclass(frozen=True, slots=True)
class AdjudicatedRow:
    """An item that an adjudicator decided and that is no gold case yet."""

    public_id: UUID
    intent: str
    words: str
    decision: str
    cause: str
    rationale: str
    decided_at: datetime


@dataclass(frozen=True, slots=True)
class Promotable:
    """What the case would be, for whoever decides on it."""

    row: AdjudicatedRow
    answer: str
    prompt: Sequence[Text]
    responses: Sequence[Text]


def gold_alarms(project: Project) -> list[str]:
    """The open alarms about gold, as sentences."""
    return [sentence(alarm) for alarm in open_alarms(project).filter(kind__in=ALARMS)]


def supply_page(project: Project, settings: QueueSettings, now: datetime) -> SupplyPage:
    found = mix(project, now)
    return SupplyPage(
        asked=percent(settings.gold_rate),
        planted=_planted(found),
        intents_apart=_apart(found.intents),
        lengths_apart=_apart(found.lengths),
        lines=[_line(row, found.without) for row in found.rows],
        without=", ".join(found.without),
    )


def _planted(found: Mix) -> Estimate:
    return rate(Rate.of(found.planted, found.claims), of="", without=_("nothing was claimed"))


def _apart(distance: float | None) -> str:
    return undefined(_("no live work or no gold was handed out")) if distance is None else percent(distance, 0)


def _line(row: Supply, without: Sequence[str]) -> SupplyLine:
    return SupplyLine(
        intent=row.intent,
        cases=row.cases,
        exposures=row.exposures,
        live=row.live,
        gold=row.gold,
        live_length=_length(row.live_length),
        gold_length=_length(row.gold_length),
        lacking=row.intent in without,
    )


def _length(characters: float | None) -> str:
    return "–" if characters is None else fixed(characters, 0)


def adjudicated(project: Project) -> QuerySet[ReviewItem]:
    """The items that could become cases, with the ratings that decided them."""
    return adjudicated_not_gold(project).prefetch_related(_deciding())


def _deciding() -> "Prefetch[Any]":
    ratings = Rating.objects.standing().filter(adjudication=True).order_by("submitted_at", "id")
    return Prefetch("ratings", queryset=ratings, to_attr="deciding")


def adjudicated_row(item: Any) -> AdjudicatedRow:
    rating = item.deciding[-1] if item.deciding else None
    return AdjudicatedRow(
        public_id=item.public_id,
        intent=item.intent,
        words=excerpt(item.content, item.mask_names),
        decision=_decision(item.verdict),
        cause=word(rating.cause.replace("_", " ")) if rating else "",
        rationale=rating.rationale if rating else "",
        decided_at=item.verdict.decided_at,
    )


def _decision(verdict: Any) -> str:
    return preference_label(verdict.preferred) or word(verdict.value)


def item_to_promote(project: Project) -> QuerySet[ReviewItem]:
    """The project's settled items; which of them may become cases the service says."""
    rows = ReviewItem.objects.judged_live().filter(project=project, verdict__isnull=False)
    return rows.select_related("verdict", "content", "rubric", "project").prefetch_related(_deciding())


def promotable(item: Any) -> Promotable:
    verdict = item.verdict
    acceptable = None if verdict.preferred else verdict.value == VerdictValue.ACCEPT
    return Promotable(
        row=adjudicated_row(item),
        answer=known_answer(acceptable, verdict.preferred),
        prompt=prompt_texts(item.content.prompt),
        responses=response_texts(item.content),
    )


@dataclass(frozen=True, slots=True)
class Promotion:
    """Whether an item could become a case, or the case that has its words already."""

    possible: bool
    case_pk: int | None


def promotion_of(item: ReviewItem) -> Promotion:
    case = GoldCase.objects.filter(project=item.project_id, item__fingerprint=item.fingerprint).first()
    possible = case is None and adjudicated_not_gold(item.project).filter(pk=item.pk).exists()
    return Promotion(possible, case.pk if case else None)
