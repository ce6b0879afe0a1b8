"""What the owner's pages read: filters, drafts and decisions. Everything typed comes back with its errors."""

from collections.abc import Sequence
from datetime import datetime
from io import BytesIO
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from labeling.models import GoldOrigin, Preference
from reviewapp.core.models import Role, Scope, TaskKind
from reviewapp.core.parsers import StrictJSONParser, unstorable
from reviewapp.core.problems import Problem
from reviewapp.core.reading import in_zone, labelled
from routing.models import Action, DeliveryState, Stakes

REASON_LENGTH = 1000
NO_CHOICE = ("", _("any"))
KINDS = (NO_CHOICE, ("single", _("all but pairs")), *labelled(TaskKind))
ACTIONS = (NO_CHOICE, *labelled(Action), ("pending", _("Pending")))
FLAGS = {
    "adversarial": _("adversarial"),
    "novel": _("novel"),
    "check_failed": _("check_failed"),
    "incident": _("incident"),
}
OUTCOMES = (
    NO_CHOICE,
    ("waiting", _("waiting")),
    ("disputed", _("disputed")),
    ("judged", _("judged")),
    ("accept", _("accepted")),
    ("correct", _("corrected")),
    ("reject", _("rejected")),
    ("wrong", _("corrected or rejected")),
)


class Moment(forms.DateTimeField):
    """A date and time in the reader's zone, as browsers' own pickers write it."""

    widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")

    def __init__(self, **options: Any) -> None:
        super().__init__(required=False, **options)


class OutputFilters(forms.Form):
    """The API's filters; `reason` and those after it lead from the figures on other pages to their rows."""

    external_id = forms.CharField(required=False, max_length=200, label=_("External id"))
    intent = forms.CharField(label=_("Intent"), required=False, max_length=100)
    action = forms.ChoiceField(required=False, choices=ACTIONS, label=_("Decision"))
    audited = forms.ChoiceField(
        label=_("Audited"), required=False, choices=[NO_CHOICE, ("yes", _("yes")), ("no", _("no"))]
    )
    stakes = forms.ChoiceField(label=_("Stakes"), required=False, choices=[NO_CHOICE, *labelled(Stakes)])
    outcome = forms.ChoiceField(required=False, choices=OUTCOMES, label=_("Review"))
    kind = forms.ChoiceField(label=_("Kind"), required=False, choices=KINDS)
    flag = forms.ChoiceField(label=_("Flag"), required=False, choices=[NO_CHOICE, *FLAGS.items()])
    reason = forms.CharField(label=_("Reason"), required=False, max_length=200)
    since = Moment(label=in_zone(_("Since (%(zone)s)")))
    until = Moment(label=in_zone(_("Until (%(zone)s)")))
    rater = forms.CharField(required=False, max_length=20, label=_("Rated by"))
    rubric = forms.RegexField(r"^.+ v\d{1,9}$", required=False, max_length=120, label=_("Rubric version"))
    overlap = forms.ChoiceField(required=False, choices=[NO_CHOICE, ("yes", _("several"))], label=_("Raters"))


class AgreementFilters(forms.Form):
    by = forms.ChoiceField(
        required=False,
        choices=[
            ("criterion", _("criterion")),
            ("intent", _("intent")),
            ("week", _("week")),
            ("intent,week", _("intent and week")),
        ],
        label=_("One line per"),
    )
    criterion = forms.CharField(label=_("Criterion"), required=False, max_length=60)
    intent = forms.CharField(label=_("Intent"), required=False, max_length=100)
    rubric = forms.CharField(label=_("Rubric"), required=False, max_length=120)
    since = Moment(label=in_zone(_("Since (%(zone)s)")))
    until = Moment(label=in_zone(_("Until (%(zone)s)")))


class SinceForm(forms.Form):
    since = Moment(label=in_zone(_("Since (%(zone)s)")))


class GoldAnswerFilters(forms.Form):
    rater = forms.CharField(label=_("Rater"), required=False, max_length=20)
    case = forms.IntegerField(label=_("Case"), required=False, min_value=1, max_value=2**63 - 1)
    round = forms.IntegerField(label=_("Round"), required=False, min_value=1, max_value=2**63 - 1)


class ReasonForm(forms.Form):
    """A person's word on something, which goes into the audit log."""

    reason = forms.CharField(label=_("Reason"), max_length=REASON_LENGTH, widget=forms.Textarea(attrs={"rows": 3}))


