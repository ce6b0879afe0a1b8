"""The reviewers' and adjudicators' pages. Claims and changes are POSTs; every POST ends in a redirect or the form.

The page's script sends the same POSTs with a header and gets fragments for answers (labeling/views/desk.py).
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from labeling.access import own_assignment
from labeling.blinding import blinded_task, shown_rubric
from labeling.forms import (
    MAX_CORRECTION,
    Typed,
    checked_reason,
    plain,
    submission_of,
    typed_in_draft,
    typed_in_form,
)
from labeling.models import ActiveRubric, Assignment, AssignmentState
from labeling.rendering.differences import word_diff
from labeling.services.claiming import claim_seat
from labeling.services.holding import AssignmentLost, escalate, open_assignment, release_seat, save_draft
from labeling.services.limits import ClaimRefused, progress
from labeling.services.submitting import SubmissionInvalid, submit_rating, undo_rating
from labeling.views.desk import (
    NEXT,
    SEND,
    UNFINISHED,
    desk_fragment,
    desk_page,
    line,
    refused,
    signed_in,
    wanted,
    workplace,
)
from labeling.views.own_work import (
    Standing,
    counts_by_day,
    disputes_waiting,
    held_assignments,
    receipt_of,
    receipts_to_undo,
    standing_of,
)
from labeling.views.review_page import KIND_TITLES, original_text
from labeling.views.rounds import after_submit, may_fetch_ahead, place_of
from labeling.views.wording import NOTHING_WAITING
from reviewapp.core.access import member_with_role
from reviewapp.core.models import Membership, Role

REVIEWING_ROLES = (Role.REVIEWER, Role.ADJUDICATOR)


# Before and after the work ---------------------------------------------------------------------------


@signed_in
@require_safe
def start(request: HttpRequest, slug: str) -> HttpResponse:
    """The way into a shift. Looking at it claims nothing."""
    membership = member_with_role(request.user, slug, *REVIEWING_ROLES)
    now = timezone.now()
    if place := place_of(membership, now):
        after = request.GET.get("after", "")
        return redirect(f"{place}?{urlencode({'after': after})}" if after else place)
    standing = standing_of(membership, now)
    if standing.code == "ready" and "none" in request.GET:
        # Somebody was faster, this very moment.
        standing = Standing("nothing", str(NOTHING_WAITING))
    adjudicating = membership.role == Role.ADJUDICATOR
    rubrics = ActiveRubric.objects.filter(project=membership.project).exclude(rubric__instructions="")
    context = (
        workplace(membership)
        | _standing_context(membership, standing)
        | {
            "project_name": membership.project.name,
            "instructions": [
                (KIND_TITLES[kind], text)
                for kind, text in rubrics.order_by("task_kind").values_list("task_kind", "rubric__instructions")
            ],
            "disputes": disputes_waiting(membership, now) if adjudicating else None,
            "receipt": receipt_of(membership.pk, request.GET.get("after", ""), now),
        }
    )
    return render(request, "labeling/start.html", context)


@signed_in
@require_safe
def waiting(request: HttpRequest, slug: str) -> HttpResponse:
    """Whether there is work by now: the part of the start page that asks every half minute. It claims nothing."""
    membership = member_with_role(request.user, slug, *REVIEWING_ROLES)
    context = _standing_context(membership, standing_of(membership, timezone.now()))
    return render(request, "labeling/_standing.html", context)


def _standing_context(membership: Membership, standing: Standing) -> dict[str, Any]:
    return {
        "current_slug": membership.project.slug,
        "adjudicating": membership.role == Role.ADJUDICATOR,
        "standing": standing,
    }


@signed_in
@require_safe
def mine(request: HttpRequest, slug: str) -> HttpResponse:
    """The person's own day: how much, never how well. What can no longer be undone is but a number."""
    membership = member_with_role(request.user, slug, *REVIEWING_ROLES)
    now = timezone.now()
    context = {
        "current_slug": slug,
        "project_name": membership.project.name,
        "progress": progress(membership, now),
        # What a page fetched ahead nobody has seen yet.
        "held": [
            {"token": own.token, "claimed_at": own.claimed_at}
            for own in held_assignments(membership, now)
            if own.opened_at is not None
        ],
        "receipts": receipts_to_undo(membership, now),
        "days": counts_by_day(membership, now),
    }
    return render(request, "labeling/mine.html", context)


