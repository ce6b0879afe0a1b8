"""Decisions: what was done with each output, and the review that follows from it."""

from django.db import models
from django.db.models import Q

from labeling.models import ReviewItem
from reviewapp.core.models import Project
from routing.models.learning import Calibrator
from routing.models.outputs import Output
from routing.models.policies import Policy


class Action(models.TextChoices):
    SHIP = "ship"
    REVIEW = "review"


class Stakes(models.TextChoices):
    HIGH = "high"
    MID = "mid"
    LOW = "low"


class Decision(models.Model):
    """The routing result of one output: exactly one, never changed."""

    output = models.OneToOneField(Output, on_delete=models.PROTECT, primary_key=True, related_name="decision")
    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="+")
    policy = models.ForeignKey(Policy, on_delete=models.PROTECT, related_name="+")
    calibrator = models.ForeignKey(Calibrator, on_delete=models.PROTECT, null=True, related_name="+")
    action = models.CharField(max_length=8, choices=Action)
    reasons = models.JSONField()
    confidence = models.FloatField(null=True)
    stakes = models.CharField(max_length=4, choices=Stakes)
    flags = models.JSONField(default=list)
    inclusion_probability = models.FloatField()
    audited = models.BooleanField(default=False)
    # Everything needed to explain it: evidence, the rules that fired, threshold and draws.
    trace = models.JSONField()
    decided_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(action__in=Action.values), name="decision_action_known"),
            models.CheckConstraint(condition=Q(stakes__in=Stakes.values), name="decision_stakes_known"),
            models.CheckConstraint(
                condition=Q(confidence__isnull=True) | Q(confidence__gte=0, confidence__lte=1),
                name="decision_confidence_range",
            ),
            models.CheckConstraint(
                condition=Q(inclusion_probability__gte=0, inclusion_probability__lte=1),
                name="decision_inclusion_range",
            ),
            models.CheckConstraint(
                condition=Q(action=Action.SHIP) | Q(inclusion_probability=1, audited=False),
                name="decision_review_is_certain",
            ),
            models.CheckConstraint(
                condition=Q(audited=False) | Q(inclusion_probability__gt=0), name="decision_audit_was_possible"
            ),
        ]
        indexes = [
            models.Index(fields=["project", "action", "output"], name="decision_by_action"),
            models.Index(fields=["project", "decided_at"], name="decision_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.output_id}"


class ReviewOrigin(models.TextChoices):
    DECISION = "decision"
    AUDIT = "audit"


class OutputReview(models.Model):
    """The review item that an output was given, and why. Only routing knows the pair."""

    output = models.ForeignKey(Output, on_delete=models.PROTECT, related_name="reviews")
    item = models.OneToOneField(ReviewItem, on_delete=models.PROTECT, related_name="+")
    origin = models.CharField(max_length=12, choices=ReviewOrigin)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["output"],
                condition=Q(origin__in=[ReviewOrigin.DECISION, ReviewOrigin.AUDIT]),
                name="one_item_per_decision",
            ),
            models.CheckConstraint(condition=Q(origin__in=ReviewOrigin.values), name="review_origin_known"),
        ]

    def __str__(self) -> str:
        return f"review of {self.output_id}"
