"""Items on which people disagree: ranked, and what their disagreement consists of."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Prefetch, QuerySet

from labeling.models import Assignment, AssignmentState, ItemStatus, Rating, ReviewItem, Rubric
from labeling.queries.agreement import Answer, answers_of, counted_ratings, scale_of
from labeling.stats.carriers import Carrier, Confusion, carriers, confusion, distances, spread
from labeling.stats.disagreement import Level
from labeling.stats.similar import similar_groups
from labeling.stats.units import Floats, UnitRatings
from reviewapp.core.models import Content, Project

# A dispute weighs half as much after so many days.
HALF_LIFE_DAYS = 30.0
# Longer scales are looked at in this many stretches of equal length.
LEVELS_SHOWN, STRETCHES = 11, 5
# Texts that are compared with each other: the highest ranks only.
COMPARED = 200
# The newest ones: enough to see what people differ on, and bounded.
MOST_RATINGS = 50_000


@dataclass(frozen=True, slots=True)
class Question:
    """One criterion of one rubric version: its levels as they are shown, and how its pairs of levels are confused."""

    rubric_id: int
    rubric: str
    criterion: str
    level: Level
    levels: tuple[str, ...]
    items: int
    confusion: Confusion
    share: float


@dataclass(frozen=True, slots=True)
class Carrying:
    """A pair of levels of a question with its share of all disagreement."""

    question: Question
    first: int
    second: int
    share: float


@dataclass(frozen=True, slots=True)
class Ranked:
    """A dispute's place: `spread` in [0, 1] is how far its raters are apart, over everything they answered; `rank`
    is that with its age allowed for. `question` and its two levels are where they are farthest apart, if anywhere."""

    item: int
    intent: str
    spread: float
    rank: float
    last_at: datetime
    question: Question | None
    first: int
    second: int


@dataclass(frozen=True, slots=True)
class Group:
    """Disputes over the same pair of levels of the same question in the same intent, with texts that are alike."""

    question: Question
    first: int
    second: int
    intent: str
    items: tuple[int, ...]
    alike: bool


@dataclass(frozen=True, slots=True)
class DisputeReport:
    """Everything that the project's disagreement consists of. `ranked` holds the worst and newest first."""

    ranked: Sequence[Ranked]
    questions: Sequence[Question]
    carrying: Sequence[Carrying]
    # Question and pair of levels to the items that have it; (rubric, criterion, first, second).
    cells: Mapping[tuple[int, str, int, int], Sequence[int]]


def disputes(project: Project) -> QuerySet[ReviewItem]:
    """Items that went to adjudication, newest first."""
    return disputed_items(project).filter(seats__number=0).order_by("-pk")


def disputed_items(project: Project) -> QuerySet[ReviewItem]:
    """The project's items with what the pages of disputes show of them."""
    ratings = Rating.objects.standing().select_related("reviewer", "assignment").order_by("id")
    escalated = Assignment.objects.filter(state=AssignmentState.ESCALATED).order_by("id")
    return (
        ReviewItem.objects.filter(project=project)
        .select_related("rubric", "verdict")
        .prefetch_related(
            Prefetch("ratings", queryset=ratings, to_attr="standing_ratings"),
            Prefetch("assignments", queryset=escalated, to_attr="escalated"),
        )
    )


def shown_dispute(item: ReviewItem) -> dict[str, Any]:
    """One dispute for the owner: pseudonymous ratings, and how it ended."""
    return {
        "id": str(item.public_id),
        "intent": item.intent,
        "status": item.status,
        "rubric": str(item.rubric),
        "ratings": [
            {
                "rater": rating.reviewer.rater_code,
                "values": rating.values,
                "verdict": rating.verdict,
                "preferred": rating.preferred or None,
                "rationale": rating.rationale,
                "spans": rating.spans,
                "adjudication": rating.adjudication,
                "cause": rating.cause or None,
            }
            for rating in item.standing_ratings  # type: ignore[attr-defined]
        ],
        "verdict": item.verdict.value if item.verdict else None,
    }


def dispute_report(
    project: Project, *, now: datetime, since: datetime | None = None, intent: str = "", rubric: str = ""
) -> DisputeReport:
    """The disagreement in all live items with several ratings, and in those that somebody passed up.

    `rubric` is `name` or `name v3`.
    """
    ratings = counted_ratings(project, intent=intent, since=since).order_by("-pk")[:MOST_RATINGS]
    answers, about = _answers(ratings)
    rubrics = {row.pk: row for row in Rubric.objects.filter(project=project).prefetch_related("criteria")}
    wanted = {pk for pk, row in rubrics.items() if rubric in ("", row.name, str(row))}
    scales = {key: _Scaled.of(rubrics[key[0]], key[1], found) for key, found in answers.items() if key[0] in wanted}
    shares, pairs = carriers({_name(key): scaled.confusion for key, scaled in scales.items()})
    questions = {
        key: scaled.question(rubrics[key[0]], key, shares.get(_name(key), 0.0)) for key, scaled in scales.items()
    }
    ranked = _ranked(project, scales, questions, about, now=now, intent=intent, rubrics=wanted)
    cells: dict[tuple[int, str, int, int], list[int]] = defaultdict(list)
    for key, scaled in scales.items():
        for item, found in scaled.by_item.items():
            for first, second in scaled.pairs(found):
                cells[*key, first, second].append(item)
    by_name = {_name(key): question for key, question in questions.items()}
    return DisputeReport(
        ranked=ranked,
        questions=sorted(questions.values(), key=lambda question: (-question.share, -question.rubric_id)),
        carrying=[_carrying(carrier, by_name) for carrier in pairs],
        cells=cells,
    )


