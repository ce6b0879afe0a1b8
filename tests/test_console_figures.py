"""Numbers in words, and where the small charts put them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from routing.views.charts import alpha_plot, reliability_dots, stacked_bar
from routing.views.figures import compact, decimal, duration, until
from tests.people import NOW


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (89, "89 s"),
        (90, "2 min"),
        (3540, "59 min"),
        (3600, "1 h"),
        (12_000, "3 h 20 min"),
        (180_000, "2 d 2 h"),
    ],
)
def test_durations_have_two_units_at_most(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_due_dates_say_how_far_off_they_are() -> None:
    assert until(NOW + timedelta(hours=2), NOW) == "in 2 h"
    assert until(datetime(2026, 11, 20, 8, 0, tzinfo=UTC), NOW) == "1 h overdue"


@pytest.mark.parametrize(
    ("value", "words"), [(None, "–"), ("", "–"), ("as it is", "as it is"), (0.1 + 0.2, "0.3"), ([1, "é"], '[1, "é"]')]
)
def test_values_are_shown_on_one_line(value: Any, words: str) -> None:
    assert compact(value) == words


def test_coefficients_have_a_true_minus_unless_they_are_nothing() -> None:
    assert [decimal(value) for value in (-0.25, -0.001, 1.0)] == ["−0.25", "0.00", "1.00"]


def test_the_alpha_plot_stays_inside_its_picture() -> None:
    plot = alpha_plot(0.8, (-0.9, 1.0), "")
    assert (plot.low, plot.high, plot.cut) == (0.0, plot.width, True)
    assert plot.point == plot.bars[1]
    assert alpha_plot(0.5, None, "").low is None


def test_the_reliability_diagram_puts_what_was_observed_upwards() -> None:
    row = {"mean_predicted": 0.25, "observed": 1.0, "interval": [0.5, 1.0], "weight": 1.0, "n": 4}
    (dot,) = reliability_dots([row])
    assert (dot.x, dot.y, dot.top, dot.bottom) == (60.0, 0.0, 0.0, 120.0)


def test_a_stacked_bar_leaves_empty_parts_out() -> None:
    bar = stacked_bar([("unseen", 1), ("audited", 0), ("review", 3)], 4)
    assert [(part.name, part.x, part.width) for part in bar] == [("unseen", 0.0, 40.0), ("review", 40.0, 120.0)]
    assert stacked_bar([("unseen", 0)], 0) == []
