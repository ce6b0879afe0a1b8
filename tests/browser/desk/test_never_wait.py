"""The next item is there before it is asked for, and its clock starts when it is first seen."""

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from labeling.models import Assignment, Rating
from labeling.services.settings import change_queue_settings
from reviewapp.core.models import Membership, Project
from tests.browser.cast import a_member, a_pair, a_project, items
from tests.browser.conftest import SignIn
from tests.browser.desk.shift import measured, painted_after
from tests.browser.desk.working import AFTER, begin, expect_response, fetched, stored

ANSWERS = ["first answer", "second answer", "third answer", "fourth answer"]


@pytest.fixture
def project(transactional_db: None) -> Project:
    return a_project()


@pytest.fixture
def reviewer(project: Project) -> Membership:
    return a_member(project)


def test_it_shows_the_next_item_before_the_server_has_answered(
    live_server: Any, sign_in: SignIn, project: Project, reviewer: Membership
) -> None:
    items(project, ANSWERS)
    page = sign_in(reviewer)
    begin(page, live_server)
    first, title = page.url, page.title()
    page.evaluate("window.sameDocument = true")
    held_up: list[Any] = []
    page.route(re.compile(rf"{re.escape(first)}$"), lambda route: held_up.append(route))

    page.keyboard.press("1")

    expect_response(page, "second answer")
    expect(page.locator("#line")).to_have_text("Saving…")
    expect(page.locator("#announce")).to_have_text("The next item is here.")
    assert page.evaluate("document.activeElement.className") == "task"
    assert (page.url != first, page.title()) == (True, title)
    assert not Rating.objects.exists()
    held_up[0].continue_()
    expect(page.locator("#receipt")).to_contain_text("Saved Accept, receipt")
    assert page.evaluate("window.sameDocument")
    assert page.url.endswith(f"/review/{Assignment.objects.get(state='leased', opened_at__isnull=False).token}/")


def test_what_is_fetched_ahead_is_opened_when_it_is_first_seen(
    live_server: Any, sign_in: SignIn, project: Project, reviewer: Membership
) -> None:
    items(project, ANSWERS)
    page = sign_in(reviewer)
    begin(page, live_server)
    ahead = Assignment.objects.get(state="leased", opened_at=None)
    short = ahead.lease_expires_at

    page.keyboard.press("1")
    expect_response(page, "second answer")
    expect(page.locator("#receipt")).to_be_visible()
    fetched(page)

    ahead.refresh_from_db()
    assert ahead.opened_at is not None
    assert (ahead.lease_expires_at - short).total_seconds() > 600
    assert Assignment.objects.filter(state="leased", opened_at=None).count() == 1


def test_without_anything_fetched_the_answer_brings_the_next_item(
    live_server: Any, sign_in: SignIn, project: Project, reviewer: Membership
) -> None:
    items(project, ANSWERS)
    page = sign_in(reviewer)
    page.route("**/ahead/", lambda route: route.fulfill(status=204))
    begin(page, live_server, ahead=False)
    page.evaluate("window.sameDocument = true")

    page.keyboard.press("1")
    expect_response(page, "second answer")
    expect(page.locator("#receipt")).to_contain_text("Saved Accept")

    assert page.evaluate("window.sameDocument")
    assert Assignment.objects.filter(opened_at=None).count() == 0


def test_what_was_fetched_is_fetched_again_when_its_short_lease_is_over(
    live_server: Any, sign_in: SignIn, project: Project, reviewer: Membership
) -> None:
    change_queue_settings(project=project, actor="test", prefetch_seconds=5)
    items(project, ANSWERS)
    page = sign_in(reviewer)
    begin(page, live_server)
    before = Assignment.objects.get(opened_at=None).lease_expires_at

    page.wait_for_timeout(7_000)
    renewed = Assignment.objects.get(state="leased", opened_at=None)
    page.keyboard.press("1")
    expect_response(page, "second answer")

    assert renewed.lease_expires_at > before
    expect(page.locator("#receipt")).to_be_visible()
    assert Rating.objects.count() == 1


def test_the_last_item_ends_on_the_start_page_with_its_receipt(
    live_server: Any, sign_in: SignIn, project: Project, reviewer: Membership
) -> None:
    items(project, ANSWERS[:2])
    page = sign_in(reviewer)
    begin(page, live_server)
    page.keyboard.press("1")
    expect_response(page, "second answer")
    page.keyboard.press("1")

    page.wait_for_url(AFTER)
    expect(page.locator("#receipt")).to_contain_text("Saved Accept")
    expect(page.locator("#standing")).to_contain_text("Nothing is waiting")
    assert page.evaluate("localStorage.length") == 0


def test_the_start_page_says_by_itself_when_work_has_come(
    live_server: Any, sign_in: SignIn, project: Project, reviewer: Membership
) -> None:
    page = sign_in(reviewer)
    page.clock.install()
    page.goto(f"{live_server.url}/projects/billing/review/")
    expect(page.locator("#standing")).to_contain_text("Nothing is waiting")
    items(project)

    page.clock.run_for(31_000)

    expect(page.get_by_role("button", name="Start reviewing")).to_be_visible()
    assert not Assignment.objects.exists()


# How fast --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("ahead", "limit"), [(True, 300), (False, 900)], ids=["ahead", "asked"])
def test_a_shift_by_keyboard_never_waits(
    page: Page, live_server: Any, sign_in: SignIn, reviewer: Membership, project: Project, ahead: bool, limit: int
) -> None:
    """40 items, from the key that hands one in to the next one painted. The limits are loose: machines differ."""
    change_queue_settings(project=project, actor="test", daily_cap=500)
    items(project, [f"Answer number {number} of a long day. " * 12 for number in range(30)])
    for number in range(12):
        a_pair(project, f"One of {number}. " * 20, f"Other of {number}. " * 20)
    sign_in(reviewer)
    if not ahead:
        page.route("**/ahead/", lambda route: route.fulfill(status=204))
    begin(page, live_server, ahead=ahead)
    painted_after(page)

    times = measured(page, 40, ready=(lambda: fetched(page)) if ahead else None)

    stored(40, page, Rating)
    p95 = sorted(times)[37]
    print(f"\n{'fetched ahead' if ahead else 'asked for'}: p50 {sorted(times)[19]:.0f} ms, p95 {p95:.0f} ms")
    assert p95 <= limit
