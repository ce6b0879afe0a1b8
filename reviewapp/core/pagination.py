"""Cursor pagination by primary key: {next, previous, results}, stable while rows arrive."""

import base64
import binascii
from collections.abc import Callable
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from reviewapp.core.parsers import query_of
from reviewapp.core.problems import Problem
from reviewapp.core.serializers import StrictSerializer


def newest_first(
    request: Request,
    rows: QuerySet[Any],
    show: Callable[[Any], dict[str, Any]],
    *,
    cursor: str | None,
    limit: int,
) -> Response:
    """One page of `rows`, which are ordered by descending primary key.

    A cursor is opaque: direction and key of the row it starts beside.
    """
    direction, key = _decoded(cursor)
    try:
        page = _page(rows, direction, key, limit)
    except (ValidationError, ValueError):
        raise _bad_cursor() from None
    more = len(page) > limit
    page = page[:limit]
    if direction == "newer":
        page.reverse()
    older = page and (more if direction != "newer" else True)
    newer = page and (more if direction == "newer" else key is not None)
    return Response(
        {
            "next": _link(request, "older", page[-1]) if older else None,
            "previous": _link(request, "newer", page[0]) if newer else None,
            "results": [show(row) for row in page],
        }
    )


def _page(rows: QuerySet[Any], direction: str, key: str | None, limit: int) -> list[Any]:
    if key is None:
        return list(rows[: limit + 1])
    if direction == "older":
        return list(rows.filter(pk__lt=key)[: limit + 1])
    return list(rows.filter(pk__gt=key).order_by("pk")[: limit + 1])


def _link(request: Request, direction: str, row: Model) -> str:
    word = base64.urlsafe_b64encode(f"{direction}:{row.pk}".encode()).decode().rstrip("=")
    query = request.query_params.copy()
    query["cursor"] = word
    return request.build_absolute_uri(f"{request.path}?{query.urlencode()}")


def _decoded(cursor: str | None) -> tuple[str, str | None]:
    if not cursor:
        return "older", None
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
    except (binascii.Error, ValueError):
        raise _bad_cursor() from None
    direction, _, key = text.partition(":")
    if direction not in ("older", "newer") or not key:
        raise _bad_cursor()
    return direction, key


def _bad_cursor() -> Problem:
    return Problem(
        400,
        "The request does not fit; see errors.",
        errors=[{"pointer": "/cursor", "code": "invalid", "detail": "Take the cursor from a page's links."}],
    )


class PageIn(StrictSerializer):
    cursor = serializers.CharField(required=False)
    limit = serializers.IntegerField(required=False, min_value=1, max_value=1000, default=100)


def listed(request: Request, rows: QuerySet[Any], show: Callable[[Any], dict[str, Any]]) -> Response:
    """A plain list endpoint's page, with `cursor` and `limit` from the query and nothing else."""
    page = PageIn(data=query_of(request))
    page.is_valid(raise_exception=True)
    wanted = page.validated_data
    return newest_first(request, rows, show, cursor=wanted.get("cursor"), limit=wanted["limit"])
