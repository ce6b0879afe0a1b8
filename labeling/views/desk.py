"""The desk as HTML: a whole page, or the fragment that the page's script puts in the place of the last item."""

from collections.abc import Callable
from dataclasses import replace
from functools import wraps
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.db.models import prefetch_related_objects
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils import timezone

from labeling.access import own_assignment
from labeling.blinding import blinded_claim, failing_answers
from labeling.forms import Typed, new_key
from labeling.models import Assignment, AssignmentState
from labeling.services.limits import progress
from labeling.views.keymap import keymap_of
from labeling.views.own_work import receipt_of
from labeling.views.review_page import review_page
from labeling.views.rounds import round_line
from labeling.views.wording import lost_text
from reviewapp.core.models import Membership

UNFINISHED = (AssignmentState.LEASED, AssignmentState.EXPIRED)
# What the page's script wants for an answer: word of what it sent, or that and the next item; "" is a browser's form.
SEND, NEXT = "send", "next"

View = Callable[..., HttpResponse]


def wanted(request: HttpRequest) -> str:
    header = request.headers.get("X-Desk", "")
    return header if header in (SEND, NEXT) else ""


def signed_in(view: View) -> View:
    """As `login_required`, but a script is told 401: it must not take the sign-in page for an answer."""
    guarded = login_required(view)

    @wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        by_script = "X-Desk" in request.headers or "HX-Request" in request.headers
        if by_script and not request.user.is_authenticated:
            return HttpResponse(status=401)
        return guarded(request, *args, **kwargs)

    return answer


def desk_page(request: HttpRequest, own: Assignment, typed: Typed) -> HttpResponse:
    return render(request, "labeling/assignment.html", _page_context(request, own, _desk_context(own, typed)))


def desk_fragment(request: HttpRequest, own: Assignment, typed: Typed) -> HttpResponse:
    """The same desk, without the page around it."""
    return render(request, "labeling/_desk.html", _desk_context(own, typed))


def refused(
    request: HttpRequest,
    own: Assignment,
    typed: Typed,
    *,
    errors: list[dict[str, str]] | None = None,
    detail: str = "",
) -> HttpResponse:
    """What was sent could not be taken: 422 with what is wrong with it, or 409 when the item is not theirs any more.

    Everything typed comes back: in the form, or, where another item is on the desk already, in a notice.
    """
    # A refused write may have met a newer state than the one read before it.
    own = own if errors else own_assignment(request.user, own.token)
    # Nothing was stored under the refused key, or it was and was undone: either way the next try needs another.
    typed = replace(typed, idempotency_key=new_key()) if errors else typed
    ended = own.state not in UNFINISHED
    lost = "" if errors else detail or lost_text(ended=ended)
    status = 422 if errors else 409
    if wanted(request) == SEND:
        context = {"token": own.token, "typed": typed, "lost": lost, "ended": ended}
        return render(request, "labeling/_refused.html", context, status=status)
    context = _desk_context(own, typed, errors=errors) | {"lost": lost, "ended": ended}
    if wanted(request) == NEXT:
        return render(request, "labeling/_desk.html", context, status=status)
    return render(request, "labeling/assignment.html", _page_context(request, own, context), status=status)


def line(request: HttpRequest, reviewer: Membership, *, after: str = "", said: str = "") -> str:
    """What became of what was sent: the receipt with its undo, or the words for it; and the day's progress."""
    now = timezone.now()
    context = {
        "receipt": receipt_of(reviewer.pk, after, now),
        "said": said,
        "progress": progress(reviewer, now),
        "keymap": keymap_of(reviewer.person),
    }
    return render_to_string("labeling/_line.html", context, request)


def _desk_context(own: Assignment, typed: Typed, *, errors: list[dict[str, str]] | None = None) -> dict[str, Any]:
    """Of the assignment, the templates get what `blinded_claim` tells and no more."""
    now = timezone.now()
    # Read once for the questions and for what fails.
    prefetch_related_objects([own.rubric], "criteria")
    body, failing = blinded_claim(own, now=now), failing_answers(own.rubric)
    return {
        "current_slug": own.reviewer.project.slug,
        "page": review_page(body, typed, now=now, failing=failing, errors=errors or []),
        "keymap": keymap_of(own.reviewer.person),
        "unopened": own.opened_at is None,
        "round_line": round_line(own),
        "lost": "",
        "ended": False,
    }


def _page_context(request: HttpRequest, own: Assignment, desk: dict[str, Any]) -> dict[str, Any]:
    now, after = timezone.now(), request.GET.get("after", "")
    return desk | workplace(own.reviewer) | {"receipt": receipt_of(own.reviewer_id, after, now)}


def workplace(reviewer: Membership) -> dict[str, Any]:
    """What stays on the page while items come and go, and what its script needs to know."""
    return {
        "current_slug": reviewer.project.slug,
        "progress": progress(reviewer, timezone.now()),
        "keymap": keymap_of(reviewer.person),
        "csrf_cookie": settings.CSRF_COOKIE_NAME,
    }
