"""Rounds of shared items for the owner: the series, and one round with what it is compared with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from labeling.models import ActiveRubric, OverlapPurpose, OverlapRound
from labeling.services.limits import queue_settings
from labeling.services.overlap import due_at
from reviewapp.core.models import Project
from routing.views.charts import IntervalPlot, alpha_plot
from routing.views.contexts.agreement import between, coefficient, reason
from routing.views.contexts.words import criterion_label
from routing.views.figures import Estimate, decimal, percent, points, share_range


@dataclass(frozen=True, slots=True)
class RoundLine:
    """One round of the series, with its headline; `difference` is to the round or version before, in points."""

    pk: int
    purpose: str
    rubric: str
    rubric_name: str
    rubric_version: int
    started_at: datetime
    closes_at: datetime
    ended_at: datetime | None
    done: int
    seats: int
    criterion: str
    percent: Estimate
    alpha: Estimate
    plot: IntervalPlot | None
    difference: Estimate
    fell: bool


@dataclass(frozen=True, slots=True)
class CriterionLine:
    """One criterion now and before."""

    criterion: str
    below_floor: bool
    percent: Estimate
    alpha: Estimate
    before_percent: Estimate
    before_alpha: Estimate
    difference: Estimate
    reading: str


@dataclass(frozen=True, slots=True)
class ReviewerLine:
    rater: str
    agreement: Estimate


@dataclass(frozen=True, slots=True)
class Due:
    """When the next round by a rubric in force is due; `at` is None where none comes by itself."""

    rubric: str
    task_kind: str
    at: datetime | None


def round_line(round_: OverlapRound) -> RoundLine:
    """One from `labeling.queries.overlap.overlap_rounds`."""
    figures = round_.figures
    headline = next(iter(figures.get("criteria", [])), None)
    difference = _differences(figures).get(headline["criterion"]) if headline else None
    return RoundLine(
        pk=round_.pk,
        purpose=str(OverlapPurpose(round_.purpose).label),
        rubric=str(round_.rubric),
        rubric_name=round_.rubric.name,
        rubric_version=round_.rubric.version,
        started_at=round_.started_at,
        closes_at=round_.closes_at,
        ended_at=round_.ended_at,
        done=round_.seats_done,  # type: ignore[attr-defined]
        seats=round_.seats_all,  # type: ignore[attr-defined]
        criterion=criterion_label(headline["criterion"]) if headline else "",
        percent=_percent(headline),
        alpha=_alpha(headline),
        plot=_plot(headline),
        difference=_difference(difference),
        fell=_reading(difference) == "worse",
    )


def criterion_lines(figures: Mapping[str, Any]) -> list[CriterionLine]:
    """Every criterion that people answered in the round, beside the same one before."""
    before = {row["criterion"]: row for row in (figures.get("before") or {}).get("criteria", [])}
    differences = _differences(figures)
    words = {"better": _("better"), "worse": _("worse"), "open": _("not told apart"), "": ""}
    return [
        CriterionLine(
            criterion=criterion_label(row["criterion"]),
            below_floor=bool(row["below_floor"]),
            percent=_percent(row),
            alpha=_alpha(row),
            before_percent=_percent(before.get(row["criterion"])),
            before_alpha=_alpha(before.get(row["criterion"])),
            difference=_difference(differences.get(row["criterion"])),
            reading=words[_reading(differences.get(row["criterion"]))],
        )
        for row in figures.get("criteria", [])
    ]


def reviewer_lines(figures: Mapping[str, Any]) -> list[ReviewerLine]:
    return [
        ReviewerLine(
            rater=row["rater"],
            agreement=_share(row["agreement"], row["interval"], row["items"], reason(row["reason"])),
        )
        for row in figures.get("reviewers", [])
    ]


def due_lines(project: Project) -> Sequence[Due]:
    """By rubric in force."""
    days = queue_settings(project.pk).reblind_days
    active = ActiveRubric.objects.filter(project=project).select_related("rubric").order_by("pk")
    return [Due(str(row.rubric), row.task_kind, due_at(row.rubric, days)) for row in active]


def _differences(figures: Mapping[str, Any]) -> dict[str, Any]:
    return {row["criterion"]: row for row in (figures.get("before") or {}).get("differences", [])}


def _percent(row: Mapping[str, Any] | None) -> Estimate:
    if row is None:
        return Estimate("", "", "n = 0", _("not rated yet"))
    return _share(row["percent"], row["percent_interval"], row["items"], reason("no_pairable_units"))


def _share(value: float | None, interval: Sequence[float] | None, items: int, why: str) -> Estimate:
    if value is None:
        return Estimate("", "", f"n = {items}", why)
    return Estimate(percent(value, 0), share_range(interval), f"n = {items}")


def _alpha(row: Mapping[str, Any] | None) -> Estimate:
    if row is None:
        return Estimate("", "", "n = 0", _("not rated yet"))
    why = reason(row["reason"]) or reason(row["caution"])
    return coefficient(row["alpha"], row["alpha_interval"], why, f"n = {row['items']}")


def _plot(row: Mapping[str, Any] | None) -> IntervalPlot | None:
    if row is None or row["alpha"] is None:
        return None
    interval = row["alpha_interval"]
    words = {"alpha": decimal(row["alpha"]), "interval": between(interval) if interval else ""}
    text = _("alpha %(alpha)s, interval %(interval)s") if interval else _("alpha %(alpha)s, no interval")
    return alpha_plot(row["alpha"], tuple(interval) if interval else None, text % words)


def _difference(row: Mapping[str, Any] | None) -> Estimate:
    """In percentage points, with a sign."""
    if row is None:
        return Estimate("", "", "", "–")
    interval = ""
    if row["interval"]:
        low, high = row["interval"]
        interval = _("%(low)s to %(high)s") % {"low": points(low), "high": points(high)}
    return Estimate(points(row["difference"]), interval, "")


def _reading(row: Mapping[str, Any] | None) -> str:
    if row is None or not row["interval"]:
        return ""
    low, high = row["interval"]
    return "better" if low > 0 else "worse" if high < 0 else "open"
