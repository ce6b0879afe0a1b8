"""The pages fit a phone and a desk, in light and in dark; their pictures are made here too."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from playwright.sync_api import Page

from labeling.models import Assignment
from labeling.views.keymap import SWITCHES
from reviewapp.core.models import Membership, Project
from tests.browser.cast import a_member, a_pair, a_project, a_run, items
from tests.browser.conftest import SignIn

QUESTION = "Why is there a 27 euro deduction on my last invoice, and can I have it paid out instead?"
CHAT = [
    {"role": "system", "content": "You answer questions about invoices. Be brief and friendly."},
    {"role": "user", "content": QUESTION},
]
CONTEXT = [
    {
        "id": "invoice-2291",
        "text": "Invoice 2291, issued 3 May. Plan: Team, 12 seats at € 9.00. Credit note 118 (€ 27.00) applied. "
        "Total € 81.00, due 17 May.",
    },
    {
        "id": "policy/refunds",
        "text": "Refunds are made to the original means of payment within 10 working days. A credit note is applied "
        "to the next invoice automatically and is not paid out.",
    },
]
ANSWER = (
    "Hi Dana,\n\nthe € 27.00 is a credit note (no. 118) for the three seats you removed in April. We have applied it "
    "to invoice 2291, which is why the total is € 81.00 instead of € 108.00.\n\nIf you would rather have the money "
    "back, reply to this message and we will pay it out within 10 working days.\n\nBest wishes\nThe billing team"
)
FIRST = (
    "Your invoice is lower this month because we applied credit note 118 over € 27.00, for the three seats you "
    "removed in April. Credit notes are set off against the next invoice and cannot be paid out."
)
SECOND = (
    "Great question! The deduction is a loyalty discount of 25 %. You can have it paid out by writing to finance; "
    "it takes about ten working days. Let me know if there is anything else that I can do for you today!"
)
STEPS = [
    {"type": "message", "content": "I will look the invoice up first."},
    {"type": "tool_call", "name": "invoices.get", "content": {"number": 2291, "fields": ["total", "credits"]}},
    {"type": "tool_result", "name": "invoices.get", "content": {"total": "81.00", "token": "x" * 300}},
    {"type": "message", "content": "The deduction is credit note 118."},
]
DESK = {"width": 1280, "height": 860}
PHONES = [{"width": 360, "height": 740}, {"width": 390, "height": 844}]

Picture = Callable[[Page, str], None]


@pytest.fixture(autouse=True)
def _stay(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is handed in by itself: a picture shows what was chosen."""
    monkeypatch.setitem(SWITCHES, "auto_advance", False)


@pytest.fixture
def project(transactional_db: None) -> Project:
    return a_project("billing", undo_seconds=600)


def next_item(page: Page, live_server: Any) -> None:
    page.goto(f"{live_server.url}/projects/billing/review/")
    page.locator("main button.primary").click()
    page.wait_for_url("**/review/*/")


def assert_it_fits(page: Page, *sizes: dict[str, int]) -> None:
    for size in sizes:
        page.set_viewport_size(size)
        assert page.evaluate("document.documentElement.scrollWidth") <= size["width"], size


def test_a_single_response_fits(live_server: Any, sign_in: SignIn, picture: Picture, project: Project) -> None:
    items(project, [ANSWER], prompt=CHAT, context=CONTEXT)
    page = sign_in(a_member(project))
    next_item(page, live_server)
    page.set_viewport_size(DESK)
    page.keyboard.press("2")
    page.keyboard.press("2")
    page.locator("#saved", has_text="Saved").wait_for()
    picture(page, "review-pointwise")
    page.get_by_text("Correct the response").click()
    page.get_by_text("Cannot judge this one?").click()

    assert_it_fits(page, DESK, *PHONES)


def test_a_pair_stands_side_by_side_on_a_desk_and_stacks_on_a_phone(
    live_server: Any, sign_in: SignIn, picture: Picture, project: Project
) -> None:
    items(project, ["An earlier item."])
    a_pair(project, FIRST, SECOND, prompt=QUESTION, context=CONTEXT)
    page = sign_in(a_member(project))
    next_item(page, live_server)
    page.keyboard.press("1")
    page.keyboard.press("Control+Enter")
    page.locator("html.keyed .preference").wait_for()
    # The sides are shuffled; a picture should be the same each time.
    Assignment.objects.update(swapped=False)
    page.reload()
    page.set_viewport_size(DESK)
    page.keyboard.press("a")
    page.locator("#saved", has_text="Saved").wait_for()
    picture(page, "review-pairwise")

    def corners() -> tuple[Any, Any]:
        left, right = page.locator(".response").all()
        return left.bounding_box(), right.bounding_box()

    a, b = corners()
    assert a["y"] == b["y"]
    assert a["x"] + a["width"] <= b["x"]
    assert_it_fits(page, DESK, *PHONES)
    a, b = corners()
    assert a["x"] == b["x"]
    assert a["y"] + a["height"] <= b["y"]


