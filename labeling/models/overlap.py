"""Rounds in which everybody judges the same items: do they still agree, and would they by a new rubric?"""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from labeling.models.rubrics import Rubric
from reviewapp.core.models import Project


class OverlapPurpose(models.TextChoices):
    REBLIND = "reblind", _("Re-blind round")
    RUBRIC = "rubric", _("Calibration of a rubric")


class OverlapRound(models.Model):
    """A sample of items that every active reviewer judges, among live work and not to be told from it.

    `figures` is written when the round ends, with what it was compared with.
    """

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="overlap_rounds")
    purpose = models.CharField(max_length=10, choices=OverlapPurpose)
    # The version that the items are judged by; of a calibration, one that is not in force yet.
    rubric = models.ForeignKey(Rubric, on_delete=models.PROTECT, related_name="overlap_rounds")
    started_by = models.CharField(max_length=300)
    started_at = models.DateTimeField()
    # What nobody has judged by then is left out.
    closes_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    figures = models.JSONField(default=dict)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(purpose__in=OverlapPurpose.values), name="overlap_purpose_known"),
            models.UniqueConstraint(
                fields=["project"], condition=Q(ended_at__isnull=True), name="one_open_overlap_round"
            ),
        ]
        indexes = [models.Index(fields=["project", "-started_at"], name="overlap_round_by_project")]

    def __str__(self) -> str:
        return f"{self.purpose} round {self.pk} of {self.project}"
