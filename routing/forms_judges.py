"""What the pages of judges read."""

from decimal import Decimal
from typing import Any

from django import forms

from routing.services.judge_keys import KEY_VARIABLE, MAX_KEY

RUNS = ((2, "2"), (4, "4"), (6, "6"))


class JudgeForm(forms.Form):
    """What a judge is, how its key is found, and how much it may be used."""

    base_url = forms.CharField(
        max_length=1000,
        label="Address",
        help_text="Up to, but without /chat/completions; https on the public internet.",
    )
    model = forms.CharField(max_length=200)
    family = forms.CharField(
        required=False,
        max_length=100,
        help_text="Whose model it is. On outputs of the same family its praise counts half.",
    )
    instructions = forms.CharField(
        required=False,
        max_length=4000,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text="In your words, added to the rubric.",
    )
    key = forms.CharField(
        required=False,
        max_length=MAX_KEY,
        label="Key",
        widget=forms.PasswordInput(render_value=False, attrs={"autocomplete": "off"}),
        help_text="Stored encrypted for this address only, and never shown again.",
    )
    key_env = forms.RegexField(
        rf"^{KEY_VARIABLE.pattern}$",
        required=False,
        label="Key from the environment",
        help_text="Or JUDGE_KEY_NAME, which the operator set for the hosts in JUDGE_HOST_NAME.",
    )
    timeout_seconds = forms.IntegerField(min_value=1, max_value=120, initial=30, label="Timeout (seconds)")
    runs = forms.TypedChoiceField(choices=RUNS, coerce=int, initial=2, label="Runs per output")
    requests_per_minute = forms.IntegerField(min_value=1, max_value=6000, initial=60, label="Requests per minute")
    monthly_budget = forms.DecimalField(
        required=False, min_value=0, max_digits=12, decimal_places=2, label="Budget per month", help_text="Empty: none."
    )
    currency = forms.RegexField(r"^[A-Z]{3}$", initial="USD")
    price_input = forms.DecimalField(
        min_value=0, max_digits=12, decimal_places=6, initial=0, label="Price of a million input tokens"
    )
    price_output = forms.DecimalField(
        min_value=0, max_digits=12, decimal_places=6, initial=0, label="Price of a million output tokens"
    )
    max_tokens = forms.IntegerField(min_value=64, max_value=16_384, initial=1024, label="Tokens of an answer, at most")
    max_characters = forms.IntegerField(
        min_value=1000,
        max_value=2_000_000,
        initial=100_000,
        label="Characters of an output, at most",
        help_text="What is longer is not sent, and goes to a person.",
    )
    active = forms.BooleanField(required=False, initial=True)

    def arguments(self) -> dict[str, Any]:
        """What the services take. An empty key leaves the stored one as it is."""
        cleaned: dict[str, Any] = dict(self.cleaned_data)
        if not cleaned["key"]:
            del cleaned["key"]
        return cleaned


class NewJudgeForm(JudgeForm):
    name = forms.RegexField(
        r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$", help_text="How policies name it; letters, digits, dots and dashes."
    )
    field_order = ("name",)


class TryForm(forms.Form):
    """A trial: a prompt with a response, or with two candidates."""

    prompt = forms.CharField(max_length=100_000, strip=False, widget=forms.Textarea(attrs={"rows": 3}))
    context = forms.CharField(
        required=False,
        max_length=100_000,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="One passage.",
    )
    response = forms.CharField(max_length=100_000, strip=False, widget=forms.Textarea(attrs={"rows": 4}))
    other = forms.CharField(
        required=False,
        max_length=100_000,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 4}),
        label="Second candidate",
        help_text="For a pair; the response above is the first one.",
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
