"""Golden sets, gold cases and the rubrics that both were judged by."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Q, QuerySet

from labeling.models import ActiveRubric, Criterion, GoldCase, GoldenSet, Rubric
from labeling.services.golden import intact
from labeling.stats.reviewers import Rate
from reviewapp.core.models import Project
from routing.views.contexts.measuring import known_answer
from routing.views.contexts.outputs import Text, prompt_texts, response_texts
from routing.views.contexts.words import actor_names
from routing.views.figures import Estimate, compact, rate


@dataclass(frozen=True, slots=True)
class GoldenSetRow:
    name: str
    cases: int
    sha256: str
    parent: str
    author: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class GoldenSetDetail:
    """One frozen version. `intact` says whether its lines still have the digest they were frozen with."""

    row: GoldenSetRow
    seed: str
    intact: bool
    tables: Sequence[tuple[str, Sequence[tuple[str, int]]]]


@dataclass(frozen=True, slots=True)
class GoldCaseRow:
    """A case with the exposures it had and may still have, and how people did on it."""

    pk: int
    reference: str
    task_kind: str
    intent: str
    answer: str
    origin: str
    used: int
    planned: int
    accuracy: Estimate
    retired_at: datetime | None


@dataclass(frozen=True, slots=True)
class GoldCaseDetail:
    row: GoldCaseRow
    explanation: str
    prompt: Sequence[Text]
    passages: Sequence[Text]
    responses: Sequence[Text]


@dataclass(frozen=True, slots=True)
class RubricRow:
    pk: int
    name: str
    version: int
    task_kind: str
    status: str
    criteria: int
    published_at: datetime | None


@dataclass(frozen=True, slots=True)
class LevelLine:
    value: str
    label: str
    description: str
    example: str
    fails: bool


@dataclass(frozen=True, slots=True)
class CriterionLine:
    name: str
    type: str
    question: str
    required: bool
    levels: Sequence[LevelLine]
    scale: str


@dataclass(frozen=True, slots=True)
class RubricDetail:
    row: RubricRow
    instructions: str
    corrections: bool
    criteria: Sequence[CriterionLine]


def golden_set_row(golden_set: GoldenSet, names: Mapping[str, str]) -> GoldenSetRow:
    return GoldenSetRow(
        name=golden_set.name,
        cases=golden_set.case_count,
        sha256=golden_set.sha256,
        parent=golden_set.parent.name if golden_set.parent else "",
        author=names.get(golden_set.created_by, golden_set.created_by),
        created_at=golden_set.created_at,
    )


def golden_set_detail(golden_set: GoldenSet) -> GoldenSetDetail:
    composition = golden_set.composition
    return GoldenSetDetail(
        row=golden_set_row(golden_set, actor_names(golden_set.project)),
        seed=golden_set.seed,
        intact=intact(golden_set),
        tables=[
            (title, list(composition.get(name, {}).items()))
            for title, name in (("Verdicts", "verdicts"), ("Intents", "intents"), ("Strata", "strata"))
        ],
    )


def gold_cases_with_results(project: Project) -> QuerySet[GoldCase]:
    """The cases with how often people were right, newest first."""
    standing = Q(results__rating__withdrawal__isnull=True, results__isnull=False)
    return (
        GoldCase.objects.filter(project=project)
        .select_related("item__content")
        .defer("item__content__prompt", "item__content__context", "item__content__body")
        .annotate(
            seen=Count("results", filter=standing), right=Count("results", filter=standing & Q(results__correct=True))
        )
        .order_by("-pk")
    )


def gold_case_row(case: Any) -> GoldCaseRow:
    return GoldCaseRow(
        pk=case.pk,
        reference=case.reference,
        task_kind=case.item.content.task_kind,
        intent=case.item.intent,
        answer=known_answer(case.acceptable, case.preferred),
        origin=case.origin.replace("_", " "),
        used=case.item.ratings_counted,
        planned=case.item.raters_needed,
        accuracy=rate(Rate.of(case.right, case.seen), of="", without="not shown yet"),
        retired_at=case.retired_at,
    )


def gold_case_detail(case: Any) -> GoldCaseDetail:
    content = case.item.content
    return GoldCaseDetail(
        row=gold_case_row(case),
        explanation=case.explanation,
        prompt=prompt_texts(content.prompt),
        passages=[Text(part.get("id", ""), part.get("text", "")) for part in content.context],
        responses=response_texts(content),
    )


def active_rubric_ids(project: Project) -> set[int]:
    return set(ActiveRubric.objects.filter(project=project).values_list("rubric_id", flat=True))


def rubric_row(rubric: Rubric, active_ids: set[int]) -> RubricRow:
    published = "published" if rubric.published_at else "draft"
    return RubricRow(
        pk=rubric.pk,
        name=rubric.name,
        version=rubric.version,
        task_kind=rubric.task_kind,
        status="in force" if rubric.pk in active_ids else published,
        criteria=len(rubric.criteria.all()),
        published_at=rubric.published_at,
    )


def rubric_detail(rubric: Rubric) -> RubricDetail:
    return RubricDetail(
        row=rubric_row(rubric, active_rubric_ids(rubric.project)),
        instructions=rubric.instructions,
        corrections=rubric.corrections,
        criteria=[_criterion(criterion) for criterion in rubric.criteria.all()],
    )


def _criterion(criterion: Criterion) -> CriterionLine:
    scale = ""
    if criterion.minimum is not None and criterion.maximum is not None:
        scale = f"{criterion.minimum:g} to {criterion.maximum:g}"
        if criterion.fail_below is not None:
            scale += f"; fails below {criterion.fail_below:g}"
    return CriterionLine(
        name=criterion.name,
        type=criterion.type,
        question=criterion.question,
        required=criterion.required,
        levels=[
            LevelLine(
                value=compact(level["value"]),
                label=level.get("label", ""),
                description=level.get("description", ""),
                example=level.get("example", ""),
                fails=level["value"] in criterion.fail_values,
            )
            for level in criterion.levels
        ],
        scale=scale,
    )
