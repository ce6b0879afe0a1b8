"""Review items and their seats: the queue."""

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from labeling.models.overlap import OverlapRound
from labeling.models.rubrics import Rubric
from reviewapp.core.models import Content, Membership, Project


class QueueSettings(models.Model):
    """How a project's queue treats people. One row per project."""

    project = models.OneToOneField(Project, on_delete=models.PROTECT, related_name="queue_settings")
    gold_rate = models.FloatField(
        default=0.0,
        validators=[MinValueValidator(0.0), MaxValueValidator(0.5)],
        help_text="Share of claims that are planted gold cases, 0 to 0.5.",
    )
    repeat_rate = models.FloatField(
        default=0.0,
        validators=[MinValueValidator(0.0), MaxValueValidator(0.2)],
        help_text="Share of claims that show a person again what they judged before, 0 to 0.2.",
    )
    repeat_after_days = models.PositiveIntegerField(default=7, help_text="How old a rating is before it is repeated.")
    daily_cap = models.PositiveIntegerField(default=200, help_text="Items per person and day, in the person's zone.")
    hourly_cap = models.PositiveIntegerField(null=True, blank=True, help_text="Items in 60 minutes; empty: no limit.")
    break_after_minutes = models.PositiveIntegerField(
        null=True, blank=True, help_text="Work without a pause before a break is due; empty: never."
    )
    break_minutes = models.PositiveIntegerField(default=5)
    intent_share = models.FloatField(
        default=1.0,
        validators=[MinValueValidator(0.05), MaxValueValidator(1.0)],
        help_text="Largest share of a person's day that one intent may have; 1: no rotation.",
    )
    standby_minutes = models.PositiveIntegerField(
        default=60, help_text="Stand-ins may take an item when it is due within so many minutes."
    )
    lease_seconds = models.PositiveIntegerField(default=1800)
    # Of an item that is fetched before it is looked at; the lease proper begins at first paint.
    prefetch_seconds = models.PositiveIntegerField(default=120)
    undo_seconds = models.PositiveIntegerField(default=8)
    # New reviewers read the instructions, practise and qualify before they judge live work.
    onboarding = models.BooleanField(default=False)
    practice_size = models.PositiveSmallIntegerField(default=5)
    qualification_size = models.PositiveSmallIntegerField(default=10)
    qualification_mark = models.FloatField(
        default=0.8,
        validators=[MinValueValidator(0.0), MaxValueValidator(1.0)],
        help_text="Share of right answers that passes a qualification or calibration round.",
    )
    agreement_floor = models.FloatField(
        default=0.75,
        validators=[MinValueValidator(0.0), MaxValueValidator(1.0)],
        help_text="Smallest share of agreeing pairs of raters that a slice may have, 0 to 1.",
    )
    reference_bar = models.FloatField(
        default=0.8,
        validators=[MinValueValidator(0.0), MaxValueValidator(1.0)],
        help_text="Smallest share of planted human references that reviewers must judge right, 0 to 1.",
    )
    reblind_days = models.PositiveIntegerField(
        null=True, blank=True, default=30, help_text="Days between two re-blind rounds; empty: none by itself."
    )
    reblind_size = models.PositiveSmallIntegerField(
        default=20,
        validators=[MinValueValidator(5), MaxValueValidator(200)],
        help_text="Items that everybody judges in a re-blind round or in the calibration of a rubric.",
    )
    calibrate_rubrics = models.BooleanField(
        default=False, help_text="A new version of a rubric goes live only after a calibration round."
    )

    class Meta:
        verbose_name_plural = "queue settings"
        constraints = [
            models.CheckConstraint(condition=Q(gold_rate__gte=0, gold_rate__lte=0.5), name="gold_rate_range"),
            models.CheckConstraint(condition=Q(repeat_rate__gte=0, repeat_rate__lte=0.2), name="repeat_rate_range"),
            models.CheckConstraint(condition=Q(intent_share__gt=0, intent_share__lte=1), name="intent_share_range"),
            models.CheckConstraint(
                condition=Q(agreement_floor__gte=0, agreement_floor__lte=1), name="agreement_floor_range"
            ),
            models.CheckConstraint(condition=Q(reference_bar__gte=0, reference_bar__lte=1), name="reference_bar_range"),
            models.CheckConstraint(
                condition=Q(reblind_days__isnull=True) | Q(reblind_days__gte=1), name="reblind_days_one"
            ),
            models.CheckConstraint(condition=Q(reblind_size__gte=5, reblind_size__lte=200), name="reblind_size_range"),
            models.CheckConstraint(
                condition=Q(qualification_mark__gte=0, qualification_mark__lte=1), name="qualification_mark_range"
            ),
        ]

    def __str__(self) -> str:
        return f"queue settings of {self.project}"


