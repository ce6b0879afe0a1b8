"""What the owner's pages read: filters, drafts and decisions. Everything typed comes back with its errors."""

from collections.abc import Sequence
from datetime import datetime
from io import BytesIO
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from labeling.models import GoldOrigin, Preference
from reviewapp.core.models import Role, Scope, TaskKind
from reviewapp.core.parsers import StrictJSONParser, unstorable
from reviewapp.core.problems import Problem
from routing.models import Action, DeliveryState, Stakes

REASON_LENGTH = 1000
NO_CHOICE = ("", "any")
KINDS = (NO_CHOICE, ("single", "all but pairs"), *TaskKind.choices)
ACTIONS = (NO_CHOICE, *Action.choices, ("pending", "Pending"))
FLAGS = ("adversarial", "novel", "check_failed", "incident")
OUTCOMES = (
    NO_CHOICE,
    ("waiting", "waiting"),
    ("disputed", "disputed"),
    ("judged", "judged"),
    ("accept", "accepted"),
    ("correct", "corrected"),
    ("reject", "rejected"),
    ("wrong", "corrected or rejected"),
)


class Moment(forms.DateTimeField):
    """A date and time in UTC, as browsers' own pickers write it."""

    widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")

    def __init__(self, **options: Any) -> None:
        super().__init__(required=False, **options)


class OutputFilters(forms.Form):
    """The API's filters; `reason` and those after it lead from the figures on other pages to their rows."""

    external_id = forms.CharField(required=False, max_length=200, label="External id")
    intent = forms.CharField(required=False, max_length=100)
    action = forms.ChoiceField(required=False, choices=ACTIONS, label="Decision")
    audited = forms.ChoiceField(required=False, choices=[NO_CHOICE, ("yes", "yes"), ("no", "no")])
    stakes = forms.ChoiceField(required=False, choices=[NO_CHOICE, *Stakes.choices])
    outcome = forms.ChoiceField(required=False, choices=OUTCOMES, label="Review")
    kind = forms.ChoiceField(required=False, choices=KINDS)
    flag = forms.ChoiceField(required=False, choices=[NO_CHOICE, *((flag, flag) for flag in FLAGS)])
    reason = forms.CharField(required=False, max_length=200)
    since = Moment(label="Since (UTC)")
    until = Moment(label="Until (UTC)")
    rater = forms.CharField(required=False, max_length=20, label="Rated by")
    rubric = forms.RegexField(r"^.+ v\d{1,9}$", required=False, max_length=120, label="Rubric version")
    overlap = forms.ChoiceField(required=False, choices=[NO_CHOICE, ("yes", "several")], label="Raters")


class AgreementFilters(forms.Form):
    by = forms.ChoiceField(
        required=False,
        choices=[("criterion", "criterion"), ("intent", "intent"), ("week", "week")],
        label="One line per",
    )
    criterion = forms.CharField(required=False, max_length=60)
    intent = forms.CharField(required=False, max_length=100)
    rubric = forms.CharField(required=False, max_length=120)
    since = Moment(label="Since (UTC)")
    until = Moment(label="Until (UTC)")


class SinceForm(forms.Form):
    since = Moment(label="Since (UTC)")


class GoldAnswerFilters(forms.Form):
    rater = forms.CharField(required=False, max_length=20)
    case = forms.IntegerField(required=False, min_value=1, max_value=2**63 - 1)


class ReasonForm(forms.Form):
    """A person's word on something, which goes into the audit log."""

    reason = forms.CharField(max_length=REASON_LENGTH, widget=forms.Textarea(attrs={"rows": 3}))


class PauseForm(forms.Form):
    reason = forms.CharField(max_length=500, help_text="The person reads this when they ask for an item.")


class PolicyForm(forms.Form):
    """A draft as text. `faults` are {pointer, detail}, from the JSON itself or from the service."""

    document = forms.CharField(widget=forms.Textarea(attrs={"rows": 28, "spellcheck": "false", "class": "code"}))
    note = forms.CharField(required=False, max_length=REASON_LENGTH, help_text="What this version is for.")
    faults: Sequence[dict[str, str]] = ()

    def clean_document(self) -> Any:
        """The parsed document: strict JSON, with nothing that a database cannot keep."""
        text = self.cleaned_data["document"]
        try:
            document = StrictJSONParser().parse(BytesIO(text.encode()))
        except Problem as problem:
            raise ValidationError(str(problem.detail)) from None
        if fault := unstorable(document):
            self.refuse([fault])
        return document

    def refuse(self, faults: Sequence[dict[str, str]]) -> None:
        """Keep the form open with these faults beside the document."""
        self.faults = faults
        self.add_error("document", f"This is not a policy yet; see {len(faults)} fault(s) beside it.")


