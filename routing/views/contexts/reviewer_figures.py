"""The panel's figures as people read them: with interval and count, or with the reason why there is none."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as later
from django.utils.translation import ngettext

from labeling.queries.panel.figures import Agreement, Change, Coefficient, Difference, GoldShare, Share, Side
from labeling.stats.intervals import Interval
from routing.views.figures import Estimate, decimal, part_of, percent, percent_range, undefined

REASONS = {
    "no_gold": later("no gold yet"),
    "no_planted_failures": later("no planted failure yet"),
    "no_good_cases": later("no good case yet"),
    "no_round": later("no such round yet"),
    "no_repeats": later("no repeats yet"),
    "no_shared_items": later("0 shared"),
    "no_ratings": later("no ratings yet"),
    "no_pairs": later("no preferences yet"),
    "no_items": later("no repeats yet"),
    "no_variation": later("every answer was the same"),
    "separated": later("right and wrong answers lie apart"),
    "no_baseline": later("nothing to compare with"),
    "too_few_gold": later("fewer than ten gold answers"),
    "too_few_ratings": later("too few ratings, before or lately"),
    "too_few_shared_items": later("too few items that a third person judged too"),
    "judge_never_known_wrong": later("no judge is known to be wrong on these items"),
}
# A chart's size in px, and the room that one point takes.
CHART_HEIGHT, POINT_ROOM = 120.0, 34.0


@dataclass(frozen=True, slots=True)
class Point:
    """One share in a chart, in px: its place, the ends of its interval, and a sentence."""

    x: float
    y: float
    top: float
    bottom: float
    label: str


@dataclass(frozen=True, slots=True)
class Chart:
    """Shares from 0 at the bottom to 1 at the top; `width` in px."""

    title: str
    width: float
    points: Sequence[Point]


def why(reason: str | None) -> str:
    return str(REASONS.get(reason or "", (reason or "").replace("_", " ")))


def share(found: Share | GoldShare | Side) -> Estimate:
    if found.rate is None or found.interval is None:
        return Estimate("", "", f"n = {found.n}", why(found.reason))
    hits = found.first if isinstance(found, Side) else found.successes
    return Estimate(percent(found.rate, 0), ranged(found.interval), part_of(hits, found.n))


def agreement(found: Agreement) -> Estimate:
    if found.rate is None or found.interval is None:
        return Estimate("", "", "n = 0", why(found.reason))
    items = ngettext("%(count)d item", "%(count)d items", found.items) % {"count": found.items}
    return Estimate(percent(found.rate, 0), ranged(found.interval), items)


def equal(found: Coefficient) -> Estimate:
    if found.percent is None or found.interval is None:
        return Estimate("", "", f"n = {found.n}", why(found.reason))
    return Estimate(percent(found.percent, 0), ranged(found.interval), part_of(found.same, found.n))


def kappa(found: Coefficient) -> str:
    """With its interval, or why there is none."""
    if found.kappa is None:
        return undefined(why(found.kappa_reason)) if found.n else "–"
    if found.kappa_interval is None:
        return decimal(found.kappa)
    low, high = decimal(found.kappa_interval.low), decimal(found.kappa_interval.high)
    return _("%(value)s (%(low)s to %(high)s)") % {"value": decimal(found.kappa), "low": low, "high": high}


def points(found: Difference) -> Estimate:
    """A difference of shares, in percentage points."""
    return _signed(found, lambda value: signed(100 * value, 0))


def steps(found: Difference) -> Estimate:
    """A difference of levels, in steps of the scale."""
    return _signed(found, lambda value: signed(value, 2))


def signed(value: float, digits: int) -> str:
    text = decimal(value, digits)
    return text if value <= 0 or text.strip("0.,") == "" else f"+{text}"


def _signed(found: Difference, show: Callable[[float], str]) -> Estimate:
    if found.difference is None:
        return Estimate("", "", f"n = {found.n}", why(found.reason))
    between = _("%(low)s to %(high)s")
    interval = between % {"low": show(found.interval.low), "high": show(found.interval.high)} if found.interval else ""
    return Estimate(show(found.difference), interval, f"n = {found.n}")


def ranged(interval: Interval) -> str:
    return percent_range(interval.low, interval.high, 0)


def always(found: GoldShare) -> str:
    return _("however often looked at: %(range)s") % {"range": ranged(found.always)} if found.always else ""


def change(found: Change, show: Callable[[float], str]) -> Estimate:
    count = _("n = %(recent)s against %(before)s") % {"recent": found.n_recent, "before": found.n_before}
    if found.change is None:
        return Estimate("", "", count, why(found.reason))
    return Estimate(show(found.change), p_value(found.p), count)


def p_value(value: float | None) -> str:
    if value is None:
        return ""
    return _("p < .001") if value < 0.001 else _("p = %(value)s") % {"value": decimal(value, 3)}


def chart(title: str, shares: Sequence[tuple[str, Share]]) -> Chart:
    """Shares beside each other; what is undefined leaves its place empty."""
    found = []
    for place, (name, entry) in enumerate(shares):
        if entry.rate is not None and entry.interval is not None:
            label = f"{name}: {percent(entry.rate, 0)}, {ranged(entry.interval)}, n = {entry.n}"
            x = round((place + 0.5) * POINT_ROOM, 1)
            found.append(Point(x, _up(entry.rate), _up(entry.interval.high), _up(entry.interval.low), label))
    return Chart(title, POINT_ROOM * max(1, len(shares)), found)


def _up(value: float) -> float:
    return round((1.0 - value) * CHART_HEIGHT, 1)
