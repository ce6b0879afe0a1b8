"""Agreement between people, its floor, and the ceiling that people set for automatic verdicts."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from labeling.queries.agreement import CUTS, agreement_floor
from labeling.services.settings import change_queue_settings
from reviewapp.core.models import Membership
from routing.forms import AgreementFilters
from routing.forms_measuring import FloorForm
from routing.views.contexts.agreement import MOST_LINES_WITH_PAIRS, agreement_lines, ceiling_lines
from routing.views.doors import actor, fills_in, posted, reads, show, status_of, to
from routing.views.figures import percent

SECTION = "console-agreement"


@reads
def agreement(request: HttpRequest, member: Membership) -> HttpResponse:
    return _agreement(request, member, floor=None)


def _agreement(request: HttpRequest, member: Membership, *, floor: FloorForm | None) -> HttpResponse:
    form = AgreementFilters(request.GET)
    wanted = {name: value for name, value in form.cleaned_data.items() if value} if form.is_valid() else {}
    lines = [] if form.errors else agreement_lines(member.project, **wanted)
    ceiling = [] if form.errors else ceiling_lines(member.project, **wanted)
    stored = agreement_floor(member.project)
    context = {
        "form": form,
        "lines": lines,
        "filtered": bool(wanted),
        "sliced": bool(CUTS[wanted.get("by", "criterion")]),
        "with_pairs": [line for line in lines if line.pairs] if len(lines) <= MOST_LINES_WITH_PAIRS else [],
        "ceiling": [line for line in ceiling if line.people.value],
        "ceiling_thin": [line for line in ceiling if not line.people.value],
        "floor": percent(stored, 0),
        "floor_form": floor or FloorForm(initial={"agreement_floor": round(100 * stored, 1)}),
    }
    faulty = form if floor is None else floor
    return show(request, member, "agreement", SECTION, status=status_of(faulty), **context)


@fills_in
def floor(request: HttpRequest, member: Membership) -> HttpResponse:
    """The button beside the floor. Looking at its address leads back to the table."""
    form = FloorForm(posted(request))
    if request.method == "POST":
        if not form.is_valid():
            return _agreement(request, member, floor=form)
        change_queue_settings(
            project=member.project, actor=actor(member), agreement_floor=form.cleaned_data["agreement_floor"] / 100
        )
        messages.success(request, _("The floor is stored."))
    return to(member, SECTION)
