"""Paused slices: which they are and were, pausing one by hand, and the owner's word that ends it."""

from django.http import Http404
from django.utils import timezone
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from labeling.models import PauseCause, ReviewItem, Rubric
from labeling.queries.pauses import pauses
from labeling.serializers.slices import PAUSE, LiftPauseIn, SlicePauseIn, shown_pause
from labeling.services.pauses import PauseRefused, lift_pause, pause_slice
from reviewapp.core.access import OWNING_ROLES, READING_ROLES, actor_of, project_for
from reviewapp.core.models import Project, Scope
from reviewapp.core.openapi import answer, page_of
from reviewapp.core.pagination import PageIn, listed
from reviewapp.core.problems import Problem

ONE = answer(PAUSE, "The pause.")
REFUSED = OpenApiResponse(description="Lifted already, or nobody works on such a slice.")


class PausesView(APIView):
    def handle_exception(self, error: Exception) -> Response:
        if isinstance(error, PauseRefused):
            error = Problem(409, str(error), code="pause_refused")
        return super().handle_exception(error)


class SlicesView(PausesView):
    @extend_schema(parameters=[PageIn], responses={200: page_of(PAUSE)})
    def get(self, request: Request, slug: str | None = None) -> Response:
        """Pauses, open and lifted, newest first."""
        project = project_for(request, slug, scope=Scope.READ, roles=READING_ROLES)
        return listed(request, pauses(project), shown_pause)


class PauseView(PausesView):
    @extend_schema(request=SlicePauseIn, responses={201: ONE, 409: REFUSED})
    def post(self, request: Request, slug: str | None = None) -> Response:
        """Hand out no more of this intent under this version, until somebody lifts it. The open one comes back."""
        project = project_for(request, slug, scope=Scope.ADMIN, roles=OWNING_ROLES)
        body = SlicePauseIn(data=request.data)
        body.is_valid(raise_exception=True)
        given = body.validated_data
        rubric = _rubric(project, given["rubric"])
        if not ReviewItem.objects.filter(project=project, intent=given["intent"]).exists():
            fault = {"pointer": "/intent", "code": "unknown", "detail": "Nothing of this intent has come to review."}
            raise Problem(400, "Nothing is paused; see errors.", errors=[fault])
        pause = pause_slice(
            project=project,
            intent=given["intent"],
            rubric=rubric,
            cause=PauseCause.OWNER,
            evidence={"reason": given["reason"]},
            actor=actor_of(request),
            now=timezone.now(),
        )
        return Response(shown_pause(pause), status=201)


class LiftView(PausesView):
    @extend_schema(request=LiftPauseIn, responses={200: ONE, 409: REFUSED})
    def post(self, request: Request, pk: int, slug: str | None = None) -> Response:
        """The slice is handed out again, and measured from now on."""
        project = project_for(request, slug, scope=Scope.ADMIN, roles=OWNING_ROLES)
        pause = pauses(project).filter(pk=pk).first()
        if pause is None:
            raise Http404("no such pause")
        body = LiftPauseIn(data=request.data)
        body.is_valid(raise_exception=True)
        reason = body.validated_data["reason"]
        return Response(
            shown_pause(lift_pause(pause=pause, actor=actor_of(request), reason=reason, now=timezone.now()))
        )


def _rubric(project: Project, text: str) -> Rubric:
    """Raises Problem 400 for what is no published version of the project."""
    name, _space, version = text.rpartition(" v")
    rows = Rubric.objects.published().filter(project=project, name=name)
    found = rows.filter(version=int(version)).first() if version.isdecimal() and len(version) < 10 else None
    if found is None:
        fault = {"pointer": "/rubric", "code": "unknown", "detail": "There is no such published version."}
        raise Problem(400, "Nothing is paused; see errors.", errors=[fault])
    return found
