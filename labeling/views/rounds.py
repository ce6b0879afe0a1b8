"""The way to live work: instructions, rounds and what they came to. Also what the desk asks about rounds.

Of a blind round a page tells how far it has come and, at its end, whether it was passed: nothing else.
"""

from dataclasses import dataclass
from datetime import datetime
from math import ceil
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from labeling.access import own_assignment
from labeling.blinding import blinded_task, own_rating, practice_feedback, shown_rubric
from labeling.models import ActiveRubric, Assignment, Lane, Round, RoundKind, Stage
from labeling.queries.onboarding import available_cases, open_round, progress_of, stage_of, untold_result
from labeling.services.limits import ClaimRefused, check_may_claim, queue_settings
from labeling.services.rounds import (
    ROUND_OF_STAGE,
    begin_round,
    confirm_instructions,
    enter,
    least_cases,
    settled_round,
    tell_result,
    wanted_cases,
)
from labeling.views.own_work import receipt_of
from labeling.views.reading import read_task
from labeling.views.review_page import rating_rows
from reviewapp.core.access import member_with_role
from reviewapp.core.models import Membership, Role
from reviewapp.core.services.audit import SYSTEM

REVIEWING_ROLES = (Role.REVIEWER, Role.ADJUDICATOR)


# What the desk asks -----------------------------------------------------------------------------------


def place_of(membership: Membership, now: datetime) -> str | None:
    """Where this person must go before live work; None for the desk. Ends a round that can be ended."""
    if membership.role != Role.REVIEWER:
        return None
    slug = membership.project.slug
    running = settled_round(reviewer=membership, now=now)
    if untold_result(membership) is not None:
        return reverse("round", args=[slug])
    stage = enter(reviewer=membership, now=now)
    if membership.paused_at and stage != Stage.CALIBRATION:
        return None
    if stage == Stage.INSTRUCTIONS:
        return reverse("welcome", args=[slug])
    return reverse("round", args=[slug]) if running or stage in ROUND_OF_STAGE else None


def round_line(assignment: Assignment) -> str:
    """What the desk says about the round that this item belongs to: "Practice 3 of 5"; "" outside of rounds."""
    if assignment.round_id is None:
        return ""
    round_ = assignment.round
    assert round_ is not None
    number = round_.assignments.filter(pk__lte=assignment.pk).count()
    texts = {
        RoundKind.PRACTICE: _("Practice %(number)d of %(size)d"),
        RoundKind.QUALIFICATION: _("Qualification %(number)d of %(size)d"),
        RoundKind.CALIBRATION: _("Calibration %(number)d of %(size)d"),
    }
    return texts[RoundKind(round_.kind)] % {"number": number, "size": round_.size}


def after_submit(assignment: Assignment) -> str | None:
    """The page that follows on this item before the next one: the feedback on a practice case, else None."""
    if assignment.seat.lane != Lane.PRACTICE:
        return None
    return reverse("practice-feedback", args=[assignment.token])


def may_fetch_ahead(membership: Membership) -> bool:
    """Not while practising: the feedback comes before the next item."""
    return not Round.objects.filter(membership=membership, kind=RoundKind.PRACTICE, ended_at__isnull=True).exists()


# Instructions -----------------------------------------------------------------------------------------


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def welcome(request: HttpRequest, slug: str) -> HttpResponse:
    """The rubric as people are asked to read it, first thing and whenever they want to read it again."""
    membership = member_with_role(request.user, slug, *REVIEWING_ROLES)
    now = timezone.now()
    if request.method == "POST":
        confirm_instructions(reviewer=membership, now=now)
        return redirect(place_of(membership, now) or reverse("review", args=[slug]))
    rubrics = ActiveRubric.objects.filter(project=membership.project).select_related("rubric").order_by("task_kind")
    settings = queue_settings(membership.project_id)
    context = {
        "current_slug": slug,
        "project_name": membership.project.name,
        "rubrics": [shown_rubric(row.rubric) for row in rubrics.prefetch_related("rubric__criteria")],
        "to_confirm": enter(reviewer=membership, now=now, settings=settings) == Stage.INSTRUCTIONS,
        "practice": settings.practice_size,
        "qualification": settings.qualification_size,
    }
    return render(request, "labeling/welcome.html", context)


