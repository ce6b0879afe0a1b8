"""Markdown as HTML of a small allowlist: no live links, no images, no markup of the text's own.

Everything that would lose a letter is switched off (entities, reference definitions), and what still
would, such as a table row with more cells than its head, makes the whole text plain: a reviewer may
miss a heading's size, never a word.
"""

import re
from collections.abc import MutableMapping, Sequence
from html import unescape
from typing import Any

import nh3
from django.utils.html import escape
from django.utils.translation import gettext as _
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token

from labeling.rendering.citations import Linker
from labeling.rendering.directions import first_strong

MAX_MARKDOWN = 20_000
DEEPEST_HEADING = 6
STRUCTURE = re.compile(
    r"^ {0,3}(?:```|~~~|#{1,6} +\S|> \S)"  # a fence, a heading, a quotation
    r"|^ {0,3}(?:[-*+]|\d{1,9}[.)]) +\S[^\n]*\n(?:[^\n]*\n){0,3}? {0,6}(?:[-*+]|\d{1,9}[.)]) +\S"  # two items of a list
    r"|^(?=[^\n]{0,200}\|)(?=[^\n]{0,200}-)[|:\- \t]{3,400}$"  # the line below a table's head
    r"|\*\*[^\s*][^\n*]{0,300}\*\*|`[^`\n]{1,300}`|\[[^\[\]\n]{1,300}\]\([^()\s]{1,500}\)",  # bold, code, a link
    re.MULTILINE,
)
TAG = re.compile(r"<[^>]*>")
CLASSES = {
    "a": {"citation"},
    "div": {"code", "item", "language", "scroll"},
    "span": {"address", "image", "link", "number"},
    "td": {"center", "right"},
    "th": {"center", "right"},
}
BLOCKS = ("blockquote", "div", "h3", "h4", "h5", "h6", "li", "ol", "p", "pre", "table", "td", "th", "ul")
TAGS = {*BLOCKS, "a", "br", "code", "em", "hr", "s", "span", "strong", "tbody", "thead", "tr"}
DIRECTED = (*BLOCKS, "code", "span")
OWN_ANCHOR = re.compile(r"#passage-\d{1,6}|[a-z]+\d*-\d{1,6}")


def looks_like_markdown(text: str) -> bool:
    """Whether anything in the text means more as Markdown than as it stands."""
    return len(text) <= MAX_MARKDOWN and STRUCTURE.search(text) is not None


def markdown_html(text: str, linker: Linker, *, top: int) -> str | None:
    """The text as HTML with headings from level `top` (3 to 6) on; None when a letter or digit would be lost."""
    env: dict[str, Any] = {"linker": linker}
    tokens = PARSER.parse(text, env)
    _prepare(tokens, top)
    html = SANITISER.clean(PARSER.renderer.render(tokens, PARSER.options, env))
    return html if _letters(unescape(TAG.sub("", html))) == _letters(text) else None


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, text))


# What the parser found, made ready -----------------------------------------------------------------


def _prepare(tokens: Sequence[Token], top: int) -> None:
    """Give every block its direction, every heading its level on our page, every cell its class."""
    level = top - 1
    for index, token in enumerate(tokens):
        if token.type in ("heading_open", "heading_close"):
            if token.nesting == 1:
                # Never two levels deeper than the heading before: the page's outline stays one.
                level = min(level + 1, top - 1 + int(token.tag[1]), DEEPEST_HEADING)
            token.tag = f"h{level}"
        if token.nesting == 1:
            leaf = token.type in ("paragraph_open", "heading_open", "td_open", "th_open")
            direction = "auto" if leaf else first_strong(_contents(tokens, index))
            align = str(token.attrGet("style") or "").removeprefix("text-align:")
            token.attrs = {"dir": direction}
            if align in CLASSES["td"]:
                token.attrSet("class", align)


def _contents(tokens: Sequence[Token], start: int) -> Any:
    """The texts inside the block that opens at `start`."""
    for token in tokens[start + 1 :]:
        if token.level <= tokens[start].level and token.nesting == -1:
            return
        yield token.content


# How each thing is written -------------------------------------------------------------------------

Env = MutableMapping[str, Any]


def _text(_self: RendererHTML, tokens: Sequence[Token], index: int, _options: Any, env: Env) -> str:
    linker: Linker = env["linker"]
    return linker.html(tokens[index].content, escape)


def _break(_self: RendererHTML, _tokens: Sequence[Token], _index: int, _options: Any, _env: Env) -> str:
    return "<br>\n"


