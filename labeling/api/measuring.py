"""The owners' view of people and rubrics: agreement, disputes, rubric versions."""

from dataclasses import asdict

from django.http import Http404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from labeling.api.schemas import DISPUTE, OBJECT, ROWS, RUBRIC, RUBRIC_BODY
from labeling.models import ActiveRubric, Rubric
from labeling.queries.agreement import agreement_rows
from labeling.queries.comparing import compare_by_intent, compare_versions, published_ancestor
from labeling.queries.disputes import dispute_report, disputes, shown_dispute, shown_summary
from labeling.queries.overlap import pending_or_withdrawn
from labeling.serializers.rubrics import RubricIn, rubric_changes, shown_rubric_in_full
from labeling.services.rubrics import RubricRefused, draft_rubric, publish_rubric, rubric_document
from reviewapp.core.access import OWNING_ROLES, READING_ROLES, actor_of, project_for
from reviewapp.core.models import Project, Scope
from reviewapp.core.openapi import answer, page_of
from reviewapp.core.pagination import PageIn, listed
from reviewapp.core.parsers import query_of
from reviewapp.core.problems import Problem
from reviewapp.core.serializers import Empty, StrictSerializer

AGREEMENT = answer(ROWS, "One row per rubric, criterion and slice.")
SUMMARY = answer(OBJECT, "The newest disagreement, ranked and taken apart.")
RUBRIC_ANSWER = answer(RUBRIC, "The version, with the values that fail.")


class AgreementIn(StrictSerializer):
    criterion = serializers.CharField(required=False, default="")
    intent = serializers.CharField(required=False, default="")
    rubric = serializers.CharField(required=False, default="")
    since = serializers.DateTimeField(required=False)
    until = serializers.DateTimeField(required=False)
    by = serializers.ChoiceField(choices=["intent", "criterion", "week", "intent,week"], default="criterion")


class SummaryIn(StrictSerializer):
    intent = serializers.CharField(required=False, default="")
    rubric = serializers.CharField(required=False, default="")
    since = serializers.DateTimeField(required=False)


class DiffIn(StrictSerializer):
    against = serializers.IntegerField(required=False, min_value=1, max_value=2**31 - 1)


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


class DisputeSummaryView(MeasuringView):
    @extend_schema(parameters=[SummaryIn], responses={200: SUMMARY})
    def get(self, request: Request, slug: str | None = None) -> Response:
        """Disputes by rank, and which criteria and pairs of levels carry the disagreement."""
        project = self.reading(request, slug)
        query = SummaryIn(data=query_of(request))
        query.is_valid(raise_exception=True)
        return Response(shown_summary(dispute_report(project, now=timezone.now(), **query.validated_data)))


class RubricsView(MeasuringView):
    @extend_schema(parameters=[PageIn], responses={200: page_of(RUBRIC)})
    def get(self, request: Request, slug: str | None = None) -> Response:
        project = self.reading(request, slug)
        active = set(ActiveRubric.objects.filter(project=project).values_list("rubric_id", flat=True))
        pending = pending_or_withdrawn(project)
        rows = Rubric.objects.filter(project=project).select_related("parent").prefetch_related("criteria")
        return listed(
            request, rows.order_by("-pk"), lambda row: shown_rubric_in_full(row, active_ids=active, pending=pending)
        )

    @extend_schema(request={"application/json": RUBRIC_BODY}, responses={201: RUBRIC_ANSWER})
    def post(self, request: Request, slug: str | None = None) -> Response:
        project = self.owning(request, slug)
        body = RubricIn(data=request.data)
        body.is_valid(raise_exception=True)
        rubric = draft_rubric(project=project, actor=actor_of(request), **body.validated_data)
        return Response(shown_rubric_in_full(rubric, active_ids=set()), status=201)


class RubricView(MeasuringView):
    @extend_schema(parameters=[DiffIn], responses={200: RUBRIC_ANSWER})
    def get(self, request: Request, name: str, version: int, slug: str | None = None) -> Response:
        """One version. Its `document` is what POST to `rubrics/` takes; `changes` are against `against` (a version of
        the same name; the parent without), `measured` is agreement before and after, and
        `measured_by_intent` the same intent by intent."""
        project = self.reading(request, slug)
        query = DiffIn(data=query_of(request))
        query.is_valid(raise_exception=True)
        rubric = _rubric_of(project, name, version)
        wanted = query.validated_data.get("against")
        against = _rubric_of(project, name, wanted) if wanted else rubric.parent
        active = set(ActiveRubric.objects.filter(project=project).values_list("rubric_id", flat=True))
        ancestor = published_ancestor(rubric)
        return Response(
            shown_rubric_in_full(rubric, active_ids=active, pending=pending_or_withdrawn(project))
            | {
                "changes": rubric_changes(rubric_document(against), rubric_document(rubric)) if against else [],
                "measured": [asdict(row) for row in compare_versions(ancestor, rubric)] if ancestor else [],
                "measured_by_intent": [asdict(row) for row in compare_by_intent(ancestor, rubric)] if ancestor else [],
            }
        )


def _rubric_of(project: Project, name: str, version: int) -> Rubric:
    rows = Rubric.objects.filter(project=project, name=name, version=version).select_related("parent", "project")
    rubric = rows.first()
    if rubric is None:
        raise Http404("no such rubric")
    return rubric


class PublishRubricView(MeasuringView):
    @extend_schema(request=Empty, responses={200: RUBRIC_ANSWER})
    def post(self, request: Request, name: str, version: int, slug: str | None = None) -> Response:
        project = self.owning(request, slug)
        rubric = _rubric_of(project, name, version)
        publish_rubric(rubric=rubric, actor=actor_of(request), now=timezone.now())
        return Response(shown_rubric_in_full(rubric, active_ids={rubric.pk}))
