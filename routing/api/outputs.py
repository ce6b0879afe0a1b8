"""Handing in outputs and reading their decisions."""

import uuid
from typing import Any

from django.http import Http404
from django.utils import timezone
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from reviewapp.core.access import key_project
from reviewapp.core.models import Project, Scope
from reviewapp.core.openapi import answer, page_of
from reviewapp.core.pagination import newest_first
from reviewapp.core.parsers import query_of
from reviewapp.core.problems import Problem
from reviewapp.core.serializers import StrictSerializer
from routing.api.schemas import BATCH_BODY, BATCH_ROW, OUTPUT, OUTPUT_BODY
from routing.models import Action, Stakes
from routing.queries import PENDING, filtered_outputs, outputs_by_ids, outputs_with_decisions
from routing.serializers.outputs import MAX_BATCH, parse_output, problem_of
from routing.serializers.rendering import shown_output
from routing.services.intake import Routed, route_outputs
from routing.services.new_output import NewOutput

CONFLICT = "This external_id was handed in with another body; nothing was changed."
OUTPUT_ANSWER = answer(OUTPUT, "The output, its decision and its verdict.")
BATCH_ANSWER = answer(
    {
        "type": "object",
        "required": ["results"],
        "properties": {"results": {"type": "array", "minItems": 1, "maxItems": MAX_BATCH, "items": BATCH_ROW}},
    },
    "One row per output, in order: the output with its decision, or a problem.",
)


class OutputFilters(StrictSerializer):
    external_id = serializers.CharField(required=False, max_length=200)
    intent = serializers.CharField(required=False, max_length=100)
    action = serializers.ChoiceField(choices=[*Action.choices, (PENDING, "waits for judges")], required=False)
    stakes = serializers.ChoiceField(choices=Stakes.choices, required=False)
    flag = serializers.ChoiceField(choices=["adversarial", "novel", "check_failed", "incident"], required=False)
    since = serializers.DateTimeField(required=False)
    until = serializers.DateTimeField(required=False)
    cursor = serializers.CharField(required=False)
    limit = serializers.IntegerField(required=False, min_value=1, max_value=1000)


class OutputsView(APIView):
    @extend_schema(
        request={"application/json": OUTPUT_BODY},
        responses={200: OUTPUT_ANSWER, 201: OUTPUT_ANSWER, 409: OpenApiResponse(description=CONFLICT)},
    )
    def post(self, request: Request) -> Response:
        project = key_project(request, Scope.ROUTE)
        routed = route_outputs(project=project, outputs=[parse_output(request.data)], now=timezone.now())[0]
        if routed.conflict:
            raise Problem(409, CONFLICT, code="conflict")
        output = outputs_with_decisions(project).get(pk=routed.output_id)
        return Response(shown_output(output), status=201 if routed.created else 200)

    @extend_schema(parameters=[OutputFilters], responses={200: page_of(OUTPUT)})
    def get(self, request: Request) -> Response:
        project = key_project(request, Scope.READ)
        filters = OutputFilters(data=query_of(request))
        filters.is_valid(raise_exception=True)
        wanted = dict(filters.validated_data)
        cursor, limit = wanted.pop("cursor", None), wanted.pop("limit", 100)
        return newest_first(request, filtered_outputs(project, **wanted), shown_output, cursor=cursor, limit=limit)


class OutputView(APIView):
    @extend_schema(responses={200: OUTPUT_ANSWER})
    def get(self, request: Request, output_id: uuid.UUID) -> Response:
        output = outputs_with_decisions(key_project(request, Scope.READ)).filter(pk=output_id).first()
        if output is None:
            raise Http404
        return Response(shown_output(output))


class BatchView(APIView):
    @extend_schema(request={"application/json": BATCH_BODY}, responses={200: BATCH_ANSWER})
    def post(self, request: Request) -> Response:
        project = key_project(request, Scope.ROUTE)
        raws = _batch(request.data)
        parsed: list[NewOutput | dict[str, Any]] = [_parsed(raw) for raw in raws]
        good = [entry for entry in parsed if isinstance(entry, NewOutput)]
        routed = iter(_routed(project, good))
        return Response({"results": [entry if isinstance(entry, dict) else next(routed) for entry in parsed]})


def _batch(data: Any) -> list[Any]:
    if not isinstance(data, dict) or not isinstance(data.get("outputs"), list):
        raise _batch_problem("/outputs", "required", 'Send {"outputs": [...]}.')
    if unknown := sorted(set(data) - {"outputs"}):
        raise _batch_problem(f"/{unknown[0]}", "unknown_field", "This field is not known here.")
    if not 1 <= len(data["outputs"]) <= MAX_BATCH:
        raise _batch_problem("/outputs", "batch_size", f"A batch holds 1 to {MAX_BATCH} outputs.")
    return list(data["outputs"])


def _batch_problem(pointer: str, code: str, detail: str) -> Problem:
    return Problem(
        400, "The batch does not fit; see errors.", errors=[{"pointer": pointer, "code": code, "detail": detail}]
    )


def _parsed(raw: Any) -> NewOutput | dict[str, Any]:
    try:
        return parse_output(raw)
    except Problem as problem:
        return problem_of(problem)


def _routed(project: Project, outputs: list[NewOutput]) -> list[dict[str, Any]]:
    results = route_outputs(project=project, outputs=outputs, now=timezone.now())
    shown = outputs_by_ids(project, [result.output_id for result in results])
    return [_row(result, shown[result.output_id]) for result in results]


def _row(result: Routed, output: Any) -> dict[str, Any]:
    if result.conflict:
        return problem_of(Problem(409, CONFLICT, code="conflict"))
    return {"status": 201 if result.created else 200, **shown_output(output)}
