"""The agreement page: coefficients beside each other, and the ceiling that people set."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from django.core.cache import cache
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as later

from labeling.models import Rating, RatingWithdrawal
from labeling.queries.agreement import AgreementRow, PairRow, agreement_floor, agreement_rows
from labeling.stats.intervals import Interval
from reviewapp.core.models import Project
from routing.policy.ceiling import WeightedKappa
from routing.queries.ceiling import ALL_INTENTS, CeilingRow, ceiling_rows
from routing.views.charts import IntervalPlot, alpha_plot
from routing.views.contexts.words import criterion_label, slice_label
from routing.views.figures import Estimate, decimal, percent, percent_range, reason_text

CACHE_SECONDS = 3600
# With more lines than this the pairs of people are left to the filters.
MOST_LINES_WITH_PAIRS = 12
REASONS = {
    "unequal_raters": later("items with different numbers of raters"),
    "single_category": later("a scale of one value"),
    "measures_numbers": later("not for numbers; alpha is"),
    "no_shared_items": later("0 shared"),
    "too_few_shared": later("too few shared items"),
    "no_pair": later("no pair shares enough items"),
    "too_few_outputs": later("too few outputs"),
    "too_few_items": later("too few items"),
    "long_scale": later("a long scale: equal answers say little"),
}

Rows = TypeVar("Rows")


@dataclass(frozen=True, slots=True)
class PairLine:
    """Two people. `kappa` has its reason where it is undefined."""

    first: str
    second: str
    shared: int
    percent: str
    kappa: Estimate


@dataclass(frozen=True, slots=True)
class AgreementLine:
    """One criterion in one slice. `caution` stands in place of an interval that would be no evidence.

    `gwet` is AC2 on ordinal scales, AC1 elsewhere; `gwet_name` says which. `below_floor` and `mixed` are sentences, ""
    when there is nothing to say.
    """

    rubric: str
    rubric_name: str
    rubric_version: int
    criterion: str
    slice: str
    level: str
    items: int
    pairable: int
    ratings: int
    raters: int
    percent: Estimate
    alpha: Estimate
    caution: str
    band: str
    gwet_name: str
    gwet: Estimate
    fleiss: Estimate
    kappa: Estimate
    kappa_weighted: bool
    below_floor: str
    mixed: str
    pairs: Sequence[PairLine]
    plot: IntervalPlot | None
    query: str


@dataclass(frozen=True, slots=True)
class CeilingLine:
    """One intent: people with people, and every signal with people; `name` is the signal's."""

    intent: str
    people: Estimate
    automatic: Sequence[tuple[str, Estimate, bool]]


def agreement_lines(project: Project, **filters: Any) -> list[AgreementLine]:
    """The agreement table; computed once for as long as no rating is handed in or taken back."""
    rows = while_nobody_rates(project, "agreement", filters, lambda: agreement_rows(project, **filters))
    return [agreement_line(row) for row in rows]


def ceiling_lines(project: Project, **filters: Any) -> list[CeilingLine]:
    """The human ceiling, as long-lived as the agreement table. Only `intent`, `since` and `until` count."""
    wanted = {name: filters[name] for name in ("intent", "since", "until") if filters.get(name)}
    rows = while_nobody_rates(project, "ceiling", wanted, lambda: ceiling_rows(project, **wanted))
    # With one intent, all together are that one.
    return [_ceiling_line(row) for row in (rows[1:] if len(rows) == 2 else rows)]


def while_nobody_rates(project: Project, name: str, filters: Mapping[str, Any], compute: Callable[[], Rows]) -> Rows:
    """What `compute` gives, kept for as long as the project's ratings and its floor stay as they are."""
    key = _cache_key(project, name, filters)
    rows: Rows | None = cache.get(key)
    if rows is None:
        rows = compute()
        cache.set(key, rows, CACHE_SECONDS)
    return rows


def _cache_key(project: Project, name: str, filters: Mapping[str, Any]) -> str:
    """Names the newest rating by its receipt, which no other database has, and the newest undo."""
    ratings = Rating.objects.filter(item__project=project).order_by("-pk")
    undone = RatingWithdrawal.objects.filter(rating__item__project=project).order_by("-pk")
    state = [project.pk, ratings.values_list("receipt", flat=True).first(), undone.values_list("pk", flat=True).first()]
    words = "|".join(str(part) for part in (*state, agreement_floor(project), *sorted(filters.items())))
    return f"{name}:{hashlib.sha256(words.encode()).hexdigest()}"


