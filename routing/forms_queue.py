"""What the owner's pages read about the queue: its rules, what each person may take, and who hears of delays."""

from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from labeling.alarm_sentences import STAKES, tier
from labeling.forms_absences import AbsenceForm
from labeling.models import QueueSettings
from labeling.queries.staffing import WORKING_ROLES
from labeling.services.settings import CREDENTIAL_LENGTH, MOST_CREDENTIALS, SettingRefused
from reviewapp.core.models import Membership, Project, Role
from reviewapp.core.reading import label

# Thirty days on either side of the due time.
MOST_MINUTES = 43_200
# Shown in percent, kept as shares.
SHARES = ("intent_share", "repeat_rate", "agreement_floor", "reference_bar")


class QueueForm(forms.Form):
    daily_cap = forms.IntegerField(
        min_value=1,
        max_value=100_000,
        label=_("Items per person and day"),
        help_text=_("Days are counted where the person is."),
    )
    hourly_cap = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=10_000,
        label=_("Items per person and hour"),
        help_text=_("In any 60 minutes. Empty: no limit."),
    )
    break_after_minutes = forms.IntegerField(
        required=False,
        min_value=5,
        max_value=1440,
        label=_("Break after (minutes)"),
        help_text=_("Of work without a pause. Empty: no breaks are asked for."),
    )
    break_minutes = forms.IntegerField(min_value=1, max_value=480, label=_("Length of a break (minutes)"))
    intent_share = forms.FloatField(
        min_value=5,
        max_value=100,
        label=_("Largest share of one intent (%)"),
        help_text=_("Of a person’s day. 100: no rotation."),
    )
    standby_minutes = forms.IntegerField(
        min_value=0,
        max_value=MOST_MINUTES,
        label=_("Stand-ins from (minutes)"),
        help_text=_("So long before an item is due they may take it although everybody is there."),
    )
    repeat_rate = forms.FloatField(
        min_value=0,
        max_value=20,
        label=_("Planned repeats (%)"),
        help_text=_("Share of claims that show a person again what they judged before."),
    )
    repeat_after_days = forms.IntegerField(
        min_value=1, max_value=365, label=_("Repeat after (days)"), help_text=_("How old a rating is by then.")
    )
    agreement_floor = forms.FloatField(
        min_value=0,
        max_value=100,
        label=_("Agreement floor (%)"),
        help_text=_("Share of equal answers below which an intent is paused."),
    )
    reference_bar = forms.FloatField(
        min_value=0,
        max_value=100,
        label=_("Reference bar (%)"),
        help_text=_("Share of planted human references that must be judged right, or the intent is paused."),
    )
    reblind_days = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=3650,
        label=_("Re-blind round every (days)"),
        help_text=_("All active reviewers judge the same items. Empty: none by itself."),
    )
    reblind_size = forms.IntegerField(
        min_value=5,
        max_value=200,
        label=_("Items of such a round"),
        help_text=_("Also when a rubric is calibrated."),
    )
    calibrate_rubrics = forms.BooleanField(
        required=False,
        label=_("Calibrate new rubric versions first"),
        help_text=_("They go live only after a round by them, by your hand."),
    )
    lease_seconds = forms.IntegerField(
        min_value=30,
        max_value=86_400,
        label=_("Lease (seconds)"),
        help_text=_("How long an item stays with whoever took it without a sign of life."),
    )
    undo_seconds = forms.IntegerField(
        min_value=0,
        max_value=3600,
        label=_("Undo window (seconds)"),
        help_text=_("How long a rating can be taken back."),
    )

    @classmethod
    def initial_of(cls, settings: QueueSettings) -> dict[str, Any]:
        values = {name: getattr(settings, name) for name in cls.base_fields}
        return values | {name: round(100 * values[name], 6) for name in SHARES}

    def changes(self) -> dict[str, Any]:
        """What the service takes: shares in [0, 1]."""
        return self.cleaned_data | {name: self.cleaned_data[name] / 100 for name in SHARES}


class RulesForm(forms.Form):
    """What one person may take."""

    credentials = forms.CharField(
        label=_("Credentials"),
        required=False,
        max_length=MOST_CREDENTIALS * (CREDENTIAL_LENGTH + 1),
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("One on each line, written as in the policy’s tiers."),
    )
    daily_cap = forms.IntegerField(
        label=_("Items a day"), required=False, min_value=0, max_value=100_000, help_text=_("Empty: as everybody.")
    )
    standby = forms.BooleanField(
        label=_("Stand-in"),
        required=False,
        help_text=_("Takes items only while somebody is away, or when the time to answer runs out."),
    )

    def clean_credentials(self) -> list[str]:
        return [line.strip() for line in self.cleaned_data["credentials"].splitlines() if line.strip()]

    def refuse(self, refused: SettingRefused) -> None:
        self.add_error("credentials", str(refused))


class MemberField(forms.ModelChoiceField):
    """Somebody of the project; which of them, the form says."""

    def label_from_instance(self, obj: Membership) -> str:
        return str(obj.person)


class NamedWithRole(MemberField):
    def label_from_instance(self, obj: Membership) -> str:
        return f"{obj.person} ({label(Role(obj.role))})"


class MemberAbsenceForm(AbsenceForm):
    """Days on which somebody of the project is away."""

    member = MemberField(label=_("Person"), queryset=Membership.objects.none())
    field_order = ("member", "first_day", "last_day", "note")

    def __init__(self, *arguments: Any, project: Project, **options: Any) -> None:
        super().__init__(*arguments, **options)
        field = self.fields["member"]
        assert isinstance(field, forms.ModelChoiceField)
        members = Membership.objects.filter(project=project, role__in=WORKING_ROLES, person__is_active=True)
        field.queryset = members.select_related("person", "project").order_by("person__email")


class StepForm(forms.Form):
    """One more step of escalation."""

    priority = forms.TypedChoiceField(
        label=_("Stakes"),
        required=False,
        coerce=int,
        empty_value=None,
        choices=lambda: [("", gettext("all")), *((number, tier(number)) for number in range(len(STAKES)))],
    )
    minutes_before = forms.IntegerField(
        label=_("Minutes before it is due"),
        min_value=-MOST_MINUTES,
        max_value=MOST_MINUTES,
        help_text=_("Negative: after."),
    )
    member = NamedWithRole(label=_("Who is told"), queryset=Membership.objects.none())

    def __init__(self, *arguments: Any, project: Project, **options: Any) -> None:
        super().__init__(*arguments, **options)
        field = self.fields["member"]
        assert isinstance(field, forms.ModelChoiceField)
        members = Membership.objects.filter(project=project, person__is_active=True)
        field.queryset = members.select_related("person", "project").order_by("person__email")
