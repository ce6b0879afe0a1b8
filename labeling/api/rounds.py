"""Onboarding for owners and their programs: where everybody stands, and a round for somebody."""

from django.utils import timezone
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from labeling.queries.onboarding import cases_in_force, onboarding_rows
from labeling.serializers.rounds import OnboardingOut, RoundIn, RoundOut, shown_person, shown_round
from labeling.services.limits import queue_settings
from labeling.services.onboarding import RoundRefused, give_round
from reviewapp.core.access import OWNING_ROLES, READING_ROLES, actor_of, project_for
from reviewapp.core.models import Membership, Scope
from reviewapp.core.problems import Problem

REFUSED = OpenApiResponse(description="No round for this person now (`code`: round_refused or gold_short).")


class OnboardingView(APIView):
    @extend_schema(responses={200: OnboardingOut})
    def get(self, request: Request, slug: str | None = None) -> Response:
        project = project_for(request, slug, scope=Scope.READ, roles=READING_ROLES)
        settings = queue_settings(project.pk)
        names = ("onboarding", "practice_size", "qualification_size", "qualification_mark")
        people = [shown_person(row) for row in onboarding_rows(project)]
        switches = {name: getattr(settings, name) for name in names}
        return Response(switches | {"cases": cases_in_force(project), "people": people})


class RoundsView(APIView):
    @extend_schema(request=RoundIn, responses={201: RoundOut, 409: REFUSED})
    def post(self, request: Request, slug: str | None = None) -> Response:
        """A calibration round, or another qualification for who failed theirs."""
        project = project_for(request, slug, scope=Scope.ADMIN, roles=OWNING_ROLES)
        body = RoundIn(data=request.data)
        body.is_valid(raise_exception=True)
        members = Membership.objects.filter(project=project).select_related("project", "person")
        member = members.filter(rater_code=body.validated_data["rater"]).first()
        if member is None:
            fault = {"pointer": "/rater", "code": "unknown", "detail": "There is no such rater in this project."}
            raise Problem(400, "No round; see errors.", errors=[fault])
        try:
            given = give_round(membership=member, actor=actor_of(request), now=timezone.now())
        except RoundRefused as refused:
            raise Problem(409, str(refused), code=refused.code) from None
        return Response(shown_round(given), status=201)
