"""How newcomers come to live work."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _


class OnboardingForm(forms.Form):
    """The switch and the sizes of rounds; the mark is typed in percent."""

    onboarding = forms.BooleanField(
        label=_("Newcomers read, practise and qualify first"),
        required=False,
        help_text=_("For people who come from now on. Who is here already goes on as before."),
    )
    practice_size = forms.IntegerField(
        label=_("Practice cases"), min_value=0, max_value=100, help_text=_("0: no practice.")
    )
    qualification_size = forms.IntegerField(
        label=_("Cases to qualify"),
        min_value=1,
        max_value=200,
        help_text=_("Gold cases they have not met. For calibration rounds as well."),
    )
    mark = forms.FloatField(
        label=_("Right answers to pass (%)"), min_value=0, max_value=100, help_text=_("Of all cases of the round.")
    )

    def arguments(self) -> dict[str, Any]:
        """What the service takes."""
        mark = self.cleaned_data["mark"]
        names = ("onboarding", "practice_size", "qualification_size")
        return {name: self.cleaned_data[name] for name in names} | {"qualification_mark": mark / 100}
