"""Slices whose measurement cannot be relied on: their raters' seats are not handed out until a person says so."""

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from labeling.models.rubrics import Rubric
from reviewapp.core.models import Project


class PauseCause(models.TextChoices):
    AGREEMENT = "agreement", _("People agree too little")
    REFERENCES = "references", _("People reject human references")
    OWNER = "owner", _("The owner stopped it")


class SlicePause(models.Model):
    """One intent under one rubric version is not scored. What is routed to review still comes in, and waits.

    An open pause is the owner's task: to review the rubric. It ends by a person's word with a reason, or when a new
    version of the rubric takes over.
    """

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="slice_pauses")
    intent = models.CharField(max_length=100)
    rubric = models.ForeignKey(Rubric, on_delete=models.PROTECT, related_name="+")
    cause = models.CharField(max_length=10, choices=PauseCause)
    evidence = models.JSONField(default=dict)
    paused_by = models.CharField(max_length=300)
    paused_at = models.DateTimeField(default=timezone.now)
    lifted_at = models.DateTimeField(null=True)
    lifted_by = models.CharField(max_length=300, blank=True)
    reason = models.CharField(max_length=1000, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(cause__in=PauseCause.values), name="pause_cause_known"),
            models.UniqueConstraint(
                fields=["project", "intent", "rubric"], condition=Q(lifted_at__isnull=True), name="one_open_pause"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.intent} under {self.rubric} is paused"
