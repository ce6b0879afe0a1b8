"""What the pages of agreement, disputes and rubrics read besides the rubrics themselves."""

from io import BytesIO
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from reviewapp.core.models import TaskKind
from reviewapp.core.parsers import StrictJSONParser, unstorable
from reviewapp.core.problems import Problem
from reviewapp.core.reading import labelled


class FloorForm(forms.Form):
    """In percent, as people say it."""

    agreement_floor = forms.FloatField(min_value=0, max_value=100, label=_("Floor (% equal answers)"))


class DisputeFilters(forms.Form):
    """Which disputes: those that wait, those of one intent or rubric, or those behind one cell of a table."""

    open = forms.BooleanField(required=False)
    intent = forms.CharField(required=False, max_length=100)
    rubric = forms.RegexField(r"^.+ v\d{1,9}$", required=False, max_length=120)
    criterion = forms.CharField(required=False, max_length=60)
    first = forms.IntegerField(required=False, min_value=0, max_value=1000)
    second = forms.IntegerField(required=False, min_value=0, max_value=1000)
    page = forms.IntegerField(required=False, min_value=1, max_value=100_000)


class ExampleForm(forms.Form):
    """Which level a case is an example of, and the draft it goes into: a new one unless told."""

    place = forms.CharField(max_length=5000)
    into = forms.IntegerField(required=False, min_value=1, max_value=2**31 - 1)


class NewRubricForm(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=100)
    task_kind = forms.ChoiceField(label=_("For"), choices=labelled(TaskKind))


class ImportForm(forms.Form):
    """A rubric as JSON, pasted or from a file."""

    document = forms.CharField(
        required=False,
        label=_("Document"),
        widget=forms.Textarea(attrs={"rows": 16, "spellcheck": "false", "class": "code"}),
    )
    file = forms.FileField(required=False, label=_("Or a file"))

    def clean(self) -> dict[str, Any]:
        """`document` becomes the parsed object."""
        data = super().clean() or {}
        given = self.cleaned_data.get("file")
        raw = given.read() if given else self.cleaned_data.get("document", "").encode("utf-8", "surrogatepass")
        try:
            document = StrictJSONParser().parse(BytesIO(raw))
        except Problem as problem:
            raise ValidationError(str(problem.detail)) from None
        if fault := unstorable(document):
            raise ValidationError(f"{fault['pointer']}: {fault['detail']}")
        if not isinstance(document, dict):
            raise ValidationError(_("A rubric is a JSON object."))
        return data | {"document": document}
