"""Reviewing in a real browser: keys, drafts, undo, and text that would like to be a program."""

import re
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from labeling.models import Assignment, Rating
from reviewapp.core.models import Membership, Project
from tests.browser.cast import HOSTILE, PASSWORD, a_member, a_pair, a_project, held, items, rating_of, rubric_in_force
from tests.browser.conftest import SignIn

ITEM = re.compile(r"/review/[\w-]{24}/")


@pytest.fixture
def project(transactional_db: None) -> Project:
    return a_project()


@pytest.fixture
def reviewer(project: Project) -> Membership:
    return a_member(project)


def start_work(page: Page, live_server: Any) -> None:
    page.goto(f"{live_server.url}/projects/billing/review/")
    page.locator("#standing button").click()
    page.wait_for_url(ITEM)
    keys_work(page)


def keys_work(page: Page) -> None:
    """Wait until the page's script has run: a person is slower than that."""
    page.locator("html.keyed").wait_for()


def test_a_person_works_by_keyboard_alone(page: Page, live_server: Any, project: Project) -> None:
    reviewer = a_member(project, password=PASSWORD)
    items(project)
    a_pair(project)

    page.goto(live_server.url)
    expect(page.get_by_label("E-mail")).to_be_focused()
    page.keyboard.type("rae@people.example")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/projects/billing/review/")
    expect(page.get_by_role("button", name="Start reviewing")).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url(ITEM)

    keys_work(page)

    # "No", and the marker moves on to the reason; then back up, and it is "Yes" after all: that hands it in.
    page.keyboard.press("2")
    page.keyboard.press("k")
    page.keyboard.press("1")
    expect(page.locator("#receipt")).to_contain_text("Saved Accept")

    # How clear the preference is may be said first; the preference hands it in.
    expect(page.locator("#desk.pairwise")).to_be_visible()
    page.keyboard.press("3")
    page.keyboard.press("t")
    page.wait_for_url("**/projects/billing/review/?after=*")
    expect(page.locator("#receipt")).to_contain_text("Saved")
    assert page.evaluate("Object.keys(localStorage).length") == 0

    point, pair = Rating.objects.filter(reviewer=reviewer).order_by("id")
    assert (point.verdict, point.values) == ("accept", {"acceptable": "yes"})
    assert (pair.preferred, pair.values) == ("tie", {"strength": 3})
    assert 0 < point.client_seconds < 60


def test_a_question_mark_shows_the_keys_and_they_rest_meanwhile(
    live_server: Any, sign_in: SignIn, project: Project, reviewer: Membership
) -> None:
    items(project)
    page = sign_in(reviewer)
    start_work(page, live_server)

    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("1")
    page.keyboard.press("Control+Enter")
    page.keyboard.press("Escape")

    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(page.get_by_role("radio", name="Yes")).not_to_be_checked()
    assert not Rating.objects.exists()


def test_single_keys_are_only_letters_inside_a_text(
    live_server: Any, sign_in: SignIn, project: Project, reviewer: Membership
) -> None:
    items(project)
    page = sign_in(reviewer)
    start_work(page, live_server)

    page.get_by_label("Rationale").click()
    page.keyboard.type("1 k j ? a")
    expect(page.get_by_label("Rationale")).to_have_value("1 k j ? a")
    expect(page.get_by_role("radio", name="Yes")).not_to_be_checked()
    expect(page.get_by_role("dialog")).to_be_hidden()

    page.keyboard.press("Escape")
    page.keyboard.press("2")
    expect(page.get_by_role("radio", name="No Somebody")).to_be_checked()


def test_a_digit_opens_the_number_field_it_is_meant_for(
    live_server: Any, sign_in: SignIn, project: Project, reviewer: Membership
) -> None:
    criterion = {"name": "score", "type": "numeric", "question": "Score?", "minimum": 0, "maximum": 100}
    rubric_in_force(project, [criterion])
    items(project)
    page = sign_in(reviewer)
    start_work(page, live_server)

    page.keyboard.type("85")
    page.keyboard.press("Control+Enter")
    page.wait_for_url("**/?after=*")

    assert rating_of(reviewer).values == {"score": 85}


def test_a_draft_survives_a_reload(live_server: Any, sign_in: SignIn, project: Project, reviewer: Membership) -> None:
    items(project)
    page = sign_in(reviewer)
    start_work(page, live_server)

    page.keyboard.press("2")
    page.get_by_label("Rationale").fill("The total is 82.\nNot 81.")
    page.get_by_text("Correct the response").click()
    page.get_by_label("Corrected response").fill("The total is 82 euros.")
    expect(page.locator("#saved")).to_contain_text(re.compile(r"Saved \d\d:\d\d"))
    page.reload()

    expect(page.get_by_role("radio", name="No", exact=False).first).to_be_checked()
    expect(page.get_by_label("Rationale")).to_have_value("The total is 82.\nNot 81.")
    expect(page.get_by_label("Corrected response")).to_have_value("The total is 82 euros.")