class DraftForm(PolicyForm):
    """An edit of a draft, with the revision that it started from."""

    revision = forms.IntegerField(min_value=1, max_value=2**31 - 1, widget=forms.HiddenInput)


class ActivationForm(ReasonForm):
    """Now, or from a later moment on; `revision` is what the person saw."""

    effective_at = Moment(label="From (UTC)", help_text="Empty: at once. Else the moment at which it takes effect.")
    revision = forms.IntegerField(min_value=1, max_value=2**31 - 1, widget=forms.HiddenInput)


class AgainstForm(forms.Form):
    """Which version to compare with."""

    against = forms.TypedChoiceField(coerce=int, required=False, empty_value=None, label="Compared with")

    def __init__(self, *arguments: Any, versions: Sequence[int], **options: Any) -> None:
        super().__init__(*arguments, **options)
        field = self.fields["against"]
        assert isinstance(field, forms.TypedChoiceField)
        field.choices = [("", "its parent"), *((version, f"version {version}") for version in versions)]


class RecalibrationForm(forms.Form):
    """How thresholds are to be chosen. An empty field leaves the service's own default."""

    CERTIFIED, BUDGET = "certified", "budget"

    mode = forms.ChoiceField(
        choices=[
            (CERTIFIED, "Certified: ship as much as keeps the policy’s error target, with a guarantee"),
            (BUDGET, "Budget: send a fixed share of traffic to people, without a guarantee"),
        ],
        widget=forms.RadioSelect,
        initial=CERTIFIED,
        label="Choose thresholds by",
    )
    review_share = forms.FloatField(
        required=False,
        min_value=1,
        max_value=100,
        label="Share for people (%)",
        help_text="For the budget: how much of the traffic people judge, the audit included.",
    )
    tiers = forms.MultipleChoiceField(
        choices=Stakes.choices,
        initial=["mid", "low"],
        widget=forms.CheckboxSelectMultiple,
        label="Tiers that may ship",
    )
    audit_rate = forms.FloatField(
        initial=5,
        min_value=0.1,
        max_value=99,
        label="Audit rate (%)",
        help_text="For tiers that begin to ship; the others keep theirs.",
    )
    since = Moment(label="Learn from outputs since (UTC)", help_text="Empty: from all of them.")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("mode") == self.BUDGET and cleaned.get("review_share") is None and not self.errors:
            self.add_error("review_share", "A budget needs the share that people judge.")
        return cleaned

    def arguments(self) -> dict[str, Any]:
        """What the service takes: shares in [0, 1]."""
        cleaned = self.cleaned_data
        arguments = {"tiers": cleaned["tiers"], "audit_rate": cleaned["audit_rate"] / 100, "since": cleaned["since"]}
        if cleaned["mode"] == self.BUDGET:
            arguments["review_share"] = cleaned["review_share"] / 100
        return arguments


class CertificateForm(forms.Form):
    stakes = forms.ChoiceField(required=False, choices=[("", "all"), *Stakes.choices])
    since = Moment(label="Since (UTC)")
    level = forms.FloatField(initial=95, min_value=50, max_value=99.9, label="Confidence (%)")


class FreezeForm(forms.Form):
    size = forms.IntegerField(
        required=False, min_value=1, max_value=1_000_000, label="Cases", help_text="Empty: every judged output."
    )


