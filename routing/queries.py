"""Compound reads of routing."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Prefetch, QuerySet, TextField
from django.db.models.functions import Cast

from reviewapp.core.models import Project
from routing.models import Output, OutputReview


def outputs_with_decisions(project: Project) -> QuerySet[Output]:
    """Outputs with their decision, review item and verdict in a fixed number of queries; no payloads."""
    reviews = OutputReview.objects.select_related("item", "item__verdict", "item__verdict__rubric").order_by("id")
    return (
        Output.objects.filter(project=project)
        .select_related("decision", "decision__policy", "decision__calibrator")
        .defer("metadata", "decision__policy__document", "decision__calibrator__parameters")
        .prefetch_related(Prefetch("reviews", queryset=reviews))
    )


def outputs_by_ids(project: Project, ids: list[UUID]) -> Mapping[UUID, Output]:
    return {output.pk: output for output in outputs_with_decisions(project).filter(pk__in=ids)}


def filtered_outputs(
    project: Project,
    *,
    external_id: str = "",
    intent: str = "",
    action: str = "",
    stakes: str = "",
    flag: str = "",
    since: datetime | None = None,
    until: datetime | None = None,
) -> QuerySet[Output]:
    """The outputs that match every filter given, newest first. `since` is included, `until` is not."""
    conditions: dict[str, Any] = {
        "external_id": external_id,
        "intent": intent,
        "decision__action": action,
        "decision__stakes": stakes,
        "received_at__gte": since,
        "received_at__lt": until,
    }
    outputs = outputs_with_decisions(project).filter(**{name: value for name, value in conditions.items() if value})
    if flag:
        # JSON containment exists on one engine only; flags are plain words, so their quoted text will do.
        outputs = outputs.alias(flag_words=Cast("decision__flags", TextField())).filter(
            flag_words__contains=f'"{flag}"'
        )
    return outputs.order_by("-id")
