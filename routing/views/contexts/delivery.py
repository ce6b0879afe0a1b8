"""Webhook endpoints and their deliveries, as the pages show them."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.utils.translation import gettext as _

from reviewapp.core.models import Project
from routing.models import DeliveryState, WebhookDelivery, WebhookEndpoint


@dataclass(frozen=True, slots=True)
class EndpointRow:
    """One endpoint. `state` is its tag: working, failing, off, or new before the first delivery."""

    pk: int
    url: str
    description: str
    state: str
    active: bool
    failures: int
    failing_since: datetime | None
    last_delivered_at: datetime | None
    disabled_at: datetime | None
    disabled_reason: str
    created_at: datetime
    former_until: datetime | None
    pending: int
    dead: int


@dataclass(frozen=True, slots=True)
class DeliveryRow:
    """One verdict on its way. `result` is the last error, or the status of the answer."""

    pk: int
    position: int
    message_id: str
    output_id: UUID
    external_id: str
    state: str
    attempts: int
    last_attempt_at: datetime | None
    next_attempt_at: datetime | None
    result: str


def endpoint_rows(project: Project, now: datetime) -> list[EndpointRow]:
    """The project's endpoints, newest first; there are few."""
    endpoints = WebhookEndpoint.objects.with_counts().filter(project=project).order_by("-active", "-pk")
    return [endpoint_row(endpoint, now) for endpoint in endpoints[:200]]


def endpoint_row(endpoint: WebhookEndpoint, now: datetime) -> EndpointRow:
    """`endpoint` comes with its counts."""
    former = endpoint.former_until
    return EndpointRow(
        pk=endpoint.pk,
        url=endpoint.url,
        description=endpoint.description,
        state=_state(endpoint),
        active=endpoint.active,
        failures=endpoint.failures,
        failing_since=endpoint.failing_since,
        last_delivered_at=endpoint.last_delivered_at,
        disabled_at=endpoint.disabled_at,
        disabled_reason=endpoint.disabled_reason,
        created_at=endpoint.created_at,
        former_until=former if former and former > now else None,
        pending=getattr(endpoint, "pending", 0),
        dead=getattr(endpoint, "dead", 0),
    )


def _state(endpoint: WebhookEndpoint) -> str:
    if not endpoint.active:
        return "off"
    if endpoint.failures:
        return "failing"
    return "working" if endpoint.last_delivered_at else "new"


def delivery_row(delivery: WebhookDelivery) -> DeliveryRow:
    """`delivery` comes with its event."""
    return DeliveryRow(
        pk=delivery.pk,
        position=delivery.position,
        message_id=str(delivery.event.verdict.public_id),
        output_id=delivery.event.output_id,
        external_id=delivery.event.output.external_id,
        state=delivery.state,
        attempts=delivery.attempts,
        last_attempt_at=delivery.last_attempt_at,
        next_attempt_at=delivery.next_attempt_at if delivery.state == DeliveryState.PENDING else None,
        result=delivery.last_error
        or (_("Answered %(status)s.") % {"status": delivery.last_status} if delivery.last_status else ""),
    )
