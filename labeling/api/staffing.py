"""Who is there and who is away, what is wrong with the queue, and who hears when time runs out."""

from typing import Any

from django.http import Http404
from django.utils import timezone
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from labeling.access import absence_of, alarm_of
from labeling.api.schemas import ABSENCE, ALARM, STAFFING, STEPS
from labeling.models import Absence, Alarm
from labeling.queries.staffing import WORKING_ROLES, escalation_steps, roster
from labeling.serializers.staffing import (
    AbsenceIn,
    AlarmsIn,
    StepsIn,
    shown_absence,
    shown_alarm,
    shown_colleague,
    shown_pool,
    shown_step,
)
from labeling.services.absences import AbsenceRefused, add_absence, cancel_absence
from labeling.services.alarms import mark_seen
from labeling.services.presence import pool_states
from labeling.services.settings import SettingRefused, Step, set_escalation_steps
from reviewapp.core.access import OWNING_ROLES, READING_ROLES, actor_of, membership_of, project_for
from reviewapp.core.models import ApiKey, Membership, Project, Scope
from reviewapp.core.openapi import answer, page_of
from reviewapp.core.pagination import PageIn, listed, newest_first
from reviewapp.core.problems import Problem
from reviewapp.core.serializers import Empty

ABSENCE_ANSWER = answer(ABSENCE, "The absence; one for the same days that was there already comes back.")
STEPS_ANSWER = answer(STEPS, "All steps, by tier.")


class StaffingView(APIView):
    def handle_exception(self, error: Exception) -> Response:
        if isinstance(error, AbsenceRefused | SettingRefused):
            fault = {"pointer": error.pointer, "code": "refused", "detail": str(error)}
            error = Problem(400, "The request does not fit; see errors.", errors=[fault])
        return super().handle_exception(error)

    def reading(self, request: Request, slug: str | None) -> Project:
        return project_for(request, slug, scope=Scope.READ, roles=READING_ROLES)

    def owning(self, request: Request, slug: str | None) -> Project:
        return project_for(request, slug, scope=Scope.ADMIN, roles=OWNING_ROLES)

    def absences(self, request: Request, slug: str | None, *, write: bool = False) -> tuple[Project, Membership | None]:
        """The project, and the member whose own absences are all that this caller has to do with; None: anybody's."""
        if slug is None or isinstance(request.auth, ApiKey):
            return (self.owning if write else self.reading)(request, slug), None
        member = membership_of(request.user, slug)
        if member.role in (OWNING_ROLES if write else READING_ROLES):
            return member.project, None
        if member.role not in WORKING_ROLES:
            raise Http404("no absences for this role")
        return member.project, member


class OverviewView(StaffingView):
    @extend_schema(responses={200: answer(STAFFING, "Everybody who takes items, and every kind of work.")})
    def get(self, request: Request, slug: str | None = None) -> Response:
        project, now = self.reading(request, slug), timezone.now()
        people = roster(project.pk, now)
        pools = [shown_pool(state) for state in pool_states(project.pk, people, now=now)]
        return Response({"people": [shown_colleague(colleague) for colleague in people], "pools": pools})


class AbsencesView(StaffingView):
    @extend_schema(parameters=[PageIn], responses={200: page_of(ABSENCE)})
    def get(self, request: Request, slug: str | None = None) -> Response:
        project, own = self.absences(request, slug)
        rows = Absence.objects.filter(membership__project=project).select_related("membership__person").order_by("-pk")
        return listed(request, rows.filter(membership=own) if own else rows, shown_absence)

    @extend_schema(request=AbsenceIn, responses={201: ABSENCE_ANSWER})
    def post(self, request: Request, slug: str | None = None) -> Response:
        project, own = self.absences(request, slug, write=True)
        body = AbsenceIn(data=request.data)
        body.is_valid(raise_exception=True)
        fields = dict(body.validated_data)
        rater = fields.pop("rater", own.rater_code if own else None)
        if rater is None:
            fault = {"pointer": "/rater", "code": "required", "detail": "Say who is away."}
            raise Problem(400, "The request does not fit; see errors.", errors=[fault])
        member = own if own and rater == own.rater_code else None if own else _member(project, rater)
        if member is None:
            raise AbsenceRefused("/rater", "That is nobody whose absences are yours to tell.")
        absence = add_absence(membership=member, actor=actor_of(request), now=timezone.now(), **fields)
        return Response(shown_absence(absence), status=201)


class CancelView(StaffingView):
    @extend_schema(request=Empty, responses={204: OpenApiResponse(description="The person is there from today on.")})
    def post(self, request: Request, pk: int, slug: str | None = None) -> Response:
        project, own = self.absences(request, slug, write=True)
        cancel_absence(absence=absence_of(project, pk, member=own), actor=actor_of(request), now=timezone.now())
        return Response(status=204)


class AlarmsView(StaffingView):
    @extend_schema(parameters=[AlarmsIn], responses={200: page_of(ALARM)})
    def get(self, request: Request, slug: str | None = None) -> Response:
        rows = Alarm.objects.filter(project=self.reading(request, slug)).order_by("-pk")
        page = AlarmsIn(data=request.query_params.dict())
        page.is_valid(raise_exception=True)
        wanted = page.validated_data
        if "open" in wanted:
            rows = rows.filter(cleared_at__isnull=wanted["open"])
        return newest_first(request, rows, shown_alarm, cursor=wanted.get("cursor"), limit=wanted["limit"])


class SeenView(StaffingView):
    @extend_schema(request=Empty, responses={200: answer(ALARM, "It stays open until its cause is gone.")})
    def post(self, request: Request, pk: int, slug: str | None = None) -> Response:
        alarm = alarm_of(self.owning(request, slug), pk)
        mark_seen(alarm=alarm, actor=actor_of(request), now=timezone.now())
        alarm.refresh_from_db()
        return Response(shown_alarm(alarm))


class EscalationStepsView(StaffingView):
    @extend_schema(responses={200: STEPS_ANSWER})
    def get(self, request: Request, slug: str | None = None) -> Response:
        return Response(_steps(self.reading(request, slug)))

    @extend_schema(request=StepsIn, responses={200: STEPS_ANSWER})
    def put(self, request: Request, slug: str | None = None) -> Response:
        """These steps and no others from now on."""
        project = self.owning(request, slug)
        body = StepsIn(data=request.data)
        body.is_valid(raise_exception=True)
        keys = dict(Membership.objects.filter(project=project).values_list("rater_code", "pk"))
        steps = [
            Step(row["priority"], row["minutes_before"], keys.get(row["rater"], 0))
            for row in body.validated_data["steps"]
        ]
        set_escalation_steps(project=project, steps=steps, actor=actor_of(request))
        return Response(_steps(project))


def _steps(project: Project) -> dict[str, Any]:
    return {"steps": [shown_step(step) for step in escalation_steps(project)]}


def _member(project: Project, rater: str) -> Membership | None:
    members = Membership.objects.filter(project=project, rater_code=rater)
    return members.select_related("person", "project").first()
