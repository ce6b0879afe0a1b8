"""What the pages show, found within the project or not at all: 404, never 403."""

import uuid
from typing import Any, TypeVar

from django.db.models import Model, QuerySet
from django.http import Http404

from labeling.models import GoldCase, Rubric
from reviewapp.core.models import ApiKey, Membership, Project
from routing.models import Calibrator, Certificate, Output
from routing.queries import outputs_with_decisions

Row = TypeVar("Row", bound=Model)


def one_of(rows: QuerySet[Row], **conditions: Any) -> Row:
    """The one row that meets the conditions. Raises Http404."""
    row = rows.filter(**conditions).first()
    if row is None:
        raise Http404("nothing of that name in this project")
    return row


def output_of(project: Project, output_id: uuid.UUID) -> Output:
    rows = outputs_with_decisions(project).select_related("content")
    return one_of(rows.defer("decision__policy__document", "decision__calibrator__parameters"), pk=output_id)


def certificate_of(project: Project, pk: int) -> Certificate:
    return one_of(Certificate.objects.filter(project=project), pk=pk)


def calibrator_of(project: Project, version: int) -> Calibrator:
    return one_of(Calibrator.objects.filter(project=project), version=version)


def gold_case_of(project: Project, pk: int) -> GoldCase:
    return one_of(GoldCase.objects.filter(project=project).select_related("item__content", "project"), pk=pk)


def rubric_of(project: Project, name: str, version: int) -> Rubric:
    return one_of(Rubric.objects.filter(project=project).select_related("parent"), name=name, version=version)


def member_of(project: Project, pk: int) -> Membership:
    return one_of(Membership.objects.filter(project=project).select_related("person", "project"), pk=pk)


def api_key_of(project: Project, pk: int) -> ApiKey:
    return one_of(ApiKey.objects.filter(project=project).select_related("project"), pk=pk)
