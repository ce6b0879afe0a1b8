"""The reviewers' endpoints. Every answer is made by `labeling.blinding`."""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from labeling.access import own_assignment
from labeling.api.schemas import CLAIM
from labeling.blinding import blinded_claim, practice_feedback
from labeling.serializers.reviewing import (
    ClaimIn,
    DraftIn,
    LeaseOut,
    OptionalReasonIn,
    ReasonIn,
    ReceiptOut,
    SubmissionIn,
)
from labeling.services.claiming import claim_seat
from labeling.services.holding import AssignmentLost, escalate, extend_lease, open_assignment, release_seat, save_draft
from labeling.services.limits import ClaimRefused
from labeling.services.submitting import Submission, SubmissionInvalid, submit_rating, undo_rating
from reviewapp.core.access import membership_of
from reviewapp.core.openapi import PEOPLE, answer
from reviewapp.core.parsers import unstorable
from reviewapp.core.problems import Problem
from reviewapp.core.serializers import Empty

MAX_DRAFT_CHARACTERS = 400_000
CLAIMED = answer(CLAIM, "What to judge, blinded, and by which rubric.")
ENDED = OpenApiResponse(description="The item has been handed in, given back or passed on.")
REFUSED = (
    "No item for now, by `code`: `daily_cap_reached`, `hourly_cap_reached`, `break_due` (`until` says when work goes "
    "on), `paused`, `not_a_reviewer`, or what onboarding asks for first. Without a code: the session's CSRF token is "
    "missing."
)
NOTHING = OpenApiResponse(description="Done.")
SAVED = answer(
    {"type": "object", "required": ["saved_at"], "properties": {"saved_at": {"type": "string", "format": "date-time"}}},
    "Saved.",
)


class ReviewingView(APIView):
    """Turns what the services refuse into problems."""

    # For the document: a program has no queue of its own.
    callers = PEOPLE

    def handle_exception(self, error: Exception) -> Response:
        if isinstance(error, AssignmentLost):
            error = Problem(409, str(error), code="assignment_ended")
        elif isinstance(error, ClaimRefused):
            error = Problem(403, str(error), code=error.code, until=error.until)
        elif isinstance(error, SubmissionInvalid):
            error = Problem(400, "The rating does not fit the rubric; see errors.", errors=error.errors)
        return super().handle_exception(error)


class ClaimView(ReviewingView):
    @extend_schema(
        request=ClaimIn,
        responses={
            200: CLAIMED,
            204: OpenApiResponse(description="Nothing for this person."),
            403: OpenApiResponse(description=REFUSED),
        },
    )
    def post(self, request: Request, slug: str) -> Response:
        now = timezone.now()
        reviewer = membership_of(request.user, slug)
        body = ClaimIn(data=request.data or {})
        body.is_valid(raise_exception=True)
        assignment = claim_seat(reviewer=reviewer, now=now, ahead=body.validated_data["ahead"])
        if assignment is None:
            return Response(status=204)
        return Response(blinded_claim(own_assignment(request.user, assignment.token), now=now))


class SubmitView(ReviewingView):
    @extend_schema(request=SubmissionIn, responses={200: ReceiptOut, 201: ReceiptOut, 409: ENDED})
    def post(self, request: Request, token: str) -> Response:
        assignment = own_assignment(request.user, token)
        body = SubmissionIn(data=request.data)
        body.is_valid(raise_exception=True)
        submission = Submission(**{name: value for name, value in body.validated_data.items() if value is not None})
        rating, created = submit_rating(assignment=assignment, submission=submission, now=timezone.now())
        answer = {"receipt": str(rating.receipt), "undo_until": rating.undo_until}
        if feedback := practice_feedback(assignment):
            answer["feedback"] = feedback
        return Response(answer, status=201 if created else 200)


class UndoView(ReviewingView):
    @extend_schema(request=Empty, responses={200: CLAIMED, 409: ENDED})
    def post(self, request: Request, token: str) -> Response:
        now = timezone.now()
        undo_rating(assignment=own_assignment(request.user, token), now=now)
        return Response(blinded_claim(own_assignment(request.user, token), now=now))


class OpenView(ReviewingView):
    @extend_schema(request=Empty, responses={200: LeaseOut, 409: ENDED})
    def post(self, request: Request, token: str) -> Response:
        expires = open_assignment(assignment=own_assignment(request.user, token), now=timezone.now())
        return Response({"lease_expires_at": expires})


class HeartbeatView(ReviewingView):
    @extend_schema(request=Empty, responses={200: LeaseOut, 409: ENDED})
    def post(self, request: Request, token: str) -> Response:
        expires = extend_lease(assignment=own_assignment(request.user, token), now=timezone.now())
        return Response({"lease_expires_at": expires})


class DraftView(ReviewingView):
    @extend_schema(request={"application/json": {"type": "object"}}, responses={200: SAVED, 409: ENDED})
    def post(self, request: Request, token: str) -> Response:
        assignment = own_assignment(request.user, token)
        now = timezone.now()
        save_draft(assignment=assignment, draft=checked_draft(request.data), now=now)
        return Response({"saved_at": now})


class ReleaseView(ReviewingView):
    @extend_schema(request=OptionalReasonIn, responses={204: NOTHING, 409: ENDED})
    def post(self, request: Request, token: str) -> Response:
        body = OptionalReasonIn(data=request.data)
        body.is_valid(raise_exception=True)
        release_seat(
            assignment=own_assignment(request.user, token), now=timezone.now(), reason=body.validated_data["reason"]
        )
        return Response(status=204)


class EscalateView(ReviewingView):
    @extend_schema(request=ReasonIn, responses={204: NOTHING, 409: ENDED})
    def post(self, request: Request, token: str) -> Response:
        body = ReasonIn(data=request.data)
        body.is_valid(raise_exception=True)
        escalate(
            assignment=own_assignment(request.user, token), reason=body.validated_data["reason"], now=timezone.now()
        )
        return Response(status=204)


def checked_draft(data: Any) -> dict[str, Any]:
    """The draft, or a Problem: it must be an object, storable, and not a way to fill the disk."""
    body = DraftIn(data=data)
    body.is_valid(raise_exception=True)
    if fault := unstorable(data):
        raise Problem(400, "The draft cannot be stored; see errors.", errors=[fault])
    if len(str(data)) > MAX_DRAFT_CHARACTERS:
        raise Problem(413, f"A draft may be {MAX_DRAFT_CHARACTERS} characters long.", code="too_large")
    return dict(data)