# Rounds -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RoundPage:
    """What the page of a round shows. `state` is "due" (not begun), "running", "closing" (all done, the last answer
    may still be taken back for `wait_seconds`), "practised", "passed", "failed", or "short" (too few cases for it)."""

    state: str
    kind: str
    size: int
    done: int = 0
    right: int = 0
    wait_seconds: int = 0
    refusal: str = ""


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def round_page(request: HttpRequest, slug: str) -> HttpResponse:
    """The round that is due, that runs, or whose result is to be told. POST: the person has read the result."""
    membership = member_with_role(request.user, slug, Role.REVIEWER)
    now = timezone.now()
    if request.method == "POST":
        settled_round(reviewer=membership, now=now)
        tell_result(reviewer=membership, now=now)
        return redirect(place_of(membership, now) or reverse("review", args=[slug]))
    place = place_of(membership, now)
    if place != reverse("round", args=[slug]):
        return redirect(place or reverse("review", args=[slug]))
    context = {
        "current_slug": slug,
        "project_name": membership.project.name,
        "round": _round_page(membership, now),
        "receipt": receipt_of(membership.pk, request.GET.get("after", ""), now),
    }
    return render(request, "labeling/round.html", context)


def _round_page(membership: Membership, now: datetime) -> RoundPage:
    ended, running = untold_result(membership), open_round(membership)
    if ended is not None:
        return _result(ended)
    if running is not None:
        return _running(membership, running, now)
    settings = queue_settings(membership.project_id)
    kind = ROUND_OF_STAGE[Stage(stage_of(membership))]
    available = available_cases(membership, practice=kind == RoundKind.PRACTICE)
    if available < least_cases(settings, kind):
        # Not begun, for want of cases: the owner hears of it.
        begin_round(reviewer=membership, started_by=SYSTEM, now=now)
        return RoundPage("short", kind, 0)
    size = min(available, wanted_cases(settings, kind))
    return RoundPage("due", kind, size, refusal=_refusal(membership, now))


def _result(ended: Round) -> RoundPage:
    """Practice tells how many were right, which the person has been told one by one; other rounds never do."""
    if ended.kind == RoundKind.PRACTICE:
        return RoundPage("practised", ended.kind, ended.size, done=ended.done, right=ended.right)
    return RoundPage("passed" if ended.passed else "failed", ended.kind, ended.size, done=ended.done)


def _running(membership: Membership, running: Round, now: datetime) -> RoundPage:
    progress = progress_of(running)
    if progress.done < running.size:
        refusal = _refusal(membership, now)
        return RoundPage("running", running.kind, running.size, done=progress.done, refusal=refusal)
    left = ceil((progress.undo_until - now).total_seconds()) if progress.undo_until else 0
    return RoundPage("closing", running.kind, running.size, done=progress.done, wait_seconds=max(1, left))


def _refusal(membership: Membership, now: datetime) -> str:
    """Why nothing is to be had just now, caps and breaks above all."""
    try:
        check_may_claim(membership, queue_settings(membership.project_id), now, in_round=True)
    except ClaimRefused as refused:
        return str(refused)
    return ""


@login_required
@require_safe
def practice_page(request: HttpRequest, token: str) -> HttpResponse:
    """What the person said of a practice case, what is known of it, and why. There is no such page for other items."""
    own = own_assignment(request.user, token)
    feedback, given = practice_feedback(own), own_rating(own)
    if feedback is None or given is None:
        raise Http404("no feedback")
    task, rubric = blinded_task(own), shown_rubric(own.rubric)
    context: dict[str, Any] = {
        "current_slug": own.reviewer.project.slug,
        "line": round_line(own),
        "right": feedback["right"],
        "known": _known(feedback["known_answer"]),
        "explanation": feedback["explanation"],
        "rows": [(row.title, row.answers[0], row.long) for row in rating_rows([given], rubric, task)],
        "page": read_task(task),
        "receipt": receipt_of(own.reviewer_id, own.token, timezone.now()),
    }
    return render(request, "labeling/practice_feedback.html", context)


def _known(answer: str) -> str:
    texts = {
        "acceptable": _("The response is acceptable."),
        "not acceptable": _("The response is not acceptable."),
        "a": _("A is better."),
        "b": _("B is better."),
        "tie": _("The two are equally good."),
    }
    return texts[answer]