def test_a_draft_is_kept_in_the_browser_while_the_server_cannot_be_reached(
    live_server: Any, sign_in: SignIn, project: Project, reviewer: Membership
) -> None:
    items(project)
    page = sign_in(reviewer)
    start_work(page, live_server)

    def unreachable(route: Route) -> None:
        route.abort()

    page.route("**/draft/", unreachable)
    page.get_by_label("Rationale").fill("typed in a tunnel")
    expect(page.locator("#saved")).to_contain_text("in this browser only")
    assert held(reviewer).draft is None
    page.unroute("**/draft/", unreachable)
    page.reload()

    expect(page.get_by_label("Rationale")).to_have_value("typed in a tunnel")
    expect(page.locator("#saved")).to_contain_text(re.compile(r"Saved \d\d:\d\d"))
    assert held(reviewer).draft["rationale"] == "typed in a tunnel"
    assert page.evaluate("Object.keys(localStorage).length") == 0


def test_undo_brings_the_last_item_back_as_it_was(
    live_server: Any, sign_in: SignIn, project: Project, reviewer: Membership
) -> None:
    items(project, ["first answer", "second answer"])
    page = sign_in(reviewer)
    start_work(page, live_server)
    first = page.url
    page.get_by_label("Rationale").fill("too quick")
    page.keyboard.press("Escape")
    page.keyboard.press("1")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#response-1")).to_have_text("second answer")
    keys_work(page)

    page.get_by_label("Rationale").fill("half of the second")
    page.keyboard.press("Escape")
    page.keyboard.press("u")

    page.wait_for_url(first)
    expect(page.get_by_role("radio", name="Yes")).to_be_checked()
    expect(page.get_by_label("Rationale")).to_have_value("too quick")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#response-1")).to_have_text("second answer")
    expect(page.get_by_label("Rationale")).to_have_value("half of the second")
    assert Rating.objects.standing().count() == 1


def test_the_undo_button_goes_when_its_time_is_over(
    live_server: Any, sign_in: SignIn, reviewer: Membership, project: Project
) -> None:
    project.queue_settings.undo_seconds = 2
    project.queue_settings.save()
    items(project, ["first answer", "second answer"])
    page = sign_in(reviewer)
    start_work(page, live_server)
    page.keyboard.press("1")
    page.keyboard.press("Control+Enter")

    expect(page.get_by_role("button", name="Undo")).to_be_visible()
    expect(page.get_by_role("button", name="Undo")).to_have_count(0)
    expect(page.locator("#receipt")).to_contain_text("Saved")


def test_hostile_text_does_nothing(live_server: Any, sign_in: SignIn, project: Project, reviewer: Membership) -> None:
    items(
        project, [HOSTILE], prompt=[{"role": HOSTILE[:90], "content": HOSTILE}], context=[{"id": "c", "text": HOSTILE}]
    )
    page = sign_in(reviewer)
    start_work(page, live_server)
    page.get_by_label("Rationale").fill(HOSTILE)
    expect(page.locator("#saved")).to_contain_text("Saved")
    page.reload()

    assert page.evaluate("window.hacked") is None
    expect(page.locator("#response-1")).to_have_text(HOSTILE)
    assert page.locator("#response-1 *, .text img, .text script").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_the_original_can_be_had_back_after_correcting(
    live_server: Any, sign_in: SignIn, project: Project, reviewer: Membership
) -> None:
    items(project, ["\nLine one\nline two"])
    page = sign_in(reviewer)
    start_work(page, live_server)
    page.get_by_text("Correct the response").click()
    page.get_by_label("Corrected response").fill("something else")
    page.get_by_role("button", name="Reset to original").click()
    page.keyboard.press("Escape")
    page.keyboard.press("1")
    page.keyboard.press("Control+Enter")
    page.wait_for_url("**/?after=*")

    assert (rating_of(reviewer).correction, rating_of(reviewer).verdict) == ("", "accept")


def test_everything_works_without_javascript(
    browser: Any, live_server: Any, project: Project, reviewer: Membership
) -> None:
    a_member(project, password=PASSWORD)
    items(project, ["first answer", "second answer"])
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.set_default_timeout(10_000)

    page.goto(live_server.url)
    page.fill("#id_username", "rae@people.example")
    page.fill("#id_password", PASSWORD)
    page.click("text=Sign in >> nth=-1")
    page.click("text=Start reviewing")
    page.check("input[name=value-acceptable][value=no]")
    page.check("input[name=value-reason][value=tone]")
    page.check("input[name=value-reason][value='']")
    page.fill("#rationale", "without a script")
    page.click("#submit")
    expect(page.locator("#response-1")).to_have_text("second answer")
    page.click("text=Undo")
    expect(page.locator("#rationale")).to_have_value("without a script")
    page.click("text=Cannot judge this one?")
    page.fill("#reason-text", "On second thought, not my field.")
    page.click("button:has-text('Skip')")
    expect(page.locator("#response-1")).to_have_text("second answer")
    context.close()

    assert Rating.objects.get().values == {"acceptable": "no"}
    assert Assignment.objects.get(state="released").reason == "On second thought, not my field."