def _inline_code(_self: RendererHTML, tokens: Sequence[Token], index: int, _options: Any, _env: Env) -> str:
    return f'<code dir="auto">{escape(tokens[index].content)}</code>'


def _code(_self: RendererHTML, tokens: Sequence[Token], index: int, _options: Any, _env: Env) -> str:
    token = tokens[index]
    language = f'<div class="language" dir="auto">{escape(token.info.strip())}</div>' if token.info.strip() else ""
    return f'<div class="code">{language}<pre dir="ltr"><code>{escape(token.content)}</code></pre></div>'


def _link_open(_self: RendererHTML, _tokens: Sequence[Token], _index: int, _options: Any, _env: Env) -> str:
    return '<span class="link">'


def _link_close(_self: RendererHTML, tokens: Sequence[Token], index: int, _options: Any, _env: Env) -> str:
    opening = next(token for token in reversed(tokens[:index]) if token.type == "link_open")
    return f"</span>{_address(opening, 'href')}"


def _image(_self: RendererHTML, tokens: Sequence[Token], index: int, _options: Any, _env: Env) -> str:
    token = tokens[index]
    title = escape(_("Image, not loaded"))
    return f'<span class="image" title="{title}">{escape(token.content)}</span>{_address(token, "src")}'


def _address(token: Token, attribute: str) -> str:
    """Where a link or an image points to, as text."""
    address, title = str(token.attrs.get(attribute, "")), str(token.attrs.get("title", ""))
    quoted = f' "{title}"' if title else ""
    return f' <span class="address" dir="ltr">({escape(address + quoted)})</span>'


def _table_open(self: RendererHTML, tokens: Sequence[Token], index: int, options: Any, _env: Env) -> str:
    label = escape(_("Table"))
    direction = tokens[index].attrs["dir"]
    table = self.renderToken(tokens, index, options, {})
    return f'<div class="scroll" role="group" tabindex="0" aria-label="{label}" dir="{direction}">{table}'


def _table_close(_self: RendererHTML, _tokens: Sequence[Token], _index: int, _options: Any, _env: Env) -> str:
    return "</table></div>"


def _item_open(self: RendererHTML, tokens: Sequence[Token], index: int, options: Any, _env: Env) -> str:
    """A numbered item keeps the number it was given; browsers would count for themselves."""
    token = tokens[index]
    if not token.info:
        return self.renderToken(tokens, index, options, {})
    direction = token.attrs["dir"]
    number = f'<span class="number" dir="ltr">{escape(token.info + token.markup)}</span>'
    return f'<li dir="{direction}">{number} <div class="item" dir="{direction}">'


def _item_close(_self: RendererHTML, tokens: Sequence[Token], index: int, _options: Any, _env: Env) -> str:
    return "</li>" if tokens[index].markup in "-*+" else "</div></li>"


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "xhtmlOut": False})
    parser.enable(["table", "strikethrough"])
    parser.disable(["reference", "entity", "autolink", "html_block", "html_inline"])
    # Addresses are shown, so they stay as they were written, and none needs to be refused.
    parser.normalizeLink = parser.normalizeLinkText = str  # type: ignore[method-assign,assignment]
    parser.validateLink = bool  # type: ignore[method-assign,assignment]
    rules = {
        "text": _text, "softbreak": _break, "hardbreak": _break, "code_inline": _inline_code,
        "fence": _code, "code_block": _code, "link_open": _link_open, "link_close": _link_close, "image": _image,
        "table_open": _table_open, "table_close": _table_close,
        "list_item_open": _item_open, "list_item_close": _item_close,
    }  # fmt: skip
    for name, rule in rules.items():
        parser.add_render_rule(name, rule)
    return parser


def _attribute(_tag: str, name: str, value: str) -> str | None:
    """Anchors and their targets are ours, or they are not there."""
    return value if name not in ("id", "href") or OWN_ANCHOR.fullmatch(value) else None


PARSER = _parser()
# The parser already writes nothing else; should it ever, this takes it away.
SANITISER = nh3.Cleaner(
    tags=TAGS,
    clean_content_tags=set(),
    attributes={"a": {"id", "href"}, "div": {"aria-label"}, "span": {"title"}},
    attribute_filter=_attribute,
    tag_attribute_values={
        "div": {"role": {"group"}, "tabindex": {"0"}, "dir": {"auto", "ltr", "rtl"}},
        **{tag: {"dir": {"auto", "ltr", "rtl"}} for tag in DIRECTED if tag != "div"},
    },
    allowed_classes=CLASSES,
    url_schemes=set(),
    link_rel=None,
)
