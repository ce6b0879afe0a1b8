"""What becomes Markdown, what it looks like, and what it must never become."""

import pytest

from labeling.rendering import texts
from labeling.rendering.markdown import MAX_MARKDOWN
from labeling.rendering.texts import rendered
from tests.rendering.markup import letters, read, text_of


def html_of(text: str, **options: int) -> str:
    shown = rendered(text, **options)
    assert shown.kind == "markdown"
    assert read(shown.html).faults == []
    return shown.html


@pytest.mark.parametrize(
    "text",
    [
        "It costs 5 * 3 * 2 euros.",
        "a_b_c and __init__",
        "- one line with a dash",
        "1. only one point",
        "#hashtag and #another",
        "x > y",
        "a | b",
        "[model] said so",
        "",
        "   \n\n  ",
        "2 ** 8 ** 2",
        "----",
    ],
)
def test_ordinary_text_stays_as_it_is(text: str) -> None:
    shown = rendered(text)

    assert (shown.kind, shown.html) == ("plain", "")
    assert text_of(shown.raw) == text


def test_it_knows_lists_headings_code_tables_and_quotations() -> None:
    html = html_of(
        "# Answer\n\nUse `rm` **never**, ~~ever~~ *often*.\n\n- a\n  - b\n\n> so\n\n```sh\nls <b>\n```\n\n"
        "| n | m |\n|---|--:|\n| 1 | 2 |\n"
    )

    for piece in (
        "<h3",
        "<strong>never</strong>",
        "<s>ever</s>",
        "<em>often</em>",
        '<code dir="auto">rm</code>',
        "<blockquote",
        '<div class="language" dir="auto">sh</div>',
        "ls &lt;b&gt;",
        '<td dir="auto" class="right">2</td>',
        'role="group" tabindex="0" aria-label="Table"',
    ):
        assert piece in html


def test_headings_stand_below_the_pages_own_and_skip_no_level() -> None:
    text = "### c\n\n# a\n\n#### d\n\n## b\n\n###### f\n\n###### g"

    assert read(html_of(text)).headings == [3, 3, 4, 4, 5, 6]
    assert read(html_of(text, top=4)).headings == [4, 4, 5, 5, 6, 6]


def test_numbers_of_a_list_are_those_of_the_text() -> None:
    text = text_of(html_of("3. three\n7. seven\n7. again"))

    assert "3. three" in text
    assert text.count("7. ") == 2


def test_a_link_shows_its_address_and_leads_nowhere() -> None:
    html = html_of('[click](https://evil.example/?a=1&b=2 "me") [js](javascript:alert(1)) [d](data:text/html,x)')

    assert text_of(html).strip() == (
        'click (https://evil.example/?a=1&b=2 "me") js (javascript:alert(1)) d (data:text/html,x)'
    )
    assert "href" not in html


def test_an_image_is_its_description_and_its_address() -> None:
    html = html_of("Look: ![a *red* dog](https://evil.example/pixel.png?u=1)")

    assert text_of(html).strip() == "Look: a *red* dog (https://evil.example/pixel.png?u=1)"
    assert "<img" not in html
    assert "src" not in html


@pytest.mark.parametrize(
    "text",
    [
        "**b** <script>alert(1)</script> <img src=x onerror=alert(1)>",
        "**b**\n\n<div onclick='x()'>hello</div>\n\n<!-- hidden words --> <?php x ?> <![CDATA[y]]>",
        "**b** <https://evil.example/x> &lt;b&gt; &amp;copy; &#65;",
        "**b**\n\n[one]: https://evil.example 'title'\n\nand [one]",
        "```html onload=x()\n<b>\n```",
        '[a](x"onmouseover="alert(1)) `"><b>`',
        '| a<b onclick=x> | b |\n|---|---|\n| `<c>` | " onfocus=1 |',
    ],
)
def test_markup_in_the_text_stays_words(text: str) -> None:
    html = html_of(text)

    assert letters(text_of(html)) == letters(text)


@pytest.mark.parametrize(
    "text",
    [
        "| a | b |\n|---|---|\n| 1 | 2 | 3 lost |",  # more cells than the head has
        ">" * 30 + " deep\n**b**",  # deeper than the parser goes
    ],
)
def test_what_would_lose_a_word_is_shown_plain(text: str) -> None:
    shown = rendered(text)

    assert shown.kind == "plain"
    assert text_of(shown.raw) == text


def test_long_markdown_is_shown_plain() -> None:
    text = "**bold** words\n" * (MAX_MARKDOWN // 15 + 1)

    assert len(text) > MAX_MARKDOWN
    assert rendered(text).kind == "plain"
    assert rendered(text[:1000]).kind == "markdown"


def test_it_is_shown_plain_when_the_parser_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*args: object, **kwargs: object) -> str:
        raise IndexError("string index out of range")

    monkeypatch.setattr(texts, "markdown_html", fails)

    shown = rendered("**bold**")

    assert (shown.kind, text_of(shown.raw)) == ("plain", "**bold**")


def test_every_block_has_a_direction_of_its_own() -> None:
    html = html_of("# عنوان\n\nEnglish with `كود`.\n\n- أول with words\n- שני\n\n| اسم | x |\n|---|---|\n| 1 | y |\n")

    assert '<h3 dir="auto">عنوان' in html
    assert '<ul dir="rtl">' in html
    assert html.count('<li dir="rtl">') == 2
    assert '<table dir="rtl">' in html
    assert '<pre dir="ltr">' in html_of("```\nكود\n```")
    assert '<ol dir="ltr">' in html_of("1. one\n2. اثنان")


def test_line_ends_inside_a_paragraph_are_kept() -> None:
    assert html_of("**Dear Dana,**\nthank you").count("<br>") == 1