# An item and its form ----------------------------------------------------------------------------------


@signed_in
@require_POST
def next_item(request: HttpRequest, slug: str) -> HttpResponse:
    return _go_on(request, member_with_role(request.user, slug, *REVIEWING_ROLES))


@signed_in
@require_POST
def ahead(request: HttpRequest, slug: str) -> HttpResponse:
    """The desk that comes after the one `showing`, before it is looked at; 204 when none is to be had now."""
    membership = member_with_role(request.user, slug, *REVIEWING_ROLES)
    now = timezone.now()
    showing = request.POST.get("showing", "")
    held = held_assignments(membership, now)
    for own in held:
        if own.token == showing and own.opened_at is None:
            # Its first paint lies behind it, even if word of that is still on its way.
            open_assignment(assignment=own, now=now)
    held = [own for own in held if own.token != showing]
    if not may_fetch_ahead(membership):
        return HttpResponse(status=204)
    try:
        following = held[0] if held else claim_seat(reviewer=membership, now=now, ahead=True)
    except ClaimRefused:
        # Why is told when the person asks for it.
        following = None
    if following is None:
        return HttpResponse(status=204)
    own = own_assignment(request.user, following.token)
    return desk_fragment(request, own, typed_in_draft(own.draft))


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def assignment(request: HttpRequest, token: str) -> HttpResponse:
    own = own_assignment(request.user, token)
    if request.method == "POST":
        return _submit(request, own)
    if own.state not in UNFINISHED:
        return _closed(request, own)
    return desk_page(request, own, typed_in_draft(own.draft))


@signed_in
@require_POST
def difference(request: HttpRequest, token: str) -> HttpResponse:
    """What the correction, as it stands in the form, changes in the response."""
    own = own_assignment(request.user, token)
    original = plain(original_text(blinded_task(own))) if own.state in UNFINISHED else ""
    corrected = plain(request.POST.get("correction", ""))[:MAX_CORRECTION]
    if not original or corrected in ("", original):
        return HttpResponse()
    return render(request, "labeling/_difference.html", {"difference": word_diff(original, corrected)})


@signed_in
@require_POST
def release(request: HttpRequest, token: str) -> HttpResponse:
    return _give_back(request, token, release_seat, _("Skipped. It goes to somebody else."))


@signed_in
@require_POST
def escalate_item(request: HttpRequest, token: str) -> HttpResponse:
    return _give_back(request, token, escalate, _("Escalated. An adjudicator will decide."))


@signed_in
@require_POST
def undo(request: HttpRequest, token: str) -> HttpResponse:
    own = own_assignment(request.user, token)
    now = timezone.now()
    try:
        undo_rating(assignment=own, now=now)
    except AssignmentLost as lost:
        return _not_undone(request, own_assignment(request.user, token), str(lost), now)
    if wanted(request):
        own = own_assignment(request.user, token)
        answer = desk_fragment(request, own, typed_in_draft(own.draft))
        answer.content = line(request, own.reviewer).encode() + answer.content
        return answer
    messages.success(request, _("Taken back. Change what you like and submit again."))
    return redirect("assignment", token)


def _not_undone(request: HttpRequest, own: Assignment, why: str, now: datetime) -> HttpResponse:
    detail = _("Not undone. %(why)s") % {"why": why}
    if wanted(request):
        if own.state in UNFINISHED:
            # Undone before, and the answer got lost on the way.
            return desk_fragment(request, own, typed_in_draft(own.draft))
        return render(request, "labeling/_refused.html", {"lost": detail, "ended": True}, status=409)
    messages.warning(request, detail)
    held = held_assignments(own.reviewer, now)
    return redirect("assignment", held[0].token) if held else redirect("review", own.reviewer.project.slug)


