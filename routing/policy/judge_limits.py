"""When a judge of ours may be called: its circuit breaker, its monthly budget and its pace. Pure.

Money is counted in millionths of the judge's currency: a price per million tokens is then what one token costs.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import ROUND_CEILING, Decimal

# So many failures in a row open the circuit, for this long, doubled each time a probe fails.
OPEN_AFTER = 5
FIRST_OPEN, LONGEST_OPEN = timedelta(seconds=30), timedelta(minutes=15)
# Whoever may call within this much waits for it on the spot.
PATIENCE = timedelta(seconds=2)
LONGEST_PAUSE = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Limits:
    """What the owner set. `budget` per month in millionths, None without one."""

    requests_per_minute: int
    budget: int | None


@dataclass(frozen=True, slots=True)
class Standing:
    """How a judge is doing. `spent` in `month` (YYYY-MM) holds the reservations for calls under way."""

    failures: int = 0
    open_until: datetime | None = None
    month: str = ""
    spent: int = 0
    next_call_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Admitted:
    """Call at `at`, with `estimate` reserved in `month`; `standing` is to be stored before."""

    standing: Standing
    at: datetime
    month: str
    estimate: int


@dataclass(frozen=True, slots=True)
class Held:
    """Not now: again at `until`, or not at all (None). `why`: circuit_open, rate_limited or budget_spent."""

    why: str
    until: datetime | None


def month_of(now: datetime) -> str:
    """Budgets count UTC months; `now` is in UTC."""
    return f"{now:%Y-%m}"


def breaker(standing: Standing, now: datetime) -> str:
    """closed, open, or half-open: the next call is a probe."""
    if standing.failures < OPEN_AFTER:
        return "closed"
    return "open" if standing.open_until and now < standing.open_until else "half-open"


def admit(standing: Standing, limits: Limits, *, estimate: int, now: datetime, probe: timedelta) -> Admitted | Held:
    """Whether one call that costs at most `estimate` may be made now.

    A half-open circuit lets one call through; while it is under way, at most for `probe`, the others are held.
    """
    state = breaker(standing, now)
    if state == "open":
        return Held("circuit_open", standing.open_until)
    month = month_of(now)
    spent = standing.spent if standing.month == month else 0
    if limits.budget is not None and spent + estimate > limits.budget:
        return Held("budget_spent", None)
    at = max(now, standing.next_call_at or now)
    if at > now + PATIENCE:
        return Held("rate_limited", at - PATIENCE / 2)
    pace = timedelta(seconds=60.0 / limits.requests_per_minute)
    open_until = at + probe if state == "half-open" else standing.open_until
    after = replace(standing, open_until=open_until, month=month, spent=spent + estimate, next_call_at=at + pace)
    return Admitted(after, at, month, estimate)


def settle(standing: Standing, admitted: Admitted, *, cost: int, healthy: bool | None, now: datetime) -> Standing:
    """After the call: the reservation becomes the cost, and the circuit learns how it went.

    `healthy`: the judge's server answered as it should (True), is in trouble (False), or neither can be said.
    A reservation of a month that is over is no longer in `spent`.
    """
    spent = standing.spent
    if standing.month == admitted.month:
        spent = max(0, spent - admitted.estimate + cost)
    if healthy:
        return replace(standing, spent=spent, failures=0, open_until=None)
    if healthy is None:
        # A probe that says nothing makes way for the next one.
        return replace(standing, spent=spent, open_until=now if standing.open_until else None)
    failures = standing.failures + 1
    open_until = standing.open_until
    if failures >= OPEN_AFTER:
        open_until = now + min(FIRST_OPEN * 2 ** min(failures - OPEN_AFTER, 20), LONGEST_OPEN)
    return replace(standing, spent=spent, failures=failures, open_until=open_until)


def slowed(standing: Standing, seconds: float, now: datetime) -> Standing:
    """Nobody calls before what the judge's server asked for has passed, at most an hour."""
    until = now + min(timedelta(seconds=seconds), LONGEST_PAUSE)
    return replace(standing, next_call_at=max(until, standing.next_call_at or until))


def cost_of(input_tokens: int, output_tokens: int, price_input: Decimal, price_output: Decimal) -> int:
    """In millionths, rounded up; prices are per million tokens."""
    exact = input_tokens * price_input + output_tokens * price_output
    return int(exact.to_integral_value(rounding=ROUND_CEILING))


def most_tokens(text: str) -> int:
    """No text has more tokens than bytes in a byte-level vocabulary; some more for what separates the messages."""
    return len(text.encode("utf-8", "surrogatepass")) + 64
