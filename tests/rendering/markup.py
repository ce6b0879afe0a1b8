"""Reading HTML back the way a browser would: its text, its elements, and whether it hangs together."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"br", "hr"}
DIRECTIONS = {"auto", "ltr", "rtl"}
PLAIN_ELEMENTS = "blockquote br code del em h3 h4 h5 h6 hr ins li ol p pre s strong table tbody td th thead tr ul"
OWN_CLASSES = (
    "address center citation code image item json language line-end link name number right role scroll sign string"
    " text turn value"
)
# Every element that rendering may write, with its attributes besides `class` and `dir`.
ALLOWED: dict[str, set[str]] = {
    **{tag: set() for tag in PLAIN_ELEMENTS.split()},
    "a": {"id", "href"},
    "details": {"open"},
    "div": {"role", "tabindex", "aria-label"},
    "span": {"data-sign", "title"},
    "summary": {"data-count"},
}


@dataclass
class Markup(HTMLParser):
    """What came out: `faults` is empty when all of it is ours and every element is closed in its order."""

    text: str = ""
    faults: list[str] = field(default_factory=list)
    targets: list[str] = field(default_factory=list)
    headings: list[int] = field(default_factory=list)
    skip: str = ""
    stack: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.stack.append(tag)
        if tag[0] == "h" and tag[1:].isdigit():
            self.headings.append(int(tag[1:]))
        for name, value in attrs:
            fine = {
                "class": set((value or "").split()) <= set(OWN_CLASSES.split()),
                "dir": value in DIRECTIONS,
                "href": (value or "").startswith("#passage-"),
                "role": value == "group",
            }.get(name, name in ALLOWED.get(tag, ()))
            if tag not in ALLOWED or not fine:
                self.faults.append(f"<{tag} {name}={value!r}>")
            if name == "href":
                self.targets.append(value or "")
        if tag not in ALLOWED:
            self.faults.append(f"<{tag}>")

    def handle_endtag(self, tag: str) -> None:
        if not self.stack or self.stack.pop() != tag:
            self.faults.append(f"</{tag}> closes nothing")

    def handle_data(self, data: str) -> None:
        if not self.skip or self.skip not in self.stack:
            self.text += data

    def handle_comment(self, data: str) -> None:
        self.faults.append(f"comment {data!r}")

    def handle_decl(self, decl: str) -> None:
        self.faults.append(f"declaration {decl!r}")

    def unknown_decl(self, data: str) -> None:
        self.faults.append(f"declaration {data!r}")

    def handle_pi(self, data: str) -> None:
        self.faults.append(f"instruction {data!r}")


def read(html: str, *, without: str = "") -> Markup:
    """The HTML, read; text inside the element `without` left out."""
    markup = Markup(skip=without)
    markup.feed(html)
    markup.close()
    markup.faults += [f"<{tag}> is never closed" for tag in markup.stack]
    return markup


def text_of(html: str, *, without: str = "") -> str:
    return read(html, without=without).text


def letters(text: str) -> str:
    return "".join(filter(str.isalnum, text))
