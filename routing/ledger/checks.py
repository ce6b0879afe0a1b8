"""What a check is, and how it is run."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, QuerySet

from reviewapp.core.models import Project

Rows = QuerySet[Any, dict[str, Any]] | list[dict[str, Any]]
Find = Callable[[Project | None], Rows]


@dataclass(frozen=True, slots=True)
class Check:
    """One recount, for the promise with this number in the design."""

    promise: int
    find: Find

    @property
    def name(self) -> str:
        return self.find.__name__.replace("_", " ")

    @property
    def meaning(self) -> str:
        """What must hold, in one sentence."""
        return (self.find.__doc__ or "").strip().splitlines()[0]


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found: how many rows are at fault, and the first of them."""

    check: Check
    count: int
    rows: list[dict[str, Any]]

    @property
    def clean(self) -> bool:
        return self.count == 0


def examine(check: Check, project: Project | None, *, most: int) -> Finding:
    """Run one check and keep at most `most` of its rows. A clean check costs one statement."""
    found = check.find(project)
    rows = list(found[: most + 1])
    if len(rows) <= most:
        return Finding(check, len(rows), rows)
    count = len(found) if isinstance(found, list) else found.count()
    return Finding(check, count, rows[:most])


def rows_of(project: Project | None, rows: QuerySet[Any, Any], path: str = "project") -> QuerySet[Any, Any]:
    """The rows of one project, or of all; in no order, which the database need not make."""
    return (rows if project is None else rows.filter(**{path: project})).order_by()


def more_than_one(rows: QuerySet[Any, Any], *columns: str, counted: str) -> QuerySet[Any, dict[str, Any]]:
    """The values of `columns` that occur in several rows, with their number under the name `counted`."""
    return rows.values(*columns).annotate(**{counted: Count("pk")}).filter(**{f"{counted}__gt": 1})