class ItemKind(models.TextChoices):
    LIVE = "live"
    AUDIT = "audit"
    GOLD = "gold"
    REPEAT = "repeat"
    CALIBRATION = "calibration"
    # Of a round in which everybody judges the same items.
    OVERLAP = "overlap"


class Aggregation(models.TextChoices):
    """How several people's ratings of one item become its verdict; without one it goes to adjudication."""

    SINGLE = "single"
    UNANIMOUS = "unanimous"
    MAJORITY = "majority"
    DAWID_SKENE = "dawid_skene"


class ItemStatus(models.TextChoices):
    OPEN = "open"
    DISPUTED = "disputed"
    SETTLED = "settled"


class ReviewItemQuerySet(models.QuerySet["ReviewItem"]):
    def judged_live(self) -> "ReviewItemQuerySet":
        """Items that stand for real traffic, gold and calibration left out."""
        return self.filter(kind__in=[ItemKind.LIVE, ItemKind.AUDIT])


class ReviewItem(models.Model):
    """One thing to be judged. Its kind is never told to a reviewer."""

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="review_items")
    public_id = models.UUIDField(unique=True, editable=False)
    kind = models.CharField(max_length=12, choices=ItemKind)
    intent = models.CharField(max_length=100)
    content = models.ForeignKey(Content, on_delete=models.PROTECT, related_name="review_items")
    # The content's, so that a claim can tell what a person has seen without reading content.
    fingerprint = models.CharField(max_length=64)
    rubric = models.ForeignKey(Rubric, on_delete=models.PROTECT, related_name="items")
    # Characters of all that is shown, so that gold can be matched to live work without reading content.
    length = models.PositiveIntegerField(default=0)
    aggregation = models.CharField(max_length=12, choices=Aggregation, default=Aggregation.MAJORITY)
    overlap_round = models.ForeignKey(OverlapRound, on_delete=models.PROTECT, null=True, related_name="items")
    raters_needed = models.PositiveSmallIntegerField(default=1)
    ratings_counted = models.PositiveSmallIntegerField(default=0)
    status = models.CharField(max_length=10, choices=ItemStatus, default=ItemStatus.OPEN)
    due_at = models.DateTimeField()
    # Names of the source, masked wherever they occur in what a reviewer reads.
    mask_names = models.JSONField(default=list)
    # The verdict in force; earlier ones stay in `verdicts`.
    verdict = models.ForeignKey("Verdict", on_delete=models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)

    objects = ReviewItemQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=ItemKind.values), name="item_kind_known"),
            models.CheckConstraint(condition=Q(status__in=ItemStatus.values), name="item_status_known"),
            models.CheckConstraint(condition=Q(aggregation__in=Aggregation.values), name="item_aggregation_known"),
            models.CheckConstraint(
                condition=Q(kind=ItemKind.OVERLAP, overlap_round__isnull=False)
                | (~Q(kind=ItemKind.OVERLAP) & Q(overlap_round__isnull=True)),
                name="item_of_a_round_means_overlap",
            ),
            models.CheckConstraint(condition=Q(raters_needed__gte=1), name="item_needs_a_rater"),
            models.CheckConstraint(condition=Q(ratings_counted__lte=F("raters_needed")), name="item_never_over_full"),
            models.CheckConstraint(
                condition=Q(status=ItemStatus.SETTLED, verdict__isnull=False)
                | (~Q(status=ItemStatus.SETTLED) & Q(verdict__isnull=True)),
                name="item_settled_means_verdict",
            ),
        ]
        indexes = [
            models.Index(fields=["project", "status", "kind"], name="item_by_status"),
        ]

    def __str__(self) -> str:
        return f"item {self.pk}"