def test_an_agent_run_fits(live_server: Any, sign_in: SignIn, project: Project) -> None:
    a_run(project, STEPS)
    page = sign_in(a_member(project))
    next_item(page, live_server)

    assert_it_fits(page, DESK, *PHONES)


def test_a_phone_shows_no_key_hints(browser: Any, live_server: Any, picture: Picture, project: Project) -> None:
    a_pair(project, FIRST, SECOND, prompt=QUESTION, context=CONTEXT)
    client = Client()
    client.force_login(a_member(project).person)
    context = browser.new_context(viewport=PHONES[1], is_mobile=True, has_touch=True, device_scale_factor=2)
    context.add_cookies([{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}])
    page = context.new_page()
    page.set_default_timeout(10_000)
    next_item(page, live_server)
    page.locator(".choice", has_text="A is better").tap()
    page.locator(".choice", has_text="Clear").tap()
    page.locator("#saved", has_text="Saved").wait_for()
    page.evaluate("window.scrollTo(0, document.body.scrollHeight)")

    hints = page.locator("form kbd").all()
    assert hints
    assert not any(hint.is_visible() for hint in hints)
    assert page.get_by_role("button", name="Submit").bounding_box()["height"] >= 40
    picture(page, "review-phone")
    context.close()


def test_an_adjudication_fits(live_server: Any, sign_in: SignIn, picture: Picture, project: Project) -> None:
    items(project, [ANSWER], context=CONTEXT, prompt=QUESTION, raters=2)
    rate(a_member(project, name="ann"), acceptable="yes", rationale="Friendly, and the sum is right.")
    rate(
        a_member(project, name="bob"),
        acceptable="no",
        reason="wrong",
        rationale="The policy says a credit note is not paid out; the answer promises that it is.",
    )
    page = sign_in(a_member(project, "adjudicator", name="judy"))
    next_item(page, live_server)
    page.set_viewport_size({"width": 1280, "height": 1000})
    page.keyboard.press("2")
    page.keyboard.press("1")
    page.keyboard.press("2")
    page.locator("#saved", has_text="Saved").wait_for()
    picture(page, "adjudication")

    assert page.get_by_role("columnheader", name="Rating 2").is_visible()
    assert_it_fits(page, DESK, *PHONES)


def rate(member: Membership, *, rationale: str, **values: str) -> None:
    client = Client()
    client.force_login(member.person)
    address = client.post("/projects/billing/review/next/")["Location"]
    form = {"idempotency_key": "k", "rationale": rationale} | {f"value-{name}": value for name, value in values.items()}
    assert client.post(address, form).status_code == 302


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_can_be_read_in_light_and_dark(
    page: Page, live_server: Any, sign_in: SignIn, project: Project, scheme: Any
) -> None:
    """WCAG 2.2, 1.4.3: a contrast of 4.5 between text and what is behind it."""
    items(project, [ANSWER, "Another."], prompt=CHAT, context=CONTEXT)
    page = sign_in(a_member(project))
    page.emulate_media(color_scheme=scheme)
    next_item(page, live_server)
    page.keyboard.press("1")
    page.keyboard.press("Control+Enter")
    page.locator("html.keyed #receipt").wait_for()
    page.keyboard.press("1")

    faint = page.evaluate(CONTRASTS)
    assert faint == []


# Every visible element with text of its own, whose colour stands out too little from the first opaque background.
CONTRASTS = """() => {
  const parse = (colour) => (colour.match(/[\\d.]+/g) ?? []).map(Number);
  const light = (c) => { c /= 255; return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4; };
  const luminance = ([r, g, b]) => 0.2126 * light(r) + 0.7152 * light(g) + 0.0722 * light(b);
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = parse(getComputedStyle(at).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  const bad = [];
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    if (!own || !element.checkVisibility() || element.closest("dialog, noscript, .skip, .visually-hidden")) continue;
    const [a, b] = [luminance(parse(getComputedStyle(element).color)), luminance(behind(element))];
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    const words = element.textContent.trim().slice(0, 30);
    if (contrast < 4.5) bad.push(`${element.tagName}.${element.className} ${contrast.toFixed(2)} ${words}`);
  }
  return bad;
}"""
