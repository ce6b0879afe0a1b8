"""What can go wrong between a person and the server: nothing is lost, nothing is doubled, and the person is told."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.utils import timezone
from playwright.sync_api import Page, expect

from labeling.models import Assignment, AssignmentState, Rating, Seat, SeatState
from labeling.services.holding import release_seat
from reviewapp.core.models import Membership, Project
from tests.browser.cast import PASSWORD, a_member, a_project, items, rating_of
from tests.browser.conftest import SignIn
from tests.browser.desk.working import (
    START,
    another_tab,
    answer_lost,
    begin,
    expect_response,
    sign_in_by_typing,
    stored,
    unreachable,
)

ANSWERS = ["first answer", "second answer", "third answer"]
SUBMIT = re.compile(r"/review/[\w-]{24}/$")


@pytest.fixture
def project(transactional_db: None) -> Project:
    project = a_project()
    items(project, ANSWERS)
    return project


@pytest.fixture
def reviewer(project: Project) -> Membership:
    return a_member(project, password=PASSWORD)


@pytest.mark.parametrize("ahead", [True, False], ids=["ahead", "asked"])
def test_the_answer_to_a_submission_gets_lost(
    live_server: Any, sign_in: SignIn, reviewer: Membership, ahead: bool
) -> None:
    page = sign_in(reviewer)
    if not ahead:
        page.route("**/ahead/", lambda route: route.fulfill(status=204))
    begin(page, live_server, ahead=ahead)
    page.route(SUBMIT, answer_lost, times=1)

    page.keyboard.press("1")

    expect(page.locator("[data-notice=offline]")).to_be_visible()
    expect(page.locator("#receipt")).to_contain_text("Saved Accept")
    expect(page.locator("[data-notice=offline]")).to_be_hidden()
    expect_response(page, "second answer")
    assert Rating.objects.count() == 1


def test_the_network_is_away_for_a_while(live_server: Any, sign_in: SignIn, reviewer: Membership) -> None:
    page = sign_in(reviewer)
    begin(page, live_server)
    page.context.set_offline(True)

    page.keyboard.press("1")
    expect_response(page, "second answer")
    expect(page.locator("[data-notice=offline]")).to_contain_text("kept in this browser")
    page.get_by_label("Rationale").fill("typed in a tunnel")
    expect(page.locator("#saved")).to_contain_text("in this browser only")
    page.keyboard.press("Escape")
    page.keyboard.press("2")
    page.keyboard.press("Control+Enter")
    # Nothing was fetched ahead: it waits on the desk.
    expect(page.locator("#line")).to_have_text("Saving…")
    page.wait_for_timeout(2_000)
    assert not Rating.objects.exists()
    page.context.set_offline(False)

    expect_response(page, "third answer")
    expect(page.locator("[data-notice=offline]")).to_be_hidden()
    one, two = Rating.objects.order_by("id")
    assert (one.verdict, two.verdict, two.rationale) == ("accept", "reject", "typed in a tunnel")


def test_a_tab_is_closed_before_its_work_was_sent(
    live_server: Any, sign_in: SignIn, project: Project, reviewer: Membership
) -> None:
    page = sign_in(reviewer)
    begin(page, live_server)
    page.route(SUBMIT, unreachable)
    page.get_by_label("Rationale").fill("an hour of thought")
    page.keyboard.press("Escape")
    page.keyboard.press("1")
    page.keyboard.press("Control+Enter")
    expect_response(page, "second answer")
    context = page.context
    page.close()
    assert not Rating.objects.exists()

    again = another_tab(context)
    again.goto(f"{live_server.url}{START}")

    expect(again.locator("#receipt")).to_contain_text("Saved Accept")
    assert rating_of(reviewer).rationale == "an hour of thought"
    assert again.evaluate("localStorage.length") == 0


def test_a_tab_is_closed_in_the_middle_of_a_word(live_server: Any, sign_in: SignIn, reviewer: Membership) -> None:
    page = sign_in(reviewer)
    page.route("**/draft/", unreachable)
    begin(page, live_server)
    address, context = page.url, page.context
    page.get_by_label("Rationale").press_sequentially("half a thou")
    page.close()

    again = another_tab(context)
    again.goto(address)

    expect(again.get_by_label("Rationale")).to_have_value("half a thou")
    expect(again.locator("#saved")).to_contain_text(re.compile(r"Saved \d\d:\d\d"))
    assert held_by(reviewer).draft["rationale"] == "half a thou"


def held_by(reviewer: Membership) -> Assignment:
    return Assignment.objects.get(reviewer=reviewer, state="leased", opened_at__isnull=False)


def give_to_a_rival(project: Project) -> None:
    now = timezone.now()
    rival = a_member(project, name="olaf")
    Assignment.objects.update(state=AssignmentState.EXPIRED, ended_at=now, lease_expires_at=now)
    Seat.objects.filter(state=SeatState.LEASED).update(holder=rival, lease_expires_at=now + timedelta(hours=1))


def test_the_lease_ends_and_somebody_else_has_the_item(
    live_server: Any, sign_in: SignIn, project: Project, reviewer: Membership
) -> None:
    page = sign_in(reviewer)
    page.route("**/ahead/", lambda route: route.fulfill(status=204))
    begin(page, live_server, ahead=False)
    page.get_by_label("Rationale").fill("an hour of thought")
    expect(page.locator("#saved")).to_contain_text("Saved")
    give_to_a_rival(project)

    page.reload()
    notice = page.locator("[data-notice=lease]")
    expect(notice).to_contain_text("somebody else has it now")
    expect(notice.get_by_role("button", name="Next item")).to_be_visible()
    expect(page.get_by_label("Rationale")).to_have_value("an hour of thought")
    page.keyboard.press("1")
    page.keyboard.press("Control+Enter")

    # Their seat is gone; their work is kept as an extra rating.
    expect(page.locator("#receipt")).to_contain_text("Saved")
    assert (rating_of(reviewer).extra, rating_of(reviewer).rationale) == (True, "an hour of thought")


def test_an_item_given_back_elsewhere_gives_back_what_was_typed(
    live_server: Any, sign_in: SignIn, reviewer: Membership
) -> None:
    page = sign_in(reviewer)
    begin(page, live_server)
    page.get_by_label("Rationale").fill("an hour of thought")
    expect(page.locator("#saved")).to_contain_text("Saved")
    release_seat(assignment=held_by(reviewer), now=timezone.now())
    page.keyboard.press("Escape")
    page.keyboard.press("1")
    page.keyboard.press("Control+Enter")

    expect_response(page, "second answer")
    told = page.locator("#notices .refused")
    expect(told).to_contain_text("handed in or given back before")
    told.get_by_text("What you typed").click()
    expect(told).to_contain_text("an hour of thought")
    # It does not go away by loading the page again, only by being put away.
    page.reload()
    told.get_by_text("What you typed").click()
    expect(told).to_contain_text("an hour of thought")
    told.get_by_role("button", name="Dismiss").click()
    page.reload()
    page.locator("html.keyed").wait_for()
    page.wait_for_timeout(500)
    expect(told).to_have_count(0)


def test_a_submission_that_does_not_fit_can_be_put_right(
    live_server: Any, sign_in: SignIn, reviewer: Membership
) -> None:
    page = sign_in(reviewer)
    begin(page, live_server)
    page.keyboard.press("c")
    page.evaluate("document.getElementById('correction-text').value = 'much too long '.repeat(15000)")
    page.locator("#correction-text").press("x")
    page.keyboard.press("Escape")
    page.keyboard.press("1")
    page.keyboard.press("Control+Enter")
    expect_response(page, "second answer")

    page.locator("#notices .refused").get_by_role("link", name="Look at that item again").click()
    expect_response(page, "first answer")
    expect(page.get_by_label("Corrected response")).to_have_value(re.compile("much too long much"))
    page.get_by_label("Corrected response").fill("short")
    page.keyboard.press("Escape")
    page.keyboard.press("Control+Enter")

    expect(page.locator("#receipt")).to_contain_text("Saved Correct")
    expect(page.locator("#notices .refused")).to_have_count(0)
    assert rating_of(reviewer).correction == "short"


def test_signed_out_elsewhere_one_signs_in_in_a_new_tab_and_goes_on(
    live_server: Any, sign_in: SignIn, project: Project, reviewer: Membership
) -> None:
    page = sign_in(reviewer)
    begin(page, live_server)
    Session.objects.all().delete()
    page.get_by_label("Rationale").fill("an hour of thought")
    told = page.locator("[data-notice=out]")
    expect(told).to_contain_text("signed out")
    expect(page.locator("#saved")).to_contain_text("in this browser only")
    page.keyboard.press("Escape")
    page.keyboard.press("1")
    page.keyboard.press("Control+Enter")
    expect_response(page, "second answer")
    assert not Rating.objects.exists()

    with page.context.expect_page() as opened:
        told.get_by_role("link", name="Sign in again in a new tab").click()
    sign_in_by_typing(opened.value, reviewer)
    opened.value.wait_for_url(f"**{START}")
    page.bring_to_front()

    expect(page.locator("#receipt")).to_contain_text("Saved Accept")
    expect(told).to_be_hidden()
    assert rating_of(reviewer).rationale == "an hour of thought"


def test_work_of_somebody_else_in_the_same_browser_waits_for_them(
    live_server: Any, sign_in: SignIn, project: Project, reviewer: Membership
) -> None:
    page = sign_in(reviewer)
    begin(page, live_server)
    page.route(SUBMIT, unreachable)
    page.keyboard.press("1")
    expect_response(page, "second answer")
    page.goto("about:blank")
    page.unroute(SUBMIT)

    sign_in(a_member(project, name="olaf"))
    page.goto(f"{live_server.url}{START}")
    page.wait_for_timeout(800)
    assert not Rating.objects.exists()
    sign_in(reviewer)
    page.goto(f"{live_server.url}{START}")
    stored(1, page, Rating)


def test_two_quick_submits_are_one(live_server: Any, sign_in: SignIn, reviewer: Membership) -> None:
    page = sign_in(reviewer)
    begin(page, live_server)
    page.locator("#response-1").wait_for()
    page.evaluate("document.querySelector('[name=value-acceptable]').checked = true")
    page.evaluate(
        """() => {
            const keys = { key: "Enter", ctrlKey: true, bubbles: true, cancelable: true };
            for (let time = 0; time < 3; time++) document.body.dispatchEvent(new KeyboardEvent("keydown", keys));
        }"""
    )

    expect_response(page, "second answer")
    expect(page.locator("#receipt")).to_be_visible()
    assert Rating.objects.count() == 1


def test_undo_pressed_while_saving_waits_for_the_receipt(
    page: Page, live_server: Any, sign_in: SignIn, reviewer: Membership
) -> None:
    sign_in(reviewer)
    begin(page, live_server)
    held_up: list[Any] = []
    page.route(re.compile(rf"{re.escape(page.url)}$"), lambda route: held_up.append(route))
    page.keyboard.press("1")
    expect_response(page, "second answer")

    page.keyboard.press("u")
    page.wait_for_timeout(300)
    expect_response(page, "second answer")
    held_up[0].continue_()

    expect_response(page, "first answer")
    expect(page.get_by_role("radio", name="Yes")).to_be_checked()
    assert not Rating.objects.standing().exists()
    # It does not hand itself in again; what stood next comes next.
    page.unroute_all()
    page.wait_for_timeout(300)
    page.keyboard.press("Control+Enter")
    expect_response(page, "second answer")
    stored(2, page, Rating)
    assert rating_of(reviewer).values == {"acceptable": "yes"}
