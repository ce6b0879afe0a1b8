"""Every page of signing in and of the account: no fault for axe, no sideways scrolling, in both themes and sizes."""

from collections.abc import Iterator
from typing import Any

import pytest
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from axe_playwright_python.sync_playwright import Axe
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Browser, Page

from reviewapp.core.models import Membership, Project
from reviewapp.core.services.invitations import invite
from tests.accounts.doing import sign_in
from tests.browser.cast import PASSWORD
from tests.browser.conftest import session_cookie

pytestmark = pytest.mark.django_db(transaction=True)

SCREENS = [(1280, "light"), (1280, "dark"), (390, "light"), (320, "dark")]
FOR_ANYBODY = (
    "/login/?next=/projects/billing/review/",
    "/account/password/lost/",
    "/account/password/lost/sent/",
    "/account/password/new/1/no-key/",
    "/account/password/new/done/",
    "/account/closed/",
    "/account/new/",
    "/account/service/cancelled/",
    "/account/service/error/",
    "/invitations/no-token/",
    "/nowhere/",
)
FOR_ONESELF = (
    "/",
    "/logout/",
    "/account/",
    "/account/preferences/",
    "/account/sessions/",
    "/account/password/",
    "/account/confirm/",
    "/account/second-factor/",
    "/account/second-factor/reauthenticate/",
    "/account/second-factor/webauthn/",
    "/account/second-factor/webauthn/reauthenticate/",
)
# Only after the password was typed once more.
CONFIRMED = (
    "/account/second-factor/webauthn/add/",
    "/account/second-factor/totp/deactivate/",
    "/account/second-factor/recovery-codes/",
    "/account/second-factor/recovery-codes/generate/",
)


@pytest.fixture(params=SCREENS, ids=lambda screen: f"{screen[1]}-{screen[0]}")
def screen(request: Any, browser: Browser) -> Iterator[Page]:
    width, theme = request.param
    context = browser.new_context(
        locale="en-GB", viewport={"width": width, "height": 860}, color_scheme=theme, reduced_motion="reduce"
    )
    context.set_default_timeout(10_000)
    yield context.new_page()
    context.close()


def faults(page: Page, address: str) -> list[str]:
    page.goto(address)
    found = [
        f"{address}: {rule['id']}: {rule['nodes'][0]['html'][:120]}" for rule in Axe().run(page).response["violations"]
    ]
    if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
        found.append(f"{address}: scrolls sideways")
    return found


def test_anybody_can_read_the_way_in(
    screen: Page, live_server: Any, project: Project, reviewer: Membership, settings: Any
) -> None:
    settings.SENDS_EMAIL = True
    made = invite(project=project, email="nia@people.example", role="auditor", actor="test", now=timezone.now())
    pages = (*FOR_ANYBODY, f"/invitations/{made.token}/")
    found = [fault for path in pages for fault in faults(screen, live_server.url + path)]
    for number in range(5):
        sign_in(Client(), "ada@people.example", f"wrong-{number}")
    screen.goto(f"{live_server.url}/login/")
    screen.fill("#id_username", "ada@people.example")
    screen.fill("#id_password", "wrong")
    screen.get_by_role("button", name="Sign in").click()
    screen.get_by_role("heading", name="Too many wrong passwords").wait_for()
    found += [rule["id"] for rule in Axe().run(screen).response["violations"]]
    assert not found, "\n".join(found)


def test_people_can_read_their_account(screen: Page, live_server: Any, project: Project, reviewer: Membership) -> None:
    screen.context.add_cookies([session_cookie(reviewer, live_server.url)])
    address = live_server.url
    screen.goto(f"{address}/account/second-factor/totp/activate/")
    screen.fill("#id_password", PASSWORD)
    screen.get_by_role("button", name="Go on").click()
    screen.get_by_role("heading", name="Set up your authenticator app").wait_for()
    found = [f"set up: {rule['id']}" for rule in Axe().run(screen).response["violations"]]
    TOTP.activate(reviewer.person, generate_totp_secret())
    RecoveryCodes.activate(reviewer.person)
    found += [fault for path in (*CONFIRMED, *FOR_ONESELF) for fault in faults(screen, address + path)]

    screen.context.clear_cookies()
    screen.goto(f"{address}/login/")
    screen.fill("#id_username", reviewer.person.email)
    screen.fill("#id_password", PASSWORD)
    screen.get_by_role("button", name="Sign in").click()
    screen.get_by_role("heading", name="Second factor").wait_for()
    found += [f"second factor: {rule['id']}" for rule in Axe().run(screen).response["violations"]]
    assert not found, "\n".join(found)
