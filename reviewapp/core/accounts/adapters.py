"""What django-allauth does our way: no sign-up, one answer for every wrong pair, sealed secrets, an audit log."""

import logging
from smtplib import SMTPException
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialLogin
from django.conf import settings
from django.http import HttpRequest
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext_lazy as _

from reviewapp.core.accounts.lockout import client_address
from reviewapp.core.models import Person
from reviewapp.core.sealing import seal, unseal
from reviewapp.core.services.audit import record
from reviewapp.core.services.invitations import InvitationRefused, accept_all_for

logger = logging.getLogger(__name__)

# allauth tells its adapters of every change to an account by the mail it would send: mail to verb of the audit log.
EVENTS = {
    "account/email/password_changed": "password.changed",
    "account/email/password_reset": "password.reset",
    "account/email/password_set": "password.set",
    "mfa/email/totp_activated": "second_factor.added",
    "mfa/email/totp_deactivated": "second_factor.removed",
    "mfa/email/webauthn_added": "second_factor.added",
    "mfa/email/webauthn_removed": "second_factor.removed",
    "mfa/email/recovery_codes_generated": "recovery_codes.made",
    "socialaccount/email/account_connected": "sign_in_service.connected",
}
# Where the session says when it was last seen; see LastSeenMiddleware.
SEEN_AT = "seen_at"


class AccountAdapter(DefaultAccountAdapter):
    error_messages = DefaultAccountAdapter.error_messages | {
        "email_password_mismatch": _("This e-mail address and password do not go together. Check both and try again."),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Guessing is stopped by django-axes, whose count all processes share."""

    def get_client_ip(self, request: HttpRequest) -> str:
        return client_address(request)

    def get_reset_password_from_key_url(self, key: str) -> str:
        """allauth gives both parts in one word; our address has them apart."""
        person, _dash, secret = key.partition("-")
        address = reverse("account_reset_password_from_key", kwargs={"uidb36": person, "key": secret})
        return str(self.request.build_absolute_uri(address))

    def login(self, request: HttpRequest, user: Person) -> None:
        super().login(request, user)
        request.session[SEEN_AT] = timezone.now().timestamp()

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Sent where mail can be sent. A server that does not answer changes no page: who watches must not tell
        from an error which addresses have an account."""
        if not settings.SENDS_EMAIL:
            return
        person = Person.objects.filter(email=email.lower()).only("language").first()
        try:
            # In the reader's language, whoever's browser asked for it.
            with translation.override(person.language if person and person.language else translation.get_language()):
                super().send_mail(template_prefix, email, context)
        except (SMTPException, OSError):
            logger.exception("Mail %s could not be sent.", template_prefix)

    def send_notification_mail(
        self, template_prefix: str, user: Person, context: dict[str, Any] | None = None, email: str | None = None
    ) -> None:
        if verb := EVENTS.get(template_prefix):
            record(project=None, actor=f"person:{user.pk}", verb=verb, target=f"person:{user.pk}")
        super().send_notification_mail(template_prefix, user, context, email)


class SecondFactorAdapter(DefaultMFAAdapter):
    """Secrets of authenticator apps and recovery codes are sealed at rest."""

    def encrypt(self, text: str) -> str:
        return seal(text)

    def decrypt(self, encrypted_text: str) -> str:
        return unseal(encrypted_text)


class SignInServiceAdapter(DefaultSocialAccountAdapter):
    """Signing in with the organisation's service: only as somebody who is here already, or was invited."""

    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        return False

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        """The first time, find the person by the address that the service verified. One page for every refusal."""
        if sociallogin.state.get("process") != "login":
            # A link could otherwise tie a stranger's identity to whoever is signed in.
            raise ImmediateHttpResponse(redirect("home"))
        if not sound(sociallogin.account.extra_data):
            raise ImmediateHttpResponse(_refusal(request))
        if sociallogin.is_existing:
            return
        person = person_behind(sociallogin)
        if person is None:
            raise ImmediateHttpResponse(_refusal(request))
        sociallogin.connect(request, person)


def sound(claims: dict[str, Any]) -> bool:
    """Whether the user information is about whom the token is about (OpenID Connect Core 1.0, 5.3.2)."""
    information, token = claims.get("userinfo"), claims.get("id_token")
    return not information or not token or information.get("sub") == token.get("sub")


def person_behind(sociallogin: SocialLogin) -> Person | None:
    """The person with the verified address, made now if somebody invited them."""
    claims = sociallogin.account.extra_data
    said = claims.get("userinfo") or claims.get("id_token") or {}
    email = str(said.get("email") or "").strip().lower()
    # Some services write "true". Anything else is not verified, whatever Python takes for true.
    if not email or str(said.get("email_verified")).lower() != "true":
        return None
    known = Person.objects.filter(email=email)
    try:
        return known.first() or accept_all_for(email=email, name=str(said.get("name") or ""), now=timezone.now())
    except InvitationRefused:
        # Used up this very moment: by the same person in another tab, or withdrawn.
        return known.first()


def _refusal(request: HttpRequest) -> Any:
    return render(request, "socialaccount/refused.html", {"service": service_name()}, status=403)


def service_name() -> str | None:
    """What people know the sign-in service by; None where there is none."""
    configured: dict[str, Any] = settings.SOCIALACCOUNT_PROVIDERS
    apps = configured["openid_connect"]["APPS"]
    return str(apps[0]["name"]) if apps else None
