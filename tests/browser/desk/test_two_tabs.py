"""Two tabs of one person: they do not fight over an item."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from labeling.models import Rating
from reviewapp.core.models import Membership, Project
from tests.browser.cast import a_member, a_project, items, rating_of
from tests.browser.conftest import SignIn
from tests.browser.desk.working import another_tab, begin, expect_response


@pytest.fixture
def project(transactional_db: None) -> Project:
    project = a_project()
    items(project, ["first answer", "second answer", "third answer"])
    return project


@pytest.fixture
def reviewer(project: Project) -> Membership:
    return a_member(project)


def opened_twice(page: Page, live_server: Any) -> Page:
    begin(page, live_server)
    other = another_tab(page.context)
    other.goto(page.url)
    other.locator("html.keyed").wait_for()
    return other


def test_the_second_tab_says_so_and_can_take_over(live_server: Any, sign_in: SignIn, reviewer: Membership) -> None:
    page = sign_in(reviewer)
    other = opened_twice(page, live_server)
    told = other.locator("[data-notice=tab]")
    expect(told).to_be_visible()
    expect(told).to_contain_text("open in another tab")
    assert other.locator("form.answer").evaluate("form => form.inert")

    page.get_by_label("Rationale").fill("begun in the first tab")
    told.get_by_role("button", name="Work on it here").click()

    expect(page.locator("[data-notice=tab]")).to_be_visible()
    assert page.locator("form.answer").evaluate("form => form.inert")
    expect(other.get_by_label("Rationale")).to_have_value("begun in the first tab")
    expect(told).to_be_hidden()
    other.keyboard.press("1")
    other.keyboard.press("Control+Enter")
    expect_response(other, "second answer")
    expect(other.locator("#receipt")).to_be_visible()
    assert rating_of(reviewer).rationale == "begun in the first tab"


def test_what_one_tab_hands_in_the_other_knows(live_server: Any, sign_in: SignIn, reviewer: Membership) -> None:
    page = sign_in(reviewer)
    other = opened_twice(page, live_server)
    expect(other.locator("[data-notice=tab]")).to_be_visible()

    page.keyboard.press("1")

    told = other.locator("[data-notice=elsewhere]")
    expect(told).to_contain_text("handed in from another tab")
    expect(other.locator("[data-notice=tab]")).to_be_hidden()
    other.keyboard.press("2")
    other.keyboard.press("Control+Enter")
    other.wait_for_timeout(300)
    assert Rating.objects.get().verdict == "accept"


def test_loading_a_page_again_is_no_second_tab(live_server: Any, sign_in: SignIn, reviewer: Membership) -> None:
    page = sign_in(reviewer)
    begin(page, live_server)
    for _time in range(3):
        page.reload()
        page.locator("html.keyed").wait_for()
    page.wait_for_timeout(600)

    expect(page.locator("[data-notice=tab]")).to_be_hidden()
    page.keyboard.press("1")
    expect_response(page, "second answer")
