"""Verdicts on their way: a clock that stands still until it is moved, and a post office that goes by it."""

import json
import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from standardwebhooks import Webhook

from labeling.models import Verdict
from routing.models import Output, WebhookDelivery, WebhookEndpoint
from routing.services.feed import publish_everywhere
from routing.services.outbound import Outbound
from routing.services.senders import Senders
from routing.services.sending import send_due, serve_endpoint
from routing.services.targets import PrivateTargets
from routing.services.webhooks import create_endpoint
from tests.delivery.receivers import Receiver
from tests.factories import judge, output_body, route
from tests.people import NOW, Cast

# Longer than anybody may undo.
LATER = NOW + timedelta(minutes=1)
LOOPBACK = PrivateTargets.of(["127.0.0.1"])


@dataclass
class PostOffice:
    """Publishes and sends by its own clock."""

    now: datetime = LATER
    seconds: float = 1.0
    rng: random.Random = field(default_factory=lambda: random.Random(7))
    senders: Senders = field(default_factory=Senders)

    @property
    def client(self) -> Outbound:
        return Outbound(allowed=LOOPBACK, total_seconds=self.seconds, max_body=0)

    def clock(self) -> datetime:
        return self.now

    def wait(self, **length: float) -> None:
        self.now += timedelta(**length)

    def serve(self, endpoint: WebhookEndpoint) -> int:
        """Publish, then one sender's turn at the endpoint, in this thread."""
        publish_everywhere(now=self.now)
        return serve_endpoint(endpoint_id=endpoint.pk, client=self.client, clock=self.clock, rng=self.rng)

    def sweep(self) -> int:
        """As the background task does it: threads, which `senders.wait` waits for."""
        publish_everywhere(now=self.now)
        return send_due(senders=self.senders, client=self.client, clock=self.clock, rng=self.rng)


def verdicts(cast: Cast, *names: str, now: datetime = NOW) -> list[Output]:
    """Outputs of these names, routed and judged one after the other, a second apart."""
    outputs = []
    for turn, name in enumerate(names):
        outputs += route(cast.project, output_body(name), now=now)
        judge(cast.reviewers[0], now=now + timedelta(seconds=turn))
    return outputs


def endpoint_at(cast: Cast, url: str, now: datetime = NOW) -> tuple[WebhookEndpoint, str]:
    """The setting PRIVATE_TARGETS must allow the address."""
    return create_endpoint(project=cast.project, url=url, actor="test", now=now)


def names_in(results: Iterable[dict[str, Any]]) -> list[str]:
    return [entry["output"]["external_id"] for entry in results]


def arrived(receiver: Receiver) -> list[str]:
    """The outputs' names in the order in which their verdicts came in."""
    return names_in(json.loads(request.body) for request in receiver.received)


def message_ids(receiver: Receiver) -> list[str]:
    return [request.headers["webhook-id"] for request in receiver.received]


def verify(receiver: Receiver, secret: str, at: datetime, index: int = -1) -> Any:
    """The body, verified by the published library as if it were `at`. Raises WebhookVerificationError."""
    request = receiver.received[index]
    headers = {name: value for name, value in request.headers.items() if name.startswith("webhook-")}
    return Webhook(secret).verify(request.body, headers)


def states(endpoint: WebhookEndpoint) -> list[str]:
    deliveries = WebhookDelivery.objects.filter(endpoint=endpoint).order_by("position")
    return list(deliveries.values_list("state", flat=True))


def verdict_of(output: Output) -> Verdict:
    return Verdict.objects.get(item__content__output=output)


def fresh(endpoint: WebhookEndpoint) -> WebhookEndpoint:
    return WebhookEndpoint.objects.get(pk=endpoint.pk)