class Lane(models.TextChoices):
    """Which stream a claim draws from. Never told to a reviewer."""

    WORK = "work"
    GOLD = "gold"
    REPEAT = "repeat"
    OVERLAP = "overlap"
    PRACTICE = "practice"
    ADJUDICATION = "adjudication"


# Seats that wait for one person each; nothing follows for their items.
RESERVED_LANES = (Lane.REPEAT, Lane.OVERLAP)


class SeatState(models.TextChoices):
    OPEN = "open"
    LEASED = "leased"
    SUBMITTED = "submitted"
    CLOSED = "closed"


class Seat(models.Model):
    """One place for one person on one item. Number 0 is the adjudicator's, 1…k are the raters'.

    `priority` and `due_at` are copied from the item so that a claim reads one index and no join.
    """

    item = models.ForeignKey(ReviewItem, on_delete=models.PROTECT, related_name="seats")
    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="+")
    number = models.PositiveSmallIntegerField()
    lane = models.CharField(max_length=12, choices=Lane)
    state = models.CharField(max_length=10, choices=SeatState, default=SeatState.OPEN)
    holder = models.ForeignKey(Membership, on_delete=models.PROTECT, null=True, related_name="+")
    lease_expires_at = models.DateTimeField(null=True)
    # Smaller is sooner.
    priority = models.PositiveIntegerField(default=1)
    due_at = models.DateTimeField()
    credential = models.CharField(max_length=60, blank=True)
    # A repeat waits for the person who judged the words before, a round's item for each who works: for nobody else.
    reserved_for = models.ForeignKey(Membership, on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["item", "number"], name="seat_number_unique"),
            models.UniqueConstraint(
                fields=["item", "holder"], condition=Q(holder__isnull=False), name="one_seat_per_person"
            ),
            models.CheckConstraint(condition=Q(state__in=SeatState.values), name="seat_state_known"),
            models.CheckConstraint(
                condition=Q(lane=Lane.ADJUDICATION, number=0) | (~Q(lane=Lane.ADJUDICATION) & Q(number__gte=1)),
                name="seat_zero_adjudicates",
            ),
            models.CheckConstraint(
                condition=Q(lane__in=RESERVED_LANES, reserved_for__isnull=False)
                | (~Q(lane__in=RESERVED_LANES) & Q(reserved_for__isnull=True)),
                name="seat_reserved_by_lane",
            ),
            models.CheckConstraint(
                condition=Q(state=SeatState.LEASED, holder__isnull=False, lease_expires_at__isnull=False)
                | Q(state=SeatState.SUBMITTED, holder__isnull=False, lease_expires_at__isnull=True)
                | Q(
                    state__in=[SeatState.OPEN, SeatState.CLOSED],
                    holder__isnull=True,
                    lease_expires_at__isnull=True,
                ),
                name="seat_state_consistent",
            ),
        ]
        indexes = [
            models.Index(
                fields=["project", "lane", "priority", "due_at", "id"],
                condition=Q(state=SeatState.OPEN),
                name="seat_claim",
            ),
            models.Index(
                fields=["project", "lease_expires_at"],
                condition=Q(state=SeatState.LEASED),
                name="seat_expiry",
            ),
        ]

    def __str__(self) -> str:
        return f"seat {self.number} of item {self.item_id}"