class PauseForm(forms.Form):
    reason = forms.CharField(
        label=_("Reason"), max_length=500, help_text=_("The person reads this when they ask for an item.")
    )
    calibration = forms.BooleanField(
        label=_("They may come back by a calibration round"),
        required=False,
        help_text=_(
            "A set of gold cases they have not met. Passed, it ends the pause by itself; not passed, you decide."
        ),
    )


class PolicyForm(forms.Form):
    """A draft as text. `faults` are {pointer, detail}, from the JSON itself or from the service."""

    document = forms.CharField(
        label=_("Document"), widget=forms.Textarea(attrs={"rows": 28, "spellcheck": "false", "class": "code"})
    )
    note = forms.CharField(
        label=_("Note"), required=False, max_length=REASON_LENGTH, help_text=_("What this version is for.")
    )
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
        text = gettext("This is not a policy yet; see %(number)d fault(s) beside it.")
        self.add_error("document", text % {"number": len(faults)})


class DraftForm(PolicyForm):
    """An edit of a draft, with the revision that it started from."""

    revision = forms.IntegerField(min_value=1, max_value=2**31 - 1, widget=forms.HiddenInput)


class ActivationForm(ReasonForm):
    """Now, or from a later moment on; `revision` is what the person saw."""

    effective_at = Moment(
        label=in_zone(_("From (%(zone)s)")), help_text=_("Empty: at once. Else the moment at which it takes effect.")
    )
    revision = forms.IntegerField(min_value=1, max_value=2**31 - 1, widget=forms.HiddenInput)


class AgainstForm(forms.Form):
    """Which version to compare with."""

    against = forms.TypedChoiceField(coerce=int, required=False, empty_value=None, label=_("Compared with"))

    def __init__(self, *arguments: Any, versions: Sequence[int], **options: Any) -> None:
        super().__init__(*arguments, **options)
        field = self.fields["against"]
        assert isinstance(field, forms.TypedChoiceField)
        field.choices = [
            ("", gettext("its parent")),
            *((version, gettext("version %(version)s") % {"version": version}) for version in versions),
        ]


class RecalibrationForm(forms.Form):
    """How thresholds are to be chosen. An empty field leaves the service's own default."""

    CERTIFIED, BUDGET = "certified", "budget"

    mode = forms.ChoiceField(
        choices=[
            (CERTIFIED, _("Certified: ship as much as keeps the policy’s error target, with a guarantee")),
            (BUDGET, _("Budget: send a fixed share of traffic to people, without a guarantee")),
        ],
        widget=forms.RadioSelect,
        initial=CERTIFIED,
        label=_("Choose thresholds by"),
    )
    review_share = forms.FloatField(
        required=False,
        min_value=1,
        max_value=100,
        label=_("Share for people (%)"),
        help_text=_("For the budget: how much of the traffic people judge, the audit included."),
    )
    tiers = forms.MultipleChoiceField(
        choices=labelled(Stakes),
        initial=["mid", "low"],
        widget=forms.CheckboxSelectMultiple,
        label=_("Tiers that may ship"),
    )
    audit_rate = forms.FloatField(
        initial=5,
        min_value=0.1,
        max_value=99,
        label=_("Audit rate (%)"),
        help_text=_("For tiers that begin to ship; the others keep theirs."),
    )
    since = Moment(label=in_zone(_("Learn from outputs since (%(zone)s)")), help_text=_("Empty: from all of them."))

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("mode") == self.BUDGET and cleaned.get("review_share") is None and not self.errors:
            self.add_error("review_share", gettext("A budget needs the share that people judge."))
        return cleaned

    def arguments(self) -> dict[str, Any]:
        """What the service takes: shares in [0, 1]."""
        cleaned = self.cleaned_data
        arguments = {"tiers": cleaned["tiers"], "audit_rate": cleaned["audit_rate"] / 100, "since": cleaned["since"]}
        if cleaned["mode"] == self.BUDGET:
            arguments["review_share"] = cleaned["review_share"] / 100
        return arguments


class CertificateForm(forms.Form):
    stakes = forms.ChoiceField(label=_("Stakes"), required=False, choices=[("", _("all")), *labelled(Stakes)])
    since = Moment(label=in_zone(_("Since (%(zone)s)")))
    level = forms.FloatField(initial=95, min_value=50, max_value=99.9, label=_("Confidence (%)"))


class FreezeForm(forms.Form):
    size = forms.IntegerField(
        required=False, min_value=1, max_value=1_000_000, label=_("Cases"), help_text=_("Empty: every judged output.")
    )


