"""The rubric editor and its preview in a browser."""

from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from labeling.models import Rubric
from labeling.services.rubrics import draft_rubric
from reviewapp.core.models import Project
from tests.browser.cast import a_member, a_project
from tests.browser.conftest import SignIn


@pytest.fixture
def project(transactional_db: None) -> Project:
    return a_project()


def editor_of(page: Page, live_server: Any, rubric: Rubric) -> Page:
    base = f"{live_server.url}/projects/{rubric.project.slug}/rubrics/{rubric.name}/{rubric.version}"
    page.goto(f"{base}/edit/")
    return page


def draft(project: Project, **fields: Any) -> Rubric:
    question = {
        "name": "good",
        "type": "binary",
        "question": "Good?",
        "levels": [{"value": "yes"}, {"value": "no"}],
        "fail_values": ["no"],
    }
    values = {"name": "fresh", "task_kind": "pointwise", "criteria": [question], "actor": "test"}
    return draft_rubric(project=project, **(values | fields))


def test_the_preview_of_a_pair_shows_its_choices_as_the_desk_does(
    live_server: Any, sign_in: SignIn, project: Project
) -> None:
    rubric = draft(project, task_kind="pairwise", criteria=[], corrections=False)
    page = editor_of(sign_in(a_member(project, "owner", "oda")), live_server, rubric)
    choices = page.locator("#preview .preference .choice")
    assert choices.locator("b").all_inner_texts() == ["A is better", "Tie", "B is better"]
    assert set(choices.locator("input").evaluate_all("all => all.map((one) => getComputedStyle(one).opacity)")) == {"0"}
    expect(page.locator("#preview")).not_to_contain_text("Correct the response")


def test_what_is_typed_while_the_server_is_asked_stays(live_server: Any, sign_in: SignIn, project: Project) -> None:
    page = editor_of(sign_in(a_member(project, "owner", "oda")), live_server, draft(project))

    def typing_goes_on(route: Route) -> None:
        page.locator("[name=c0-question]").evaluate("field => (field.value = 'Typed meanwhile?')")
        route.continue_()

    page.route("**/edit/", typing_goes_on, times=1)
    page.locator("[name=c0-type]").select_option("ordinal")

    expect(page.locator("#preview legend").filter(has_text="Typed meanwhile?")).to_have_count(1)
    expect(page.locator("[name=c0-question]")).to_have_value("Typed meanwhile?")
    expect(page.locator("[name=c0-type]")).to_have_value("ordinal")


def test_a_number_without_ends_says_nothing_of_them(live_server: Any, sign_in: SignIn, project: Project) -> None:
    page = editor_of(sign_in(a_member(project, "owner", "oda")), live_server, draft(project))
    page.locator("[name=c0-type]").select_option("numeric")
    expect(page.locator("[name=c0-minimum]")).to_be_visible()
    expect(page.locator("#preview")).not_to_contain_text("None")
    page.locator("[name=c0-minimum]").fill("0")
    page.locator("[name=c0-maximum]").fill("10")
    expect(page.locator("#preview")).to_contain_text("From 0")
    page.locator("main button[value=save]").last.click()
    page.wait_for_url("**/rubrics/fresh/1/")
    criterion = Rubric.objects.get(name="fresh").criteria.get()
    assert (criterion.type, criterion.minimum, criterion.maximum) == ("numeric", 0.0, 10.0)
