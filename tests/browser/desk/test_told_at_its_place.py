"""What the desk says, and where: receipts of all that waited, what is missing at its question, the keys that work."""

import re
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from labeling.models import Rating
from reviewapp.core.models import Membership, Project
from tests.browser.cast import a_member, a_pair, a_project, items
from tests.browser.conftest import SignIn
from tests.browser.desk.working import begin, expect_response, stored

SUBMIT = re.compile(r"/review/[\w-]{24}/$")


@pytest.fixture
def project(transactional_db: None) -> Project:
    project = a_project()
    items(project, ["first answer", "second answer", "third answer"])
    return project


@pytest.fixture
def reviewer(project: Project) -> Membership:
    return a_member(project)


def two_in_a_tunnel(page: Page) -> None:
    page.context.set_offline(True)
    page.keyboard.press("1")
    expect_response(page, "second answer")
    page.keyboard.press("1")
    expect(page.locator("#line")).to_have_text("Saving…")


def test_two_submissions_that_waited_both_show_their_receipts(
    live_server: Any, sign_in: SignIn, reviewer: Membership
) -> None:
    page = sign_in(reviewer)
    begin(page, live_server)
    two_in_a_tunnel(page)
    page.context.set_offline(False)

    expect_response(page, "third answer")
    expect(page.locator("#line .receipt")).to_have_count(2)
    shown = " ".join(page.locator("#line code").evaluate_all("codes => codes.map((code) => code.title)"))
    assert sorted(shown.split()) == sorted(str(rating.receipt) for rating in Rating.objects.all())
    # One undo, and it is the last one's.
    expect(page.locator("#undo")).to_have_count(1)
    page.keyboard.press("1")
    expect(page.locator("#line .receipt")).to_have_count(1)


def test_of_two_that_waited_a_failure_and_a_receipt_are_both_told(
    live_server: Any, sign_in: SignIn, reviewer: Membership
) -> None:
    page = sign_in(reviewer)
    begin(page, live_server)
    two_in_a_tunnel(page)

    def spoilt(route: Route) -> None:
        body = re.sub(r"value-acceptable=\w*", "value-acceptable=maybe", route.request.post_data or "")
        route.continue_(post_data=body)

    page.route(SUBMIT, spoilt, times=1)
    page.context.set_offline(False)

    expect(page.locator(".refused")).to_have_count(1)
    expect(page.locator("#line .receipt")).to_have_count(1)
    stored(1, page, Rating)


def test_an_open_question_is_told_at_the_question(live_server: Any, sign_in: SignIn, reviewer: Membership) -> None:
    page = sign_in(reviewer)
    begin(page, live_server)

    page.keyboard.press("Control+Enter")

    question = page.locator(".question").first
    expect(question.locator(".fault")).to_have_text("This one needs an answer.")
    expect(question.get_by_role("radio").first).to_be_focused()
    # The browser says nothing of its own.
    assert page.evaluate("document.querySelector('form.answer').noValidate")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".fault")).to_have_count(1)
    page.keyboard.press("2")
    expect(page.locator(".fault")).to_have_count(0)
    assert not Rating.objects.exists()


def test_giving_back_without_a_reason_is_told_at_the_reason(
    live_server: Any, sign_in: SignIn, reviewer: Membership
) -> None:
    page = sign_in(reviewer)
    begin(page, live_server)
    page.keyboard.press("s")
    page.locator("#skip").click()
    expect(page.locator("#reason .fault")).to_contain_text("Say in a few words")
    page.get_by_label("Reason in your own words").fill("Not my field.")
    expect(page.locator("#reason .fault")).to_have_count(0)
    page.locator("#skip").click()
    expect_response(page, "second answer")


def keys_shown(page: Page) -> str:
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    text = dialog.inner_text()
    page.keyboard.press("Escape")
    return text


def test_the_map_of_keys_names_what_works_here_and_no_more(
    live_server: Any, sign_in: SignIn, project: Project, reviewer: Membership
) -> None:
    page = sign_in(reviewer)
    begin(page, live_server)
    shown = keys_shown(page)
    assert "Next and previous hit" in shown
    assert "Write a correction" in shown
    for words in ("A is better", "A tie", "Mark the selected words", "While marking", "back to where it is cited"):
        assert words not in shown


def test_the_map_of_keys_has_the_sides_of_a_pair(live_server: Any, sign_in: SignIn, transactional_db: None) -> None:
    project = a_project()
    a_pair(project)
    page = sign_in(a_member(project))
    begin(page, live_server, ahead=False)
    shown = keys_shown(page)
    assert "A is better" in shown
    assert "Write a correction" not in shown


def test_what_to_look_for_can_be_read_on_a_phone(live_server: Any, sign_in: SignIn, reviewer: Membership) -> None:
    page = sign_in(reviewer)
    page.set_viewport_size({"width": 390, "height": 844})
    begin(page, live_server)
    needed, room = page.locator("#find").evaluate(
        """field => {
          const style = getComputedStyle(field);
          const pen = document.createElement("canvas").getContext("2d");
          pen.font = style.font;
          const room = field.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
          return [pen.measureText(field.placeholder).width, room];
        }"""
    )
    assert needed <= room
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
