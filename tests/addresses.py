"""Every address of the application, read from the URL configuration itself, so that none can be forgotten."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from django.urls import URLPattern, URLResolver, get_resolver
from django.urls.resolvers import RoutePattern

from reviewapp.core.problems import not_found

PARAMETER = re.compile(r"<(?:(?P<converter>\w+):)?(?P<name>\w+)>")
# Its pages have tests of their own: they are Django's, and are found by model.
ADMIN = "admin/"


@dataclass(frozen=True)
class Address:
    """One route, such as `api/v1/projects/<slug:slug>/policies/`, with what answers it."""

    route: str
    view: Any

    @property
    def parameters(self) -> list[str]:
        """Each with the word before it, as `recalibrations/pk`: what a `pk` means depends on where it stands."""
        words, found = "", []
        for part in self.route.split("/"):
            if match := PARAMETER.fullmatch(part):
                found.append(f"{words}/{match['name']}")
            else:
                words = part
        return found

    @property
    def is_api(self) -> bool:
        return self.route.startswith("api/")

    @property
    def methods(self) -> list[str]:
        """The methods it answers; for a plain function both, of which it refuses what it does not want."""
        view_class = getattr(self.view, "view_class", None) or getattr(self.view, "cls", None)
        if view_class is None:
            return ["get", "post"]
        return [name for name in ("get", "post", "put", "patch", "delete") if hasattr(view_class, name)]

    def path(self, values: Mapping[str, Any]) -> str:
        """The path with its parameters filled in, named as in `parameters`. Raises KeyError for unknown ones."""
        filled = iter([quote(str(values[name]), safe="") for name in self.parameters])
        return "/" + PARAMETER.sub(lambda match: next(filled), self.route)


def addresses() -> list[Address]:
    return list(_walk(get_resolver().url_patterns, ""))


def _walk(patterns: list[URLPattern | URLResolver], prefix: str) -> Iterator[Address]:
    for entry in patterns:
        if not isinstance(entry.pattern, RoutePattern):
            assert entry.callback is not_found, f"{entry} is no plain path: teach the tests about it"
            continue
        route = prefix + entry.pattern._route
        if route.startswith(ADMIN):
            continue
        if isinstance(entry, URLResolver):
            yield from _walk(entry.url_patterns, route)
        else:
            yield Address(route, entry.callback)
