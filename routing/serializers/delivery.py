"""The feed, webhook endpoints and deliveries as the API reads and answers them."""

from typing import Any

from rest_framework import serializers

from reviewapp.core.serializers import StrictSerializer
from routing.models import DeliveryState, WebhookDelivery, WebhookEndpoint

MAX_PAGE = 1000


class FeedIn(StrictSerializer):
    since = serializers.RegexField(
        r"^[0-9]{1,18}$",
        required=False,
        allow_blank=True,
        # White space is no cursor; trimmed away it would quietly mean the beginning.
        trim_whitespace=False,
        default="",
        help_text="The `cursor` of the last row that was read; without it the feed begins at its oldest row.",
        error_messages={"invalid": "Take the cursor from a row or an answer of this feed."},
    )
    limit = serializers.IntegerField(required=False, min_value=1, max_value=MAX_PAGE, default=100)


class WebhookIn(StrictSerializer):
    url = serializers.CharField(max_length=2000, help_text="https, and on the public internet.")
    description = serializers.CharField(max_length=200, required=False, allow_blank=True, default="")


class WebhookChangeIn(StrictSerializer):
    active = serializers.BooleanField()


class DeliveriesIn(StrictSerializer):
    state = serializers.ChoiceField(choices=DeliveryState.choices, required=False)
    cursor = serializers.CharField(required=False)
    limit = serializers.IntegerField(required=False, min_value=1, max_value=MAX_PAGE, default=100)


def shown_endpoint(endpoint: WebhookEndpoint) -> dict[str, Any]:
    """The endpoint without its secret. `pending` and `dead` come from `endpoints_with_counts`."""
    return {
        "id": endpoint.pk,
        "url": endpoint.url,
        "description": endpoint.description,
        "active": endpoint.active,
        "created_at": endpoint.created_at,
        "disabled_at": endpoint.disabled_at,
        "disabled_reason": endpoint.disabled_reason or None,
        "failures": endpoint.failures,
        "failing_since": endpoint.failing_since,
        "last_delivered_at": endpoint.last_delivered_at,
        "pending": getattr(endpoint, "pending", 0),
        "dead": getattr(endpoint, "dead", 0),
    }


def shown_delivery(delivery: WebhookDelivery) -> dict[str, Any]:
    """The delivery and what came of it; `webhook_id` is the header by which the receiver knows the message."""
    event = delivery.event
    return {
        "id": delivery.pk,
        "webhook_id": str(event.verdict.public_id),
        "output": {"id": str(event.output_id), "external_id": event.output.external_id},
        "cursor": str(delivery.position),
        "state": delivery.state,
        "attempts": delivery.attempts,
        "first_attempt_at": delivery.first_attempt_at,
        "last_attempt_at": delivery.last_attempt_at,
        "next_attempt_at": delivery.next_attempt_at if delivery.state == DeliveryState.PENDING else None,
        "last_status": delivery.last_status,
        "last_error": delivery.last_error or None,
        "delivered_at": delivery.delivered_at,
    }
