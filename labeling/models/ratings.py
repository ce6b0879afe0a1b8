"""What people did: assignments, ratings and the verdicts that follow from them."""

import secrets
import uuid

from django.db import models
from django.db.models import Q
from django.utils import timezone

from labeling.models.items import ReviewItem, Seat
from labeling.models.people import Round
from labeling.models.rubrics import Rubric
from reviewapp.core.models import Membership


def new_token() -> str:
    return secrets.token_urlsafe(18)


class AssignmentState(models.TextChoices):
    LEASED = "leased"
    SUBMITTED = "submitted"
    EXPIRED = "expired"
    RELEASED = "released"
    ESCALATED = "escalated"
    # Handed in, but the rating does not count while its rater is suspect.
    SET_ASIDE = "set_aside"


class AssignmentQuerySet(models.QuerySet["Assignment"]):
    def submitted_since(self, reviewer: Membership, moment: object) -> "AssignmentQuerySet":
        return self.filter(reviewer=reviewer, state=AssignmentState.SUBMITTED, ended_at__gte=moment)

    def escalation_reasons(self, item_id: int) -> list[str]:
        escalated = self.filter(item_id=item_id, state=AssignmentState.ESCALATED)
        return list(escalated.order_by("id").values_list("reason", flat=True))


class Assignment(models.Model):
    """One person's one encounter with one item. `token` is all a reviewer ever sees of its identity."""

    token = models.CharField(max_length=32, unique=True, default=new_token, editable=False)
    seat = models.ForeignKey(Seat, on_delete=models.PROTECT, related_name="assignments")
    item = models.ForeignKey(ReviewItem, on_delete=models.PROTECT, related_name="assignments")
    reviewer = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="assignments")
    # The version this person was shown; a gold item may move to a newer one while they work.
    rubric = models.ForeignKey(Rubric, on_delete=models.PROTECT, related_name="+")
    state = models.CharField(max_length=10, choices=AssignmentState, default=AssignmentState.LEASED)
    claimed_at = models.DateTimeField()
    # First paint. Until then the item was only fetched ahead, under a short lease.
    opened_at = models.DateTimeField(null=True)
    lease_expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    reason = models.CharField(max_length=1000, blank=True)
    # Pairwise: this reviewer saw b on the left. Ratings are stored in canonical order.
    swapped = models.BooleanField(default=False)
    # What was masked for this reviewer, so that an unblinded auditor can restore it.
    masking = models.JSONField(default=list)
    fingerprint = models.CharField(max_length=64)
    # The practice, qualification or calibration round that this encounter belongs to.
    round = models.ForeignKey(Round, on_delete=models.PROTECT, null=True, related_name="assignments")
    draft = models.JSONField(null=True)
    draft_saved_at = models.DateTimeField(null=True)

    objects = AssignmentQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["item", "reviewer"], name="one_assignment_per_person"),
            models.CheckConstraint(condition=Q(state__in=AssignmentState.values), name="assignment_state_known"),
            models.UniqueConstraint(
                fields=["reviewer"],
                condition=Q(state=AssignmentState.LEASED, opened_at__isnull=True),
                name="one_fetched_ahead_per_person",
            ),
        ]
        indexes = [
            models.Index(fields=["reviewer", "state", "ended_at"], name="assignment_by_reviewer"),
            models.Index(fields=["reviewer", "fingerprint"], name="assignment_seen"),
        ]

    def __str__(self) -> str:
        return f"assignment {self.pk}"


class VerdictValue(models.TextChoices):
    ACCEPT = "accept"
    CORRECT = "correct"
    REJECT = "reject"


class Preference(models.TextChoices):
    A = "a"
    B = "b"
    TIE = "tie"


class Cause(models.TextChoices):
    """Why raters disagreed, in the adjudicator's judgement."""

    RUBRIC_AMBIGUOUS = "rubric_ambiguous"
    REVIEWER_SLIP = "reviewer_slip"
    TRULY_CONTESTED = "truly_contested"
    ITEM_BROKEN = "item_broken"


# A rating is set aside while, and only while, its assignment is.
STANDING = Q(withdrawal__isnull=True) & ~Q(assignment__state=AssignmentState.SET_ASIDE)


class RatingQuerySet(models.QuerySet["Rating"]):
    def standing(self) -> "RatingQuerySet":
        """Ratings that were neither withdrawn in their undo window nor set aside because their rater is suspect."""
        return self.filter(STANDING)

    def counted(self) -> "RatingQuerySet":
        """Standing ratings of raters' seats: neither late extras nor adjudications."""
        return self.standing().filter(extra=False, adjudication=False)


