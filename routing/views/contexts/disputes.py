"""Disputes: the ranked list, and what their disagreement consists of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils import timezone
from django.utils.http import urlencode

from labeling.models import Rating, ReviewItem, Seat
from labeling.queries.disputes import (
    DisputeReport,
    Group,
    Question,
    Ranked,
    dispute_report,
    grouped,
    texts_of,
)
from reviewapp.core.models import Project
from reviewapp.core.reading import word
from routing.models import OutputReview
from routing.views.contexts.agreement import while_nobody_rates
from routing.views.contexts.words import criterion_label, preference_label
from routing.views.figures import percent

# Beyond this a matrix is no table that anybody reads.
MOST_QUESTIONS, MOST_GROUPS, MOST_IN_GROUP = 12, 8, 6


@dataclass(frozen=True, slots=True)
class DisputeLine:
    """One line of the ranked list. `over` says where the raters are farthest apart, "" where nobody differs."""

    public_id: UUID
    external_id: str
    intent: str
    rubric: str
    settled: bool
    verdict: str
    apart: str
    over: str
    raters: int
    passed_up: int
    last_at: datetime


@dataclass(frozen=True, slots=True)
class Cell:
    """Pairs of ratings with these two levels; `query` leads to their items, "" where there are none."""

    count: int
    same: bool
    heat: int
    query: str


@dataclass(frozen=True, slots=True)
class Matrix:
    """The confusion between the levels of one question. `rows` are (level, cells)."""

    rubric: str
    criterion: str
    levels: Sequence[str]
    rows: Sequence[tuple[str, Sequence[Cell]]]
    items: int
    share: str


@dataclass(frozen=True, slots=True)
class CarrierLine:
    criterion: str
    rubric: str
    levels: str
    share: str
    width: int
    query: str


@dataclass(frozen=True, slots=True)
class GroupLine:
    criterion: str
    levels: str
    intent: str
    rubric: str
    count: int
    alike: bool
    items: Sequence[tuple[UUID, str]]
    more: int


@dataclass(frozen=True, slots=True)
class DisputesPage:
    """`page` of `pages` of the ranked lines; the rest is over all of them."""

    lines: Sequence[DisputeLine]
    page: int
    pages: int
    total: int
    shares: Sequence[CarrierLine]
    carriers: Sequence[CarrierLine]
    matrices: Sequence[Matrix]
    groups: Sequence[GroupLine]


def report_of(project: Project, *, intent: str = "", rubric: str = "") -> DisputeReport:
    """The report, kept while nobody rates and nothing further is handed to an adjudicator."""
    asked = Seat.objects.filter(project=project, number=0).count()
    wanted = {"intent": intent, "rubric": rubric}
    return while_nobody_rates(
        project,
        "disputes",
        wanted | {"asked": asked},
        lambda: dispute_report(project, now=timezone.now(), intent=intent, rubric=rubric),
    )


def disputes_page(
    report: DisputeReport, chosen: Sequence[Ranked], *, page: int, per_page: int, overview: bool
) -> DisputesPage:
    """`chosen` are the lines to list. Without `overview` the tables over all disputes are left out."""
    pages = max(1, -(-len(chosen) // per_page))
    page = min(page, pages)
    shown = chosen[(page - 1) * per_page : page * per_page]
    groups = _groups(report) if overview else []
    items = _items([*(row.item for row in shown), *(item for group in groups for item in group.items[:MOST_IN_GROUP])])
    names = output_names(list(items))
    return DisputesPage(
        lines=[_line(row, items[row.item], names) for row in shown if row.item in items],
        page=page,
        pages=pages,
        total=len(chosen),
        shares=_shares(report) if overview else [],
        carriers=_carriers(report) if overview else [],
        matrices=_matrices(report) if overview else [],
        groups=[_group(group, items, names) for group in groups],
    )


def _items(pks: Sequence[int]) -> dict[int, Any]:
    """Review items without their contents, by primary key."""
    rows = ReviewItem.objects.filter(pk__in=set(pks)).select_related("rubric", "verdict")
    counted: dict[int, set[int]] = {}
    for item, reviewer in Rating.objects.counted().filter(item__in=set(pks)).values_list("item_id", "reviewer_id"):
        counted.setdefault(item, set()).add(reviewer)
    found: dict[int, Any] = {}
    for row in rows.prefetch_related("assignments"):
        found[row.pk] = (
            row,
            len(counted.get(row.pk, ())),
            sum(one.state == "escalated" for one in row.assignments.all()),
        )
    return found


def output_names(pks: Sequence[int]) -> dict[int, tuple[str, str]]:
    """Output id and external id by review item."""
    rows = OutputReview.objects.filter(item__in=pks).values_list("item_id", "output_id", "output__external_id")
    return {item: (str(output), external) for item, output, external in rows}


def _line(row: Ranked, found: Any, names: Mapping[int, tuple[str, str]]) -> DisputeLine:
    item, raters, passed_up = found
    return DisputeLine(
        public_id=item.public_id,
        external_id=names.get(item.pk, ("", ""))[1],
        intent=item.intent,
        rubric=str(item.rubric),
        settled=item.verdict is not None,
        verdict=(item.verdict.preferred or item.verdict.value) if item.verdict else "",
        apart=percent(row.spread, 0),
        over=f"{criterion_label(row.question.criterion)}: {_levels(row.question, row.first, row.second)}"
        if row.question
        else "",
        raters=raters,
        passed_up=passed_up,
        last_at=row.last_at,
    )


def _levels(question: Question, first: int, second: int) -> str:
    return f"{level_label(question, first)} ↔ {level_label(question, second)}"


def level_label(question: Question, place: int) -> str:
    """A level as people read it: our own words in their language, others as they are."""
    text = question.levels[place]
    if question.criterion.startswith("·"):
        return preference_label(text) or word(text)
    return text


def _query(question: Question, first: int, second: int) -> str:
    cell = {"rubric": question.rubric, "criterion": question.criterion}
    cell |= {"first": str(first), "second": str(second)}
    return f"?{urlencode(cell)}"


def _shares(report: DisputeReport) -> list[CarrierLine]:
    return [
        CarrierLine(
            criterion=criterion_label(question.criterion),
            rubric=question.rubric,
            levels="",
            share=percent(question.share, 0),
            width=round(100 * question.share),
            query="",
        )
        for question in report.questions[:MOST_QUESTIONS]
        if question.share > 0
    ]


def _carriers(report: DisputeReport) -> list[CarrierLine]:
    return [
        CarrierLine(
            criterion=criterion_label(found.question.criterion),
            rubric=found.question.rubric,
            levels=_levels(found.question, found.first, found.second),
            share=percent(found.share, 0),
            width=round(100 * found.share),
            query=_query(found.question, found.first, found.second),
        )
        for found in report.carrying
    ]


def _matrices(report: DisputeReport) -> list[Matrix]:
    return [_matrix(question) for question in report.questions[:MOST_QUESTIONS] if question.items]


def _matrix(question: Question) -> Matrix:
    pairs = question.confusion.pairs
    most = int(pairs.max(initial=0)) or 1
    rows = []
    for first in range(len(question.levels)):
        cells = [
            Cell(
                count=int(pairs[first, second]),
                same=first == second,
                # Five steps, of which CSS knows the colours.
                heat=-(-5 * int(pairs[first, second]) // most),
                query=_query(question, *sorted((first, second))) if pairs[first, second] else "",
            )
            for second in range(len(question.levels))
        ]
        rows.append((level_label(question, first), cells))
    return Matrix(
        rubric=question.rubric,
        criterion=criterion_label(question.criterion),
        levels=[level_label(question, place) for place in range(len(question.levels))],
        rows=rows,
        items=question.items,
        share=percent(question.share, 0),
    )


def _groups(report: DisputeReport) -> list[Group]:
    ranked = [row for row in report.ranked if row.question is not None]
    return grouped(ranked, texts_of([row.item for row in ranked[:200]]))[:MOST_GROUPS]


def _group(group: Group, items: Mapping[int, Any], names: Mapping[int, tuple[str, str]]) -> GroupLine:
    shown = [item for item in group.items[:MOST_IN_GROUP] if item in items]
    return GroupLine(
        criterion=criterion_label(group.question.criterion),
        levels=_levels(group.question, group.first, group.second),
        intent=group.intent,
        rubric=group.question.rubric,
        count=len(group.items),
        alike=group.alike,
        items=[
            (items[item][0].public_id, names.get(item, ("", str(items[item][0].public_id)[:8]))[1]) for item in shown
        ],
        more=len(group.items) - len(shown),
    )
