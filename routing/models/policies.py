"""Policies: immutable versions of the routing rules, which one is in force, and which one will be."""

from django.db import models
from django.db.models import Q
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
    # Counts the edits of a draft: an editor says which one they read, so nobody overwrites anybody unseen.
    revision = models.PositiveIntegerField(default=1, editable=False)
    created_by = models.CharField(max_length=300)
    # Whoever wrote a part of it, in order: under the two-person rule none of them may put it in force.
    authors = models.JSONField(default=list, editable=False)
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


class ScheduledActivation(models.Model):
    """The policy that will be in force from a moment on: at most one per project, by its one-to-one.

    Its policy is published from the day that it was scheduled, so what was approved is what comes.
    """

    project = models.OneToOneField(Project, on_delete=models.PROTECT, related_name="scheduled_activation")
    policy = models.ForeignKey(Policy, on_delete=models.PROTECT, related_name="+")
    actor = models.CharField(max_length=300)
    reason = models.CharField(max_length=1000, blank=True)
    effective_at = models.DateTimeField(db_index=True)
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"{self.policy} from {self.effective_at:%Y-%m-%d %H:%M}"


class PolicyActivation(models.Model):
    """The log of what was in force from when on, by whose word and in whose words. Append-only."""

    policy = models.ForeignKey(Policy, on_delete=models.PROTECT, related_name="activations")
    # Who put it in force, and who had written it by then.
    actor = models.CharField(max_length=300)
    authors = models.JSONField(default=list)
    reason = models.CharField(max_length=1000, blank=True)
    # When the word was given, and from when on it held.
    at = models.DateTimeField(default=timezone.now)
    effective_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"{self.policy} at {self.effective_at:%Y-%m-%d %H:%M}"


class RoutingSettings(models.Model):
    """How a project handles its policies. No row: as in a new project.

    With `two_persons`, whoever puts a policy in force is a person who did not write it. Ending that
    takes two persons as well: one asks, which is stored here, and another one confirms.
    """

    project = models.OneToOneField(Project, on_delete=models.PROTECT, related_name="routing_settings")
    two_persons = models.BooleanField(default=False)
    ending_asked_by = models.CharField(max_length=300, blank=True)
    ending_asked_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name_plural = "routing settings"
        constraints = [
            models.CheckConstraint(
                condition=Q(ending_asked_by="", ending_asked_at__isnull=True)
                | (Q(two_persons=True, ending_asked_at__isnull=False) & ~Q(ending_asked_by="")),
                name="two_persons_ending_asked",
            ),
        ]

    def __str__(self) -> str:
        return f"routing settings of {self.project}"
