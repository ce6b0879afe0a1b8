"""Golden sets and gold cases."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Count, Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as later

from labeling.models import GoldCase, GoldenSet
from labeling.services.golden import intact
from labeling.stats.reviewers import Rate
from reviewapp.core.models import Project
from reviewapp.core.reading import word
from routing.views.contexts.measuring import known_answer
from routing.views.contexts.outputs import Text, prompt_texts, response_texts
from routing.views.contexts.words import actor_names
from routing.views.figures import Estimate, rate

TABLES = ((later("Verdicts"), "verdicts"), (later("Intents"), "intents"), (later("Strata"), "strata"))


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
    practice: bool
    accuracy: Estimate
    retired_at: datetime | None
    retired_because: str


@dataclass(frozen=True, slots=True)
class GoldCaseDetail:
    row: GoldCaseRow
    explanation: str
    prompt: Sequence[Text]
    passages: Sequence[Text]
    responses: Sequence[Text]
    promoted_from: UUID | None


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
            (str(title), [(word(key) if name == "verdicts" else key, count) for key, count in rows])
            for title, name in TABLES
            for rows in [composition.get(name, {}).items()]
        ],
    )


def gold_cases_with_results(project: Project) -> QuerySet[GoldCase]:
    """The cases with how often people were right, newest first: on planted cases outside of rounds."""
    standing = Q(results__rating__withdrawal__isnull=True, results__isnull=False)
    standing &= Q(practice=True) | Q(results__rating__assignment__round__isnull=True)
    return (
        GoldCase.objects.filter(project=project)
        .select_related("item__content", "promoted_from")
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
        practice=case.practice,
        accuracy=rate(Rate.of(case.right, case.seen), of="", without=_("not shown yet")),
        retired_at=case.retired_at,
        retired_because=case.retired_because,
    )


def gold_case_detail(case: Any) -> GoldCaseDetail:
    content = case.item.content
    return GoldCaseDetail(
        row=gold_case_row(case),
        explanation=case.explanation,
        prompt=prompt_texts(content.prompt),
        passages=[Text(part.get("id", ""), part.get("text", "")) for part in content.context],
        responses=response_texts(content),
        promoted_from=case.promoted_from.public_id if case.promoted_from else None,
    )
