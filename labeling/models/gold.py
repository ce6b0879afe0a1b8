"""Gold cases: items whose right answer is known beforehand."""

from django.db import models
from django.db.models import Q
from django.utils import timezone

from labeling.models.items import ReviewItem
from labeling.models.ratings import Preference, Rating
from reviewapp.core.models import Membership, Project


class GoldOrigin(models.TextChoices):
    PLANTED_FAILURE = "planted_failure"
    HUMAN_REFERENCE = "human_reference"
    ADJUDICATION = "adjudication"


class GoldCase(models.Model):
    """The known answer of one gold item. The item's seats are the exposures it may still have."""

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="gold_cases")
    reference = models.CharField(max_length=200, help_text="The owner's own name for the case.")
    item = models.OneToOneField(ReviewItem, on_delete=models.PROTECT, related_name="gold_case")
    # Pointwise: is the output acceptable? Pairwise: which side is better?
    acceptable = models.BooleanField(null=True)
    preferred = models.CharField(max_length=3, choices=Preference, blank=True)
    origin = models.CharField(max_length=20, choices=GoldOrigin)
    explanation = models.TextField(blank=True)
    # Shown in practice rounds, with the answer afterwards; such a case is never planted.
    practice = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now)
    retired_at = models.DateTimeField(null=True, blank=True)
    retired_because = models.CharField(max_length=1000, blank=True)
    # The adjudicated item that a person made a case of.
    promoted_from = models.ForeignKey(
        ReviewItem, on_delete=models.PROTECT, null=True, blank=True, related_name="promoted_to"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "reference"], name="gold_reference_unique"),
            models.CheckConstraint(
                condition=Q(acceptable__isnull=False, preferred="") | (Q(acceptable__isnull=True) & ~Q(preferred="")),
                name="gold_has_one_answer",
            ),
        ]

    def __str__(self) -> str:
        return f"gold case {self.reference}"


class GoldResult(models.Model):
    """How one rating of a gold case compares with the known answer. Written with the rating."""

    rating = models.OneToOneField(Rating, on_delete=models.PROTECT, related_name="gold_result")
    gold_case = models.ForeignKey(GoldCase, on_delete=models.PROTECT, related_name="results")
    reviewer = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="gold_results")
    correct = models.BooleanField()
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["reviewer", "at"], name="gold_result_by_reviewer")]

    def __str__(self) -> str:
        return f"{self.gold_case}: {'right' if self.correct else 'wrong'}"
