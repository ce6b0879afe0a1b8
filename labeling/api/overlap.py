"""Rounds of shared items: how they went, starting one, and the calibration of a rubric before it goes live."""

import random

from django.http import Http404
from django.utils import timezone
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from labeling.api.measuring import RUBRIC_ANSWER, MeasuringView
from labeling.models import ActiveRubric, OverlapPurpose, OverlapRound, Rubric
from labeling.queries.overlap import overlap_rounds, pending_or_withdrawn
from labeling.serializers.overlap import ROUND, OverlapRoundIn, PutInForceIn, WithdrawRubricIn, shown_round
from labeling.serializers.rubrics import shown_rubric_in_full
from labeling.services.calibrating import calibrate_rubric, put_in_force, withdraw_rubric
from labeling.services.overlap import OverlapRefused, start_overlap_round
from labeling.services.rubrics import active_rubric
from reviewapp.core.access import actor_of
from reviewapp.core.models import Project
from reviewapp.core.openapi import answer, page_of
from reviewapp.core.pagination import PageIn, listed
from reviewapp.core.problems import Problem
from reviewapp.core.serializers import Empty

ONE = answer(ROUND, "The round.")
REFUSED = OpenApiResponse(description="No round can begin now: too few people or items, or one is open.")


class OverlapView(MeasuringView):
    def handle_exception(self, error: Exception) -> Response:
        if isinstance(error, OverlapRefused):
            error = Problem(409, str(error), code="round_refused")
        return super().handle_exception(error)


class OverlapRoundsView(OverlapView):
    @extend_schema(parameters=[PageIn], responses={200: page_of(ROUND)})
    def get(self, request: Request, slug: str | None = None) -> Response:
        """Re-blind rounds and calibrations of rubrics, newest first."""
        return listed(request, overlap_rounds(self.reading(request, slug)), shown_round)

    @extend_schema(request=OverlapRoundIn, responses={201: ONE, 409: REFUSED})
    def post(self, request: Request, slug: str | None = None) -> Response:
        """Begin a re-blind round now."""
        project = self.owning(request, slug)
        body = OverlapRoundIn(data=request.data)
        body.is_valid(raise_exception=True)
        begun = start_overlap_round(
            project=project,
            purpose=OverlapPurpose.REBLIND,
            rubric=active_rubric(project, body.validated_data["task_kind"]),
            actor=actor_of(request),
            now=timezone.now(),
            rng=random.SystemRandom(),
        )
        return Response(shown_round(_round(project, begun.pk)), status=201)


class OverlapRoundView(OverlapView):
    @extend_schema(responses={200: ONE})
    def get(self, request: Request, pk: int, slug: str | None = None) -> Response:
        return Response(shown_round(_round(self.reading(request, slug), pk)))


class CalibrateRubricView(OverlapView):
    @extend_schema(request=Empty, responses={201: ONE, 409: REFUSED})
    def post(self, request: Request, name: str, version: int, slug: str | None = None) -> Response:
        """Freeze a draft and have everybody judge the same items by it, before it goes live."""
        project = self.owning(request, slug)
        begun = calibrate_rubric(
            rubric=_rubric(project, name, version),
            actor=actor_of(request),
            now=timezone.now(),
            rng=random.SystemRandom(),
        )
        return Response(shown_round(_round(project, begun.pk)), status=201)


class PutInForceView(OverlapView):
    @extend_schema(request=PutInForceIn, responses={200: RUBRIC_ANSWER})
    def post(self, request: Request, name: str, version: int, slug: str | None = None) -> Response:
        """Put a calibrated version in force."""
        project = self.owning(request, slug)
        body = PutInForceIn(data=request.data)
        body.is_valid(raise_exception=True)
        rubric = _rubric(project, name, version)
        put_in_force(rubric=rubric, actor=actor_of(request), now=timezone.now(), **body.validated_data)
        return _answer(rubric)


class WithdrawRubricView(OverlapView):
    @extend_schema(request=WithdrawRubricIn, responses={200: RUBRIC_ANSWER})
    def post(self, request: Request, name: str, version: int, slug: str | None = None) -> Response:
        """A calibrated version that is not to go into force."""
        project = self.owning(request, slug)
        body = WithdrawRubricIn(data=request.data)
        body.is_valid(raise_exception=True)
        rubric = _rubric(project, name, version)
        withdraw_rubric(rubric=rubric, actor=actor_of(request), now=timezone.now(), **body.validated_data)
        return _answer(rubric)


def _round(project: Project, pk: int) -> OverlapRound:
    found = overlap_rounds(project).filter(pk=pk).first()
    if found is None:
        raise Http404("no such round")
    return found


def _rubric(project: Project, name: str, version: int) -> Rubric:
    rows = Rubric.objects.filter(project=project, name=name, version=version).select_related("project")
    rubric = rows.first()
    if rubric is None:
        raise Http404("no such rubric")
    return rubric


def _answer(rubric: Rubric) -> Response:
    active = set(ActiveRubric.objects.filter(rubric=rubric).values_list("rubric_id", flat=True))
    return Response(shown_rubric_in_full(rubric, active_ids=active, pending=pending_or_withdrawn(rubric.project)))
