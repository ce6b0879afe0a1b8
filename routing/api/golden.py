"""Golden sets and gold cases."""

from typing import Any

from django.http import StreamingHttpResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.request import Request
from rest_framework.response import Response

from labeling.models import GoldCase, GoldenSet
from labeling.services.gold import GoldRefused, add_gold_case
from labeling.services.golden import FreezeRefused, intact, jsonl
from reviewapp.core.access import OWNING_ROLES, READING_ROLES, actor_of, project_for
from reviewapp.core.models import Project, Scope, TaskKind
from reviewapp.core.openapi import answer, page_of
from reviewapp.core.pagination import PageIn, listed
from reviewapp.core.parsers import query_of
from reviewapp.core.problems import Problem
from reviewapp.core.serializers import StrictSerializer
from routing.access import golden_set_of
from routing.api.schemas import GOLD_BODY, GOLD_CASE, GOLDEN_SET
from routing.api.steering import SteeringView, checked
from routing.serializers.steering import FreezeIn, GoldCaseIn
from routing.services.golden import freeze_from_verdicts

GOLDEN_SET_ANSWER = answer(GOLDEN_SET, "The version: what is in it, where it comes from, its digest.")
FILE = OpenApiResponse(response=OpenApiTypes.STR, description="The file, one case per line.")
NOTHING_TO_FREEZE = OpenApiResponse(description="There is no verdict that a case could be made of.")


class GoldenView(SteeringView):
    def handle_exception(self, error: Exception) -> Response:
        if isinstance(error, FreezeRefused):
            error = Problem(409, str(error), code="nothing_to_freeze")
        elif isinstance(error, GoldRefused):
            code = "taken" if error.pointer == "/reference" else "invalid"
            fault = {"pointer": error.pointer, "code": code, "detail": str(error)}
            error = Problem(400, "The gold case does not fit; see errors.", errors=[fault])
        return super().handle_exception(error)

    def golden(self, request: Request, slug: str | None, *, write: bool = False) -> Project:
        roles = OWNING_ROLES if write else READING_ROLES
        return project_for(request, slug, scope=Scope.GOLDENS, roles=roles)


def shown_golden_set(golden_set: GoldenSet) -> dict[str, Any]:
    return {
        "name": golden_set.name,
        "file": f"{golden_set.name}.jsonl",
        "cases": golden_set.case_count,
        "sha256": golden_set.sha256,
        "composition": golden_set.composition,
        "parent": golden_set.parent.name if golden_set.parent else None,
        "seed": golden_set.seed,
        "created_by": golden_set.created_by,
        "created_at": golden_set.created_at,
    }


def shown_gold_case(case: GoldCase) -> dict[str, Any]:
    return {
        "id": case.pk,
        "reference": case.reference,
        "intent": case.item.intent,
        "acceptable": case.acceptable,
        "preferred": case.preferred or None,
        "origin": case.origin,
        "explanation": case.explanation,
        "practice": case.practice,
        "exposures": {
            "used": case.item.ratings_counted,
            # Of practice cases nobody counts how many are left.
            "planned": None if case.practice else case.item.raters_needed,
        },
        "promoted_from": str(case.promoted_from.public_id) if case.promoted_from else None,
        "retired_at": case.retired_at,
        "retired_because": case.retired_because,
    }


class GoldenSetsView(GoldenView):
    @extend_schema(parameters=[PageIn], responses={200: page_of(GOLDEN_SET)})
    def get(self, request: Request, slug: str | None = None) -> Response:
        rows = GoldenSet.objects.filter(project=self.golden(request, slug)).select_related("parent").order_by("-pk")
        return listed(request, rows, shown_golden_set)

    @extend_schema(request=FreezeIn, responses={201: GOLDEN_SET_ANSWER, 409: NOTHING_TO_FREEZE})
    def post(self, request: Request, slug: str | None = None) -> Response:
        project = self.golden(request, slug, write=True)
        body = checked(FreezeIn, request.data)
        golden_set = freeze_from_verdicts(project=project, actor=actor_of(request), now=timezone.now(), **body)
        return Response(shown_golden_set(golden_set), status=201)


class GoldenSetView(GoldenView):
    @extend_schema(responses={200: GOLDEN_SET_ANSWER})
    def get(self, request: Request, name: str, slug: str | None = None) -> Response:
        golden_set = golden_set_of(self.golden(request, slug), name)
        return Response(shown_golden_set(golden_set) | {"intact": intact(golden_set)})


class ExportIn(StrictSerializer):
    format = serializers.ChoiceField(choices=["jsonl"], default="jsonl")


class AnyFormat(DefaultContentNegotiation):
    """`?format=` names the export's format here, not a renderer of the framework's."""

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> Any:
        return renderers[0], renderers[0].media_type


class GoldenExportView(GoldenView):
    content_negotiation_class = AnyFormat

    @extend_schema(parameters=[ExportIn], responses={(200, "application/jsonl"): FILE})
    def get(self, request: Request, name: str, slug: str | None = None) -> StreamingHttpResponse:
        golden_set = golden_set_of(self.golden(request, slug), name)
        checked(ExportIn, query_of(request))
        response = StreamingHttpResponse(jsonl(golden_set), content_type="application/jsonl; charset=utf-8")
        response["Content-Disposition"] = f'attachment; filename="{golden_set.name}.jsonl"'
        response["X-Content-SHA256"] = golden_set.sha256
        return response


class GoldCasesView(GoldenView):
    @extend_schema(parameters=[PageIn], responses={200: page_of(GOLD_CASE)})
    def get(self, request: Request, slug: str | None = None) -> Response:
        cases = GoldCase.objects.filter(project=self.reading(request, slug)).select_related("item", "promoted_from")
        return listed(request, cases.order_by("-pk"), shown_gold_case)

    @extend_schema(request={"application/json": GOLD_BODY}, responses={201: answer(GOLD_CASE, "The planted case.")})
    def post(self, request: Request, slug: str | None = None) -> Response:
        project = self.owning(request, slug)
        body = checked(GoldCaseIn, request.data)
        response, candidates = body.pop("response", None), body.pop("candidates", None)
        parts = dict(zip("ab", candidates, strict=True)) if candidates else {"response": response}
        if body["task_kind"] == TaskKind.POINTWISE:
            parts = {"response": response}
        case = add_gold_case(project=project, body=parts, actor=actor_of(request), now=timezone.now(), **body)
        return Response(shown_gold_case(case), status=201)
