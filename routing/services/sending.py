"""Posting verdicts to webhook endpoints: signed, in order, at least once.

An endpoint is leased by one sender at a time, who tries the oldest pending delivery and nothing
else. What a sender does between leasing and recording can be lost, with its process; then the lease
runs out and the same message goes out again under the same webhook-id.
"""

import json
import math
import random
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import F, OuterRef, Subquery
from rest_framework.utils.encoders import JSONEncoder
from standardwebhooks import Webhook

from reviewapp.core.sealing import SealBroken, unseal
from reviewapp.core.services.audit import SYSTEM, record
from routing.models import DeliveryState, WebhookDelivery, WebhookEndpoint
from routing.services.feed import event_body
from routing.services.outbound import Outbound, OutboundError
from routing.services.senders import Senders
from routing.services.targets import TargetRefused
from routing.services.webhooks import switch_off

Clock = Callable[[], datetime]

# Longer than any request may take, with room for a slow database.
LEASE = timedelta(seconds=60)
# A sender makes way for other endpoints after this long, however much is still to send.
TURN = timedelta(seconds=30)
GIVE_UP_AFTER = timedelta(hours=24)
FIRST_WAIT, LONGEST_WAIT = 5.0, 4 * 3600.0
GONE = 410
BUSY = (429, 503)
# Looked at in one sweep; more than there are senders.
MOST_ENDPOINTS = 100


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one attempt. `status` is null where there was no answer, `retry_after` is in seconds."""

    status: int | None
    error: str = ""
    retry_after: float = 0.0

    @property
    def delivered(self) -> bool:
        return not self.error


def send_due(*, senders: Senders, client: Outbound, clock: Clock, rng: random.Random) -> int:
    """Give every free endpoint with something due to a sender of its own, and go on; how many found one.

    An endpoint for which no sender is free is found again by the next call.
    """
    served = 0
    for endpoint_id, failing in endpoints_to_serve(now=clock(), most=MOST_ENDPOINTS):
        work = partial(serve_endpoint, endpoint_id=endpoint_id, client=client, clock=clock, rng=rng)
        served += senders.offer(endpoint_id, work, doubtful=failing)
    return served


def endpoints_to_serve(*, now: datetime, most: int) -> list[tuple[int, bool]]:
    """Free endpoints whose oldest pending delivery is due, and whether they are failing; those that work come first."""
    pending = WebhookDelivery.objects.filter(endpoint=OuterRef("pk"), state=DeliveryState.PENDING)
    due_at = Subquery(pending.order_by("position").values("next_attempt_at")[:1])
    due = WebhookEndpoint.objects.free(now).annotate(due_at=due_at).filter(due_at__lte=now)
    return [(pk, failures > 0) for pk, failures in due.order_by("failures", "pk").values_list("pk", "failures")[:most]]


def serve_endpoint(*, endpoint_id: int, client: Outbound, clock: Clock, rng: random.Random) -> int:
    """Send what is due to one endpoint until one fails, nothing is left or the turn is over; how many arrived.

    0 when another sender holds the endpoint. `clock` tells the time, `rng` spreads the retries.
    """
    lease, began = uuid.uuid4(), clock()
    arrived = 0
    while _hold(endpoint_id, lease, clock()) and clock() - began < TURN:
        delivery = _oldest(endpoint_id)
        if delivery is None or delivery.next_attempt_at > clock():
            break
        outcome = attempt(delivery=delivery, client=client, now=clock())
        _note(delivery, lease, outcome, clock(), rng)
        if not outcome.delivered:
            break
        arrived += 1
    WebhookEndpoint.objects.filter(pk=endpoint_id, lease=lease).update(lease=None, leased_until=None)
    return arrived


def _hold(endpoint_id: int, lease: uuid.UUID, now: datetime) -> bool:
    """Take the endpoint or keep it; False when somebody else has it or it was switched off."""
    own = WebhookEndpoint.objects.active().filter(pk=endpoint_id, lease=lease)
    free = WebhookEndpoint.objects.free(now).filter(pk=endpoint_id)
    return any(rows.update(lease=lease, leased_until=now + LEASE) == 1 for rows in (own, free))


def _oldest(endpoint_id: int) -> WebhookDelivery | None:
    pending = WebhookDelivery.objects.filter(endpoint_id=endpoint_id, state=DeliveryState.PENDING)
    related = ("endpoint__project", "event__output", "event__verdict__rubric")
    return pending.select_related(*related).order_by("position").first()


def attempt(*, delivery: WebhookDelivery, client: Outbound, now: datetime) -> Outcome:
    """Post the verdict once. Nothing is stored."""
    event = delivery.event
    return post_signed(
        endpoint=delivery.endpoint,
        message_id=str(event.verdict.public_id),
        content=json.dumps(event_body(event), cls=JSONEncoder, ensure_ascii=False),
        client=client,
        now=now,
    )


def post_signed(
    *, endpoint: WebhookEndpoint, message_id: str, content: str, client: Outbound, now: datetime
) -> Outcome:
    """One request as in the Standard Webhooks specification. Every answer but 2xx is a failure, redirects included."""
    try:
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "reviewapp-webhooks/1",
            "webhook-id": message_id,
            "webhook-timestamp": str(math.floor(now.timestamp())),
            "webhook-signature": _signatures(endpoint, message_id, content, now),
        }
        answer = client.send("POST", endpoint.url, headers=headers, content=content.encode())
    except (SealBroken, TargetRefused, OutboundError) as error:
        return Outcome(None, str(error)[:300])
    if answer.ok:
        return Outcome(answer.status)
    word = "It answered with a redirect, which is not followed" if 300 <= answer.status < 400 else "It answered"
    wait = answer.headers.get("retry-after", "") if answer.status in BUSY else ""
    # A date is allowed there too; the back-off is close enough to it.
    seconds = float(wait) if wait.isascii() and wait.isdecimal() and len(wait) < 10 else 0.0
    return Outcome(answer.status, f"{word} ({answer.status})."[:300], min(seconds, LONGEST_WAIT))


def _signatures(endpoint: WebhookEndpoint, message_id: str, content: str, now: datetime) -> str:
    sealed = [endpoint.secret]
    if endpoint.former_secret and endpoint.former_until and now < endpoint.former_until:
        sealed.append(endpoint.former_secret)
    return " ".join(Webhook(unseal(secret)).sign(message_id, now, content) for secret in sealed)


@transaction.atomic
def _note(delivery: WebhookDelivery, lease: uuid.UUID, outcome: Outcome, now: datetime, rng: random.Random) -> None:
    """Store what came of an attempt; not if the lease was lost meanwhile, for then another sender is at it."""
    endpoint = (
        WebhookEndpoint.objects.select_for_update(no_key=True).filter(pk=delivery.endpoint_id, lease=lease).first()
    )
    if endpoint is None and not outcome.delivered:
        return
    first = delivery.first_attempt_at or now
    changes: dict[str, Any] = {
        "attempts": F("attempts") + 1,
        "first_attempt_at": first,
        "last_attempt_at": now,
        "last_status": outcome.status,
        "last_error": outcome.error,
    }
    pending = WebhookDelivery.objects.filter(pk=delivery.pk, state=DeliveryState.PENDING)
    served = WebhookEndpoint.objects.filter(pk=delivery.endpoint_id)
    if outcome.delivered:
        pending.update(state=DeliveryState.DELIVERED, delivered_at=now, **changes)
        served.update(failures=0, failing_since=None, last_delivered_at=now)
        return
    again = next_attempt(attempts=delivery.attempts + 1, first=first, now=now, wait=outcome.retry_after, rng=rng)
    if again is None:
        pending.update(state=DeliveryState.DEAD, **changes)
    else:
        pending.update(next_attempt_at=again, **changes)
    served.update(failures=F("failures") + 1, failing_since=delivery.endpoint.failing_since or now)
    if outcome.status == GONE:
        switch_off(endpoint=delivery.endpoint, actor=SYSTEM, reason="It answered that it is gone (410).", now=now)


def next_attempt(*, attempts: int, first: datetime, now: datetime, wait: float, rng: random.Random) -> datetime | None:
    """When to try again after `attempts` failures, the first at `first`; None when 24 hours have passed.

    The waits double from 5 seconds up to 4 hours, each shortened by up to a half at random so that the
    receivers of one broken network do not all come back in the same second. `wait` is what the receiver asked for,
    in seconds. The last attempt is at the very end of the 24 hours.
    """
    end = first + GIVE_UP_AFTER
    if now >= end:
        return None
    longest = min(LONGEST_WAIT, FIRST_WAIT * 2 ** min(attempts - 1, 20))
    seconds = max(longest * rng.uniform(0.5, 1.0), wait)
    return min(now + timedelta(seconds=seconds), end)


def send_ping(*, endpoint: WebhookEndpoint, actor: str, client: Outbound, now: datetime) -> Outcome:
    """Post {"type": "ping"} once, signed like a verdict, so that its owner sees whether the receiver gets and
    verifies it. Nothing waits for it and nothing is tried again."""
    content = json.dumps({"type": "ping", "at": now}, cls=JSONEncoder)
    outcome = post_signed(endpoint=endpoint, message_id=f"ping_{uuid.uuid4()}", content=content, client=client, now=now)
    record(
        project=endpoint.project,
        actor=actor,
        verb="webhook.tested",
        target=f"webhook:{endpoint.pk}",
        status=outcome.status,
        error=outcome.error,
    )
    return outcome