def agreement_line(row: AgreementRow) -> AgreementLine:
    """A row of figures as it is shown."""
    name, _space, version = row.rubric.rpartition(" v")
    query = {"rubric": row.rubric, "overlap": "yes"}
    if row.intent:
        query["intent"] = row.intent
    ordinal = row.level == "ordinal"
    gwet, gwet_interval = (row.ac2, row.ac2_interval) if ordinal else (row.ac1, row.ac1_interval)
    missing = reason(row.reason if row.pairable_items == 0 else None) or reason("measures_numbers")
    return AgreementLine(
        rubric=row.rubric,
        rubric_name=name,
        rubric_version=int(version),
        criterion=criterion_label(row.criterion),
        slice=slice_label(row.slice),
        level=row.level,
        items=row.items,
        pairable=row.pairable_items,
        ratings=row.ratings,
        raters=row.raters,
        percent=_percent(row),
        alpha=_alpha(row),
        caution=reason(row.caution),
        band=row.band or "",
        gwet_name="AC2" if ordinal else "AC1",
        gwet=coefficient(gwet, gwet_interval, missing),
        fleiss=coefficient(row.fleiss, row.fleiss_interval, reason(row.fleiss_reason)),
        kappa=coefficient(row.mean_pair_kappa, row.mean_pair_kappa_interval, _no_kappa(row)),
        kappa_weighted=row.kappa_weighting != "unweighted",
        below_floor=_below_floor(row),
        mixed=_mixed(row),
        pairs=[_pair(pair) for pair in row.pairs],
        plot=_plot(row),
        query=f"?{urlencode(query)}",
    )


def reason(code: str | None) -> str:
    """Why a figure is undefined, for people; "" for no reason."""
    if not code:
        return ""
    return str(REASONS[code]) if code in REASONS else reason_text(code)


def coefficient(value: float | None, interval: tuple[float, float] | None, why: str, count: str = "") -> Estimate:
    if value is None:
        return Estimate("", "", count, why or _("undefined"))
    return Estimate(decimal(value), between(interval) if interval else "", count)


def between(interval: tuple[float, float]) -> str:
    return _("%(low)s to %(high)s") % {"low": decimal(interval[0]), "high": decimal(interval[1])}


def _percent(row: AgreementRow) -> Estimate:
    if row.percent is None:
        return Estimate("", "", "", reason("no_pairable_units"))
    interval = percent_range(*row.percent_interval, 0) if row.percent_interval else ""
    return Estimate(percent(row.percent, 0), interval, "")


def _alpha(row: AgreementRow) -> Estimate:
    count = f"n = {row.pairable_items}"
    if row.alpha is None:
        return Estimate("", "", count, reason(row.reason or "undefined"))
    interval = between(row.alpha_interval) if row.alpha_interval and not row.caution else ""
    return Estimate(decimal(row.alpha), interval, count)


def _no_kappa(row: AgreementRow) -> str:
    if row.level == "interval":
        return reason("measures_numbers")
    return reason("no_pair" if not any(pair.reason == "no_variation" for pair in row.pairs) else "no_variation")


def _below_floor(row: AgreementRow) -> str:
    if not row.below_floor or row.percent is None:
        return ""
    return _("below %(floor)s") % {"floor": percent(row.floor, 0)}


def _mixed(row: AgreementRow) -> str:
    if not row.mixed or row.easy_share is None or row.alpha_rest is None:
        return ""
    words = _(
        "Easy items lift this: %(share)s were put at the same end of the scale by everybody. On the others alpha is "
        "%(rest)s, less than leaving out easy items explains."
    )
    return words % {"share": percent(row.easy_share, 0), "rest": decimal(row.alpha_rest)}


def _pair(pair: PairRow) -> PairLine:
    why = _("0 shared") if pair.shared == 0 else f"{reason(pair.reason)} (n = {pair.shared})"
    return PairLine(
        first=pair.raters[0],
        second=pair.raters[1],
        shared=pair.shared,
        percent="–" if pair.percent is None else percent(pair.percent, 0),
        kappa=coefficient(pair.kappa, pair.kappa_interval, why),
    )


def _plot(row: AgreementRow) -> IntervalPlot | None:
    if row.alpha is None:
        return None
    interval = None if row.caution else row.alpha_interval
    if interval:
        text = _("alpha %(alpha)s, interval %(interval)s") % {
            "alpha": decimal(row.alpha),
            "interval": between(interval),
        }
    else:
        text = _("alpha %(alpha)s, no interval") % {"alpha": decimal(row.alpha)}
    return alpha_plot(row.alpha, interval, text)


def _ceiling_line(row: CeilingRow) -> CeilingLine:
    return CeilingLine(
        intent=_("all") if row.intent == ALL_INTENTS else row.intent,
        people=_kappa(row.people),
        automatic=[(entry.signal, _kappa(entry.figures), entry.suspicious) for entry in row.automatic],
    )


def _kappa(figures: WeightedKappa) -> Estimate:
    bounds: Interval | None = figures.interval
    interval = (bounds.low, bounds.high) if bounds else None
    return coefficient(figures.kappa, interval, reason(figures.reason), f"n = {figures.outputs}")
