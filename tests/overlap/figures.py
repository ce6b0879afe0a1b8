"""The figures of a round that has ended, as `round_figures` writes them."""

from typing import Any


def ended_figures(rater: str, *, percent: float = 0.9, before: float = 0.95) -> dict[str, Any]:
    then = criterion(before)
    return {
        "people": [rater],
        "items": 20,
        "ratings": 40,
        "criteria": [criterion(percent)],
        "reviewers": [
            {"rater": rater, "items": 20, "agreement": percent, "interval": [0.7, 0.97], "reason": None},
        ],
        "before": {
            "round": None,
            "rubric": "acceptability v1",
            "criteria": [then],
            "differences": [
                {"criterion": "·outcome", "difference": percent - before, "interval": [-0.2, 0.1]},
            ],
        },
    }


def criterion(percent: float) -> dict[str, Any]:
    return {
        "criterion": "·outcome",
        "items": 20,
        "raters": 2,
        "ratings": 40,
        "percent": percent,
        "percent_interval": [percent - 0.1, min(1.0, percent + 0.1)],
        "alpha": 0.7,
        "alpha_interval": [0.4, 0.9],
        "reason": None,
        "caution": None,
        "below_floor": percent < 0.75,
        "floor_reason": None,
    }