def _submit(request: HttpRequest, own: Assignment) -> HttpResponse:
    typed = _typed(request, own)
    _keep(own, typed)
    try:
        submission = submission_of(typed, rubric=shown_rubric(own.rubric))
        submit_rating(assignment=own, submission=submission, now=timezone.now())
    except SubmissionInvalid as invalid:
        return refused(request, own, typed, errors=invalid.errors)
    except AssignmentLost:
        return refused(request, own, typed)
    if (feedback := after_submit(own)) is not None:
        if not wanted(request):
            return redirect(feedback)
        said = line(request, own.reviewer, after=own.token)
        return HttpResponse(said + render_to_string("labeling/_onward.html", {"onward": feedback}))
    return _go_on(request, own.reviewer, after=own.token)


def _give_back(request: HttpRequest, token: str, service: Callable[..., None], done: str) -> HttpResponse:
    """Release or escalate, with a reason, and go on. What was done once already is done."""
    own = own_assignment(request.user, token)
    typed = _typed(request, own)
    _keep(own, typed)
    try:
        reason = checked_reason(typed)
        if not _given_back_so(own, service, reason):
            service(assignment=own, reason=reason, now=timezone.now())
    except SubmissionInvalid as invalid:
        return refused(request, own, typed, errors=invalid.errors)
    except AssignmentLost:
        return refused(request, own, typed)
    return _go_on(request, own.reviewer, said=done)


def _given_back_so(own: Assignment, service: Callable[..., None], reason: str) -> bool:
    """The same was asked before and the answer got lost on the way."""
    state = AssignmentState.ESCALATED if service is escalate else AssignmentState.RELEASED
    return own.state == state and own.reason == reason


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


def _go_on(request: HttpRequest, membership: Membership, *, after: str = "", said: str = "") -> HttpResponse:
    """To the item the person already holds, else to a newly claimed one, else to the start page with the reason."""
    if wanted(request) == SEND:
        return HttpResponse(line(request, membership, after=after, said=said))
    now = timezone.now()
    try:
        held = held_assignments(membership, now)
        following = held[0] if held else claim_seat(reviewer=membership, now=now)
    except ClaimRefused:
        # The start page finds out why by itself.
        following = None
    if following is None:
        query = urlencode({"after": after, "none": "1"} if after else {"none": "1"})
        onward = f"{reverse('review', args=[membership.project.slug])}?{query}"
    else:
        query = f"?{urlencode({'after': after})}" if after else ""
        onward = reverse("assignment", args=[following.token]) + query
    if wanted(request) == NEXT:
        return _go_on_here(request, membership, following, onward, line(request, membership, after=after, said=said))
    if following is not None and following.opened_at is None:
        # Fetched ahead by a page that is gone; the browser is about to show it.
        open_assignment(assignment=following, now=now)
    return redirect(onward)


def _go_on_here(
    request: HttpRequest, membership: Membership, following: Assignment | None, onward: str, said: str
) -> HttpResponse:
    """For the page's script: the line, and the next desk or where to go instead."""
    if following is None:
        return HttpResponse(said + render_to_string("labeling/_onward.html", {"onward": onward}))
    own = own_assignment(request.user, following.token)
    answer = desk_fragment(request, own, typed_in_draft(own.draft))
    answer.content = said.encode() + answer.content
    return answer


def _closed(request: HttpRequest, own: Assignment) -> HttpResponse:
    """For an item that was handed in or given back: no task any more, only what became of it."""
    context = {
        "current_slug": own.reviewer.project.slug,
        "handed_in": own.state == AssignmentState.SUBMITTED,
        "receipt": receipt_of(own.reviewer_id, own.token, timezone.now()),
    }
    return render(request, "labeling/closed.html", context)
