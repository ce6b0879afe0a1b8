"""Keys: a person's own, none at all, and what hands an item in by itself."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from labeling.models import Assignment, Rating
from reviewapp.core.models import Membership, Person, Project
from tests.browser.cast import a_member, a_pair, a_project, items, rating_of, rubric_in_force
from tests.browser.conftest import SignIn
from tests.browser.desk.working import begin, expect_response, fetched, stored


@pytest.fixture
def project(transactional_db: None) -> Project:
    project = a_project()
    items(project, ["first answer", "second answer", "third answer"])
    return project


@pytest.fixture
def reviewer(project: Project) -> Membership:
    return a_member(project)


def prefer(reviewer: Membership, **keys: Any) -> None:
    Person.objects.filter(pk=reviewer.person_id).update(keys=keys)


def test_a_persons_own_keys_work_and_stand_on_the_buttons(
    live_server: Any, sign_in: SignIn, reviewer: Membership
) -> None:
    prefer(reviewer, correct="x", help="h", next="n", skip="")
    page = sign_in(reviewer)
    begin(page, live_server)

    page.keyboard.press("c")
    expect(page.get_by_label("Corrected response")).to_be_hidden()
    expect(page.locator("#correction > summary kbd")).to_have_text("x")
    page.keyboard.press("x")
    expect(page.get_by_label("Corrected response")).to_be_focused()
    page.keyboard.press("Escape")
    page.keyboard.press("s")
    expect(page.locator("#reason")).not_to_have_attribute("open", "")
    page.keyboard.press("n")
    expect(page.locator("#question-2")).to_have_class("question current")
    page.keyboard.press("h")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    expect(dialog.locator("dt", has_text="x")).to_have_count(1)
    expect(dialog).not_to_contain_text("Skip this item")


def test_single_keys_can_be_switched_off(live_server: Any, sign_in: SignIn, reviewer: Membership) -> None:
    prefer(reviewer, single_keys=False, auto_advance=False)
    page = sign_in(reviewer)
    begin(page, live_server)

    for key in ("1", "c", "s", "?", "/", "r", "u"):
        page.keyboard.press(key)
    expect(page.get_by_role("radio", name="Yes")).not_to_be_checked()
    expect(page.get_by_role("dialog")).to_be_hidden()
    assert page.evaluate("document.activeElement.tagName") == "BODY"
    assert page.locator("form.answer label kbd").count() == 2 + 5 + 5, "digits stay printed; they are hidden below"
    page.get_by_role("radio", name="Yes").check()
    page.keyboard.press("Control+Enter")
    expect_response(page, "second answer")


def test_the_last_required_answer_hands_the_item_in(live_server: Any, sign_in: SignIn, reviewer: Membership) -> None:
    page = sign_in(reviewer)
    begin(page, live_server)
    page.keyboard.press("1")
    expect_response(page, "second answer")
    fetched(page)

    # A rejection waits for its reason, which is optional.
    page.keyboard.press("2")
    page.wait_for_timeout(200)
    expect_response(page, "second answer")
    expect(page.locator("#outcome")).to_have_text("Reject")
    page.keyboard.press("3")
    expect_response(page, "third answer")

    stored(2, page, Rating)
    one, two = Rating.objects.order_by("id")
    assert (one.values, two.values) == ({"acceptable": "yes"}, {"acceptable": "no", "reason": "incomplete"})


def test_a_click_hands_it_in_as_well_but_the_arrow_keys_only_pass_through(
    live_server: Any, sign_in: SignIn, reviewer: Membership
) -> None:
    page = sign_in(reviewer)
    begin(page, live_server)
    page.get_by_role("radio", name="No", exact=False).first.focus()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    page.wait_for_timeout(700)
    expect_response(page, "first answer")
    page.reload()
    page.locator("html.keyed").wait_for()

    # Loaded with its answer, it waits to be handed in.
    page.locator(".choice", has_text="Yes").first.click()
    page.wait_for_timeout(300)
    expect_response(page, "first answer")
    page.keyboard.press("Control+Enter")
    expect_response(page, "second answer")
    page.locator(".choice", has_text="Yes").first.click()
    expect_response(page, "third answer")


@pytest.mark.parametrize("touch", ["rationale", "correction", "preference"])
def test_nothing_is_handed_in_by_itself_when_more_is_being_said(
    live_server: Any, sign_in: SignIn, reviewer: Membership, touch: str
) -> None:
    if touch == "preference":
        prefer(reviewer, auto_advance=False)
    page = sign_in(reviewer)
    begin(page, live_server)
    if touch == "rationale":
        page.get_by_label("Rationale").fill("Because")
    if touch == "correction":
        page.keyboard.press("c")
    page.keyboard.press("Escape")
    page.keyboard.press("1")
    page.wait_for_timeout(400)

    expect_response(page, "first answer")
    expect(page.locator("#answered")).to_have_text("1 of 1 answered")
    page.keyboard.press("Control+Enter")
    expect_response(page, "second answer")


def test_a_pair_is_handed_in_by_its_preference(live_server: Any, sign_in: SignIn, project: Project) -> None:
    other = a_project("pairs")
    reviewer = a_member(other)
    for number in range(2):
        a_pair(other, f"left {number}", f"right {number}")
    page = sign_in(reviewer)
    page.goto(f"{live_server.url}/projects/pairs/review/")
    page.locator("#standing button").click()
    page.locator("html.keyed .pairwise").wait_for()
    fetched(page)
    first = page.url

    page.keyboard.press("3")
    page.wait_for_timeout(200)
    assert page.url == first
    page.keyboard.press("t")

    expect(page.locator("#receipt")).to_contain_text("Saved, receipt")
    assert (rating_of(reviewer).preferred, rating_of(reviewer).values) == ("tie", {"strength": 3})


@pytest.mark.parametrize(("key", "state", "said"), [("s", "released", "Skipped"), ("e", "escalated", "Escalated")])
def test_an_item_is_given_back_with_a_reason_by_keyboard(
    live_server: Any, sign_in: SignIn, reviewer: Membership, key: str, state: str, said: str
) -> None:
    page = sign_in(reviewer)
    begin(page, live_server)
    page.keyboard.press(key)
    expect(page.get_by_role("radio", name="Outside my field")).to_be_focused()

    page.keyboard.press("Enter")
    assert Assignment.objects.filter(state=state).count() == 0, "a reason is needed"
    page.get_by_role("radio", name="Outside my field").focus()
    page.keyboard.press("2")
    page.keyboard.press("Tab")
    page.keyboard.type("my neighbour")
    page.keyboard.press("Control+Enter")

    expect_response(page, "second answer")
    expect(page.locator("#line")).to_contain_text(said)
    given_back = Assignment.objects.get(state=state)
    assert given_back.reason == "I know the case or somebody in it: my neighbour"


def test_enter_in_a_number_hands_in_and_does_not_skip(
    live_server: Any, sign_in: SignIn, project: Project, reviewer: Membership
) -> None:
    other = a_project("numbers")
    rubric_in_force(other, [{"name": "score", "type": "numeric", "question": "Score?", "minimum": 0, "maximum": 9}])
    items(other, ["one", "two"])
    page = sign_in(a_member(other))
    page.goto(f"{live_server.url}/projects/numbers/review/")
    page.locator("#standing button").click()
    page.locator("html.keyed").wait_for()
    page.keyboard.type("7")
    page.keyboard.press("Enter")

    expect_response(page, "two")
    stored(1, page, Rating)
    assert Rating.objects.get().values == {"score": 7}


def test_the_verdict_is_shown_and_can_be_chosen(
    page: Page, live_server: Any, sign_in: SignIn, reviewer: Membership
) -> None:
    prefer(reviewer, auto_advance=False)
    sign_in(reviewer)
    begin(page, live_server)
    outcome = page.locator("#outcome")
    expect(outcome).to_have_text("as your answers say")
    page.keyboard.press("1")
    expect(outcome).to_have_text("Accept")
    page.keyboard.press("k")
    page.keyboard.press("2")
    expect(outcome).to_have_text("Reject")
    page.keyboard.press("k")
    page.keyboard.press("1")
    page.keyboard.press("v")
    page.keyboard.press("v")
    expect(outcome).to_have_text("Correct")

    # "Correct" needs a correction: it is asked for before anything is sent.
    page.keyboard.press("Control+Enter")
    page.wait_for_timeout(200)
    expect_response(page, "first answer")
    page.get_by_label("Corrected response").fill("the first answer, put right")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#receipt")).to_contain_text("Saved Correct")
    assert rating_of(reviewer).correction == "the first answer, put right"

    page.keyboard.press("1")
    for _time in range(3):
        page.keyboard.press("v")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#receipt")).to_contain_text("Saved Reject")
