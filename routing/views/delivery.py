"""Where verdicts are posted to, and what became of them."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from reviewapp.core.models import Membership
from routing.access import delivery_of, endpoint_of
from routing.forms import DeliveryFilters, WebhookForm
from routing.models import WebhookDelivery
from routing.services.outbound import outbound
from routing.services.sending import send_ping
from routing.services.webhooks import (
    EndpointRefused,
    create_endpoint,
    redeliver,
    redeliver_dead,
    rotate_secret,
    switch_off,
    switch_on,
)
from routing.views.contexts.delivery import delivery_row, endpoint_row, endpoint_rows
from routing.views.doors import actor, fills_in, posted, reads, show, status_of, to
from routing.views.paging import page_of

SECTION = "console-webhooks"
# Somebody waits for the page.
PING_SECONDS = 5.0


def _button(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """The address of a button here. Looking at it does nothing and leads back to the list."""

    @wraps(view)
    def pressed(request: HttpRequest, member: Membership, **kwargs: Any) -> HttpResponse:
        return view(request, member, **kwargs) if request.method == "POST" else to(member, SECTION)

    return fills_in(pressed)


@reads
def webhooks(request: HttpRequest, member: Membership) -> HttpResponse:
    return _listed(request, member, WebhookForm())


@fills_in
def add(request: HttpRequest, member: Membership) -> HttpResponse:
    """The secret stands in this one answer and nowhere else, so there is no redirect."""
    form = WebhookForm(posted(request))
    if not form.is_valid():
        return _listed(request, member, form)
    try:
        endpoint, secret = create_endpoint(
            project=member.project, actor=actor(member), now=timezone.now(), **form.cleaned_data
        )
    except EndpointRefused as refused:
        form.add_error("url", str(refused))
        return _listed(request, member, form)
    return show(request, member, "webhook_secret", SECTION, pk=endpoint.pk, url=endpoint.url, secret=secret, new=True)


def _listed(request: HttpRequest, member: Membership, form: WebhookForm) -> HttpResponse:
    rows = endpoint_rows(member.project, timezone.now())
    return show(request, member, "webhooks", SECTION, status=status_of(form), form=form, rows=rows)


@reads
def webhook(request: HttpRequest, member: Membership, pk: int) -> HttpResponse:
    endpoint = endpoint_of(member.project, pk)
    form = DeliveryFilters(request.GET)
    deliveries = WebhookDelivery.objects.with_events().filter(endpoint=endpoint).order_by("-pk")
    if not form.is_valid():
        deliveries = deliveries.none()
    elif state := form.cleaned_data["state"]:
        deliveries = deliveries.filter(state=state)
    page = page_of(request, deliveries, delivery_row)
    context = {"endpoint": endpoint_row(endpoint, timezone.now()), "form": form, "page": page}
    return show(request, member, "webhook", SECTION, status=status_of(form), **context)


@_button
def switch(request: HttpRequest, member: Membership, pk: int) -> HttpResponse:
    endpoint = endpoint_of(member.project, pk)
    now = timezone.now()
    try:
        if endpoint.active:
            switch_off(endpoint=endpoint, actor=actor(member), reason=f"Switched off by {member.person}.", now=now)
            messages.success(request, _("Nothing more is sent there; what is pending rests."))
        else:
            switch_on(endpoint=endpoint, actor=actor(member), now=now)
            messages.success(request, _("Sending again, first what was left pending."))
    except EndpointRefused as refused:
        messages.warning(request, str(refused))
    return to(member, "console-webhook", pk)


@_button
def rotate(request: HttpRequest, member: Membership, pk: int) -> HttpResponse:
    """The secret stands in this one answer and nowhere else, so there is no redirect."""
    endpoint = endpoint_of(member.project, pk)
    secret = rotate_secret(endpoint=endpoint, actor=actor(member), now=timezone.now())
    return show(request, member, "webhook_secret", SECTION, pk=pk, url=endpoint.url, secret=secret, new=False)


@_button
def ping(request: HttpRequest, member: Membership, pk: int) -> HttpResponse:
    client = outbound(max_body=0, total_seconds=PING_SECONDS)
    endpoint = endpoint_of(member.project, pk)
    outcome = send_ping(endpoint=endpoint, actor=actor(member), client=client, now=timezone.now())
    if outcome.delivered:
        messages.success(
            request, _("The test message arrived; the answer was %(status)s.") % {"status": outcome.status}
        )
    else:
        messages.warning(request, _("The test message failed. %(error)s") % {"error": outcome.error})
    return to(member, "console-webhook", pk)


@_button
def redeliver_all(request: HttpRequest, member: Membership, pk: int) -> HttpResponse:
    number = redeliver_dead(endpoint=endpoint_of(member.project, pk), actor=actor(member), now=timezone.now())
    done = ngettext(
        "%(number)d given up before will be sent again.", "%(number)d given up before will be sent again.", number
    )
    messages.success(request, done % {"number": number})
    return to(member, "console-webhook", pk)


@_button
def redeliver_one(request: HttpRequest, member: Membership, pk: int) -> HttpResponse:
    delivery = delivery_of(member.project, pk)
    redeliver(delivery=delivery, actor=actor(member), now=timezone.now())
    messages.success(request, _("It will be sent again within seconds."))
    return to(member, "console-webhook", delivery.endpoint_id)
