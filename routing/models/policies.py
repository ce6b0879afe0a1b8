"""Policies: immutable versions of the routing rules, and which one is in force."""

from django.db import models
from django.utils import timezone

from reviewapp.core.models import Project
from routing.models.learning import Calibrator


class Policy(models.Model):
    """One version. Editable as a draft; once published the database refuses any change."""

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="policies")
    name = models.CharField(max_length=100, default="default")
    version = models.PositiveIntegerField()
    parent = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="+")
    document = models.JSONField()
    calibrator = models.ForeignKey(Calibrator, on_delete=models.PROTECT, null=True, related_name="+")
    note = models.CharField(max_length=1000, blank=True)
    created_by = models.CharField(max_length=300)
    created_at = models.DateTimeField(default=timezone.now)
    published_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        verbose_name_plural = "policies"
        constraints = [models.UniqueConstraint(fields=["project", "version"], name="policy_version_unique")]

    def __str__(self) -> str:
        return f"{self.name} v{self.version}"


class ActivePolicy(models.Model):
    """The pointer to the policy in force: one row per project, so exactly one."""

    project = models.OneToOneField(Project, on_delete=models.PROTECT, related_name="active_policy")
    policy = models.ForeignKey(Policy, on_delete=models.PROTECT, related_name="+")

    class Meta:
        verbose_name_plural = "active policies"

    def __str__(self) -> str:
        return f"{self.project}: {self.policy}"


class PolicyActivation(models.Model):
    """The log of what was in force from when on. Append-only."""

    policy = models.ForeignKey(Policy, on_delete=models.PROTECT, related_name="activations")
    actor = models.CharField(max_length=300)
    reason = models.CharField(max_length=1000, blank=True)
    at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"{self.policy} at {self.at:%Y-%m-%d %H:%M}"
