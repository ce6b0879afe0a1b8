"""Forms of the account's pages."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any
from zoneinfo import available_timezones

from allauth.account.forms import LoginForm
from allauth.core.internal.cryptokit import normalize_user_code
from allauth.mfa import app_settings as mfa_settings
from allauth.mfa.adapter import get_adapter
from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from allauth.mfa.totp.forms import ActivateTOTPForm
from django import forms
from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from reviewapp.core.models import Person, Theme
from reviewapp.core.shortcuts import ACTIONS, SWITCHES, key_fault


class SignInForm(LoginForm):
    """allauth's, with the address under the name that password managers and scripts know."""

    def add_prefix(self, field_name: str) -> str:
        return "username" if field_name == "login" else super().add_prefix(field_name)

    def clean_login(self) -> str:
        """Addresses are stored in lower case."""
        return str(self.cleaned_data["login"]).strip().lower()


class OneUse:
    """A code counts once. allauth remembers it for one period only, but takes it for three (MFA_TOTP_TOLERANCE)."""

    user: Person

    def clean_code(self) -> str:
        code: str = super().clean_code()  # type: ignore[misc]
        lifetime = mfa_settings.TOTP_PERIOD * (2 * mfa_settings.TOTP_TOLERANCE + 1)
        if not cache.add(f"second-factor-code:{self.user.pk}:{normalize_user_code(code)}", "used", timeout=lifetime):
            raise get_adapter().validation_error("incorrect_code")
        return code


class SecondFactorForm(OneUse, AuthenticateForm):
    """While signing in."""


class ActivationForm(OneUse, ActivateTOTPForm):
    """The code that switches the second factor on does not sign anybody in afterwards."""


class ConfirmationForm(OneUse, ReauthenticateForm):
    """Before something that changes who can sign in."""


class JoinForm(forms.Form):
    """A new person's name and password, on the page that an invitation leads to."""

    name = forms.CharField(
        max_length=200,
        required=False,
        label=_("Your name"),
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
        help_text=_("As the owner of the project sees it. May stay empty."),
    )
    password = forms.CharField(
        max_length=4096,
        label=_("Choose a password"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=_("At least 8 characters; a few words are better than one."),
    )

    def __init__(self, *arguments: Any, email: str, **options: Any) -> None:
        self.email = email
        super().__init__(*arguments, **options)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if password := cleaned.get("password"):
            try:
                validate_password(password, Person(email=self.email, name=cleaned.get("name", "")))
            except ValidationError as error:
                self.add_error("password", error)
        return cleaned


@lru_cache(maxsize=1)
def zones() -> tuple[str, ...]:
    """The zones that people choose from: UTC, and those named after a place."""
    places = sorted(zone for zone in available_timezones() if "/" in zone and not zone.startswith("Etc/"))
    return ("UTC", *places)


class PreferencesForm(forms.Form):
    """Name, language, time zone and appearance; an empty choice follows the browser."""

    name = forms.CharField(
        max_length=200, required=False, label=_("Name"), widget=forms.TextInput(attrs={"autocomplete": "name"})
    )

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        as_browser = ("", _("As the browser says"))
        places = [(zone, zone.replace("_", " ")) for zone in zones()]
        self.fields |= {
            "language": choice(_("Language"), [as_browser, *settings.LANGUAGES]),
            "time_zone": choice(_("Time zone"), [as_browser, *places]),
            "theme": choice(_("Appearance"), [("", _("As the system says")), *Theme.choices]),
        }


def choice(label: Any, choices: Sequence[tuple[str, Any]]) -> forms.ChoiceField:
    return forms.ChoiceField(label=label, choices=choices, required=False)


class SwitchesForm(forms.Form):
    """Comforts of the review page, on unless somebody wants them off."""

    def __init__(self, *arguments: Any, chosen: Mapping[str, Any], **options: Any) -> None:
        super().__init__(*arguments, **options)
        for name, label in SWITCHES.items():
            on = chosen.get(name) is not False
            self.fields[name] = forms.BooleanField(required=False, label=label, initial=on)

    def chosen(self) -> dict[str, bool]:
        return {name: False for name in SWITCHES if not self.cleaned_data[name]}


class KeysForm(forms.Form):
    """One field for every action of the review page; an empty one keeps the page's own key."""

    def __init__(self, *arguments: Any, chosen: Mapping[str, Any], **options: Any) -> None:
        super().__init__(*arguments, **options)
        for action, (label, own_key) in ACTIONS.items():
            self.fields[action] = forms.CharField(
                required=False,
                max_length=20,
                label=label,
                initial=chosen.get(action, ""),
                widget=forms.TextInput(attrs={"placeholder": own_key, "autocomplete": "off", "autocapitalize": "none"}),
            )

    def clean(self) -> dict[str, Any]:
        """Raises for keys that no keyboard has and for two actions on one key."""
        cleaned = super().clean() or {}
        taken: dict[str, str] = {}
        for action, (label, own_key) in ACTIONS.items():
            key = cleaned.get(action) or own_key
            if fault := key_fault(key):
                self.add_error(action, fault)
            elif key in taken:
                self.add_error(action, _("This key is taken by “%(action)s”.") % {"action": taken[key]})
            taken.setdefault(key, str(label))
        return cleaned

    def chosen(self) -> dict[str, str]:
        """Only what differs from the page's own keys."""
        return {
            action: key
            for action, (_label, own_key) in ACTIONS.items()
            if (key := self.cleaned_data[action]) and key != own_key
        }
