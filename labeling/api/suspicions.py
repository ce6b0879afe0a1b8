"""Reviewers under suspicion: whose ratings are set aside, and the owner's word on it."""

from typing import Any

from django.http import Http404
from django.utils import timezone
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from labeling.models import Suspicion, SuspicionKind
from labeling.queries.suspicions import suspicions
from labeling.serializers.suspicions import OverruleIn, SuspectIn, shown_suspicion
from labeling.services.drifting import overrule, raise_suspicion
from labeling.services.suspecting import SuspicionRefused
from reviewapp.core.access import OWNING_ROLES, READING_ROLES, actor_of, project_for
from reviewapp.core.models import Membership, Project, Role, Scope
from reviewapp.core.openapi import answer, page_of
from reviewapp.core.pagination import PageIn, listed
from reviewapp.core.problems import Problem

MOMENT = {"type": "string", "format": "date-time"}
COUNT = {"type": "integer", "minimum": 0}
SUSPICION: dict[str, Any] = {
    "type": "object",
    "required": ["id", "rater", "kind", "state", "since", "raised_at", "evidence", "set_aside", "restored"],
    "properties": {
        "id": {"type": "integer"},
        "rater": {"type": "string"},
        "kind": {"enum": SuspicionKind.values},
        "state": {"enum": ["open", "ended", "overruled"]},
        "since": MOMENT,
        "raised_at": MOMENT,
        "reason": {"type": "string"},
        "evidence": {"type": "object", "description": "The test that raised it, with its counts."},
        "set_aside": COUNT,
        "restored": COUNT,
    },
}
ONE = answer(SUSPICION, "The suspicion, with how many ratings it concerns.")
REFUSED = OpenApiResponse(description="Already under suspicion, or already overruled.")


class SuspectingView(APIView):
    def handle_exception(self, error: Exception) -> Response:
        if isinstance(error, SuspicionRefused):
            error = Problem(409, str(error), code="suspicion_refused")
        return super().handle_exception(error)


class SuspicionsView(SuspectingView):
    @extend_schema(parameters=[PageIn], responses={200: page_of(SUSPICION)})
    def get(self, request: Request, slug: str | None = None) -> Response:
        project = project_for(request, slug, scope=Scope.READ, roles=READING_ROLES)
        return listed(request, suspicions(project), shown_suspicion)

    @extend_schema(request=SuspectIn, responses={201: ONE, 409: REFUSED})
    def post(self, request: Request, slug: str | None = None) -> Response:
        """Set somebody's ratings since a moment aside, and have their items judged anew."""
        project = project_for(request, slug, scope=Scope.ADMIN, roles=OWNING_ROLES)
        body = SuspectIn(data=request.data)
        body.is_valid(raise_exception=True)
        raised = raise_suspicion(
            membership=_reviewer(project, body.validated_data["rater"]),
            kind=SuspicionKind.OWNER,
            since=body.validated_data["since"],
            evidence={},
            actor=actor_of(request),
            now=timezone.now(),
            reason=body.validated_data["reason"],
        )
        return Response(shown_suspicion(suspicions(project).get(pk=raised.pk)), status=201)


class OverruleView(SuspectingView):
    @extend_schema(request=OverruleIn, responses={200: ONE, 409: REFUSED})
    def post(self, request: Request, pk: int, slug: str | None = None) -> Response:
        """The ratings count again, but for those whose items others have judged meanwhile."""
        project = project_for(request, slug, scope=Scope.ADMIN, roles=OWNING_ROLES)
        suspicion = Suspicion.objects.filter(membership__project=project, pk=pk).first()
        if suspicion is None:
            raise Http404("no such suspicion")
        body = OverruleIn(data=request.data)
        body.is_valid(raise_exception=True)
        reason = body.validated_data["reason"]
        overrule(suspicion=suspicion, actor=actor_of(request), reason=reason, now=timezone.now())
        return Response(shown_suspicion(suspicions(project).get(pk=pk)))


def _reviewer(project: Project, code: str) -> Membership:
    """Raises Problem 400 for a rater who neither reviews nor adjudicates in the project."""
    found = Membership.objects.select_related("project").filter(
        project=project, rater_code=code, role__in=[Role.REVIEWER, Role.ADJUDICATOR]
    )
    if (member := found.first()) is None:
        fault = {"pointer": "/rater", "code": "unknown", "detail": "There is no such reviewer in this project."}
        raise Problem(400, "Nobody is under suspicion; see errors.", errors=[fault])
    return member
