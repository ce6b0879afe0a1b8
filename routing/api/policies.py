"""Policies: drafted, edited, compared, replayed, put in force now or later; and who may do that."""

from typing import Any

from django.http import Http404
from django.utils import timezone
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from reviewapp.core.access import actor_of
from reviewapp.core.models import Project
from reviewapp.core.openapi import EVERYBODY
from reviewapp.core.pagination import PageIn, listed
from reviewapp.core.parsers import query_of
from reviewapp.core.problems import Problem
from routing.access import policy_of
from routing.api.steering import SteeringView, checked
from routing.models import ActivePolicy, Policy, ScheduledActivation
from routing.policy.schema import policy_schema
from routing.serializers.policies import (
    AgainstIn,
    DraftChangeIn,
    DraftIn,
    PolicyActivationIn,
    PolicyIn,
    ReplayIn,
    TwoPersonsIn,
    shown_policy,
    shown_policy_in_full,
    shown_schedule,
    shown_two_persons,
)
from routing.services.policies import (
    EditRefused,
    activate_policy,
    cancel_schedule,
    draft_policy,
    edit_draft,
    schedule_policy,
)
from routing.services.replays import replay_policy
from routing.services.two_persons import ask_for_two_persons, end_two_persons, routing_settings

SCHEMA = OpenApiResponse(description="A JSON Schema (2020-12).")
POLICY = OpenApiResponse(description="The version with its document, its sha256, and how it differs from another one.")
PAGE = OpenApiResponse(description="{next, previous, results}: versions without their documents, newest first.")
REPLAY = OpenApiResponse(description="Volumes, reasons, hours of review and the estimated error rate.")
SCHEDULE = OpenApiResponse(description="{scheduled: {policy, effective_at, reason, actor, created_at} | null}")
RULE = OpenApiResponse(description="{on, ending_asked_by, ending_asked_at}")
NOTHING = OpenApiResponse(description="It is cancelled.")
FAULT = OpenApiResponse(description="A problem; `errors` says what does not fit.")
SIGNED_OUT = OpenApiResponse(description="No valid key, token or session.")
FORBIDDEN = OpenApiResponse(description="The key lacks the scope, or the two-person rule asks for somebody else.")
MISSING = OpenApiResponse(description="Nothing of that name in a project of yours.")
CONFLICT = OpenApiResponse(description="Not as things are: edited since it was read, published, or undecided.")
READING: dict[int, OpenApiResponse] = {400: FAULT, 401: SIGNED_OUT, 403: FORBIDDEN, 404: MISSING}
CHANGING = READING | {409: CONFLICT}


class PolicyView(SteeringView):
    """What the policy services refuse, as problems."""

    def handle_exception(self, error: Exception) -> Response:
        if isinstance(error, EditRefused):
            error = Problem(409, str(error), code=error.code)
        return super().handle_exception(error)


class SchemaView(APIView):
    """No secret of anybody's: every key and every person may read it."""

    # For the document.
    callers = EVERYBODY

    @extend_schema(responses={200: SCHEMA, 401: SIGNED_OUT})
    def get(self, request: Request) -> Response:
        """The JSON Schema of policy documents. Whatever does not fit it is refused."""
        return Response(policy_schema())


class PoliciesView(PolicyView):
    @extend_schema(parameters=[PageIn], responses={200: PAGE} | READING)
    def get(self, request: Request, slug: str | None = None) -> Response:
        """All versions, newest first."""
        project = self.reading(request, slug)
        active, scheduled = active_policy_id(project), scheduled_in(project)
        policies = Policy.objects.filter(project=project).select_related("parent", "calibrator").order_by("-pk")
        return listed(
            request,
            policies.defer("document", "parent__document", "calibrator__parameters", "calibrator__metrics"),
            lambda row: shown_policy(row, active_id=active, scheduled=scheduled),
        )

    @extend_schema(request=PolicyIn, responses={201: POLICY} | READING)
    def post(self, request: Request, slug: str | None = None) -> Response:
        """Draft the next version, with the calibrator in force. Nothing changes until it is activated."""
        project = self.owning(request, slug)
        body = checked(PolicyIn, request.data)
        active = ActivePolicy.objects.select_related("policy__calibrator").get(project=project)
        policy = draft_policy(project=project, calibrator=active.policy.calibrator, actor=actor_of(request), **body)
        return Response(shown_policy_in_full(policy, active_id=active.policy_id), status=201)