def shown_summary(report: DisputeReport, most: int = 200) -> dict[str, Any]:
    """The report for programs: the first `most` items by rank, and every question with its confusion."""
    rows = report.ranked[:most]
    ids = dict(ReviewItem.objects.filter(pk__in=[row.item for row in rows]).values_list("pk", "public_id"))
    return {
        "items": [
            {
                "id": str(ids[row.item]),
                "intent": row.intent,
                "spread": row.spread,
                "rank": row.rank,
                "last_rating_at": row.last_at,
                "criterion": row.question.criterion if row.question else None,
                "levels": [row.question.levels[row.first], row.question.levels[row.second]] if row.question else None,
            }
            for row in rows
        ],
        "criteria": [
            {
                "rubric": question.rubric,
                "criterion": question.criterion,
                "share": question.share,
                "items": question.items,
                "levels": question.levels,
                "pairs": question.confusion.pairs.tolist(),
            }
            for question in report.questions
        ],
        "level_pairs": [
            {
                "rubric": found.question.rubric,
                "criterion": found.question.criterion,
                "levels": [found.question.levels[found.first], found.question.levels[found.second]],
                "share": found.share,
            }
            for found in report.carrying
        ],
    }


def grouped(ranked: Sequence[Ranked], contents: Mapping[int, str]) -> list[Group]:
    """Similar disputes together, the largest groups first; those that stand alone are left out.

    First by question, pair of levels and intent, then by their texts (`contents`: item to text), as far as they are
    given: groups of alike texts, and what is left over as one group that is not `alike`.
    """
    buckets: dict[tuple[Any, ...], list[Ranked]] = defaultdict(list)
    for row in ranked[:COMPARED]:
        if row.question is not None:
            key = (row.question.rubric_id, row.question.criterion, row.first, row.second, row.intent)
            buckets[key].append(row)
    groups = []
    for rows in buckets.values():
        left: list[int] = []
        for places in similar_groups([contents.get(row.item, "") for row in rows]):
            items = [rows[place].item for place in places]
            if len(items) > 1:
                groups.append(_group(rows[0], items, alike=True))
            else:
                left += items
        if len(left) > 1:
            groups.append(_group(rows[0], left, alike=False))
    return sorted(groups, key=lambda group: (-len(group.items), not group.alike, group.items))


def texts_of(items: Sequence[int]) -> dict[int, str]:
    """Prompt and what was judged, in one text per item."""
    rows = ReviewItem.objects.filter(pk__in=items).select_related("content")
    return {row.pk: plain_text(row.content) for row in rows}


def plain_text(content: Content) -> str:
    """A content's prompt and responses as one text."""
    return "\n".join(_texts_in([content.prompt, content.body]))


def _texts_in(value: Any) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _texts_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts_in(inner)


def _group(row: Ranked, items: Sequence[int], *, alike: bool) -> Group:
    assert row.question is not None
    return Group(row.question, row.first, row.second, row.intent, tuple(items), alike)


Key = tuple[int, str]


def _name(key: Key) -> str:
    return f"{key[0]}/{key[1]}"


def _carrying(carrier: Carrier, by_name: Mapping[str, Question]) -> Carrying:
    return Carrying(by_name[carrier.name], carrier.first, carrier.second, carrier.share)


@dataclass(frozen=True, slots=True)
class _About:
    intent: str
    last_at: datetime
    rubric_id: int


def _answers(ratings: Iterable[Rating]) -> tuple[dict[Key, list[Answer]], dict[int, _About]]:
    """Answers by rubric version and criterion; and of each item its intent, its newest rating and its rubric."""
    answers: dict[Key, list[Answer]] = defaultdict(list)
    about: dict[int, _About] = {}
    for rating in ratings:
        for name, value in answers_of(rating):
            answers[rating.rubric_id, name].append(Answer(rating.item_id, rating.reviewer_id, value))
        known = about.get(rating.item_id)
        if known is None or known.last_at < rating.submitted_at:
            about[rating.item_id] = _About(rating.item.intent, rating.submitted_at, rating.rubric_id)
    return answers, about


