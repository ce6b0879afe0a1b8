"""The stream: what arrives when, drawn from the pool. Pure; the same seed gives the same stream, byte for byte."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reviewapp.simulation.pool import Cell, Group, Pool, PoolRow, Signal, with_gold_apart
from routing.policy.evidence import signal_key

SHIFTS = ("errors", "mix", "sources", "missing_signal", "rescaled_signal")
# Shifts begin after this share of the stream.
SHIFT_AT = 0.6
ERRORS_GROW_BY = 1.6

# A Monday. The warm-up takes the two working days before it.
STREAM_START = datetime(2026, 11, 2, tzinfo=UTC)
STREAM_DAYS = 5
WARMUP_START = STREAM_START - timedelta(days=4)
WARMUP_DAYS = 2
# Rates of night, day and evening, eight hours each, and a burst on the third day from 11 to 12.
HOURLY_RATES = (1.0,) * 8 + (3.0,) * 8 + (2.0,) * 8
BURST_HOUR = 2 * 24 + 11
BURST_RATE = 5.0 * 3.0

# What a random stream is for: every use has its own, so that none disturbs another.
WARMUP, STREAM, TIMES, WARMUP_TIMES, GOLD = range(5)

GOLD_CASES = 120
# One in so many rows of a cell at most is set apart as gold, of a pool without any and of one that brings its own.
MOST_AS_GOLD, MOST_AS_FURTHER_GOLD = 4, 3
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Arrival:
    """One output on its way in. `signals` are the row's, or what a shift made of them."""

    external_id: str
    row: PoolRow
    signals: tuple[Signal, ...]
    occurred_at: datetime

    @property
    def error(self) -> bool:
        return self.row.error

    @property
    def group(self) -> str:
        return self.row.group

    def body(self) -> dict[str, Any]:
        """The request of `POST /outputs/`; no truth in it."""
        return {
            "external_id": self.external_id,
            "intent": self.row.intent,
            "prompt": self.row.prompt,
            "context": [dict(passage) for passage in self.row.context],
            "response": self.row.response,
            **({"source": dict(self.row.source)} if self.row.source else {}),
            "signals": [dict(signal) for signal in self.signals],
            "occurred_at": self.occurred_at.isoformat(),
        }


@dataclass(frozen=True, slots=True)
class Drawn:
    """A warm-up and a stream from one pool, whose gold rows are in neither."""

    pool: Pool
    warmup: tuple[Arrival, ...]
    stream: tuple[Arrival, ...]
    shift_at: int | None = None


@dataclass(frozen=True, slots=True)
class _Cursor:
    """Where in a pool a uniform number leads: first the group, then the kind, then the row."""

    names: tuple[str, ...]
    bounds: tuple[float, ...]
    error_rates: tuple[float, ...]
    cells: Mapping[Cell, tuple[int, ...]] = field(repr=False)

    @classmethod
    def of(cls, groups: Sequence[Group], cells: Mapping[Cell, tuple[int, ...]]) -> "_Cursor":
        total = sum(group.share for group in groups)
        bounds = tuple(bound / total for bound in accumulate(group.share for group in groups))
        return cls(tuple(group.name for group in groups), bounds, tuple(g.error_rate for g in groups), cells)

    def position(self, draws: Sequence[float]) -> int:
        index = min(bisect_right(self.bounds, draws[0]), len(self.names) - 1)
        cell = self.cells[self.names[index], draws[1] < self.error_rates[index]]
        return cell[int(draws[2] * len(cell))]


