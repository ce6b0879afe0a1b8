"""What the pages of judges read."""

from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from routing.services.judge_keys import KEY_VARIABLE, MAX_KEY

RUNS = ((2, "2"), (4, "4"), (6, "6"))


class JudgeForm(forms.Form):
    """What a judge is, how its key is found, and how much it may be used."""

    base_url = forms.CharField(
        max_length=1000,
        label=_("Address"),
        help_text=_("Up to, but without /chat/completions; https on the public internet."),
    )
    model = forms.CharField(label=_("Model"), max_length=200)
    family = forms.CharField(
        label=_("Family"),
        required=False,
        max_length=100,
        help_text=_("Whose model it is. On outputs of the same family its praise counts half."),
    )
    instructions = forms.CharField(
        label=_("Instructions"),
        required=False,
        max_length=4000,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("In your words, added to the rubric."),
    )
    key = forms.CharField(
        required=False,
        max_length=MAX_KEY,
        label=_("Key"),
        widget=forms.PasswordInput(render_value=False, attrs={"autocomplete": "off"}),
        help_text=_("Stored encrypted for this address only, and never shown again."),
    )
    key_env = forms.RegexField(
        rf"^{KEY_VARIABLE.pattern}$",
        required=False,
        label=_("Key from the environment"),
        help_text=_("Or JUDGE_KEY_NAME, which the operator set for the hosts in JUDGE_HOST_NAME."),
    )
    timeout_seconds = forms.IntegerField(min_value=1, max_value=120, initial=30, label=_("Timeout (seconds)"))
    runs = forms.TypedChoiceField(choices=RUNS, coerce=int, initial=2, label=_("Runs per output"))
    requests_per_minute = forms.IntegerField(min_value=1, max_value=6000, initial=60, label=_("Requests per minute"))
    monthly_budget = forms.DecimalField(
        required=False,
        min_value=0,
        max_digits=12,
        decimal_places=2,
        label=_("Budget per month"),
        help_text=_("Empty: none."),
    )
    currency = forms.RegexField(r"^[A-Z]{3}$", label=_("Currency"), initial="USD")
    price_input = forms.DecimalField(
        min_value=0, max_digits=12, decimal_places=6, initial=0, label=_("Price of a million input tokens")
    )
    price_output = forms.DecimalField(
        min_value=0, max_digits=12, decimal_places=6, initial=0, label=_("Price of a million output tokens")
    )
    max_tokens = forms.IntegerField(
        min_value=64, max_value=16_384, initial=1024, label=_("Tokens of an answer, at most")
    )
    max_characters = forms.IntegerField(
        min_value=1000,
        max_value=2_000_000,
        initial=100_000,
        label=_("Characters of an output, at most"),
        help_text=_("What is longer is not sent, and goes to a person."),
    )
    active = forms.BooleanField(label=_("Active"), required=False, initial=True)

    def arguments(self) -> dict[str, Any]:
        """What the services take. An empty key leaves the stored one as it is."""
        cleaned: dict[str, Any] = dict(self.cleaned_data)
        if not cleaned["key"]:
            del cleaned["key"]
        return cleaned


class NewJudgeForm(JudgeForm):
    name = forms.RegexField(
        r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$",
        label=_("Name"),
        help_text=_("How policies name it; letters, digits, dots and dashes."),
    )
    field_order = ("name",)


class TryForm(forms.Form):
    """A trial: a prompt with a response, or with two candidates."""

    prompt = forms.CharField(
        label=_("Prompt"), max_length=100_000, strip=False, widget=forms.Textarea(attrs={"rows": 3})
    )
    context = forms.CharField(
        label=_("Context"),
        required=False,
        max_length=100_000,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("One passage."),
    )
    response = forms.CharField(
        label=_("Response"), max_length=100_000, strip=False, widget=forms.Textarea(attrs={"rows": 4})
    )
    other = forms.CharField(
        required=False,
        max_length=100_000,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 4}),
        label=_("Second candidate"),
        help_text=_("For a pair; the response above is the first one."),
    )

    def arguments(self) -> dict[str, Any]:
        cleaned = self.cleaned_data
        pair = bool(cleaned["other"])
        return {
            "prompt": cleaned["prompt"],
            "context": [{"id": "1", "text": cleaned["context"]}] if cleaned["context"] else [],
            "body": {"a": cleaned["response"], "b": cleaned["other"]} if pair else {"response": cleaned["response"]},
        }


def initial_of(values: dict[str, Any]) -> dict[str, Any]:
    """A judge's values for a form that changes it: decimals without their noughts, and never the key."""
    return {
        name: value.normalize().__format__("f") if isinstance(value, Decimal) else value
        for name, value in values.items()
        if name != "key"
    }
