"""What is left of gold, and what adjudication has made ready to become gold."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from labeling.services.gold import GoldRefused
from labeling.services.limits import queue_settings
from labeling.services.promoting import promote_to_gold
from reviewapp.core.models import Membership
from routing.forms_gold import PromotionForm
from routing.views.access import one_of
from routing.views.contexts.disputes import output_names
from routing.views.contexts.gold import (
    adjudicated,
    adjudicated_row,
    gold_alarms,
    item_to_promote,
    promotable,
    supply_page,
)
from routing.views.doors import actor, fills_in, posted, reads, show, status_of, to
from routing.views.paging import page_of

CASES = "console-gold-cases"


@reads
def supply(request: HttpRequest, member: Membership) -> HttpResponse:
    """Owners and auditors see what is left, and whether planted cases look like the work that they hide in."""
    found = supply_page(member.project, queue_settings(member.project_id), timezone.now())
    return show(request, member, "gold_supply", CASES, supply=found, alarms=gold_alarms(member.project))


@reads
def ready(request: HttpRequest, member: Membership) -> HttpResponse:
    """What adjudicators decided for good and nobody has made a case of yet."""
    page = page_of(request, adjudicated(member.project), adjudicated_row, limit=20)
    return show(request, member, "gold_adjudicated", CASES, page=page)


@fills_in
def promote(request: HttpRequest, member: Membership, public_id: UUID) -> HttpResponse:
    item = one_of(item_to_promote(member.project), public_id=public_id)
    name = output_names([item.pk]).get(item.pk, ("", str(item.public_id)))[1]
    form = PromotionForm(posted(request), initial={"reference": name[:200]})
    if form.is_valid():
        try:
            case = promote_to_gold(item=item, actor=actor(member), now=timezone.now(), **form.cleaned_data)
        except GoldRefused as refused:
            field = refused.pointer.removeprefix("/")
            form.add_error(field if field in form.fields else None, str(refused))
        else:
            messages.success(request, _("Gold case “%(case)s” is planted.") % {"case": case.reference})
            return to(member, "console-gold-case", case.pk)
    return show(request, member, "gold_promote", CASES, status=status_of(form), case=promotable(item), form=form)
