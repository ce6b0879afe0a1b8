"""Security keys and passkeys, with the virtual authenticator of a real Chromium."""

from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from playwright.sync_api import Page, expect

from reviewapp.core.models import Membership, Project
from tests.browser.cast import PASSWORD

pytestmark = pytest.mark.django_db(transaction=True)

KEY = {"protocol": "ctap2", "transport": "usb", "hasUserVerification": True, "isUserVerified": True}


@pytest.fixture
def key(page: Page) -> Any:
    """Plug a key in; the session of the protocol, with its id, to talk to it."""
    talk = page.context.new_cdp_session(page)
    talk.send("WebAuthn.enable")
    number = talk.send(
        "WebAuthn.addVirtualAuthenticator",
        {"options": KEY | {"hasResidentKey": True, "automaticPresenceSimulation": True}},
    )
    return talk, number["authenticatorId"]


@pytest.fixture
def address(live_server: Any) -> str:
    """By name: browsers have no keys for bare numbers."""
    return str(live_server.url).replace("127.0.0.1", "localhost")


def give_password(page: Page, address: str, member: Membership) -> None:
    page.goto(f"{address}/login/")
    page.fill("#id_username", member.person.email)
    page.fill("#id_password", PASSWORD)
    page.get_by_role("button", name="Sign in").click()


def add_key(page: Page, address: str, name: str = "The blue one") -> None:
    page.goto(f"{address}/account/second-factor/")
    page.get_by_role("button", name="Add a key").click()
    page.fill("#id_password", PASSWORD)
    page.get_by_role("button", name="Go on").click()
    page.fill("#id_name", name)
    page.get_by_role("button", name="Use the key now").click()


def test_a_key_is_added_asked_for_and_taken_away(
    page: Page, address: str, key: Any, project: Project, reviewer: Membership
) -> None:
    give_password(page, address, reviewer)
    add_key(page, address)
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    [stored] = Authenticator.objects.filter(type="webauthn")
    assert (stored.user, stored.data["name"]) == (reviewer.person, "The blue one")

    page.context.clear_cookies()
    give_password(page, address, reviewer)
    expect(page.get_by_role("heading", name="Second factor")).to_be_visible()
    page.goto(f"{address}/projects/billing/review/")
    assert page.url.startswith(f"{address}/account/second-factor/authenticate/"), page.url
    page.get_by_role("button", name="Use a security key or passkey").click()
    page.wait_for_url(lambda where: "second-factor" not in where)
    page.goto(f"{address}/projects/billing/review/")
    expect(page.locator(".bar .email")).to_contain_text("rae@people.example")

    page.goto(f"{address}/account/second-factor/webauthn/")
    page.get_by_role("button", name="Take away").click()
    page.get_by_role("button", name="Use a security key or passkey").or_(page.locator("#id_password")).first.wait_for()
    if page.locator("#id_password").count():
        page.fill("#id_password", PASSWORD)
        page.get_by_role("button", name="Go on").click()
    page.get_by_role("button", name="Take it away").click()
    expect(page.get_by_text("You have no key yet.")).to_be_visible()
    assert not Authenticator.objects.exists()


def test_the_key_of_somebody_else_does_not_open(
    page: Page, address: str, key: Any, project: Project, reviewer: Membership
) -> None:
    give_password(page, address, reviewer)
    add_key(page, address)
    page.get_by_role("heading", name="Recovery codes").wait_for()
    talk, number = key
    talk.send("WebAuthn.clearCredentials", {"authenticatorId": number})

    page.context.clear_cookies()
    give_password(page, address, reviewer)
    page.get_by_role("button", name="Use a security key or passkey").click()
    expect(page.get_by_role("alert")).to_contain_text("That did not work")
    page.goto(f"{address}/account/")
    assert "/account/second-factor/authenticate/" in page.url


def test_a_key_is_renamed(page: Page, address: str, key: Any, project: Project, reviewer: Membership) -> None:
    give_password(page, address, reviewer)
    add_key(page, address, "<b>old</b>")
    page.get_by_role("heading", name="Recovery codes").wait_for()
    page.goto(f"{address}/account/second-factor/webauthn/")
    expect(page.get_by_role("heading", name="<b>old</b>")).to_be_visible()
    page.get_by_role("button", name="Rename").click()
    page.fill("#id_name", "On my key ring")
    page.get_by_role("button", name="Store").click()
    expect(page.get_by_role("heading", name="On my key ring")).to_be_visible()


def test_without_a_script_the_page_says_what_is_missing(
    browser: Any, address: str, project: Project, reviewer: Membership
) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    give_password(page, address, reviewer)
    page.goto(f"{address}/account/second-factor/webauthn/add/")
    page.fill("#id_password", PASSWORD)
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_text("need JavaScript")).to_be_visible()
    context.close()


def test_the_browser_tells_its_zone_and_the_theme_that_was_chosen_wins(
    browser: Any, address: str, project: Project, reviewer: Membership
) -> None:
    context = browser.new_context(timezone_id="Asia/Kolkata", color_scheme="light")
    page = context.new_page()
    give_password(page, address, reviewer)
    page.goto(f"{address}/account/sessions/")
    expect(page.get_by_text("Times are in IST.")).to_be_visible()

    def ground() -> str:
        return str(
            page.evaluate("(({ color, backgroundColor }) => color + backgroundColor)(getComputedStyle(document.body))")
        )

    light = ground()
    page.goto(f"{address}/account/preferences/")
    page.select_option("#id_theme", "dark")
    page.get_by_role("button", name="Store").click()
    page.get_by_text("Your preferences are stored.").wait_for()
    dark = ground()
    assert dark != light
    page.emulate_media(color_scheme="dark")
    assert ground() == dark
    page.select_option("#id_theme", "light")
    page.get_by_role("button", name="Store").click()
    page.wait_for_selector("html[data-theme=light]")
    assert ground() == light
    context.close()