class Rating(models.Model):
    """One person's judgement of one item. Append-only; `revision` grows when an undo is redone."""

    assignment = models.ForeignKey(Assignment, on_delete=models.PROTECT, related_name="ratings")
    revision = models.PositiveSmallIntegerField(default=1)
    item = models.ForeignKey(ReviewItem, on_delete=models.PROTECT, related_name="ratings")
    reviewer = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="ratings")
    rubric = models.ForeignKey(Rubric, on_delete=models.PROTECT, related_name="+")
    values = models.JSONField()
    # In canonical order, whatever side the reviewer saw it on.
    preferred = models.CharField(max_length=3, choices=Preference, blank=True)
    verdict = models.CharField(max_length=8, choices=VerdictValue)
    correction = models.TextField(blank=True)
    rationale = models.TextField(blank=True)
    # Marked stretches: [{"part", "start", "end", "category", "severity"}], by code points of the text as it was
    # shown, masks and all; the part is in canonical order, whatever side the reviewer saw it on.
    spans = models.JSONField(default=list)
    # The seat had gone to somebody else: kept, not counted.
    extra = models.BooleanField(default=False)
    adjudication = models.BooleanField(default=False)
    cause = models.CharField(max_length=20, choices=Cause, blank=True)
    client_seconds = models.FloatField(null=True)
    server_seconds = models.FloatField()
    idempotency_key = models.CharField(max_length=100)
    receipt = models.UUIDField(default=uuid.uuid4, unique=True)
    submitted_at = models.DateTimeField()
    undo_until = models.DateTimeField()

    objects = RatingQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["assignment", "revision"], name="rating_revision_unique"),
            models.UniqueConstraint(fields=["assignment", "idempotency_key"], name="rating_key_unique"),
            models.CheckConstraint(condition=Q(verdict__in=VerdictValue.values), name="rating_verdict_known"),
            models.CheckConstraint(
                condition=Q(adjudication=True) | Q(cause=""), name="rating_cause_only_in_adjudication"
            ),
        ]
        indexes = [models.Index(fields=["reviewer", "submitted_at"], name="rating_by_reviewer")]

    def __str__(self) -> str:
        return f"rating {self.pk}"


class RepeatResult(models.Model):
    """How a person's rating of a repeat compares with their first one of the same words. Written with the rating."""

    rating = models.OneToOneField(Rating, on_delete=models.PROTECT, related_name="repeat_result")
    first = models.ForeignKey(Rating, on_delete=models.PROTECT, related_name="repeats")
    reviewer = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="repeat_results")
    same = models.BooleanField(help_text="Same outcome and, for pairs, same preference.")
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["reviewer", "at"], name="repeat_result_by_reviewer")]

    def __str__(self) -> str:
        return f"repeat of rating {self.first_id}: {'same' if self.same else 'other'}"


class RatingWithdrawal(models.Model):
    """An undo. The rating stays; it no longer stands."""

    rating = models.OneToOneField(Rating, on_delete=models.PROTECT, related_name="withdrawal")
    at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"withdrawal of rating {self.rating_id}"


class ReachedBy(models.TextChoices):
    SINGLE = "single"
    AGREEMENT = "agreement"
    ADJUDICATION = "adjudication"


class Verdict(models.Model):
    """The authoritative human answer for an item. A later `sequence` replaces an earlier one."""

    item = models.ForeignKey(ReviewItem, on_delete=models.PROTECT, related_name="verdicts")
    public_id = models.UUIDField(unique=True, editable=False)
    sequence = models.PositiveSmallIntegerField(default=1)
    value = models.CharField(max_length=8, choices=VerdictValue)
    corrected_response = models.TextField(blank=True)
    preferred = models.CharField(max_length=3, choices=Preference, blank=True)
    # Criterion name to value; null where the raters differed.
    criteria = models.JSONField(default=dict)
    reached_by = models.CharField(max_length=12, choices=ReachedBy)
    raters = models.PositiveSmallIntegerField()
    rating_ids = models.JSONField()
    # How the ratings became the verdict, and from what: see `labeling.verdicts`.
    basis = models.JSONField(default=dict)
    rubric = models.ForeignKey(Rubric, on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField()
    # Until then its last rating may still be undone.
    final_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["item", "sequence"], name="verdict_sequence_unique"),
            models.CheckConstraint(condition=Q(value__in=VerdictValue.values), name="verdict_value_known"),
            models.CheckConstraint(condition=Q(raters__gte=1), name="verdict_has_raters"),
        ]
        indexes = [models.Index(fields=["decided_at"], name="verdict_by_time")]

    def __str__(self) -> str:
        return f"verdict {self.sequence} of item {self.item_id}"
