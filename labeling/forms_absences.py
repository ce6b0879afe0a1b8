"""The form for days away, on the person's own page and on the owner's."""

from django import forms
from django.utils.translation import gettext_lazy as _

from labeling.services.absences import AbsenceRefused


def day_input() -> forms.DateInput:
    return forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")


class AbsenceForm(forms.Form):
    """First and last day, both included."""

    first_day = forms.DateField(label=_("First day"), widget=day_input())
    last_day = forms.DateField(label=_("Last day"), widget=day_input(), help_text=_("Included."))
    note = forms.CharField(
        label=_("Note"), required=False, max_length=200, help_text=_("The project’s owners and auditors read it.")
    )

    def refuse(self, refused: AbsenceRefused) -> None:
        """Keep the form open with the fault at its field."""
        name = refused.pointer.removeprefix("/")
        self.add_error(name if name in self.fields else None, str(refused))