class PolicyVersionView(PolicyView):
    @extend_schema(parameters=[AgainstIn], responses={200: POLICY} | READING)
    def get(self, request: Request, version: int, slug: str | None = None) -> Response:
        """One version, and how it differs from its parent or from `against`."""
        project = self.reading(request, slug)
        wanted = checked(AgainstIn, query_of(request)).get("against")
        against = policy_of(project, wanted) if wanted else None
        return Response(shown_now(policy_of(project, version), against=against))

    @extend_schema(request=DraftIn, responses={200: POLICY} | CHANGING)
    def put(self, request: Request, version: int, slug: str | None = None) -> Response:
        """Replace a draft."""
        return self._edit(request, version, slug, DraftIn)

    @extend_schema(request=DraftChangeIn, responses={200: POLICY} | CHANGING)
    def patch(self, request: Request, version: int, slug: str | None = None) -> Response:
        """Replace a draft's document or its note."""
        return self._edit(request, version, slug, DraftChangeIn)

    def _edit(self, request: Request, version: int, slug: str | None, serializer: type[DraftChangeIn]) -> Response:
        policy = policy_of(self.owning(request, slug), version)
        body = checked(serializer, request.data)
        return Response(shown_now(edit_draft(policy=policy, actor=actor_of(request), **body)))


class ReplayView(PolicyView):
    @extend_schema(request=ReplayIn, responses={200: REPLAY} | READING)
    def post(self, request: Request, version: int, slug: str | None = None) -> Response:
        """What this version would have done with logged traffic. Changes nothing."""
        policy = policy_of(self.owning(request, slug), version)
        return Response(replay_policy(policy, **checked(ReplayIn, request.data)).as_json())


class ActivateView(PolicyView):
    @extend_schema(request=PolicyActivationIn, responses={200: POLICY} | CHANGING)
    def post(self, request: Request, version: int, slug: str | None = None) -> Response:
        """Put this version in force now, or from `effective_at` on; an older one rolls back."""
        policy = policy_of(self.owning(request, slug), version)
        body = checked(PolicyActivationIn, request.data)
        effective_at = body.pop("effective_at")
        order: dict[str, Any] = body | {"policy": policy, "actor": actor_of(request), "now": timezone.now()}
        if effective_at is None:
            activate_policy(**order)
        else:
            schedule_policy(**order, effective_at=effective_at)
        return Response(shown_now(policy))


class ScheduleView(PolicyView):
    @extend_schema(responses={200: SCHEDULE} | READING)
    def get(self, request: Request, slug: str | None = None) -> Response:
        """The activation that is scheduled, null where there is none."""
        scheduled = scheduled_in(self.reading(request, slug))
        return Response({"scheduled": shown_schedule(scheduled) if scheduled else None})

    @extend_schema(responses={204: NOTHING} | READING)
    def delete(self, request: Request, slug: str | None = None) -> Response:
        """Cancel the scheduled activation."""
        if not cancel_schedule(project=self.owning(request, slug), actor=actor_of(request), now=timezone.now()):
            raise Http404("nothing is scheduled")
        return Response(status=204)


class TwoPersonsView(PolicyView):
    @extend_schema(responses={200: RULE} | READING)
    def get(self, request: Request, slug: str | None = None) -> Response:
        """Whether a policy needs a second person to come into force."""
        return Response(shown_two_persons(routing_settings(self.reading(request, slug))))

    @extend_schema(request=TwoPersonsIn, responses={200: RULE} | READING)
    def put(self, request: Request, slug: str | None = None) -> Response:
        """Ask for two persons, or end the rule: that takes the word of one person and then of another."""
        project, actor = self.owning(request, slug), actor_of(request)
        if checked(TwoPersonsIn, request.data)["on"]:
            return Response(shown_two_persons(ask_for_two_persons(project=project, actor=actor)))
        return Response(shown_two_persons(end_two_persons(project=project, actor=actor, now=timezone.now())))


def active_policy_id(project: Project) -> int | None:
    return ActivePolicy.objects.filter(project=project).values_list("policy_id", flat=True).first()


def scheduled_in(project: Project) -> ScheduledActivation | None:
    return ScheduledActivation.objects.select_related("policy").filter(project=project).first()


def shown_now(policy: Policy, *, against: Policy | None = None) -> dict[str, Any]:
    """The version as things are at this moment."""
    project = policy.project
    return shown_policy_in_full(
        policy, active_id=active_policy_id(project), scheduled=scheduled_in(project), against=against
    )
