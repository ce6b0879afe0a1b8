"""Small pools and outcomes made by hand."""

from datetime import UTC, datetime
from typing import Any

from reviewapp.simulation.outcome import Outcome
from reviewapp.simulation.pool import Group, Pool, PoolRow, Shifts
from reviewapp.simulation.stream import Arrival

MONDAY = datetime(2026, 11, 2, tzinfo=UTC)


def make_row(key: str = "row-1", **fields: Any) -> PoolRow:
    values: dict[str, Any] = {
        "group": "letters",
        "prompt_group": key,
        "intent": "letters/short",
        "prompt": f"Write {key}.",
        "context": (),
        "response": f"This is {key}.",
        "source": {"model": "alder"},
        "signals": ({"kind": "score", "name": "grounded", "value": 0.5},),
        "error": False,
    }
    return PoolRow(key=key, **(values | fields))


def make_pool(good: int = 40, wrong: int = 20) -> Pool:
    """Two groups; in letters every prompt was answered by alder and by birch, of whom only birch is ever wrong."""
    letters = [
        make_row(f"letter-{source}-{number}", prompt_group=f"letter-{number}", source={"model": source}, error=error)
        for number in range(good)
        for source, error in (("alder", False), ("birch", number < wrong))
    ]
    sums = [
        make_row(f"sum-{number}", group="sums", intent="sums", error=number < wrong, source={})
        for number in range(good)
    ]
    return Pool(
        name="letters and sums",
        rows=(*letters, *sums),
        gold=(),
        groups=(Group("letters", 0.75, 0.2), Group("sums", 0.25, 0.1)),
        stakes_by_intent={"sums": "high"},
        default_stakes="low",
        shifts=Shifts("sums", "letters", "score:grounded", "letters", ("alder",), "birch"),
    )


def make_outcome(number: int = 1, **fields: Any) -> Outcome:
    """A shipped output that nobody looked at, good unless `error`."""
    row = make_row(f"row-{number}", error=fields.pop("error", False), **fields.pop("row", {}))
    values: dict[str, Any] = {
        "action": "ship",
        "audited": False,
        "confidence": 0.9,
        "stakes": "low",
        "inclusion_probability": 0.1,
    }
    return Outcome(arrival=Arrival(f"sim-1-{number}", row, row.signals, MONDAY), **(values | fields))


def audited(number: int, *, error: bool = False, rejected: bool = False, **fields: Any) -> Outcome:
    return make_outcome(number, error=error, audited=True, rejected=rejected, reviews=1, **fields)


def reviewed(number: int, *, error: bool = False, rejected: bool = False, **fields: Any) -> Outcome:
    return make_outcome(
        number,
        error=error,
        action="review",
        inclusion_probability=1.0,
        rejected=rejected,
        reviews=fields.pop("reviews", 1),
        **fields,
    )