@dataclass(frozen=True, slots=True, eq=False)
class _Scaled:
    """The answers to one question on the levels that are shown."""

    level: Level
    levels: tuple[str, ...]
    units: UnitRatings
    delta: Floats
    by_item: Mapping[int, Sequence[int]]
    confusion: Confusion

    @classmethod
    def of(cls, rubric: Rubric, name: str, answers: Sequence[Answer]) -> "_Scaled":
        scale = scale_of(rubric, name, answers)
        levels, place = _levels(scale.values, scale.level)
        by_item: dict[int, dict[int, int]] = defaultdict(dict)
        for answer in answers:
            by_item[answer.item][answer.rater] = place[answer.value]
        codes = {item: list(found.values()) for item, found in by_item.items()}
        units = UnitRatings.from_lists(codes.values(), range(len(levels)))
        return cls(scale.level, levels, units, distances(units, scale.level), codes, confusion(units, scale.level))

    def question(self, rubric: Rubric, key: Key, share: float) -> Question:
        items = sum(len(found) > 1 for found in self.by_item.values())
        return Question(rubric.pk, str(rubric), key[1], self.level, self.levels, items, self.confusion, share)

    def pairs(self, found: Sequence[int]) -> set[tuple[int, int]]:
        """The pairs of levels that raters of one item gave, smaller first; equal ones too."""
        ordered = sorted(found)
        return {(first, second) for place, first in enumerate(ordered) for second in ordered[place + 1 :]}


def _levels(values: Sequence[Any], level: Level) -> tuple[tuple[str, ...], dict[Any, int]]:
    """Labels of the levels that are shown, and the place of each value among them."""
    if len(values) <= LEVELS_SHOWN or level == "nominal" or any(isinstance(value, str) for value in values):
        return tuple(_text(value) for value in values), {value: place for place, value in enumerate(values)}
    if level == "ordinal":
        place = {value: number * STRETCHES // len(values) for number, value in enumerate(values)}
        parts = [[value for value in values if place[value] == number] for number in range(STRETCHES)]
        return tuple(f"{_text(part[0])}–{_text(part[-1])}" for part in parts), place
    low, high = float(values[0]), float(values[-1])
    step = (high - low) / STRETCHES
    labels = tuple(f"{low + step * number:g}–{low + step * (number + 1):g}" for number in range(STRETCHES))
    return labels, {value: min(STRETCHES - 1, int((value - low) / step)) for value in values}


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _ranked(
    project: Project,
    scales: Mapping[Key, _Scaled],
    questions: Mapping[Key, Question],
    about: Mapping[int, _About],
    *,
    now: datetime,
    intent: str,
    rubrics: set[int],
) -> list[Ranked]:
    """Every item with some disagreement, or that an adjudicator was asked about, the highest rank first."""
    spreads: dict[int, list[tuple[float, Key, tuple[int, int] | None]]] = defaultdict(list)
    for key, scaled in scales.items():
        for item, codes in scaled.by_item.items():
            if len(codes) > 1:
                far, levels = spread(codes, scaled.units, scaled.delta)
                spreads[item].append((far, key, levels))
    asked = ReviewItem.objects.filter(project=project, seats__number=0, rubric_id__in=rubrics)
    if intent:
        asked = asked.filter(intent=intent)
    open_since = {
        pk: _About(about_, at, rubric)
        for pk, about_, at, rubric in asked.values_list("pk", "intent", "created_at", "rubric_id")
    }
    rows: list[Ranked] = []
    for item in {item for item, found in spreads.items() if any(far for far, *_rest in found)} | set(open_since):
        found = spreads.get(item, [])
        known = about.get(item) or open_since[item]
        rows.append(_rank(item, known, found, questions, now))
    return sorted(rows, key=lambda row: (-row.rank, -row.item))


def _rank(
    item: int,
    about: _About,
    found: Sequence[tuple[float, Key, tuple[int, int] | None]],
    questions: Mapping[Key, Question],
    now: datetime,
) -> Ranked:
    mean = sum(far for far, *_rest in found) / len(found) if found else 0.0
    # Of equally far answers the criterion says more than the headline that follows from it.
    _far, key, levels = max(
        found, key=lambda entry: (entry[0], not entry[1][1].startswith("·")), default=(0.0, (0, ""), None)
    )
    age = max(0.0, (now - about.last_at) / timedelta(days=1))
    return Ranked(
        item=item,
        intent=about.intent,
        spread=mean,
        rank=mean * 0.5 ** (age / HALF_LIFE_DAYS),
        last_at=about.last_at,
        question=questions[key] if levels else None,
        first=levels[0] if levels else 0,
        second=levels[1] if levels else 0,
    )


def open_disputes(project: Project) -> set[int]:
    """Items that wait for an adjudicator."""
    return set(ReviewItem.objects.filter(project=project, status=ItemStatus.DISPUTED).values_list("pk", flat=True))
