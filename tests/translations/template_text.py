"""What a template says in its own words: the text that passes no translation."""

import re
from collections.abc import Iterator
from html import escape
from html.parser import HTMLParser

from django.template.base import Lexer, Token, TokenType

# Attributes that people read or hear.
READ_ATTRIBUTES = {
    "alt",
    "aria-description",
    "aria-label",
    "aria-roledescription",
    "data-label",
    "placeholder",
    "title",
}
# What stands in these is code, not prose.
CODE = {"code", "kbd", "pre", "samp", "script", "style"}
# Names and signs that are the same in every language; each stands alone or beside what a variable says.
SAME_EVERYWHERE = {
    "AC",  # AC1
    "Ctrl",
    "Enter",
    "JSONL",
    "Oversight",
    "SHA",
    "n",
    "sha",
    "v",
    "webhook-id",
}
_WORD = re.compile(r"[^\W\d_][^\W\d_’'-]*(?:-[^\W\d_]+)*")
# Tags whose contents are translated, or no text.
OPAQUE = {"blocktranslate", "comment", "verbatim"}
# Blocks that fill an attribute: their text is a class or a setting.
IN_ATTRIBUTES = {"body_class", "color_scheme", "html_attributes"}
# A text that a filter brings in: `|default:"never"`, `|yesno:"on,off"`; or a tag: `with title="New"`.
_FILTER_TEXT = re.compile(r"""\|(?:default|default_if_none|yesno|pluralize):(?:"([^"]*)"|'([^']*)')""")
_GIVEN_TEXT = re.compile(r"""\b\w+=(?:"([^"]*)"|'([^']*)')""")
# A format of digits alone, of one word alone, or one that is translated: `|date:_("j M Y")`.
_DATE_FILTER = re.compile(r"\|(?:date|time)(?!\w)(?!:(?:\"[YmdHicsuUT:. \\-]*\"|\"[DlMFN]\"|_\())")
_MARK = " "


def untranslated(source: str) -> list[str]:
    """Every stretch of text in a template that reaches a reader without having been translated."""
    found = []
    skeleton = ""
    within = ""
    for token in Lexer(source).tokenize():
        name = token.split_contents()[0] if token.token_type == TokenType.BLOCK else ""
        if within:
            within = "" if name == f"end{within}" else within
            skeleton += _MARK if not within else ""
        elif name in ("blocktranslate", "comment", "verbatim") or (
            name == "block" and token.split_contents()[1] in IN_ATTRIBUTES
        ):
            within = name
        elif token.token_type == TokenType.TEXT:
            skeleton += token.contents
        else:
            found += _in_token(token, name)
            skeleton += _MARK + " ".join(escape(text) for text in _brought_in(token))
    parser = _Reader()
    parser.feed(skeleton)
    parser.close()
    return [text for text in (*found, *parser.found) if foreign_words(text)]


def foreign_words(text: str) -> list[str]:
    """The words of a text that are not the same in every language."""
    return [word for word in _WORD.findall(text) if word not in SAME_EVERYWHERE]


def _in_token(token: Token, name: str) -> Iterator[str]:
    """Texts and formats that stand in a tag or a variable itself."""
    if token.token_type == TokenType.COMMENT or name in ("load", "extends", "url", "static"):
        return
    if name in ("include", "with"):
        for match in _GIVEN_TEXT.finditer(token.contents):
            # Names of sizes and ways of drawing are lower-case words without spaces.
            text = match[1] or match[2] or ""
            if not re.fullmatch(r"[a-z0-9/_.-]*", text):
                yield text
    if _DATE_FILTER.search(token.contents):
        yield f"date in a fixed format: {token.contents}"


def _brought_in(token: Token) -> Iterator[str]:
    """Texts that a variable's filters write where it says nothing."""
    if token.token_type == TokenType.VAR:
        for match in _FILTER_TEXT.finditer(token.contents):
            yield match[1] or match[2] or ""


class _Reader(HTMLParser):
    """Collects text and attributes. Marks stand for what the template's tags and variables write."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []
        self._code = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._code += tag in CODE
        self.found += [value for name, value in attrs if name in READ_ATTRIBUTES and value]

    def handle_endtag(self, tag: str) -> None:
        self._code -= tag in CODE

    def handle_data(self, data: str) -> None:
        if not self._code:
            self.found.append(data.strip())
