"""axe-core on every page, in both themes, at desktop and phone width: no violation of any rule."""

from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from labeling.services.settings import change_queue_settings
from reviewapp.core.models import Membership
from tests.browser.cast import a_member, a_pair, a_project, a_run, items
from tests.browser.conftest import session_cookie
from tests.console_world import World, make_world

pytestmark = pytest.mark.django_db(transaction=True)

SIZES = {"desktop": {"width": 1280, "height": 900}, "phone": {"width": 390, "height": 844}}
THEMES = ("light", "dark")
# Pages that hand out a file, not a page.
DOWNLOADS = {"console-golden-set-download", "console-rubric-export"}


@pytest.fixture(params=[(size, theme) for size in SIZES for theme in THEMES], ids=lambda pair: "-".join(pair))
def screen(request: Any, browser: Browser) -> Iterator[Page]:
    """A page of one size in one theme, with motion reduced so that nothing is measured half-way."""
    size, theme = request.param
    context = browser.new_context(
        locale="en-GB", timezone_id="UTC", viewport=SIZES[size], color_scheme=theme, reduced_motion="reduce"
    )
    context.set_default_timeout(10_000)
    yield context.new_page()
    context.close()


def violations(page: Page, address: str) -> list[str]:
    """What axe finds on the page, one line per rule."""
    response = page.goto(address)
    assert response is not None
    assert response.status == 200, f"{address} answered {response.status}"
    return checked(page)


def checked(page: Page) -> list[str]:
    found = Axe().run(page).response["violations"]
    return [
        f"{page.url}: {rule['id']}: {rule['help']}: " + "; ".join(node["html"][:160] for node in rule["nodes"][:3])
        for rule in found
    ]


def sign_in(page: Page, live_server: Any, member: Membership) -> None:
    page.context.add_cookies([session_cookie(member, live_server.url)])


def test_it_finds_no_fault_on_the_owners_pages(screen: Page, live_server: Any) -> None:
    world: World = make_world()
    sign_in(screen, live_server, world.cast.owner)
    addresses = {name: path for name, path in world.reading().items() if name not in DOWNLOADS}
    found = [line for path in addresses.values() for line in violations(screen, live_server.url + path)]
    assert not found, "\n".join(found)


def test_it_finds_no_fault_on_the_reviewers_pages(screen: Page, live_server: Any) -> None:
    project = a_project()
    reviewer, adjudicator = a_member(project), a_member(project, role="adjudicator", name="ada")
    items(project, ["| a | b |\n|---|---|\n| 1 | 2 |\n\n```\ncode\n```"], context=[{"id": "s1", "text": "word " * 900}])
    a_pair(project)
    calling = {"type": "tool_call", "name": "find", "content": {"order": 1}}
    a_run(project, [calling, {"type": "message", "content": "x"}])
    change_queue_settings(project=project, actor="test", lease_seconds=60)
    sign_in(screen, live_server, reviewer)
    found = []
    for path in ("review/", "mine/"):
        found += violations(screen, f"{live_server.url}/projects/billing/{path}")
    for _item in range(3):
        screen.goto(f"{live_server.url}/projects/billing/review/")
        screen.locator("main form button.primary").first.click()
        screen.locator("form.answer").wait_for()
        found += checked(screen)
        screen.keyboard.press("?")
        found += checked(screen)
        screen.keyboard.press("Escape")
        screen.get_by_text("Cannot judge this one?").click()
        screen.get_by_label("Reason").fill("x")
        with screen.expect_response(lambda answer: answer.url.endswith("/escalate/")):
            screen.get_by_role("button", name="Escalate").click()
        # The last item leads to the start page.
        screen.wait_for_timeout(500)
        screen.wait_for_load_state()
    screen.context.clear_cookies()
    sign_in(screen, live_server, adjudicator)
    screen.goto(f"{live_server.url}/projects/billing/review/")
    found += checked(screen)
    screen.locator("main form button.primary").first.click()
    screen.locator("form.answer").wait_for()
    found += checked(screen)
    assert not found, "\n".join(found)