class GoldCaseForm(forms.Form):
    """A case with a known answer: one response, or a pair of candidates."""

    reference = forms.CharField(max_length=200, help_text="Your own name for it; reviewers never see it.")
    intent = forms.CharField(max_length=100)
    task_kind = forms.ChoiceField(
        choices=[(TaskKind.POINTWISE, "one response"), (TaskKind.PAIRWISE, "two candidates")], label="Kind"
    )
    prompt = forms.CharField(widget=forms.Textarea(attrs={"rows": 4}), strip=False)
    context = forms.CharField(
        required=False,
        widget=forms.Textarea(attrs={"rows": 4}),
        strip=False,
        help_text="What the response must be grounded in; one passage.",
    )
    response = forms.CharField(
        required=False, widget=forms.Textarea(attrs={"rows": 5}), strip=False, help_text="For one response."
    )
    a = forms.CharField(required=False, widget=forms.Textarea(attrs={"rows": 5}), strip=False, label="Candidate A")
    b = forms.CharField(required=False, widget=forms.Textarea(attrs={"rows": 5}), strip=False, label="Candidate B")
    answer = forms.ChoiceField(
        choices=[
            ("no", "not acceptable"),
            ("yes", "acceptable"),
            *(
                (side, label)
                for side, label in zip(Preference.values, ("A is better", "B is better", "a tie"), strict=True)
            ),
        ],
        label="Right answer",
    )
    origin = forms.ChoiceField(choices=GoldOrigin.choices)
    explanation = forms.CharField(required=False, widget=forms.Textarea(attrs={"rows": 2}), max_length=10_000)
    exposures = forms.IntegerField(
        min_value=1, max_value=1000, initial=30, help_text="How many people may meet it; nobody meets it twice."
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        pairwise = cleaned.get("task_kind") == TaskKind.PAIRWISE
        for name in ("a", "b") if pairwise else ("response",):
            if not cleaned.get(name):
                self.add_error(name, "This is what the reviewer judges; it cannot be empty.")
        if "answer" in cleaned and (cleaned["answer"] in Preference.values) != pairwise:
            self.add_error("answer", "The answer does not go with this kind of case.")
        return cleaned

    def arguments(self) -> dict[str, Any]:
        """What the service takes."""
        cleaned = self.cleaned_data
        pairwise = cleaned["task_kind"] == TaskKind.PAIRWISE
        names = ("reference", "intent", "task_kind", "prompt", "origin", "explanation", "exposures")
        return {name: cleaned[name] for name in names} | {
            "body": {name: cleaned[name] for name in (("a", "b") if pairwise else ("response",))},
            "context": [{"id": "1", "text": cleaned["context"]}] if cleaned["context"] else [],
            "acceptable": None if pairwise else cleaned["answer"] == "yes",
            "preferred": cleaned["answer"] if pairwise else "",
        }


class QueueForm(forms.Form):
    daily_cap = forms.IntegerField(
        min_value=1, max_value=100_000, label="Items per person and day", help_text="Days are counted in UTC."
    )
    lease_seconds = forms.IntegerField(
        min_value=30,
        max_value=86_400,
        label="Lease (seconds)",
        help_text="How long an item stays with whoever took it without a sign of life.",
    )
    undo_seconds = forms.IntegerField(
        min_value=0,
        max_value=3600,
        label="Undo window (seconds)",
        help_text="How long a rating can be taken back.",
    )


class MemberForm(forms.Form):
    email = forms.EmailField(label="E-mail address")
    name = forms.CharField(required=False, max_length=200, help_text="For somebody who has no account yet.")
    role = forms.ChoiceField(choices=Role.choices)


class KeyForm(forms.Form):
    name = forms.CharField(required=False, max_length=100, help_text="What will use it.")
    scopes = forms.MultipleChoiceField(choices=Scope.choices, widget=forms.CheckboxSelectMultiple)
    expires_at = Moment(label="Expires (UTC)", help_text="Empty: never.")

    def __init__(self, *arguments: Any, now: datetime, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.now = now

    def clean_expires_at(self) -> datetime | None:
        moment: datetime | None = self.cleaned_data["expires_at"]
        if moment and moment <= self.now:
            raise ValidationError("That moment has passed.")
        return moment


class WebhookForm(forms.Form):
    url = forms.CharField(
        max_length=2000,
        label="Address",
        help_text="Starts with https:// and is on the public internet.",
        widget=forms.TextInput(attrs={"inputmode": "url", "autocomplete": "off"}),
    )
    description = forms.CharField(required=False, max_length=200, help_text="What listens there.")


class DeliveryFilters(forms.Form):
    state = forms.ChoiceField(required=False, choices=[("", "all"), *DeliveryState.choices])
