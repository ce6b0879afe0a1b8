"""The reviewers' and adjudicators' pages. Claims and changes are POSTs; every POST ends in a redirect or the form."""

from dataclasses import replace
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from labeling.access import own_assignment
from labeling.blinding import blinded_claim, blinded_task, shown_rubric, today
from labeling.forms import Typed, checked_reason, new_key, submission_of, typed_in_draft, typed_in_form
from labeling.models import Assignment, AssignmentState
from labeling.services.claiming import (
    AssignmentLost,
    ClaimRefused,
    claim_seat,
    escalate,
    release_seat,
    save_draft,
)
from labeling.services.submitting import SubmissionInvalid, submit_rating, undo_rating
from labeling.views.own_work import held_assignments, receipt_of, receipts_of_today
from labeling.views.review_page import original_text, review_page
from reviewapp.core.access import member_with_role
from reviewapp.core.models import Membership, Role

NOTHING_WAITING = "Nothing is waiting for you right now. New items appear here as they come in."
REVIEWING_ROLES = (Role.REVIEWER, Role.ADJUDICATOR)
UNFINISHED = (AssignmentState.LEASED, AssignmentState.EXPIRED)


@login_required
@require_safe
def start(request: HttpRequest, slug: str) -> HttpResponse:
    """The way into a shift. Looking at it claims nothing."""
    membership = member_with_role(request.user, slug, *REVIEWING_ROLES)
    now = timezone.now()
    context = {
        "current_slug": slug,
        "project_name": membership.project.name,
        "adjudicating": membership.role == Role.ADJUDICATOR,
        "today": today(membership, now),
        "holding": len(held_assignments(membership, now)),
        "receipt": receipt_of(membership.pk, request.GET.get("after", ""), now),
    }
    return render(request, "labeling/start.html", context)


@login_required
@require_POST
def next_item(request: HttpRequest, slug: str) -> HttpResponse:
    return _go_on(request, member_with_role(request.user, slug, *REVIEWING_ROLES))


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def assignment(request: HttpRequest, token: str) -> HttpResponse:
    own = own_assignment(request.user, token)
    if request.method == "POST":
        return _submit(request, own)
    if own.state not in UNFINISHED:
        return _closed(request, own)
    return _page(request, own, typed_in_draft(own.draft))


@login_required
@require_POST
def release(request: HttpRequest, token: str) -> HttpResponse:
    return _give_back(request, own_assignment(request.user, token), release_seat, "Skipped. It goes to somebody else.")


@login_required
@require_POST
def escalate_item(request: HttpRequest, token: str) -> HttpResponse:
    return _give_back(request, own_assignment(request.user, token), escalate, "Escalated. An adjudicator will decide.")


@login_required
@require_POST
def undo(request: HttpRequest, token: str) -> HttpResponse:
    own = own_assignment(request.user, token)
    now = timezone.now()
    try:
        undo_rating(assignment=own, now=now)
    except AssignmentLost as lost:
        messages.warning(request, f"Not undone. {lost}")
        held = held_assignments(own.reviewer, now)
        return redirect("assignment", held[0].token) if held else redirect("review", own.reviewer.project.slug)
    messages.success(request, "Taken back. Change what you like and submit again.")
    return redirect("assignment", token)


@login_required
@require_safe
def mine(request: HttpRequest, slug: str) -> HttpResponse:
    """The person's own day: how much, never how well."""
    membership = member_with_role(request.user, slug, *REVIEWING_ROLES)
    now = timezone.now()
    context = {
        "current_slug": slug,
        "project_name": membership.project.name,
        "today": today(membership, now),
        "held": [{"token": own.token, "claimed_at": own.claimed_at} for own in held_assignments(membership, now)],
        "receipts": receipts_of_today(membership, now),
    }
    return render(request, "labeling/mine.html", context)


def _submit(request: HttpRequest, own: Assignment) -> HttpResponse:
    now = timezone.now()
    typed = _typed(request, own)
    _keep(own, typed)
    try:
        submission = submission_of(typed, rubric=shown_rubric(own.rubric))
        submit_rating(assignment=own, submission=submission, now=now)
    except SubmissionInvalid as invalid:
        return _page(request, own, typed, errors=invalid.errors, status=422)
    except AssignmentLost as lost:
        return _page(request, own, typed, lost=str(lost), status=409)
    return _go_on(request, own.reviewer, after=own.token)


def _give_back(request: HttpRequest, own: Assignment, service: Any, done: str) -> HttpResponse:
    """Release or escalate, with a reason, and go on."""
    typed = _typed(request, own)
    _keep(own, typed)
    try:
        service(assignment=own, reason=checked_reason(typed), now=timezone.now())
    except SubmissionInvalid as invalid:
        return _page(request, own, typed, errors=invalid.errors, status=422)
    except AssignmentLost as lost:
        return _page(request, own, typed, lost=str(lost), status=409)
    messages.success(request, done)
    return _go_on(request, own.reviewer)


def _typed(request: HttpRequest, own: Assignment) -> Typed:
    rubric, original = shown_rubric(own.rubric), original_text(blinded_task(own))
    return typed_in_form(request.POST.dict(), rubric=rubric, original=original)


def _keep(own: Assignment, typed: Typed) -> None:
    """Store the form before anything else can go wrong: it comes back after a failure and after an undo."""
    try:
        save_draft(assignment=own, draft=typed.as_draft(), now=timezone.now())
    except AssignmentLost:
        # Handed in or given back before; what follows says so, or finds the receipt.
        return


def _go_on(request: HttpRequest, membership: Membership, *, after: str = "") -> HttpResponse:
    """To the item the person already holds, else to a newly claimed one, else to the start page with the reason."""
    now = timezone.now()
    query = f"?{urlencode({'after': after})}" if after else ""
    try:
        held = held_assignments(membership, now)
        following = held[0] if held else claim_seat(reviewer=membership, now=now)
    except ClaimRefused as refused:
        messages.info(request, str(refused))
        following = None
    else:
        if following is None:
            messages.info(request, NOTHING_WAITING)
    if following is None:
        return redirect(reverse("review", args=[membership.project.slug]) + query)
    return redirect(reverse("assignment", args=[following.token]) + query)


def _page(
    request: HttpRequest,
    own: Assignment,
    typed: Typed,
    *,
    errors: list[dict[str, str]] | None = None,
    lost: str = "",
    status: int = 200,
) -> HttpResponse:
    """The task and the form. Of the assignment, the template gets what `blinded_claim` tells and no more."""
    now = timezone.now()
    # A refused write may have met a newer state than the one read before it.
    own = own_assignment(request.user, own.token) if lost else own
    # Nothing was stored under the refused key, or it was and was undone: either way the next try needs another.
    typed = replace(typed, idempotency_key=new_key()) if errors else typed
    page = review_page(blinded_claim(own, now=now), typed, now=now, errors=errors or [])
    context = {
        "current_slug": own.reviewer.project.slug,
        "page": page,
        "lost": lost,
        "ended": own.state not in UNFINISHED,
        "receipt": receipt_of(own.reviewer_id, request.GET.get("after", ""), now),
    }
    return render(request, "labeling/assignment.html", context, status=status)


def _closed(request: HttpRequest, own: Assignment) -> HttpResponse:
    """For an item that was handed in or given back: no task any more, only what became of it."""
    context = {
        "current_slug": own.reviewer.project.slug,
        "handed_in": own.state == AssignmentState.SUBMITTED,
        "receipt": receipt_of(own.reviewer_id, own.token, timezone.now()),
    }
    return render(request, "labeling/closed.html", context)
