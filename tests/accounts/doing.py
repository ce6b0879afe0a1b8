"""What people do at the sign-in and in their account."""

import re
import time
from typing import Any

from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.test import Client

from reviewapp.core.models import AuditEntry
from tests.browser.cast import PASSWORD
from tests.browser.visiting import text_of

WORK = "/projects/billing/review/"
PERIOD = 30


def sign_in(client: Client, email: str = "rae@people.example", password: str = PASSWORD, **more: Any) -> Any:
    headers = more.pop("headers", {})
    return client.post("/login/", {"username": email, "password": password, **more}, headers=headers)


def is_in(client: Client, page: str = WORK) -> bool:
    return client.get(page).status_code == 200


def api_status(client: Client) -> int:
    """What the API says to this browser about asking for an item."""
    return int(client.post("/api/v1/projects/billing/queue/claim/", "{}", content_type="application/json").status_code)


def app_code(secret: str, step: int = 0) -> str:
    """What an authenticator app shows now, or `step` periods later."""
    return format_hotp_value(hotp_value(secret, int(time.time()) // PERIOD + step))


def confirm(client: Client, page: str, password: str = PASSWORD) -> Any:
    """Open a page that asks for the password once more, type it, and land on the page."""
    response = client.get(page)
    assert response["Location"].startswith("/account/confirm/"), response["Location"]
    return client.post(response["Location"], {"password": password}, follow=True)


def set_up_app(client: Client) -> str:
    """Set up an authenticator app; its secret."""
    page = text_of(confirm(client, "/account/second-factor/totp/activate/"))
    [secret] = re.findall(r'<code class="secret"[^>]*>([A-Z2-7]+)</code>', page)
    response = client.post("/account/second-factor/totp/activate/", {"code": app_code(secret)})
    assert response["Location"] == "/account/second-factor/recovery-codes/"
    return str(secret)


def recovery_codes(client: Client) -> list[str]:
    codes = re.findall(r"<li><code>(\w+)</code></li>", text_of(client.get("/account/second-factor/recovery-codes/")))
    assert len(codes) == 10
    return codes


def verbs() -> list[str]:
    """What the audit log holds about people, oldest first."""
    return list(AuditEntry.objects.filter(project=None).order_by("pk").values_list("verb", flat=True))
