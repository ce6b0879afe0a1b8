"""What the detectors measure against, and how often they cry wolf."""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from reviewapp.core.access import actor_of
from reviewapp.core.models import Project
from reviewapp.core.problems import Problem
from reviewapp.core.serializers import StrictSerializer
from routing.api.steering import SteeringView, checked
from routing.services.traffic import DetectorReport, LookRefused, detector_reports, look_at_traffic

REPORT = OpenApiResponse(description="The newest look at the traffic and one entry per detector of the policy.")
NOTHING = OpenApiResponse(description="There is no ordinary traffic to look at yet.")


def shown_detectors(project: Project) -> dict[str, Any]:
    reference, reports = detector_reports(project, now=timezone.now())
    return {
        "reference": reference
        and {
            "version": reference.version,
            "outputs": len(reference.content_ids),
            "created_by": reference.created_by,
            "created_at": reference.created_at,
        },
        "detectors": [_shown(report) for report in reports],
    }


def _shown(report: DetectorReport) -> dict[str, Any]:
    interval = report.measured.interval
    return {
        "name": report.name,
        "false_alarm_rate": report.wanted_rate,
        "threshold": report.threshold,
        "reason": report.reason or None,
        "measured": {
            "rate": report.measured.rate,
            "interval": interval and [interval.low, interval.high],
            "flagged": report.measured.flagged,
            "ordinary": report.measured.ordinary,
        },
        "last_30_days": {
            "outputs": report.flagged.outputs,
            "flagged": report.flagged.flagged,
            "judged": report.flagged.judged,
            "accepted": report.flagged.accepted,
        },
    }


class DetectorsView(SteeringView):
    @extend_schema(responses={200: REPORT})
    def get(self, request: Request, slug: str | None = None) -> Response:
        return Response(shown_detectors(self.reading(request, slug)))

    @extend_schema(request=StrictSerializer, responses={201: REPORT, 409: NOTHING})
    def post(self, request: Request, slug: str | None = None) -> Response:
        """Take a new look at the recent traffic."""
        project = self.owning(request, slug)
        checked(StrictSerializer, request.data)
        try:
            look_at_traffic(project=project, actor=actor_of(request), now=timezone.now())
        except LookRefused as refused:
            raise Problem(409, str(refused), code="no_traffic") from None
        return Response(shown_detectors(project), status=201)
