"""What nobody may overlook: alarms, and to whom an item goes up when its time runs out."""

from django.db import models
from django.db.models import Q
from django.utils import timezone

from labeling.models.items import ReviewItem
from reviewapp.core.models import Membership, Project


class Alarm(models.Model):
    """Something is wrong and the owner must know. It clears when its cause is gone, never by being looked at."""

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="alarms")
    kind = models.CharField(max_length=40)
    # What it is about within the kind: a credential, a tier, a person's rater code.
    subject = models.CharField(max_length=200, blank=True)
    data = models.JSONField(default=dict)
    raised_at = models.DateTimeField(default=timezone.now)
    seen_at = models.DateTimeField(null=True)
    seen_by = models.CharField(max_length=300, blank=True)
    cleared_at = models.DateTimeField(null=True)
    # When word of it is to be sent by e-mail, or sent again; null once that has been done.
    tell_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["project", "kind", "subject"], condition=Q(cleared_at__isnull=True), name="one_open_alarm"
            ),
        ]
        indexes = [
            models.Index(fields=["project", "-raised_at"], name="alarm_by_project"),
            models.Index(fields=["tell_at"], condition=Q(tell_at__isnull=False), name="alarm_to_tell"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.subject}".strip()


class EscalationStep(models.Model):
    """Who is told of an unjudged item, and how long before (or, negative, after) it is due."""

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="escalation_steps")
    # A seat's priority; null stands for every tier.
    priority = models.PositiveIntegerField(null=True, blank=True)
    minutes_before = models.IntegerField()
    membership = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["project", "priority", "minutes_before", "membership"], name="escalation_step_unique"
            ),
            models.UniqueConstraint(
                fields=["project", "minutes_before", "membership"],
                condition=Q(priority__isnull=True),
                name="escalation_step_for_all_unique",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.membership} {self.minutes_before} minutes before"


class Escalation(models.Model):
    """One item that passed one step: told once."""

    item = models.ForeignKey(ReviewItem, on_delete=models.PROTECT, related_name="escalations")
    step = models.ForeignKey(EscalationStep, on_delete=models.CASCADE, related_name="escalations")
    at = models.DateTimeField()
    # When word of it is to be sent by e-mail, or sent again; null once that has been done.
    tell_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["item", "step"], name="escalated_once")]
        indexes = [models.Index(fields=["tell_at"], condition=Q(tell_at__isnull=False), name="escalation_to_tell")]

    def __str__(self) -> str:
        return f"item {self.item_id} told to {self.step}"
