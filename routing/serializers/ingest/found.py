"""What a reader of an export finds in one row."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Found:
    """A body of `POST /outputs/`, or the `fault` that makes it none, or neither: a row of another kind.

    `left_out` names, once per occurrence, what the row holds but no output can: human annotations, say.
    """

    body: dict[str, Any] | None = None
    fault: str = ""
    left_out: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Options:
    """`intent` for rows that name none; `table` where the cells are all texts."""

    intent: str | None = None
    table: bool = False
    # What earlier rows of the same file said that later ones need, by trace.
    memory: dict[str, list[Any]] = field(default_factory=dict)
