"""Working at the desk in a browser: what the tests of the desk have in common."""

import re
from typing import Any

from django.test import Client
from playwright.sync_api import BrowserContext, Page, Route, expect

from labeling.models import Assignment
from reviewapp.core.models import Membership
from tests.browser.cast import PASSWORD

ITEM = re.compile(r"/review/[\w-]{24}/")
START = "/projects/billing/review/"
# What follows on the last item: the start page, with the receipt.
AFTER = re.compile(r"/projects/billing/review/\?after=")


def begin(page: Page, live_server: Any, *, ahead: bool = True) -> None:
    """Take the first item. With `ahead`, wait until the next one has been fetched, as it is for a person who reads."""
    page.goto(f"{live_server.url}{START}")
    page.locator("#standing button").click()
    page.wait_for_url(ITEM)
    page.locator("html.keyed").wait_for()
    if ahead:
        fetched(page)


def fetched(page: Page) -> None:
    """Wait until another item than the one on the desk was fetched, unopened."""
    token = page.locator("#desk").get_attribute("data-token")
    for _attempt in range(200):
        if Assignment.objects.filter(state="leased", opened_at=None).exclude(token=token).exists():
            # The answer has to get there, too.
            page.wait_for_timeout(150)
            return
        page.wait_for_timeout(50)
    raise AssertionError("nothing was fetched ahead")


def response(page: Page) -> str:
    return page.locator("#response-1").inner_text()


def expect_response(page: Page, text: str) -> None:
    expect(page.locator("#response-1")).to_have_text(text)


def stored(count: int, page: Page, model: Any) -> None:
    """Wait until so many rows are stored."""
    for _attempt in range(150):
        if model.objects.count() == count:
            return
        page.wait_for_timeout(50)
    assert model.objects.count() == count


def another_tab(context: BrowserContext) -> Page:
    tab = context.new_page()
    tab.set_default_timeout(10_000)
    return tab


def sign_in_by_typing(page: Page, member: Membership) -> None:
    page.get_by_label("E-mail").fill(member.person.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.locator("main button[type=submit]").first.click()


def session_of(member: Membership) -> str:
    client = Client()
    client.force_login(member.person)
    return client.cookies["sessionid"].value


def unreachable(route: Route) -> None:
    route.abort()


def answer_lost(route: Route) -> None:
    """The server gets it and does it; nobody hears of it."""
    route.fetch()
    route.abort()
