"""Judges of ours: who they are, how they are doing, what they are asked and what they said."""

from django.db import models
from django.db.models import Q
from django.utils import timezone

from labeling.models import Rubric
from reviewapp.core.models import Project
from routing.models.decisions import Stakes
from routing.models.outputs import Output
from routing.models.policies import Policy


class Judge(models.Model):
    """A model behind an OpenAI-compatible address that policies may ask. What it *is* stands in its versions."""

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="judges")
    name = models.CharField(max_length=100)
    current = models.ForeignKey("routing.JudgeVersion", on_delete=models.PROTECT, null=True, related_name="+")
    active = models.BooleanField(default=True)
    # Where the key comes from: a variable of the environment, or sealed here together with the host it is for.
    key_env = models.CharField(max_length=60, blank=True)
    sealed_key = models.TextField(blank=True, editable=False)
    timeout_seconds = models.PositiveSmallIntegerField(default=30)
    runs = models.PositiveSmallIntegerField(default=2)
    requests_per_minute = models.PositiveIntegerField(default=60)
    # In `currency`; empty: no limit. Prices are per million tokens.
    monthly_budget = models.DecimalField(max_digits=12, decimal_places=2, null=True, blank=True)
    currency = models.CharField(max_length=3, default="USD")
    price_input = models.DecimalField(max_digits=12, decimal_places=6, default=0)
    price_output = models.DecimalField(max_digits=12, decimal_places=6, default=0)
    # What is longer is not sent at all, and goes to a person.
    max_characters = models.PositiveIntegerField(default=100_000)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "name"], name="judge_name_unique"),
            models.CheckConstraint(condition=Q(key_env="") | Q(sealed_key=""), name="judge_has_one_key"),
        ]

    def __str__(self) -> str:
        return self.name


class JudgeVersion(models.Model):
    """What a judge is: who is asked, where, and in which words. Immutable, so that its verdicts stay comparable."""

    judge = models.ForeignKey(Judge, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    # Whose model it is; a judge of the source's own family is weighed down.
    family = models.CharField(max_length=100, blank=True)
    base_url = models.CharField(max_length=1000)
    model = models.CharField(max_length=200)
    # The owner's own words, added to the rubric.
    instructions = models.TextField(blank=True)
    max_tokens = models.PositiveIntegerField(default=1024)
    digest = models.CharField(max_length=64)
    created_by = models.CharField(max_length=300)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["judge", "number"], name="judge_version_unique")]

    def __str__(self) -> str:
        return f"{self.judge_id} v{self.number}"


class JudgeState(models.Model):
    """How a judge is doing: its circuit breaker, its spending and its pace. Changed under a lock on the row."""

    judge = models.OneToOneField(Judge, on_delete=models.CASCADE, primary_key=True, related_name="state")
    failures = models.PositiveIntegerField(default=0, help_text="In a row.")
    open_until = models.DateTimeField(null=True)
    month = models.CharField(max_length=7, default="", help_text="YYYY-MM, UTC: the month of `spent`.")
    # Millionths of the currency; reservations for calls under way are in it.
    spent = models.BigIntegerField(default=0)
    next_call_at = models.DateTimeField(null=True)
    cache_hits = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"state of judge {self.judge_id}"


class RequestState(models.TextChoices):
    PENDING = "pending"
    DECIDED = "decided"


