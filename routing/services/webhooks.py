"""Webhook endpoints: where verdicts are posted to, and with which secret they are signed."""

import base64
import secrets
from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from reviewapp.core.models import Project
from reviewapp.core.sealing import seal
from reviewapp.core.services.audit import record
from routing.models import DeliveryState, WebhookDelivery, WebhookEndpoint
from routing.services.outbound import outbound
from routing.services.targets import TargetRefused

SECRET_PREFIX = "whsec_"
SECRET_BYTES = 32
# So long does the former secret sign too.
ROTATION = timedelta(hours=24)
MAX_ENDPOINTS = 20


class EndpointRefused(Exception):
    """The endpoint cannot be made or changed so; the message says why."""


def new_secret() -> str:
    """A random secret as the Standard Webhooks specification writes it."""
    return SECRET_PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def create_endpoint(
    *, project: Project, url: str, actor: str, now: datetime, description: str = ""
) -> tuple[WebhookEndpoint, str]:
    """The endpoint and its secret, which cannot be had again. Verdicts go to it from now on.

    Raises EndpointRefused for an address that would never be asked.
    """
    try:
        # Not inside the transaction: resolving a name takes its time.
        outbound().check(url)
    except TargetRefused as refused:
        raise EndpointRefused(str(refused)) from refused
    with transaction.atomic():
        # Those who create at the same moment wait for each other, so the limit holds.
        Project.objects.select_for_update(no_key=True).get(pk=project.pk)
        if WebhookEndpoint.objects.active().filter(project=project).count() >= MAX_ENDPOINTS:
            raise EndpointRefused(_("A project has at most %(limit)s active endpoints.") % {"limit": MAX_ENDPOINTS})
        secret = new_secret()
        endpoint = WebhookEndpoint.objects.create(
            project=project, url=url, description=description, secret=seal(secret), created_at=now
        )
        _record(endpoint, actor, "webhook.created", url=url)
    return endpoint, secret


@transaction.atomic
def rotate_secret(*, endpoint: WebhookEndpoint, actor: str, now: datetime) -> str:
    """A new secret, which cannot be had again; the former one signs too for another 24 hours."""
    locked = WebhookEndpoint.objects.select_for_update().get(pk=endpoint.pk)
    secret = new_secret()
    WebhookEndpoint.objects.filter(pk=locked.pk).update(
        secret=seal(secret), former_secret=locked.secret, former_until=now + ROTATION
    )
    _record(endpoint, actor, "webhook.secret_rotated")
    return secret


@transaction.atomic
def switch_off(*, endpoint: WebhookEndpoint, actor: str, reason: str, now: datetime) -> bool:
    """Send nothing more: what is pending rests, new verdicts are not queued. False when it was off already."""
    running = WebhookEndpoint.objects.active().filter(pk=endpoint.pk)
    if not running.update(active=False, disabled_at=now, disabled_reason=reason[:300]):
        return False
    _record(endpoint, actor, "webhook.switched_off", reason=reason)
    return True


@transaction.atomic
def switch_on(*, endpoint: WebhookEndpoint, actor: str, now: datetime) -> bool:
    """Send again, first what was left pending, with another 24 hours to try. False when it was on already."""
    Project.objects.select_for_update(no_key=True).get(pk=endpoint.project_id)
    siblings = WebhookEndpoint.objects.active().filter(project_id=endpoint.project_id)
    if siblings.exclude(pk=endpoint.pk).count() >= MAX_ENDPOINTS:
        raise EndpointRefused(_("A project has at most %(limit)s active endpoints.") % {"limit": MAX_ENDPOINTS})
    resting = WebhookEndpoint.objects.filter(pk=endpoint.pk, active=False)
    if not resting.update(active=True, disabled_at=None, disabled_reason="", failures=0, failing_since=None):
        return False
    pending = WebhookDelivery.objects.filter(endpoint=endpoint, state=DeliveryState.PENDING)
    pending.update(attempts=0, first_attempt_at=None, next_attempt_at=now)
    _record(endpoint, actor, "webhook.switched_on")
    return True


def redeliver(*, delivery: WebhookDelivery, actor: str, now: datetime) -> None:
    """Send it again, soon, under the same webhook-id, with another 24 hours to try; a pending one without waiting."""
    _requeue(delivery.endpoint, actor, now, pk=delivery.pk)


def redeliver_dead(*, endpoint: WebhookEndpoint, actor: str, now: datetime) -> int:
    """Send again whatever was given up; how many that are."""
    return _requeue(endpoint, actor, now, state=DeliveryState.DEAD)


@transaction.atomic
def _requeue(endpoint: WebhookEndpoint, actor: str, now: datetime, **which: object) -> int:
    changed = WebhookDelivery.objects.filter(endpoint=endpoint, **which).update(
        state=DeliveryState.PENDING, attempts=0, first_attempt_at=None, next_attempt_at=now, delivered_at=None
    )
    if changed:
        _record(endpoint, actor, "webhook.redelivered", deliveries=changed, **which)
    return changed


def _record(endpoint: WebhookEndpoint, actor: str, verb: str, **data: object) -> None:
    record(project=endpoint.project, actor=actor, verb=verb, target=f"webhook:{endpoint.pk}", **data)
