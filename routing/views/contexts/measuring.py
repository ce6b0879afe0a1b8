"""People as instruments: agreement, reviewers, disputes and what they said of gold cases."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.cache import cache
from django.utils.http import urlencode

from labeling.models import GoldResult, Rating, RatingWithdrawal, ReviewItem
from labeling.queries.agreement import AgreementRow, agreement_rows
from labeling.queries.reviewers import ReviewerRow, reviewer_rows
from labeling.stats.slices import ALL_SLICES
from reviewapp.core.models import Project
from routing.models import OutputReview
from routing.views.charts import IntervalPlot, alpha_plot
from routing.views.contexts.outputs import RatingRow, rating_row
from routing.views.contexts.words import PREFERENCES, criterion_label, slice_label
from routing.views.figures import Estimate, decimal, duration, percent, rate, reason_text

CACHE_SECONDS = 3600


@dataclass(frozen=True, slots=True)
class AgreementLine:
    """One criterion in one slice. `caution` stands in place of an interval that would be no evidence."""

    rubric: str
    rubric_name: str
    rubric_version: int
    criterion: str
    slice: str
    level: str
    items: int
    pairable: int
    ratings: int
    raters: int
    percent: str
    alpha: Estimate
    caution: str
    band: str
    ac1: str
    kappa: str
    plot: IntervalPlot | None
    query: str


@dataclass(frozen=True, slots=True)
class ReviewerLine:
    rater: str
    person: str
    paused: bool
    ratings: int
    median: str
    accuracy: Estimate
    sensitivity: Estimate
    specificity: Estimate
    acceptance: Estimate
    agreement: Estimate


@dataclass(frozen=True, slots=True)
class Dispute:
    """One item on which people disagree, or that one of them passed up."""

    output_id: str
    external_id: str
    intent: str
    rubric: str
    settled: bool
    verdict: str
    ratings: Sequence[RatingRow]
    escalations: Sequence[str]


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


def agreement_lines(project: Project, **filters: Any) -> list[AgreementLine]:
    """The agreement table; computed once for as long as no rating is handed in or taken back."""
    key = _cache_key(project, filters)
    rows: list[AgreementRow] | None = cache.get(key)
    if rows is None:
        rows = agreement_rows(project, **filters)
        cache.set(key, rows, CACHE_SECONDS)
    return [agreement_line(row, by=filters.get("by", "criterion")) for row in rows]


def _cache_key(project: Project, filters: Mapping[str, Any]) -> str:
    """Names the newest rating by its receipt, which no other database has, and the newest undo."""
    ratings = Rating.objects.filter(item__project=project).order_by("-pk")
    undone = RatingWithdrawal.objects.filter(rating__item__project=project).order_by("-pk")
    state = [project.pk, ratings.values_list("receipt", flat=True).first(), undone.values_list("pk", flat=True).first()]
    words = "|".join(str(part) for part in (*state, *sorted(filters.items())))
    return f"agreement:{hashlib.sha256(words.encode()).hexdigest()}"


def agreement_line(row: AgreementRow, *, by: str) -> AgreementLine:
    """A row of figures as it is shown."""
    name, _, version = row.rubric.rpartition(" v")
    query = {"rubric": row.rubric, "overlap": "yes"}
    if by == "intent" and row.slice != ALL_SLICES:
        query["intent"] = row.slice
    caution = reason_text(row.caution) if row.caution else ""
    return AgreementLine(
        rubric=row.rubric,
        rubric_name=name,
        rubric_version=int(version),
        criterion=criterion_label(row.criterion),
        slice=slice_label(row.slice),
        level=row.level,
        items=row.items,
        pairable=row.pairable_items,
        ratings=row.ratings,
        raters=row.raters,
        percent="–" if row.percent is None else percent(row.percent, 0),
        alpha=_alpha(row),
        caution=caution,
        band=row.band or "",
        ac1="–" if row.ac1 is None else decimal(row.ac1),
        kappa="–" if row.mean_pair_kappa is None else decimal(row.mean_pair_kappa),
        plot=_plot(row),
        query=f"?{urlencode(query)}",
    )


def _alpha(row: AgreementRow) -> Estimate:
    count = f"n = {row.pairable_items}"
    if row.alpha is None:
        return Estimate("", "", count, reason_text(row.reason or "undefined"))
    interval = ""
    if row.alpha_interval and not row.caution:
        interval = " to ".join(decimal(bound) for bound in row.alpha_interval)
    return Estimate(decimal(row.alpha), interval, count)


def _plot(row: AgreementRow) -> IntervalPlot | None:
    if row.alpha is None:
        return None
    interval = None if row.caution else row.alpha_interval
    between = f", interval {' to '.join(decimal(bound) for bound in interval)}" if interval else ", no interval"
    return alpha_plot(row.alpha, interval, f"alpha {decimal(row.alpha)}{between}")


def reviewer_lines(project: Project, *, since: datetime | None = None) -> list[ReviewerLine]:
    return [_reviewer(row) for row in reviewer_rows(project, since=since)]


def _reviewer(row: ReviewerRow) -> ReviewerLine:
    return ReviewerLine(
        rater=row.rater,
        person=row.person,
        paused=row.paused,
        ratings=row.ratings,
        median="–" if row.median_seconds is None else duration(row.median_seconds),
        accuracy=rate(row.gold_accuracy, of="", without="no gold yet"),
        sensitivity=rate(row.gold_sensitivity, of="", without="no planted failure yet"),
        specificity=rate(row.gold_specificity, of="", without="no good case yet"),
        acceptance=rate(row.acceptance, of="", without="no ratings yet"),
        agreement=rate(row.agreement_with_others, of="", without="no shared items yet"),
    )


def dispute_rows(items: Sequence[ReviewItem]) -> list[Dispute]:
    """Disputes with the outputs they are about, in two queries whatever their number."""
    outputs = {
        item_id: (output_id, external_id)
        for item_id, output_id, external_id in OutputReview.objects.filter(item__in=items).values_list(
            "item_id", "output_id", "output__external_id"
        )
    }
    return [_dispute(item, *outputs.get(item.pk, ("", ""))) for item in items]


def _dispute(item: Any, output_id: Any, external_id: str) -> Dispute:
    return Dispute(
        output_id=str(output_id),
        external_id=external_id,
        intent=item.intent,
        rubric=str(item.rubric),
        settled=item.verdict is not None,
        verdict=PREFERENCES.get(item.verdict.preferred, item.verdict.value) if item.verdict else "",
        ratings=[rating_row(rating, withdrawn=False) for rating in item.standing_ratings],
        escalations=[assignment.reason for assignment in item.escalated],
    )


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
        said=PREFERENCES.get(rating.preferred, rating.verdict),
        correct=result.correct,
    )


def known_answer(acceptable: bool | None, preferred: str) -> str:
    if preferred:
        return PREFERENCES[preferred]
    return "acceptable" if acceptable else "not acceptable"
