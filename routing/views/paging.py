"""Pages of long lists, by the same cursors as the API's."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.db.models import QuerySet
from django.http import Http404, HttpRequest
from rest_framework.request import Request

from reviewapp.core.pagination import newest_first
from reviewapp.core.problems import Problem

PER_PAGE = 50


@dataclass(frozen=True, slots=True)
class Page:
    """Rows as view models; `older` and `newer` are query strings of the neighbouring pages, "" at the ends."""

    rows: list[Any]
    older: str
    newer: str


def page_of(request: HttpRequest, rows: QuerySet[Any], show: Callable[[Any], Any], *, limit: int = PER_PAGE) -> Page:
    """One page of `rows`, which are ordered by descending primary key. Raises Http404 for a bad cursor."""
    try:
        answer = newest_first(Request(request), rows, show, cursor=request.GET.get("cursor"), limit=limit).data
    except Problem:
        raise Http404("no such page") from None
    return Page(answer["results"], older=_query(answer["next"]), newer=_query(answer["previous"]))


def _query(url: str | None) -> str:
    return f"?{urlsplit(url).query}" if url else ""
