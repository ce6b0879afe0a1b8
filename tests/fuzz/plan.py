"""Which operation is called by whom, how often, and with which values in its path."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

METHODS = ("get", "post", "put", "patch", "delete")
# Whom an operation is made for, by the ways to sign in that its document names.
KEY, OWNER, REVIEWER = "key", "owner", "reviewer"
# Callers for whom an operation is not made are tried as well, less often.
ASIDE = 0.05
# Per path parameter; about half of the addresses with two then name something that exists.
REAL = 0.75
# Characters.
LONG = 20_000
PARAMETER = re.compile(r"([^/]+)/\{(\w+)\}")


@dataclass(frozen=True)
class Errand:
    """One operation as one caller tries it."""

    path: str
    method: str
    caller: str
    share: float

    @property
    def label(self) -> str:
        return f"{self.method.upper()} {self.path}"

    def examples(self, most: int) -> int:
        return max(1, round(most * self.share))

    @property
    def writes(self) -> bool:
        return self.method != "get"

    @property
    def deed(self) -> str:
        """The last word of its path, which for some says what they do: submit, undo."""
        return self.path.strip("/").rsplit("/", 1)[-1]

    @property
    def places(self) -> dict[str, str]:
        """The names of its path parameters, each with the word before it: {"version": "policies/version"}."""
        return {name: f"{word}/{'pk' if name == 'id' else name}" for word, name in self._words()}

    def _words(self) -> Iterator[tuple[str, str]]:
        word = ""
        for part in self.path.strip("/").split("/"):
            if part.startswith("{"):
                yield word, part.strip("{}")
            else:
                word = part


def lightened(schema: Any) -> Any:
    """The document without the patterns of its longest texts: to make up one that fits takes half a second each."""
    if isinstance(schema, list):
        return [lightened(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    left_out = {"pattern"} if schema.get("maxLength", 0) >= LONG else set()
    return {key: lightened(part) for key, part in schema.items() if key not in left_out}


def errands(document: Mapping[str, Any], *, only: str = "") -> list[Errand]:
    """Every operation of the document whose label matches `only`, once per caller that may try it."""
    found: list[Errand] = []
    for path, entry in document["paths"].items():
        for method in (name for name in METHODS if name in entry):
            ways = {name for need in entry[method]["security"] for name in need}
            found += [Errand(path, method, caller, share) for caller, share in callers_of(ways)]
    return [errand for errand in found if re.search(only, errand.label)]


def callers_of(ways: set[str]) -> list[tuple[str, float]]:
    """Callers and their share of the examples; the first is whom the operation is made for."""
    if "personToken" not in ways:
        return [(KEY, 1.0), (OWNER, ASIDE)]
    if "apiKey" not in ways:
        return [(REVIEWER, 1.0), (OWNER, ASIDE)]
    return [(OWNER, 1.0), (KEY, ASIDE), (REVIEWER, ASIDE)]
