"""Marking words of the response, and seeing what a correction changes."""

from typing import Any

import pytest
from playwright.sync_api import expect

from labeling.models import Rating
from reviewapp.core.models import Membership, Project
from routing.services.projects import ACCEPTABILITY
from tests.browser.cast import a_member, a_pair, a_project, items, rating_of, rubric_in_force
from tests.browser.conftest import SignIn
from tests.browser.desk.working import begin, expect_response, stored

# A family of four, one sign of two UTF-16 units, and a line end of two characters.
TEXT = "Hi 👋🏽\r\nthe total is 82 euros."
CATEGORIES = ["wrong fact", "unsupported", "tone"]


@pytest.fixture
def project(transactional_db: None) -> Project:
    project = a_project()
    rubric_in_force(project, ACCEPTABILITY, span_categories=CATEGORIES)
    return project


@pytest.fixture
def reviewer(project: Project) -> Membership:
    return a_member(project)


def test_words_are_marked_by_keyboard_and_counted_in_code_points(
    live_server: Any, sign_in: SignIn, project: Project, reviewer: Membership
) -> None:
    items(project, [TEXT, "second answer"])
    page = sign_in(reviewer)
    begin(page, live_server)

    page.keyboard.press("m")
    expect(page.locator("#marking-text")).to_be_focused()
    page.keyboard.press("Control+End")
    for _sign in range(len(" euros.")):
        page.keyboard.press("ArrowLeft")
    for _sign in range(2):
        page.keyboard.press("Shift+ArrowLeft")
    page.keyboard.press("p")
    page.keyboard.press("1")
    expect(page.locator("#mark-list li")).to_contain_text("82")
    expect(page.locator("#mark-list li")).to_contain_text("wrong fact, Critical")
    page.keyboard.press("x")
    expect(page.locator("#marking-text")).to_have_value(TEXT.replace("\r\n", "\n"))
    assert page.evaluate("[...CSS.highlights.get('marks')].map(String)") == ["82"]
    page.keyboard.press("Escape")
    expect(page.locator("#marking")).to_be_hidden()

    # A mark is more than an answer: the item waits to be handed in.
    page.keyboard.press("1")
    page.wait_for_timeout(300)
    expect(page.locator("#mark-list li")).to_have_count(1)
    page.keyboard.press("Control+Enter")
    expect_response(page, "second answer")
    stored(1, page, Rating)
    start = TEXT.index("82")
    assert rating_of(reviewer).spans == [
        {"part": "response", "start": start, "end": start + 2, "category": "wrong fact", "severity": "critical"}
    ]
    expect(page.locator("#mark-list li")).to_have_count(0)


def test_words_selected_on_the_page_are_the_ones_to_mark(
    live_server: Any, sign_in: SignIn, project: Project, reviewer: Membership
) -> None:
    items(project, [TEXT])
    page = sign_in(reviewer)
    begin(page, live_server, ahead=False)
    page.evaluate(
        """() => {
            const text = document.querySelector("[data-part=response]");
            const node = [...text.childNodes].findLast((node) => node.textContent.includes("total"));
            const range = new Range();
            range.setStart(node, node.data.indexOf("total"));
            range.setEnd(node, node.data.indexOf("total") + 5);
            getSelection().removeAllRanges();
            getSelection().addRange(range);
        }"""
    )
    page.keyboard.press("m")
    page.get_by_role("button", name="unsupported").click()

    expect(page.locator("#mark-list q")).to_have_text("total")
    expect(page.locator("#saved")).to_contain_text("Saved")
    page.reload()
    expect(page.locator("#mark-list q")).to_have_text("total")
    page.locator("#mark-list").get_by_role("button", name="Remove").click()
    expect(page.locator("#mark-list li")).to_have_count(0)
    page.keyboard.press("1")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#receipt")).to_be_visible()
    assert rating_of(reviewer).spans == []


def test_the_sides_of_a_pair_are_marked_as_they_are_stored(
    live_server: Any, sign_in: SignIn, project: Project, reviewer: Membership
) -> None:
    rubric_in_force(project, [], task_kind="pairwise", span_categories=["tone"], corrections=False)
    a_pair(project, "left words", "right words")
    page = sign_in(reviewer)
    begin(page, live_server, ahead=False)
    page.keyboard.press("m")
    page.get_by_label("Text", exact=True).select_option(label="Response B")
    shown = page.locator("#marking-text").input_value()
    page.locator("#marking-text").press("Control+a")
    page.keyboard.press("1")
    page.keyboard.press("Escape")
    page.keyboard.press("t")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#receipt")).to_be_visible()

    span = rating_of(reviewer).spans[0]
    assert {"a": "left words", "b": "right words"}[span["part"]] == shown
    assert (span["start"], span["end"]) == (0, len(shown))


def test_without_categories_nothing_is_marked(live_server: Any, sign_in: SignIn, project: Project) -> None:
    other = a_project("plain")
    items(other)
    page = sign_in(a_member(other))
    page.goto(f"{live_server.url}/projects/plain/review/")
    page.locator("#standing button").click()
    page.locator("html.keyed").wait_for()

    page.keyboard.press("m")
    expect(page.locator("#marking, #marks")).to_have_count(0)


def test_a_correction_shows_what_it_changes(
    live_server: Any, sign_in: SignIn, project: Project, reviewer: Membership
) -> None:
    items(project, ["The total is 81 euros."])
    page = sign_in(reviewer)
    begin(page, live_server, ahead=False)
    page.keyboard.press("c")
    page.keyboard.press("Control+End")
    for _sign in range(len(" euros.")):
        page.keyboard.press("ArrowLeft")
    page.keyboard.press("Backspace")
    page.keyboard.type("2")

    expect(page.locator("#difference ins")).to_have_text("82")
    expect(page.locator("#difference del")).to_have_text("81")
    expect(page.locator("#saved")).to_contain_text("Saved")
    page.reload()
    expect(page.locator("#difference ins")).to_have_text("82")
    page.get_by_role("button", name="Reset to original").click()
    expect(page.get_by_label("Corrected response")).to_have_value("The total is 81 euros.")
    expect(page.locator("#difference ins")).to_have_count(0)
