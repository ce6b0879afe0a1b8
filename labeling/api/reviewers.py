"""The instrument panel: every reviewer in a line, and one with everything that is measured."""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from django.http import Http404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from labeling.api.schemas import ROWS
from labeling.queries.panel import Summary, Window, reviewer_panel, reviewer_summaries
from labeling.queries.reviewers import reviewer_rows
from reviewapp.core.access import READING_ROLES, project_for
from reviewapp.core.models import Membership, Project, Role, Scope
from reviewapp.core.openapi import answer
from reviewapp.core.serializers import StrictSerializer

REVIEWERS = answer(
    ROWS, "One row per reviewer, with whom the project should look at: `named` and `severity` are of `window`."
)
PANEL = answer(
    {"type": "object", "required": ["rater", "window", "ratings", "gold", "named"]},
    "Every figure with its count `n`; null with a `reason` where there is too little to go by.",
)


class WindowIn(StrictSerializer):
    since = serializers.DateTimeField(required=False)
    until = serializers.DateTimeField(required=False)


class SinceIn(StrictSerializer):
    since = serializers.DateTimeField(required=False)


class ReviewersView(APIView):
    @extend_schema(parameters=[SinceIn], responses={200: REVIEWERS})
    def get(self, request: Request, slug: str | None = None) -> Response:
        project = project_for(request, slug, scope=Scope.READ, roles=READING_ROLES)
        filters = SinceIn(data=request.query_params.dict())
        filters.is_valid(raise_exception=True)
        window = Window.of(timezone.now(), **filters.validated_data)
        summaries = {summary.rater: summary for summary in reviewer_summaries(project, window)}
        rows = reviewer_rows(project, **filters.validated_data)
        results = [row.as_json() | _added(summaries[row.rater]) for row in rows if row.rater in summaries]
        return Response({"window": asdict(window), "results": results})


class ReviewerView(APIView):
    # How far people follow a judge that is wrong is for routing to say, which knows what judges said.
    automation: Callable[[Project, Window], Mapping[int, Any]] | None = None

    @extend_schema(parameters=[WindowIn], responses={200: PANEL})
    def get(self, request: Request, rater_code: str, slug: str | None = None) -> Response:
        project = project_for(request, slug, scope=Scope.READ, roles=READING_ROLES)
        filters = WindowIn(data=request.query_params.dict())
        filters.is_valid(raise_exception=True)
        member = Membership.objects.filter(project=project, role=Role.REVIEWER, rater_code=rater_code).first()
        if member is None:
            raise Http404("no such reviewer")
        window = Window.of(timezone.now(), **filters.validated_data)
        panel = reviewer_panel(member, window).as_json()
        if self.automation is not None:
            panel["automation"] = asdict(self.automation(project, window)[member.pk])
        return Response(panel)


def _added(summary: Summary) -> dict[str, Any]:
    return {"severity": asdict(summary.severity), "named": [asdict(entry) for entry in summary.named]}