def draw(pool: Pool, *, seed: int, outputs: int, warmup: int, shifts: Sequence[str] = ()) -> Drawn:
    """Gold set apart, then the warm-up and the stream of `outputs` arrivals, each with draws of its own."""
    pool = with_gold_apart(pool, _gold_positions(pool, seed))
    shift_at = int(SHIFT_AT * outputs) if shifts else None
    before = _Cursor.of(pool.groups, pool.cells)
    after = _Cursor.of(shifted_groups(pool, shifts), pool.cells)
    rows = [before.position(draws) for draws in _generator(seed, WARMUP).random((warmup, 3)).tolist()]
    times = arrival_times(warmup, start=WARMUP_START, days=WARMUP_DAYS, rng=_generator(seed, WARMUP_TIMES))
    early = [
        Arrival(f"sim-{seed}-w{number}", pool.rows[row], pool.rows[row].signals, at)
        for number, (row, at) in enumerate(zip(rows, times, strict=True), start=1)
    ]
    stream: list[Arrival] = []
    times = arrival_times(outputs, start=STREAM_START, days=STREAM_DAYS, rng=_generator(seed, TIMES))
    for number, draws in enumerate(_generator(seed, STREAM).random((outputs, 3)).tolist()):
        shifted = shift_at is not None and number >= shift_at
        row, signals = _shifted_row(pool, after.position(draws), shifts) if shifted else _plain(pool, before, draws)
        stream.append(Arrival(f"sim-{seed}-{number + 1}", row, signals, times[number]))
    return Drawn(pool=pool, warmup=tuple(early), stream=tuple(stream), shift_at=shift_at)


def shifted_groups(pool: Pool, shifts: Sequence[str]) -> tuple[Group, ...]:
    """The groups with error rates times 1.6 (at most 1), and with the share of one of them doubled."""
    growth = ERRORS_GROW_BY if "errors" in shifts else 1.0
    shares = {group.name: group.share for group in pool.groups}
    if "mix" in shifts:
        grown = min(1.0, 2.0 * shares[pool.shifts.doubled])
        rest = (1.0 - grown) / (1.0 - shares[pool.shifts.doubled])
        shares = {name: grown if name == pool.shifts.doubled else share * rest for name, share in shares.items()}
    return tuple(Group(g.name, shares[g.name], min(1.0, g.error_rate * growth)) for g in pool.groups)


def arrival_times(count: int, *, start: datetime, days: int, rng: np.random.Generator) -> list[datetime]:
    """`count` moments in order. A Poisson process that is known to have made n arrivals made them
    independently, each by the rate through the day (Kingman 1993, section 2.4)."""
    rates = np.tile(np.array(HOURLY_RATES), days)
    if len(rates) > BURST_HOUR:
        rates[BURST_HOUR] = BURST_RATE
    reached = np.concatenate([[0.0], np.cumsum(rates)]) / rates.sum()
    hours = np.interp(np.sort(rng.random(count)), reached, np.arange(len(rates) + 1))
    # Whole milliseconds, so that a moment survives any text form of it.
    return [start + timedelta(milliseconds=round(hour * 3_600_000)) for hour in hours.tolist()]


def _plain(pool: Pool, cursor: _Cursor, draws: Sequence[float]) -> tuple[PoolRow, tuple[Signal, ...]]:
    row = pool.rows[cursor.position(draws)]
    return row, row.signals


def _shifted_row(pool: Pool, position: int, shifts: Sequence[str]) -> tuple[PoolRow, tuple[Signal, ...]]:
    if "sources" in shifts:
        position = pool.replacements.get(position, position)
    row = pool.rows[position]
    signals = row.signals
    if "missing_signal" in shifts and row.group == pool.shifts.missing:
        signals = ()
    if "rescaled_signal" in shifts:
        signals = tuple(_squared(s) if signal_key(s) == pool.shifts.rescaled else s for s in signals)
    return row, signals


def _squared(signal: Signal) -> Signal:
    """The same evidence reported as its square."""
    if "value" in signal:
        return {**signal, "value": signal["value"] ** 2}
    return {name: value**2 if isinstance(value, int) else value for name, value in signal.items()}


def _gold_positions(pool: Pool, seed: int) -> dict[Cell, list[int]]:
    """As many wrong as good cases, by the groups' shares of traffic: what people do with gold then says
    what they do with traffic. Those that the pool brings along count."""
    rng = _generator(seed, GOLD)
    chosen: dict[Cell, list[int]] = {}
    most = MOST_AS_FURTHER_GOLD if pool.gold else MOST_AS_GOLD
    brought = Counter((row.group, row.error) for row in pool.gold)
    for group in pool.groups:
        for error in (False, True):
            members = len(pool.cells[group.name, error])
            missing = max(0, round(GOLD_CASES / 2 * group.share) - brought[group.name, error])
            wanted = min(missing, members // most)
            chosen[group.name, error] = sorted(np.argsort(rng.random(members), kind="stable")[:wanted].tolist())
    return chosen


def _generator(seed: int, use: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, use])))
