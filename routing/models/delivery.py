"""The way back: the feed of verdicts, and the webhooks that carry it."""

from datetime import datetime

from django.db import models
from django.db.models import Count, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone

from labeling.models import Verdict
from reviewapp.core.models import Project
from routing.models.outputs import Output


class FeedCounter(models.Model):
    """The last position of a project's feed. Whoever publishes locks this row, so positions appear in their order:
    no reader can have seen one while a smaller one was still to come."""

    project = models.OneToOneField(Project, on_delete=models.PROTECT, primary_key=True, related_name="+")
    last_position = models.PositiveBigIntegerField(default=0)

    def __str__(self) -> str:
        return f"feed of {self.project} at {self.last_position}"


class VerdictEventQuerySet(models.QuerySet["VerdictEvent"]):
    def after(self, project: Project, position: int) -> "VerdictEventQuerySet":
        """What a reader of the feed has not seen, oldest first, with all that is told of it."""
        rows = self.filter(project=project, position__gt=position).order_by("position")
        return rows.select_related("verdict__rubric", "output").defer(
            "output__metadata", "verdict__rubric__instructions"
        )


class VerdictEvent(models.Model):
    """One verdict in the feed of its project. Positions are 1, 2, 3, … without gaps; rows are never changed."""

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="+")
    position = models.PositiveBigIntegerField()
    verdict = models.OneToOneField(Verdict, on_delete=models.PROTECT, related_name="+")
    output = models.ForeignKey(Output, on_delete=models.PROTECT, related_name="verdict_events")
    published_at = models.DateTimeField()

    objects = VerdictEventQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "position"], name="event_position_unique"),
            models.CheckConstraint(condition=Q(position__gte=1), name="event_position_from_one"),
        ]

    def __str__(self) -> str:
        return f"event {self.position} of {self.project}"


class WebhookEndpointQuerySet(models.QuerySet["WebhookEndpoint"]):
    def active(self) -> "WebhookEndpointQuerySet":
        return self.filter(active=True)

    def free(self, now: datetime) -> "WebhookEndpointQuerySet":
        """Active ones that no sender holds."""
        return self.active().filter(Q(leased_until__isnull=True) | Q(leased_until__lte=now))

    def with_counts(self) -> "WebhookEndpointQuerySet":
        """With `pending` and `dead`, the numbers of such deliveries, each from its own small index."""
        return self.annotate(pending=_number_of(DeliveryState.PENDING), dead=_number_of(DeliveryState.DEAD))


class WebhookEndpoint(models.Model):
    """An address of the AI application to which every verdict is posted, in the feed's order.

    While it is inactive its queue rests and takes no new verdicts.
    """

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="webhook_endpoints")
    url = models.CharField(max_length=2000)
    description = models.CharField(max_length=200, blank=True)
    # Sealed; see reviewapp/core/sealing.py.
    secret = models.TextField(editable=False)
    # After a rotation the former secret signs too, so that the receiver can change over without a gap.
    former_secret = models.TextField(blank=True, editable=False)
    former_until = models.DateTimeField(null=True)
    active = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=timezone.now)
    disabled_at = models.DateTimeField(null=True)
    disabled_reason = models.CharField(max_length=300, blank=True)
    # The sender at work on it; nobody else sends to it meanwhile.
    lease = models.UUIDField(null=True, editable=False)
    leased_until = models.DateTimeField(null=True)
    # Attempts that failed since the last that did not, and since when.
    failures = models.PositiveIntegerField(default=0)
    failing_since = models.DateTimeField(null=True)
    last_delivered_at = models.DateTimeField(null=True)

    objects = WebhookEndpointQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(active=True, disabled_at__isnull=True) | Q(active=False, disabled_at__isnull=False),
                name="webhook_inactive_means_disabled",
            ),
        ]

    def __str__(self) -> str:
        return self.url


class DeliveryState(models.TextChoices):
    PENDING = "pending"
    DELIVERED = "delivered"
    DEAD = "dead"


class WebhookDeliveryQuerySet(models.QuerySet["WebhookDelivery"]):
    def with_events(self) -> "WebhookDeliveryQuerySet":
        return self.select_related("event__verdict", "event__output").defer("event__output__metadata")


def _number_of(state: str) -> Coalesce:
    deliveries = WebhookDelivery.objects.filter(endpoint=OuterRef("pk"), state=state).order_by()
    counted = deliveries.values("endpoint").annotate(number=Count("pk")).values("number")
    return Coalesce(Subquery(counted, output_field=models.IntegerField()), 0)


class WebhookDelivery(models.Model):
    """One verdict on its way to one endpoint. Of the pending ones only that with the smallest position is tried."""

    endpoint = models.ForeignKey(WebhookEndpoint, on_delete=models.PROTECT, related_name="deliveries")
    event = models.ForeignKey(VerdictEvent, on_delete=models.PROTECT, related_name="deliveries")
    # The event's, so that the queue is one index.
    position = models.PositiveBigIntegerField()
    state = models.CharField(max_length=10, choices=DeliveryState, default=DeliveryState.PENDING)
    attempts = models.PositiveIntegerField(default=0)
    first_attempt_at = models.DateTimeField(null=True)
    next_attempt_at = models.DateTimeField()
    last_attempt_at = models.DateTimeField(null=True)
    # HTTP status of the last answer; null where there was none.
    last_status = models.PositiveSmallIntegerField(null=True)
    last_error = models.CharField(max_length=300, blank=True)
    delivered_at = models.DateTimeField(null=True)

    objects = WebhookDeliveryQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "webhook deliveries"
        constraints = [
            models.UniqueConstraint(fields=["endpoint", "event"], name="one_delivery_per_endpoint"),
            models.CheckConstraint(condition=Q(state__in=DeliveryState.values), name="delivery_state_known"),
            models.CheckConstraint(
                condition=Q(state=DeliveryState.DELIVERED, delivered_at__isnull=False)
                | (~Q(state=DeliveryState.DELIVERED) & Q(delivered_at__isnull=True)),
                name="delivery_delivered_has_time",
            ),
        ]
        indexes = [
            models.Index(
                fields=["endpoint", "position"], condition=Q(state=DeliveryState.PENDING), name="delivery_queue"
            ),
            models.Index(fields=["endpoint", "-id"], condition=Q(state=DeliveryState.DEAD), name="delivery_dead"),
        ]

    def __str__(self) -> str:
        return f"delivery {self.pk}"
