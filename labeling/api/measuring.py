"""The owners' view of people and rubrics: agreement, disputes, reviewers, rubric versions."""

from django.http import Http404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from labeling.api.schemas import DISPUTE, ROWS, RUBRIC, RUBRIC_BODY
from labeling.models import ActiveRubric, Rubric
from labeling.queries.agreement import agreement_rows
from labeling.queries.disputes import disputes, shown_dispute
from labeling.queries.reviewers import reviewer_rows
from labeling.serializers.rubrics import RubricIn, shown_rubric_in_full
from labeling.services.rubrics import RubricRefused, draft_rubric, publish_rubric
from reviewapp.core.access import OWNING_ROLES, READING_ROLES, actor_of, project_for
from reviewapp.core.models import Project, Scope
from reviewapp.core.openapi import answer, page_of
from reviewapp.core.pagination import PageIn, listed
from reviewapp.core.problems import Problem
from reviewapp.core.serializers import Empty, StrictSerializer

AGREEMENT = answer(ROWS, "One row per rubric, criterion and slice.")
REVIEWERS = answer(ROWS, "One row per reviewer.")
RUBRIC_ANSWER = answer(RUBRIC, "The version, with the values that fail.")


class AgreementIn(StrictSerializer):
    criterion = serializers.CharField(required=False, default="")
    intent = serializers.CharField(required=False, default="")
    rubric = serializers.CharField(required=False, default="")
    since = serializers.DateTimeField(required=False)
    until = serializers.DateTimeField(required=False)
    by = serializers.ChoiceField(choices=["intent", "criterion", "week"], default="criterion")


class SinceIn(StrictSerializer):
    since = serializers.DateTimeField(required=False)


class MeasuringView(APIView):
    def handle_exception(self, error: Exception) -> Response:
        if isinstance(error, RubricRefused):
            fault = {"pointer": error.pointer, "code": "invalid", "detail": str(error)}
            error = Problem(400, "The rubric cannot be used; see errors.", errors=[fault])
        return super().handle_exception(error)

    def reading(self, request: Request, slug: str | None = None) -> Project:
        return project_for(request, slug, scope=Scope.READ, roles=READING_ROLES)

    def owning(self, request: Request, slug: str | None = None) -> Project:
        return project_for(request, slug, scope=Scope.ADMIN, roles=OWNING_ROLES)


class AgreementView(MeasuringView):
    @extend_schema(parameters=[AgreementIn], responses={200: AGREEMENT})
    def get(self, request: Request, slug: str | None = None) -> Response:
        project = self.reading(request, slug)
        filters = AgreementIn(data=request.query_params.dict())
        filters.is_valid(raise_exception=True)
        return Response({"results": [row.as_json() for row in agreement_rows(project, **filters.validated_data)]})


class DisputesView(MeasuringView):
    @extend_schema(parameters=[PageIn], responses={200: page_of(DISPUTE)})
    def get(self, request: Request, slug: str | None = None) -> Response:
        return listed(request, disputes(self.reading(request, slug)), shown_dispute)


class ReviewersView(MeasuringView):
    @extend_schema(parameters=[SinceIn], responses={200: REVIEWERS})
    def get(self, request: Request, slug: str | None = None) -> Response:
        project = self.reading(request, slug)
        filters = SinceIn(data=request.query_params.dict())
        filters.is_valid(raise_exception=True)
        return Response({"results": [row.as_json() for row in reviewer_rows(project, **filters.validated_data)]})


class RubricsView(MeasuringView):
    @extend_schema(parameters=[PageIn], responses={200: page_of(RUBRIC)})
    def get(self, request: Request, slug: str | None = None) -> Response:
        project = self.reading(request, slug)
        active = set(ActiveRubric.objects.filter(project=project).values_list("rubric_id", flat=True))
        rows = Rubric.objects.filter(project=project).prefetch_related("criteria").order_by("-pk")
        return listed(request, rows, lambda row: shown_rubric_in_full(row, active_ids=active))

    @extend_schema(request={"application/json": RUBRIC_BODY}, responses={201: RUBRIC_ANSWER})
    def post(self, request: Request, slug: str | None = None) -> Response:
        project = self.owning(request, slug)
        body = RubricIn(data=request.data)
        body.is_valid(raise_exception=True)
        rubric = draft_rubric(project=project, actor=actor_of(request), **body.validated_data)
        return Response(shown_rubric_in_full(rubric, active_ids=set()), status=201)


class PublishRubricView(MeasuringView):
    @extend_schema(request=Empty, responses={200: RUBRIC_ANSWER})
    def post(self, request: Request, name: str, version: int, slug: str | None = None) -> Response:
        project = self.owning(request, slug)
        rubric = Rubric.objects.filter(project=project, name=name, version=version).first()
        if rubric is None:
            raise Http404("no such rubric")
        publish_rubric(rubric=rubric, actor=actor_of(request), now=timezone.now())
        return Response(shown_rubric_in_full(rubric, active_ids={rubric.pk}))
