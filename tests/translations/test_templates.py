"""No template says anything in its own words."""

import pytest

from tests.translations.catalogue import ROOT
from tests.translations.template_text import untranslated

TEMPLATES = sorted(
    path
    for package in ("labeling", "reviewapp", "routing")
    for path in (ROOT / package).rglob("templates/**/*")
    if path.suffix in (".html", ".txt")
)


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_text_of_a_template_is_translated(template: object) -> None:
    assert untranslated(template.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("<p>Hello</p>", ["Hello"]),
        ("<p>{% translate 'Hello' %}</p>", []),
        ("<p>{% blocktranslate %}Hello {{ name }}{% endblocktranslate %}, v{{ version }}</p>", []),
        ("<b>{% if x %}yes{% endif %}</b>", ["yes"]),
        ('<img alt="A house" src="house.png" class="wide">', ["A house"]),
        ('<img alt="{{ name }}" src="house.png">', []),
        ('<p>{{ name|default:"nobody" }}</p>', ["nobody"]),
        ('<p class="{{ theme|default:"light" }}">{{ name|default:"–" }}</p>', []),
        ('{% include "_field.html" with title="New password" %}', ["New password"]),
        ('{% include "_field.html" with title=_("New password") style="wide" %}', []),
        ('<td>{{ at|date:"j M Y" }}</td>', ['date in a fixed format: at|date:"j M Y"']),
        ('<time datetime="{{ at|date:"Y-m-d" }}">{{ at|moment }}</time>', []),
        ("<code>POST /api/</code> <kbd>Esc</kbd> · 95%", []),
    ],
)
def test_untranslated_text_is_found(source: str, found: list[str]) -> None:
    """The finder itself: what it takes for text, and what not."""
    assert untranslated(source) == found
