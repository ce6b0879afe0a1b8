"""People and the queue: who is away, who has learnt the rubric, and the rounds that show it."""

from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from reviewapp.core.models import Membership


class Absence(models.Model):
    """Days on which somebody does not review: both days are included, in the person's own zone."""

    membership = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="absences")
    first_day = models.DateField()
    last_day = models.DateField()
    note = models.CharField(max_length=200, blank=True)
    created_by = models.CharField(max_length=300)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(last_day__gte=F("first_day")), name="absence_ends_after_it_begins"),
        ]
        indexes = [models.Index(fields=["membership", "last_day"], name="absence_by_member")]

    def __str__(self) -> str:
        return f"{self.membership} away {self.first_day} to {self.last_day}"


class Stage(models.TextChoices):
    """How far a reviewer has come. Only who is live gets live work; who is paused may come back by calibration."""

    INSTRUCTIONS = "instructions", _("Instructions")
    PRACTICE = "practice", _("Practice")
    QUALIFICATION = "qualification", _("Qualification")
    LIVE = "live", _("Live")
    CALIBRATION = "calibration", _("Calibration")


class ReviewerStage(models.Model):
    """Where one reviewer stands on the way to live work; without a row they are live."""

    membership = models.OneToOneField(Membership, on_delete=models.PROTECT, related_name="stage")
    stage = models.CharField(max_length=15, choices=Stage, default=Stage.INSTRUCTIONS)
    changed_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(stage__in=Stage.values), name="stage_known")]

    def __str__(self) -> str:
        return f"{self.membership}: {self.stage}"


class RoundKind(models.TextChoices):
    PRACTICE = "practice", _("Practice")
    QUALIFICATION = "qualification", _("Qualification")
    CALIBRATION = "calibration", _("Calibration")


class Round(models.Model):
    """A set of cases with known answers that one person works through before live work, or before going on with it.

    `right` of `done` were judged as the known answers say, counted when the round ends: a case that was skipped or
    escalated is done and not right. Passed when `right / size >= pass_mark`; a round that was broken off has no result.
    """

    membership = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="rounds")
    kind = models.CharField(max_length=15, choices=RoundKind)
    size = models.PositiveSmallIntegerField()
    pass_mark = models.FloatField()
    done = models.PositiveSmallIntegerField(default=0)
    right = models.PositiveSmallIntegerField(default=0)
    passed = models.BooleanField(null=True)
    started_by = models.CharField(max_length=300)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    # The person has been told how it ended.
    told_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=RoundKind.values), name="round_kind_known"),
            models.CheckConstraint(condition=Q(size__gte=1), name="round_has_a_size"),
            models.CheckConstraint(condition=Q(right__lte=F("done"), done__lte=F("size")), name="round_counts"),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=False) | Q(passed__isnull=True), name="round_result_means_ended"
            ),
            models.UniqueConstraint(
                fields=["membership"], condition=Q(ended_at__isnull=True), name="one_round_at_a_time"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} round of {self.membership}"
