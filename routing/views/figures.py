"""Numbers as people read them. A figure without enough data is the word "undefined" with its reason and count."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.utils.formats import get_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as later

from labeling.stats.reviewers import Rate
from routing.services.told import told

REASONS = {
    "no_pairable_units": later("no item was rated by two people"),
    "no_variation": later("every rating was the same"),
    "no_defined_resample": later("too few ratings for an interval"),
    "insufficient_variation": later("insufficient variation"),
    "nothing_shipped": later("nothing has shipped"),
    "too_few_labels": later("too few verdicts"),
    "not_enough_evidence": later("not enough verdicts to certify a threshold"),
    "no_labels": later("no verdicts yet"),
    "unaudited_stratum": later("some of what shipped was never audited"),
    "observed_rate_at_or_above_target": later("the error rate seen is at or above the target"),
    "bound_too_wide": later("the bound is still too wide"),
    "only_one_class": later("all verdicts were the same"),
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
    return str(REASONS[code]) if code in REASONS else told(code.replace("_", " "))


def fixed(value: float, digits: int) -> str:
    """A number with so many decimals, and the reader's sign before them."""
    return f"{value:.{digits}f}".replace(".", get_format("DECIMAL_SEPARATOR"))


def undefined(reason: str) -> str:
    return _("undefined: %(reason)s") % {"reason": reason}


def part_of(part: int, whole: int) -> str:
    return _("%(part)s of %(whole)s") % {"part": part, "whole": whole}


def listed(numbers: Iterable[str]) -> str:
    """Numbers beside each other; where decimals stand after a comma, something else has to part them."""
    return ("; " if get_format("DECIMAL_SEPARATOR") == "," else ", ").join(numbers)


def shortest(value: float | Decimal) -> str:
    """A number with the decimals it needs."""
    return f"{value:g}".replace(".", get_format("DECIMAL_SEPARATOR"))


def percent(share: float, digits: int = 1) -> str:
    return _("%(number)s%%") % {"number": fixed(100 * share, digits)}


def percent_range(low: float, high: float, digits: int = 1) -> str:
    return _("%(low)s–%(high)s%%") % {"low": fixed(100 * low, digits), "high": fixed(100 * high, digits)}


def decimal(value: float, digits: int = 2) -> str:
    """A coefficient, with a true minus sign; what rounds to nothing has none."""
    return f"{value:z.{digits}f}".replace("-", "−").replace(".", get_format("DECIMAL_SEPARATOR"))


def share_range(bounds: Sequence[float] | None) -> str:
    """The two ends of an interval of a share in whole percent; "" for none."""
    if not bounds:
        return ""
    low, high = bounds
    return percent_range(low, high, 0)


def points(value: float) -> str:
    """A difference of shares in percentage points, with its sign."""
    return f"{100 * value:+z.0f}".replace("-", "−")


def rate(found: Rate, *, of: str, without: str) -> Estimate:
    """A reviewer's rate; `of` names what is counted, `without` says what is missing when there are no trials."""
    if found.rate is None or found.interval is None:
        return Estimate("", "", f"n = {found.trials}", without)
    interval = percent_range(found.interval.low, found.interval.high, 0)
    return Estimate(percent(found.rate, 0), interval, f"{part_of(found.successes, found.trials)} {of}".strip())


def duration(seconds: float) -> str:
    """Two units at most: "45 s", "12 min", "3 h 20 min", "5 d 2 h"."""
    seconds = round(seconds)
    if seconds < 90:
        return _("%(seconds)d s") % {"seconds": seconds}
    minutes = round(seconds / 60)
    if minutes < 60:
        return _("%(minutes)d min") % {"minutes": minutes}
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return (_("%(hours)d h %(minutes)d min") if minutes else _("%(hours)d h")) % {
            "hours": hours,
            "minutes": minutes,
        }
    days, hours = divmod(hours, 24)
    return (_("%(days)d d %(hours)d h") if hours else _("%(days)d d")) % {"days": days, "hours": hours}


def until(moment: datetime, now: datetime) -> str:
    """How far off a due date is."""
    seconds = (moment - now).total_seconds()
    text = _("in %(duration)s") if seconds >= 0 else _("%(duration)s overdue")
    return text % {"duration": duration(abs(seconds))}


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
