"""Rubrics: drafted, published once, then put in force."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Exists, Max, OuterRef, Q

from labeling.models import (
    ActiveRubric,
    Criterion,
    CriterionType,
    ItemKind,
    ItemStatus,
    ReviewItem,
    Rubric,
    Seat,
    SeatState,
)
from reviewapp.core.models import Project, TaskKind
from reviewapp.core.services.audit import record


class RubricRefused(Exception):
    """The rubric is not usable; `pointer` says where, the message says why."""

    def __init__(self, pointer: str, message: str) -> None:
        super().__init__(message)
        self.pointer = pointer


CRITERION_FIELDS = {
    "name",
    "type",
    "question",
    "required",
    "levels",
    "fail_values",
    "minimum",
    "maximum",
    "fail_below",
}


@transaction.atomic
def draft_rubric(
    *,
    project: Project,
    name: str,
    task_kind: str,
    criteria: Sequence[Mapping[str, Any]],
    actor: str,
    instructions: str = "",
    corrections: bool = True,
) -> Rubric:
    """A new, unpublished version of the rubric called `name`. Raises RubricRefused."""
    if task_kind not in TaskKind.values:
        raise RubricRefused("/task_kind", f"task_kind is one of {', '.join(TaskKind.values)}")
    if "/" in name or not name.strip():
        raise RubricRefused("/name", "a rubric's name is some text without slashes")
    check_criteria(criteria, pairwise=task_kind == TaskKind.PAIRWISE)
    parent = Rubric.objects.filter(project=project, name=name).order_by("-version").first()
    latest = Rubric.objects.filter(project=project, name=name).aggregate(latest=Max("version"))["latest"] or 0
    rubric = Rubric.objects.create(
        project=project,
        name=name,
        version=latest + 1,
        parent=parent,
        task_kind=task_kind,
        instructions=instructions,
        corrections=corrections,
    )
    Criterion.objects.bulk_create(
        Criterion(rubric=rubric, order=order, **criterion) for order, criterion in enumerate(criteria)
    )
    record(project=project, actor=actor, verb="rubric.drafted", target=f"rubric:{rubric.pk}", name=str(rubric))
    return rubric


def check_criteria(criteria: Sequence[Mapping[str, Any]], *, pairwise: bool) -> None:
    """Raises RubricRefused with a pointer to the first thing that a reviewer could not answer."""
    if not criteria and not pairwise:
        raise RubricRefused("/criteria", "a rubric needs at least one criterion")
    names: set[str] = set()
    for index, criterion in enumerate(criteria):
        at = f"/criteria/{index}"
        if unknown := sorted(set(criterion) - CRITERION_FIELDS):
            raise RubricRefused(f"{at}/{unknown[0]}", f"unknown field {unknown[0]!r}")
        _check_fields(criterion, at)
        name = str(criterion.get("name"))
        if name in names:
            raise RubricRefused(f"{at}/name", "every criterion needs a name of its own")
        names.add(name)
        _check_scale(criterion, at)


def _check_fields(criterion: Mapping[str, Any], at: str) -> None:
    """Each field by itself: lengths, types, what is missing."""
    try:
        Criterion(**criterion).clean_fields(exclude=["rubric", "order"])
    except ValidationError as error:
        field, messages = next(iter(error.message_dict.items()))
        raise RubricRefused(f"{at}/{field}", messages[0]) from None


def _check_scale(criterion: Mapping[str, Any], at: str) -> None:
    if criterion.get("type") not in CriterionType.values:
        raise RubricRefused(f"{at}/type", f"type is one of {', '.join(CriterionType.values)}")
    if criterion["type"] == CriterionType.NUMERIC:
        low, high = criterion.get("minimum"), criterion.get("maximum")
        if not isinstance(low, int | float) or not isinstance(high, int | float) or not low < high:
            raise RubricRefused(f"{at}/minimum", "a numeric criterion needs minimum < maximum")
        return
    levels, fails = criterion.get("levels") or [], criterion.get("fail_values") or []
    if not isinstance(levels, list) or not all(isinstance(level, Mapping) for level in levels):
        raise RubricRefused(f"{at}/levels", 'levels is a list of objects, each with a "value"')
    if not isinstance(fails, list):
        raise RubricRefused(f"{at}/fail_values", "fail_values is a list")
    values = [level.get("value") for level in levels]
    if not all(isinstance(value, str | int | float) for value in values):
        raise RubricRefused(f"{at}/levels", "a level's value is a text, a number, true or false")
    if len(values) < 2 or len({str(value) for value in values}) != len(values):
        raise RubricRefused(f"{at}/levels", "a scale needs at least two levels with different values")
    if criterion["type"] == CriterionType.BINARY and len(values) != 2:
        raise RubricRefused(f"{at}/levels", "a binary criterion has exactly two levels")
    if any(value not in values for value in fails):
        raise RubricRefused(f"{at}/fail_values", "fail_values must be values of the levels")


@transaction.atomic
def publish_rubric(*, rubric: Rubric, actor: str, now: datetime) -> None:
    """Freeze the rubric and put it in force for its task kind.

    Items nobody has touched yet move to the new version; the others keep the one they were begun with.
    Gold items always move, or an old version on the page would tell them from live work.
    """
    changed = Rubric.objects.filter(pk=rubric.pk, published_at__isnull=True).update(published_at=now)
    if not changed:
        raise RubricRefused("", f"{rubric} is published already; draft a new version instead")
    rubric.published_at = now
    ActiveRubric.objects.update_or_create(
        project=rubric.project, task_kind=rubric.task_kind, defaults={"rubric": rubric}
    )
    open_items = ReviewItem.objects.filter(
        project=rubric.project, content__task_kind=rubric.task_kind, status=ItemStatus.OPEN
    )
    begun = Seat.objects.filter(item=OuterRef("pk"), state__in=[SeatState.LEASED, SeatState.SUBMITTED])
    open_items.filter(Q(kind=ItemKind.GOLD) | ~Exists(begun)).update(rubric=rubric)
    record(project=rubric.project, actor=actor, verb="rubric.published", target=f"rubric:{rubric.pk}", name=str(rubric))


def active_rubric(project: Project, task_kind: str) -> Rubric:
    """The rubric in force; an agent run without one of its own is judged by the pointwise rubric."""
    kinds = [task_kind, TaskKind.POINTWISE] if task_kind == TaskKind.TRAJECTORY else [task_kind]
    rows = {row.task_kind: row.rubric for row in ActiveRubric.objects.filter(project=project, task_kind__in=kinds)}
    for kind in kinds:
        if kind in rows:
            return rows[kind]
    raise RubricRefused("", f"{project} has no rubric for {task_kind} items; publish one first")