class JudgeRequest(models.Model):
    """An output that waits for judges, with what is needed to decide it as its policy said when it came in."""

    output = models.OneToOneField(Output, on_delete=models.PROTECT, primary_key=True, related_name="judge_request")
    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="+")
    policy = models.ForeignKey(Policy, on_delete=models.PROTECT, related_name="+")
    stakes = models.CharField(max_length=4, choices=Stakes)
    flags = models.JSONField(default=list)
    # {"stakes", "flags"} of the caller and the detectors' {"screening": {"flags", "trace"}}.
    given = models.JSONField()
    # [{"name", "version": primary key}], in the order in which they are asked.
    judges = models.JSONField()
    state = models.CharField(max_length=7, choices=RequestState, default=RequestState.PENDING)
    asked_at = models.DateTimeField()
    deadline_at = models.DateTimeField()
    # When a worker may take it: later than now while one holds it, or while it has to wait.
    due_at = models.DateTimeField()
    # Counts the workers that took it; a worker that finds another number has lost it.
    attempts = models.PositiveIntegerField(default=0)
    failed_calls = models.PositiveIntegerField(default=0)
    # Why judges stayed silent, by name.
    silent = models.JSONField(default=dict)
    decided_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(state__in=RequestState.values), name="judge_request_state_known"),
            models.CheckConstraint(
                condition=Q(state=RequestState.PENDING, decided_at__isnull=True)
                | Q(state=RequestState.DECIDED, decided_at__isnull=False),
                name="judge_request_decided",
            ),
        ]
        indexes = [
            models.Index(fields=["due_at"], condition=Q(state=RequestState.PENDING), name="judge_request_due"),
            models.Index(fields=["project", "state"], name="judge_request_by_project"),
        ]

    def __str__(self) -> str:
        return f"judges on {self.output_id}"


class CallOutcome(models.TextChoices):
    """What came of asking once. All but the first leave the judge silent."""

    ANSWERED = "answered"
    UNREACHABLE = "unreachable"
    TIMEOUT = "timeout"
    SERVER_ERROR = "server_error"
    RATE_LIMITED = "rate_limited"
    KEY_REFUSED = "key_refused"
    REQUEST_REFUSED = "request_refused"
    TARGET_REFUSED = "target_refused"
    TOO_LARGE = "too_large"
    MALFORMED = "malformed"
    CUT_OFF = "cut_off"
    REFUSAL = "refusal"
    INVALID_VERDICT = "invalid_verdict"
    # These ended it before a call was made.
    OVERSIZE = "oversize"
    NO_KEY = "no_key"
    NO_RUBRIC = "no_rubric"
    INACTIVE = "inactive"
    BUDGET_SPENT = "budget_spent"
    CIRCUIT_OPEN = "circuit_open"
    DEADLINE = "deadline"


class JudgeVerdict(models.Model):
    """One call of a judge and what came of it: the log, and the cache of what was answered. Immutable."""

    version = models.ForeignKey(JudgeVersion, on_delete=models.PROTECT, related_name="verdicts")
    # Everything that was asked: prompt, rubric, run and order; the random fence apart.
    request_sha256 = models.CharField(max_length=64)
    run = models.PositiveSmallIntegerField()
    order = models.CharField(max_length=2, blank=True, help_text="ab or ba, for pairs")
    rubric = models.ForeignKey(Rubric, on_delete=models.PROTECT, null=True, related_name="+")
    # The output it was asked for; none for a trial.
    output = models.ForeignKey(Output, on_delete=models.PROTECT, null=True, related_name="judge_verdicts")
    outcome = models.CharField(max_length=16, choices=CallOutcome)
    # pass or fail; for pairs a, b or tie, whatever the order.
    verdict = models.CharField(max_length=4, blank=True)
    reason = models.TextField(blank=True)
    raw = models.TextField(blank=True, help_text="The answer as it came, its beginning only.")
    status = models.PositiveIntegerField(null=True)
    input_tokens = models.PositiveIntegerField(default=0)
    output_tokens = models.PositiveIntegerField(default=0)
    # Millionths of the currency.
    cost = models.BigIntegerField(default=0)
    seconds = models.FloatField(default=0.0)
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(outcome__in=CallOutcome.values), name="judge_outcome_known"),
            models.CheckConstraint(
                condition=Q(outcome=CallOutcome.ANSWERED, verdict__in=["pass", "fail", "a", "b", "tie"])
                | (~Q(outcome=CallOutcome.ANSWERED) & Q(verdict="")),
                name="judge_verdict_if_answered",
            ),
        ]
        indexes = [models.Index(fields=["version", "request_sha256"], name="judge_verdict_cache")]

    def __str__(self) -> str:
        return f"{self.outcome} {self.verdict}".strip()
