"""Reading in a real Chromium: both views, folding, finding, citations, directions; with the script and without."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from labeling.rendering.differences import word_diff
from tests.rendering.stage import Stage, page_of, pointwise, staged

LONG = "\n\n".join(f"Paragraph {number}. Nothing of note stands in this one. " * 3 for number in range(20))
NEEDLE = f"{LONG}\n\nHere is the Credit\nNote at last."
CONTEXT = [
    {"id": "invoice", "text": json.dumps({"invoice": {"lines": [{"note": "credit note 118"}] * 40}})},
    {"id": "policy", "text": NEEDLE},
    {"id": "s3", "text": "| a | b |\n|---|---|\n| credit | note |\n\nA **credit** note."},
]
MARKDOWN = "# Yes\n\nIt is a **credit note** [1], see [policy] and [2]."


@pytest.fixture
def stage(browser: Any) -> Iterator[Stage]:
    with staged(browser) as stage:
        yield stage
        assert stage.broken() == []


def test_r_shows_every_text_raw_and_a_switch_only_its_own(stage: Stage) -> None:
    stage.show(page_of(pointwise(MARKDOWN, context=CONTEXT)))
    page = stage.page
    formatted, raw = page.locator(".response .shown"), page.locator("#response-1")
    expect(formatted).to_be_visible()
    expect(raw).to_be_hidden()

    page.locator(".response .raw-switch").click()
    expect(raw).to_be_visible()
    expect(formatted).to_be_hidden()
    assert raw.inner_text() == MARKDOWN
    expect(page.locator(".shown.json")).to_be_visible()

    page.locator(".response .raw-switch").click()
    page.keyboard.press("r")
    expect(page.locator(".shown.json")).to_be_hidden()
    expect(formatted).to_be_hidden()
    # The next task comes: the choice stays.
    stage.start()
    expect(formatted).to_be_hidden()
    page.keyboard.press("r")
    expect(formatted).to_be_visible()


def test_the_raw_view_shows_what_nobody_sees_and_undoes_an_override(stage: Stage) -> None:
    text = "user\u202eelbon\u202c admin\u200b.\rend\r\n"
    stage.show(page_of(pointwise(text)))
    page = stage.page
    sign = "getComputedStyle(document.querySelector('.sign'), '::before').content"

    expect(page.locator(".hidden-count")).to_have_text("4 hidden characters")
    assert page.evaluate(sign) == "none"
    page.keyboard.press("r")
    assert page.evaluate(sign) == '"RLO"'
    assert page.locator("#response-1").text_content() == text
    left = page.evaluate(
        """() => { const range = new Range(); const node = document.querySelector("#response-1").childNodes[2];
        range.setStart(node, 0); range.setEnd(node, 1); const first = range.getBoundingClientRect().left;
        range.setStart(node, 4); range.setEnd(node, 5); return range.getBoundingClientRect().left - first; }"""
    )
    assert left > 0


def test_a_long_passage_shows_its_beginning_until_asked(stage: Stage) -> None:
    stage.show(page_of(pointwise(LONG, context=CONTEXT)))
    page = stage.page
    passage = page.locator("#passage-2 .text")
    assert passage.bounding_box()["height"] < 300

    page.locator("#passage-2 summary").focus()
    page.keyboard.press("Enter")
    assert passage.bounding_box()["height"] > 900
    expect(page.locator("#passage-2 .less")).to_be_visible()
    # What is to be judged is always there as a whole.
    assert page.locator(".response .unfold").count() == 0


def test_find_counts_goes_through_opens_what_is_folded_and_changes_nothing(stage: Stage) -> None:
    stage.show(page_of(pointwise(MARKDOWN, context=CONTEXT)))
    page = stage.page
    before = page.locator(".task").evaluate("it => it.querySelectorAll('*').length")
    page.locator(".zone > summary").click()

    page.keyboard.press("/")
    expect(page.locator("#find")).to_be_focused()
    page.keyboard.type("CREDIT  note")
    expect(page.locator("#found")).to_have_text("1 / 42")
    assert page.evaluate("CSS.highlights.get('found').size") == 42
    expect(page.locator("details.zone")).to_have_attribute("open", "")
    page.keyboard.press("Shift+Enter")
    expect(page.locator("#found")).to_have_text("42 / 42")
    page.keyboard.press("Shift+Enter")
    expect(page.locator("#found")).to_have_text("41 / 42")
    expect(page.locator("#passage-2 .unfold")).to_have_attribute("open", "")

    def here() -> Any:
        return page.evaluate(
            "() => { const [range] = CSS.highlights.get('found-here'); const box = range.getBoundingClientRect();"
            " return [String(range), box.top > 40 && box.bottom < innerHeight]; }"
        )

    assert here() == ["Credit\nNote", True]
    # Deep in the folded tree.
    page.locator("#find").blur()
    for _ in range(3):
        page.keyboard.press("N")
    expect(page.locator("#found")).to_have_text("38 / 42")
    assert here() == ["credit note", True]
    page.keyboard.press("n")
    expect(page.locator("#found")).to_have_text("39 / 42")
    assert page.locator(".task").evaluate("it => it.querySelectorAll('*').length") == before

    page.locator("#find").fill("a.c(")
    expect(page.locator("#found")).to_have_text("0 / 0")
    page.locator("#find").fill("")
    expect(page.locator("#found")).to_have_text("")


def test_keys_rest_in_a_text_and_can_be_others_or_off(stage: Stage) -> None:
    stage.show(page_of(pointwise(MARKDOWN)))
    page = stage.page
    page.locator("#rationale").focus()
    page.keyboard.type("r/n")
    expect(page.locator("#rationale")).to_have_value("r/n")
    expect(page.locator(".response .shown")).to_be_visible()
    page.locator("#rationale").blur()

    stage.start("{ raw: 'x' }")
    page.keyboard.press("r")
    expect(page.locator(".response .shown")).to_be_visible()
    page.keyboard.press("x")
    expect(page.locator(".response .shown")).to_be_hidden()
    # Keys can also come from the document itself, which is no element.
    page.evaluate("document.dispatchEvent(new KeyboardEvent('keydown', { key: 'x' }))")
    expect(page.locator(".response .shown")).to_be_visible()
    page.keyboard.press("x")
    stage.start("false")
    page.keyboard.press("x")
    page.keyboard.press("/")
    expect(page.locator(".response .shown")).to_be_hidden()
    expect(page.locator("#find")).not_to_be_focused()


def test_a_citation_leads_to_its_passage_and_back_to_itself(stage: Stage) -> None:
    stage.show(page_of(pointwise(MARKDOWN, context=CONTEXT)))
    page = stage.page
    page.locator("#passage-2 summary").click()
    page.locator(".zone > summary").click()
    last = page.locator("a.citation", has_text="[2]")
    expect(page.locator("a.citation")).to_have_count(3)

    last.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#passage-2")).to_be_focused()
    expect(page.locator("#passage-2 h3")).to_be_in_viewport()
    page.keyboard.press("g")
    expect(last).to_be_focused()
    expect(last).to_be_in_viewport()
    page.keyboard.press("Enter")
    page.get_by_role("link", name="Back to where it is cited").click()
    expect(last).to_be_focused()


def test_everything_but_find_works_without_a_script(browser: Any) -> None:
    with staged(browser, java_script_enabled=False) as stage:
        stage.show(page_of(pointwise(MARKDOWN, context=CONTEXT)), script=False)
        page = stage.page
        expect(page.locator("#find")).to_be_hidden()
        page.locator("a.citation").first.click()
        expect(page.locator("#passage-1")).to_be_in_viewport()
        page.get_by_role("link", name="Back to where it is cited").click()
        expect(page.locator("a.citation").first).to_be_in_viewport()
        page.locator("#passage-2 summary").click()
        assert page.locator("#passage-2 .text").bounding_box()["height"] > 900
        page.locator(".raw-all").click()
        expect(page.locator(".response .shown")).to_be_hidden()
        expect(page.locator("#response-1")).to_be_visible()
        assert stage.strays == []


@pytest.mark.parametrize(
    ("text", "selector", "direction"),
    [
        ("قال المدير: HTTP/2 يعمل", "#response-1", "rtl"),
        ("**English** قال المدير", ".shown p", "ltr"),
        ("**قال** English first word", ".shown p", "rtl"),
        ("- أول\n- English", ".shown ul", "rtl"),
        ("> שלום\n> English", ".shown blockquote", "rtl"),
        ("| اسم | قيمة |\n|---|---|\n| عدد | 12 |", ".shown table", "rtl"),
        ("```\nif x: # تعليق\n```", ".shown pre", "ltr"),
        ("漢字かな交じり文", "#response-1", "ltr"),
    ],
)
def test_each_text_runs_its_own_way(stage: Stage, text: str, selector: str, direction: str) -> None:
    stage.show(page_of(pointwise(text)))

    assert (
        stage.page.locator(f".response {selector}").first.evaluate("it => getComputedStyle(it).direction") == direction
    )


def test_each_line_of_plain_text_runs_its_own_way(stage: Stage) -> None:
    stage.show(page_of(pointwise("English first.\nوهذا سطر عربي 12 (abc).")))
    lefts = stage.page.locator("#response-1").evaluate(
        """it => {
          const [range, box] = [new Range(), it.getBoundingClientRect()];
          const at = (place) => {
            range.setStart(it.firstChild, place);
            range.setEnd(it.firstChild, place + 1);
            return range.getBoundingClientRect();
          };
          return [at(0).left - box.left, box.right - at(15).right];
        }"""
    )

    assert max(lefts) < 3


@pytest.mark.parametrize("width", [320, 390, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_wider_than_the_page(browser: Any, width: int, scheme: str) -> None:
    wide = "|" + "column name|" * 40 + "\n|" + "-|" * 40 + "\n|" + "words in it|" * 40
    texts = [
        wide,
        f"```\n{'x' * 3000}\n```",
        json.dumps({"k" * 300: "v" * 900}),
        "w" * 3000,
        f"# {'h' * 900}",
        "**b** " + "Z̷͉̈́a" * 800,
    ]
    steps = [{"type": "tool_result", "name": "n" * 190, "content": text} for text in texts]
    task = {
        "kind": "trajectory",
        "prompt": "x",
        "context": [{"id": "i" * 190, "text": t} for t in texts],
        "steps": steps,
    }
    with staged(browser, viewport={"width": width, "height": 800}, color_scheme=scheme) as stage:
        stage.show(page_of(task))
        page = stage.page
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.keyboard.press("r")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert stage.broken() == []


RICH = """# Ja

