"""References such as [1], [s2], 【policy†3】 or (policy/refunds), made to lead to the passage they name."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

MAX_LINKS = 500
BRACKETS = re.compile(r"\[([^\[\]\n]{1,200})\]|【([^【】\n]{1,200})】|\(([^()\n]{1,200})\)")
SEVERAL = re.compile(r"[,;]")
# "Source 3" and "passage s2" name the same as "3" and "s2".
PREFIX = re.compile(r"(?:sources?|documents?|docs?|passages?|references?|refs?)\s*[.:#]?\s*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Citations:
    """What can be cited: lower-cased names to passage numbers (1, 2, …). `prefix` keeps the texts' anchors apart."""

    names: Mapping[str, int] = field(default_factory=dict)
    passages: int = 0
    prefix: str = "cite"

    def passage(self, words: str, *, numbered: bool) -> int | None:
        """The number of the passage that the words name; plain numbers count only if `numbered`."""
        for name in (words, PREFIX.sub("", words, count=1)):
            name = name.partition("†")[0].strip().lstrip("^#").strip().casefold()
            if name in self.names and (numbered or not name.isdecimal()):
                return self.names[name]
            if numbered and name.isascii() and name.isdecimal() and 1 <= int(name[:9]) <= self.passages:
                return int(name[:9])
        return None


NO_CITATIONS = Citations()


def citable(ids: Sequence[str], prefix: str) -> Citations:
    """Passages by their ids, in order; of two with the same id the first is meant."""
    names: dict[str, int] = {}
    for number, name in enumerate(ids, 1):
        if name.strip():
            names.setdefault(name.strip().casefold(), number)
    return Citations(names, len(ids), prefix)


@dataclass(slots=True)
class Linker:
    """Links the citations of one text, piece by piece, and remembers (anchor, passage number) of each."""

    citations: Citations
    cited: list[tuple[str, int]] = field(default_factory=list)

    def html(self, text: str, show: Callable[[str], str]) -> str:
        """The text with its citations as links inside the page; `show` escapes what stands between and within."""
        if not self.citations.passages:
            return show(text)
        pieces: list[str] = []
        at = 0
        for start, end, number in self._found(text):
            if len(self.cited) >= MAX_LINKS:
                break
            pieces += (show(text[at:start]), self._link(number, show(text[start:end])))
            at = end
        pieces.append(show(text[at:]))
        return "".join(pieces)

    def _found(self, text: str) -> list[tuple[int, int, int]]:
        found: list[tuple[int, int, int]] = []
        for match in BRACKETS.finditer(text):
            numbered = match.group(3) is None
            inside = match.start() + 1
            words = match.group()[1:-1]
            whole = self.citations.passage(words, numbered=numbered)
            if whole:
                found.append((match.start(), match.end(), whole))
                continue
            for part in SEVERAL.split(words) if SEVERAL.search(words) else ():
                number = self.citations.passage(part, numbered=numbered)
                if number:
                    start = inside + len(part) - len(part.lstrip())
                    found.append((start, start + len(part.strip()), number))
                inside += len(part) + 1
        return found

    def _link(self, number: int, html: str) -> str:
        anchor = f"{self.citations.prefix}-{len(self.cited) + 1}"
        self.cited.append((anchor, number))
        return f'<a class="citation" id="{anchor}" href="#passage-{number}">{html}</a>'