class GoldCaseForm(forms.Form):
    """A case with a known answer: one response, or a pair of candidates."""

    reference = forms.CharField(
        label=_("Reference"), max_length=200, help_text=_("Your own name for it; reviewers never see it.")
    )
    intent = forms.CharField(label=_("Intent"), max_length=100)
    task_kind = forms.ChoiceField(
        choices=[(TaskKind.POINTWISE, _("one response")), (TaskKind.PAIRWISE, _("two candidates"))], label=_("Kind")
    )
    prompt = forms.CharField(label=_("Prompt"), widget=forms.Textarea(attrs={"rows": 4}), strip=False)
    context = forms.CharField(
        label=_("Context"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 4}),
        strip=False,
        help_text=_("What the response must be grounded in; one passage."),
    )
    response = forms.CharField(
        label=_("Response"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 5}),
        strip=False,
        help_text=_("For one response."),
    )
    a = forms.CharField(required=False, widget=forms.Textarea(attrs={"rows": 5}), strip=False, label=_("Candidate A"))
    b = forms.CharField(required=False, widget=forms.Textarea(attrs={"rows": 5}), strip=False, label=_("Candidate B"))
    answer = forms.ChoiceField(
        choices=[
            ("no", _("not acceptable")),
            ("yes", _("acceptable")),
            *(
                (side, label)
                for side, label in zip(Preference.values, (_("A is better"), _("B is better"), _("a tie")), strict=True)
            ),
        ],
        label=_("Right answer"),
    )
    origin = forms.ChoiceField(label=_("Origin"), choices=labelled(GoldOrigin))
    explanation = forms.CharField(
        label=_("Explanation"), required=False, widget=forms.Textarea(attrs={"rows": 2}), max_length=10_000
    )
    exposures = forms.IntegerField(
        label=_("Exposures"),
        min_value=1,
        max_value=1000,
        initial=30,
        help_text=_("How many people may meet it; nobody meets it twice."),
    )
    practice = forms.BooleanField(
        label=_("Practice case"),
        required=False,
        help_text=_("Shown to newcomers, who are told the right answer and the explanation. Never planted."),
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        pairwise = cleaned.get("task_kind") == TaskKind.PAIRWISE
        for name in ("a", "b") if pairwise else ("response",):
            if not cleaned.get(name):
                self.add_error(name, gettext("This is what the reviewer judges; it cannot be empty."))
        if "answer" in cleaned and (cleaned["answer"] in Preference.values) != pairwise:
            self.add_error("answer", gettext("The answer does not go with this kind of case."))
        return cleaned

    def arguments(self) -> dict[str, Any]:
        """What the service takes."""
        cleaned = self.cleaned_data
        pairwise = cleaned["task_kind"] == TaskKind.PAIRWISE
        names = ("reference", "intent", "task_kind", "prompt", "origin", "explanation", "exposures", "practice")
        return {name: cleaned[name] for name in names} | {
            "body": {name: cleaned[name] for name in (("a", "b") if pairwise else ("response",))},
            "context": [{"id": "1", "text": cleaned["context"]}] if cleaned["context"] else [],
            "acceptable": None if pairwise else cleaned["answer"] == "yes",
            "preferred": cleaned["answer"] if pairwise else "",
        }


class MemberForm(forms.Form):
    email = forms.EmailField(label=_("E-mail address"))
    name = forms.CharField(
        label=_("Name"), required=False, max_length=200, help_text=_("For somebody who has no account yet.")
    )
    role = forms.ChoiceField(label=_("Role"), choices=labelled(Role))


class KeyForm(forms.Form):
    name = forms.CharField(label=_("Name"), required=False, max_length=100, help_text=_("What will use it."))
    scopes = forms.MultipleChoiceField(label=_("Scopes"), choices=labelled(Scope), widget=forms.CheckboxSelectMultiple)
    expires_at = Moment(label=in_zone(_("Expires (%(zone)s)")), help_text=_("Empty: never."))

    def __init__(self, *arguments: Any, now: datetime, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.now = now

    def clean_expires_at(self) -> datetime | None:
        moment: datetime | None = self.cleaned_data["expires_at"]
        if moment and moment <= self.now:
            raise ValidationError(gettext("That moment has passed."))
        return moment


class WebhookForm(forms.Form):
    url = forms.CharField(
        max_length=2000,
        label=_("Address"),
        help_text=_("Starts with https:// and is on the public internet."),
        widget=forms.TextInput(attrs={"inputmode": "url", "autocomplete": "off"}),
    )
    description = forms.CharField(
        label=_("Description"), required=False, max_length=200, help_text=_("What listens there.")
    )


class DeliveryFilters(forms.Form):
    state = forms.ChoiceField(label=_("State"), required=False, choices=[("", _("all")), *labelled(DeliveryState)])