### Third level

1. one [1]
2. two

| a | b |
|---|--:|
| `c` | d |

| e |
|---|
| f |

> قال

```python
x = 1
```

[link](https://evil.example) ![image](https://evil.example/x.png) ~~gone~~\u202e
"""


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_can_be_read_by_everybody(browser: Any, width: int, scheme: str) -> None:
    chat = json.dumps([{"role": "user", "content": RICH}])
    context = [*CONTEXT, {"id": "rich", "text": RICH}, {"id": "chat", "text": chat}, {"id": "", "text": ""}]
    steps = [{"type": "tool_call", "name": "get", "content": {"a": {"b": [{"c": 1}] * 80}}}]
    difference = word_diff("It was 81 euros.", "It is 82 euros\u200b.")
    more = f'<div class="difference">{difference}</div>'
    task = {"kind": "trajectory", "prompt": [{"role": "user", "content": RICH}], "context": context, "steps": steps}
    with staged(browser, viewport={"width": width, "height": 900}, color_scheme=scheme) as stage:
        stage.show(page_of(task | {"response": RICH}, more=more))
        for key in ("", "r"):
            if key:
                stage.page.keyboard.press(key)
            found = Axe().run(stage.page).response["violations"]
            assert [(rule["id"], node["html"][:200]) for rule in found for node in rule["nodes"]] == []
