"""Numbers as people read them. A figure without enough data is the word "undefined" with its reason and count."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from labeling.stats.reviewers import Rate

REASONS = {
    "no_pairable_units": "no item was rated by two people",
    "no_variation": "every rating was the same",
    "no_defined_resample": "too few ratings for an interval",
    "insufficient_variation": "insufficient variation",
    "nothing_shipped": "nothing has shipped",
    "too_few_labels": "too few verdicts",
    "not_enough_evidence": "not enough verdicts to certify a threshold",
    "no_labels": "no verdicts yet",
    "unaudited_stratum": "some of what shipped was never audited",
    "observed_rate_at_or_above_target": "the error rate seen is at or above the target",
    "bound_too_wide": "the bound is still too wide",
    "only_one_class": "all verdicts were the same",
}


@dataclass(frozen=True, slots=True)
class Estimate:
    """One figure. `value` is "" when it is undefined; then `reason` says why. `count` is what it rests on."""

    value: str
    interval: str
    count: str
    reason: str = ""


def reason_text(code: str) -> str:
    """A service's word for why a figure is undefined, for people."""
    return REASONS.get(code, code.replace("_", " "))


def percent(share: float, digits: int = 1) -> str:
    return f"{100 * share:.{digits}f}%"


def percent_range(low: float, high: float, digits: int = 1) -> str:
    return f"{100 * low:.{digits}f}–{100 * high:.{digits}f}%"


def decimal(value: float, digits: int = 2) -> str:
    """A coefficient, with a true minus sign; what rounds to nothing has none."""
    return f"{value:z.{digits}f}".replace("-", "−")


def rate(found: Rate, *, of: str, without: str) -> Estimate:
    """A reviewer's rate; `of` names what is counted, `without` says what is missing when there are no trials."""
    if found.rate is None or found.interval is None:
        return Estimate("", "", f"n = {found.trials}", without)
    interval = percent_range(found.interval.low, found.interval.high, 0)
    return Estimate(percent(found.rate, 0), interval, f"{found.successes} of {found.trials} {of}".strip())


def duration(seconds: float) -> str:
    """Two units at most: "45 s", "12 min", "3 h 20 min", "5 d 2 h"."""
    seconds = round(seconds)
    if seconds < 90:
        return f"{seconds} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours} h" if hours else f"{days} d"


def until(moment: datetime, now: datetime) -> str:
    """How far off a due date is."""
    seconds = (moment - now).total_seconds()
    return f"in {duration(seconds)}" if seconds >= 0 else f"{duration(-seconds)} overdue"


def pretty(value: Any) -> str:
    """JSON for reading."""
    return json.dumps(value, indent=2, ensure_ascii=False)


def compact(value: Any) -> str:
    """A JSON value on one line; text stands as it is, fractions are cut to six digits, and nothing is a dash."""
    if value is None or value == "":
        return "–"
    if isinstance(value, float):
        return f"{value:.6g}"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
