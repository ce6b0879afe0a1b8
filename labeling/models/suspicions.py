"""Reviewers whose measurements fell, and the ratings that no longer count because of it."""

from django.db import models
from django.db.models import Q
from django.utils import timezone

from labeling.models.ratings import Rating, Verdict
from reviewapp.core.models import Membership


class SuspicionKind(models.TextChoices):
    GOLD_DRIFT = "gold_drift"
    NAMED = "named"
    OWNER = "owner"


class Suspicion(models.Model):
    """Somebody's ratings since `since` are not relied on. The owner may overrule it; it ends when they pass again.

    Overruled, the ratings count again. Ended, they stay set aside, and later ones count.
    """

    membership = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="suspicions")
    kind = models.CharField(max_length=12, choices=SuspicionKind)
    # Just after the last evidence that the ratings were good.
    since = models.DateTimeField()
    evidence = models.JSONField(default=dict)
    raised_by = models.CharField(max_length=300)
    raised_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True)
    overruled_at = models.DateTimeField(null=True)
    overruled_by = models.CharField(max_length=300, blank=True)
    reason = models.CharField(max_length=1000, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=SuspicionKind.values), name="suspicion_kind_known"),
            models.UniqueConstraint(
                fields=["membership"],
                condition=Q(ended_at__isnull=True, overruled_at__isnull=True),
                name="one_open_suspicion",
            ),
        ]

    def __str__(self) -> str:
        return f"suspicion of {self.membership}"


class SetAside(models.Model):
    """A rating that does not stand while its rater is suspect. `verdict` is the one that rested on it, if any."""

    suspicion = models.ForeignKey(Suspicion, on_delete=models.PROTECT, related_name="set_aside")
    rating = models.ForeignKey(Rating, on_delete=models.PROTECT, related_name="set_aside")
    verdict = models.ForeignKey(Verdict, on_delete=models.PROTECT, null=True, related_name="+")
    # The verdict had been passed on before.
    told = models.BooleanField(default=False)
    at = models.DateTimeField()
    restored_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["rating"], condition=Q(restored_at__isnull=True), name="set_aside_once_at_a_time"
            ),
        ]

    def __str__(self) -> str:
        return f"rating {self.rating_id} set aside"
