"""Geometry of the small charts. Templates only write the numbers into SVG attributes; colours are CSS classes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any

from django.utils.translation import gettext as _

from routing.views.figures import fixed

# Alpha can fall to -1, but what lies below this is equally unusable.
ALPHA_FLOOR = -0.2
# The scale in templates/routing/_agreement.html is drawn for this width.
ALPHA_WIDTH = 150.0
ALPHA_BARS = (0.667, 0.8)
PLOT = 240.0
SMALLEST_DOT, LARGEST_DOT = 2.5, 8.0
BAR_WIDTH = 160.0


@dataclass(frozen=True, slots=True)
class IntervalPlot:
    """Positions in px along a line `width` long; `low` and `high` are None without an interval.

    `cut` when the interval goes on to the left of the picture.
    """

    width: float
    zero: float
    bars: tuple[float, ...]
    point: float
    low: float | None
    high: float | None
    cut: bool
    label: str


@dataclass(frozen=True, slots=True)
class Dot:
    """One bin of a reliability diagram: centre and radius in px, ends of its interval, and a sentence."""

    x: float
    y: float
    radius: float
    top: float
    bottom: float
    label: str


@dataclass(frozen=True, slots=True)
class Part:
    """One stretch of a stacked bar: where it starts and how long it is, in px."""

    name: str
    x: float
    width: float


def alpha_plot(alpha: float, interval: tuple[float, float] | None, label: str) -> IntervalPlot:
    """Alpha and its interval on a line from ALPHA_FLOOR to 1, with Krippendorff's bars."""
    low, high = interval or (None, None)
    return IntervalPlot(
        width=ALPHA_WIDTH,
        zero=_along(0.0),
        bars=tuple(_along(bar) for bar in ALPHA_BARS),
        point=_along(alpha),
        low=None if low is None else _along(low),
        high=None if high is None else _along(high),
        cut=low is not None and low < ALPHA_FLOOR,
        label=label,
    )


def _along(alpha: float) -> float:
    share = (min(1.0, max(ALPHA_FLOOR, alpha)) - ALPHA_FLOOR) / (1.0 - ALPHA_FLOOR)
    return round(share * ALPHA_WIDTH, 1)


def reliability_dots(bins: Iterable[Mapping[str, Any]]) -> list[Dot]:
    """Predicted to the right, observed upwards, in a square of PLOT px; the area of a dot is its weight."""
    dots = []
    for row in bins:
        low, high = row["interval"]
        dots.append(
            Dot(
                x=round(row["mean_predicted"] * PLOT, 1),
                y=round((1 - row["observed"]) * PLOT, 1),
                radius=round(SMALLEST_DOT + (LARGEST_DOT - SMALLEST_DOT) * sqrt(row["weight"]), 1),
                top=round((1 - high) * PLOT, 1),
                bottom=round((1 - low) * PLOT, 1),
                label=_("predicted %(predicted)s, observed %(observed)s, n = %(count)s")
                % {
                    "predicted": fixed(row["mean_predicted"], 2),
                    "observed": fixed(row["observed"], 2),
                    "count": row["n"],
                },
            )
        )
    return dots


def stacked_bar(parts: Sequence[tuple[str, int]], whole: int) -> list[Part]:
    """A bar BAR_WIDTH px long for `whole`; parts with nothing in them are left out."""
    bar, x = [], 0.0
    for name, count in parts:
        width = BAR_WIDTH * count / whole if whole else 0.0
        if count:
            bar.append(Part(name, round(x, 2), round(max(width, 1.0), 2)))
        x += width
    return bar
