"""What verdicts teach: calibrators, recalibration proposals and certificates."""

from django.db import models
from django.db.models import Q
from django.utils import timezone

from reviewapp.core.models import Project


class Calibrator(models.Model):
    """A fitted map from evidence to P(acceptable). Immutable from birth."""

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="calibrators")
    version = models.PositiveIntegerField()
    # Per intent and for all others: what each signal is worth, and one model per set of useful ones. The shape is
    # described in routing.policy.confidence.
    parameters = models.JSONField()
    # Held-out reliability: Brier, log-loss, bins, counts; overall and by intent, and every signal with its worth.
    metrics = models.JSONField()
    fitted_on = models.JSONField()
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "version"], name="calibrator_version_unique"),
        ]

    def __str__(self) -> str:
        return f"calibrator v{self.version}"


class Certificate(models.Model):
    """A dated statement about what shipped, with the counts it follows from. Immutable."""

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="certificates")
    kind = models.CharField(max_length=40)
    statement = models.TextField()
    # Window, filters, strata counts, method, level: enough to recompute it.
    inputs = models.JSONField()
    result = models.JSONField()
    sha256 = models.CharField(max_length=64)
    created_by = models.CharField(max_length=300)
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.statement


class RecalibrationStatus(models.TextChoices):
    PROPOSED = "proposed"
    APPROVED = "approved"
    REJECTED = "rejected"


class Recalibration(models.Model):
    """A proposal to change the policy. Nothing happens until a person approves it."""

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="recalibrations")
    status = models.CharField(max_length=10, choices=RecalibrationStatus, default=RecalibrationStatus.PROPOSED)
    policy = models.OneToOneField("routing.Policy", on_delete=models.PROTECT, related_name="proposed_by")
    calibrator = models.ForeignKey(Calibrator, on_delete=models.PROTECT, related_name="+")
    certificate = models.ForeignKey(Certificate, on_delete=models.PROTECT, null=True, related_name="+")
    # What the thresholds rest on, and what the draft would have done with logged traffic.
    thresholds = models.JSONField()
    replay = models.JSONField()
    labels_used = models.PositiveIntegerField()
    created_by = models.CharField(max_length=300)
    created_at = models.DateTimeField(default=timezone.now)
    decided_by = models.CharField(max_length=300, blank=True)
    decided_at = models.DateTimeField(null=True)
    reason = models.CharField(max_length=1000, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=RecalibrationStatus.values), name="recalibration_status_known"
            ),
            models.CheckConstraint(
                condition=Q(status=RecalibrationStatus.PROPOSED, decided_at__isnull=True)
                | (~Q(status=RecalibrationStatus.PROPOSED) & Q(decided_at__isnull=False)),
                name="recalibration_decided",
            ),
        ]

    def __str__(self) -> str:
        return f"recalibration {self.pk}"
