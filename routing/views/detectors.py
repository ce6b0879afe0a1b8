"""What looks at every input, and how often it cries wolf."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import ngettext

from reviewapp.core.models import Membership
from routing.services.traffic import LookRefused, detector_reports, look_at_traffic
from routing.views.contexts.detectors import detector_row
from routing.views.contexts.words import actor_names
from routing.views.doors import actor, fills_in, reads, show, to

DETECTORS = "console-detectors"


def detectors(request: HttpRequest, slug: str) -> HttpResponse:
    """Looking is for owners and auditors, taking a new look for owners."""
    return look(request, slug) if request.method == "POST" else report(request, slug)


@reads
def report(request: HttpRequest, member: Membership) -> HttpResponse:
    reference, reports = detector_reports(member.project, now=timezone.now())
    names = actor_names(member.project)
    return show(
        request,
        member,
        "detectors",
        DETECTORS,
        reference=reference,
        looked_at=len(reference.content_ids) if reference else 0,
        author=names.get(reference.created_by, reference.created_by) if reference else "",
        detectors=[detector_row(found) for found in reports],
    )


@fills_in
def look(request: HttpRequest, member: Membership) -> HttpResponse:
    try:
        reference = look_at_traffic(project=member.project, actor=actor(member), now=timezone.now())
    except LookRefused as refused:
        messages.error(request, str(refused))
    else:
        number = len(reference.content_ids)
        done = ngettext(
            "Looked at the %(number)d newest ordinary output.",
            "Looked at the %(number)d newest ordinary outputs.",
            number,
        )
        messages.success(request, done % {"number": number})
    return to(member, DETECTORS)
