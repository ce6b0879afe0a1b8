"""What the pages of gold read besides the cases themselves."""

from django import forms
from django.utils.translation import gettext_lazy as _

from labeling.services.gold import DEFAULT_EXPOSURES


class PromotionForm(forms.Form):
    """How an adjudicated item becomes a case."""

    reference = forms.CharField(
        label=_("Reference"), max_length=200, help_text=_("Your own name for it; reviewers never see it.")
    )
    exposures = forms.IntegerField(
        label=_("Exposures"),
        min_value=1,
        max_value=1000,
        initial=DEFAULT_EXPOSURES,
        help_text=_("How many people may meet it; nobody meets it twice."),
    )
