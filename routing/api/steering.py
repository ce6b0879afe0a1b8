"""The owners' endpoints: proposals, certificates, calibration. Policies have a module of their own."""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from reviewapp.core.access import OWNING_ROLES, READING_ROLES, actor_of, project_for
from reviewapp.core.models import Project, Scope
from reviewapp.core.pagination import PageIn, listed
from reviewapp.core.problems import Problem
from reviewapp.core.serializers import StrictSerializer
from routing.access import recalibration_of
from routing.models import ActivePolicy, Calibrator, Certificate, Recalibration
from routing.serializers.steering import (
    ActivationIn,
    CertificateIn,
    RecalibrationIn,
    RejectionIn,
    shown_calibrator,
    shown_certificate,
    shown_recalibration,
)
from routing.services.certificates import issue_certificate
from routing.services.policies import PolicyRefused
from routing.services.recalibration import (
    RecalibrationRefused,
    approve_recalibration,
    propose_recalibration,
    reject_recalibration,
)
from routing.services.two_persons import ActivationRefused, SecondPersonNeeded

OBJECT = OpenApiResponse(description="See the documentation.")
REFUSED = OpenApiResponse(description="Not as things are: too few verdicts, decided already, or overtaken.")


class SteeringView(APIView):
    """Turns what the services refuse into problems, and finds the project by key or membership."""

    def handle_exception(self, error: Exception) -> Response:
        if isinstance(error, PolicyRefused):
            faults = [fault | {"pointer": f"/document{fault['pointer']}"} for fault in error.errors]
            error = Problem(400, "The document is not a policy; see errors.", errors=faults)
        elif isinstance(error, RecalibrationRefused):
            error = Problem(409, str(error), code="recalibration_refused")
        elif isinstance(error, ActivationRefused):
            error = _activation_problem(error)
        return super().handle_exception(error)

    def reading(self, request: Request, slug: str | None = None) -> Project:
        return project_for(request, slug, scope=Scope.READ, roles=READING_ROLES)

    def owning(self, request: Request, slug: str | None = None) -> Project:
        return project_for(request, slug, scope=Scope.ADMIN, roles=OWNING_ROLES)


def _activation_problem(error: ActivationRefused) -> Problem:
    if isinstance(error, SecondPersonNeeded):
        return Problem(403, str(error), code=error.code)
    if error.code == "effective_at":
        fault = {"pointer": "/effective_at", "code": "out_of_range", "detail": str(error)}
        return Problem(400, "The request does not fit; see errors.", errors=[fault])
    return Problem(409, str(error), code=error.code)


def checked(serializer: type[StrictSerializer], data: Any) -> dict[str, Any]:
    """The validated body, or a ValidationError."""
    body = serializer(data=data)
    body.is_valid(raise_exception=True)
    return dict(body.validated_data)


class RecalibrationsView(SteeringView):
    @extend_schema(parameters=[PageIn], responses={200: OBJECT})
    def get(self, request: Request, slug: str | None = None) -> Response:
        project = self.reading(request, slug)
        rows = Recalibration.objects.filter(project=project).select_related("policy", "calibrator", "certificate")
        return listed(request, rows.order_by("-pk"), shown_recalibration)

    @extend_schema(request=RecalibrationIn, responses={201: OBJECT, 409: REFUSED})
    def post(self, request: Request, slug: str | None = None) -> Response:
        project = self.owning(request, slug)
        body = checked(RecalibrationIn, request.data)
        proposal = propose_recalibration(project=project, actor=actor_of(request), now=timezone.now(), **body)
        return Response(shown_recalibration(proposal), status=201)


class RecalibrationView(SteeringView):
    @extend_schema(responses={200: OBJECT})
    def get(self, request: Request, pk: int, slug: str | None = None) -> Response:
        return Response(shown_recalibration(recalibration_of(self.reading(request, slug), pk)))


class ApproveView(SteeringView):
    @extend_schema(request=ActivationIn, responses={200: OBJECT, 409: REFUSED})
    def post(self, request: Request, pk: int, slug: str | None = None) -> Response:
        proposal = recalibration_of(self.owning(request, slug), pk)
        body = checked(ActivationIn, request.data)
        approve_recalibration(proposal=proposal, actor=actor_of(request), now=timezone.now(), **body)
        return Response(shown_recalibration(recalibration_of(proposal.project, pk)))


class RejectView(SteeringView):
    @extend_schema(request=RejectionIn, responses={200: OBJECT, 409: REFUSED})
    def post(self, request: Request, pk: int, slug: str | None = None) -> Response:
        proposal = recalibration_of(self.owning(request, slug), pk)
        body = checked(RejectionIn, request.data)
        reject_recalibration(proposal=proposal, actor=actor_of(request), now=timezone.now(), **body)
        return Response(shown_recalibration(recalibration_of(proposal.project, pk)))


class CertificatesView(SteeringView):
    @extend_schema(parameters=[PageIn], responses={200: OBJECT})
    def get(self, request: Request, slug: str | None = None) -> Response:
        rows = Certificate.objects.filter(project=self.reading(request, slug)).order_by("-pk")
        return listed(request, rows, shown_certificate)

    @extend_schema(request=CertificateIn, responses={201: OBJECT})
    def post(self, request: Request, slug: str | None = None) -> Response:
        project = self.owning(request, slug)
        body = checked(CertificateIn, request.data)
        certificate = issue_certificate(project=project, actor=actor_of(request), now=timezone.now(), **body)
        return Response(shown_certificate(certificate), status=201)


class CalibrationView(SteeringView):
    @extend_schema(responses={200: OBJECT})
    def get(self, request: Request, slug: str | None = None) -> Response:
        """The calibrator in force with its reliability, measured on prompts it was not fitted to."""
        project = self.reading(request, slug)
        active = ActivePolicy.objects.select_related("policy__calibrator").get(project=project)
        calibrator: Calibrator | None = active.policy.calibrator
        if calibrator is None:
            return Response({"calibrator": None, "reason": "the policy in force has no calibrator", "labels": 0})
        return Response({"calibrator": shown_calibrator(calibrator)})
