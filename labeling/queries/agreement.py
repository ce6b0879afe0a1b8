"""Agreement of people with each other, per criterion, slice and rubric version."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal

import numpy as np

from labeling.models import Criterion, CriterionType, ItemKind, Rating, Rubric
from labeling.stats.bands import krippendorff_band
from labeling.stats.bootstrap import bootstrap_alpha
from labeling.stats.disagreement import Level
from labeling.stats.kappa import mean_pair_kappa, pair_kappas
from labeling.stats.slices import ALL_SLICES, agreement
from labeling.stats.units import UnitRatings
from reviewapp.core.models import Project

# The accept/reject outcome is measured like a criterion; "·" cannot occur in a criterion's name.
OUTCOME = "·outcome"
OUTCOME_VALUES = ("acceptable", "not acceptable")
PREFERENCE = "·preference"
PREFERENCE_VALUES = ("a", "b", "tie")
RESAMPLES = 1000
SEED = 20_261_121
SliceBy = Literal["intent", "criterion", "week"]


@dataclass(frozen=True, slots=True)
class Scale:
    """A criterion's values in scale order with its level of measurement."""

    values: tuple[Any, ...]
    level: Level


@dataclass(frozen=True, slots=True)
class AgreementRow:
    """One line of the agreement table. Undefined figures are None; `reason` says why, with the counts beside it."""

    rubric: str
    criterion: str
    slice: str
    level: str
    items: int
    pairable_items: int
    ratings: int
    raters: int
    percent: float | None
    alpha: float | None
    alpha_interval: tuple[float, float] | None
    reason: str | None
    caution: str | None
    ac1: float | None
    mean_pair_kappa: float | None
    band: str | None

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class _Answer:
    item: int
    rater: int
    value: Any


def agreement_rows(
    project: Project,
    *,
    criterion: str = "",
    intent: str = "",
    rubric: str = "",
    since: datetime | None = None,
    until: datetime | None = None,
    by: SliceBy = "criterion",
) -> list[AgreementRow]:
    """Agreement over all live items that match, in slices of `by`; "criterion" means no further cut.

    `rubric` is `name` or `name v3`. Versions of a rubric are never mixed. The band is judged on the lower
    bound of alpha's interval (1,000 resamples of items, fixed seed).
    """
    ratings = _ratings(project, intent=intent, since=since, until=until)
    groups: dict[tuple[int, str, str], list[_Answer]] = defaultdict(list)
    for rating in ratings:
        part = _slice(rating, by)
        for name, value in _answers(rating):
            if not criterion or name == criterion:
                groups[rating.rubric_id, name, part].append(_Answer(rating.item_id, rating.reviewer_id, value))
    rubrics = {row.pk: row for row in Rubric.objects.filter(project=project).prefetch_related("criteria")}
    rows = []
    for (rubric_id, name, part), answers in sorted(groups.items(), key=lambda pair: (-pair[0][0], *pair[0][1:])):
        version = rubrics[rubric_id]
        if rubric in ("", version.name, str(version)):
            rows.append(_row(version, name, part, answers))
    return rows


def _ratings(project: Project, *, intent: str, since: datetime | None, until: datetime | None) -> Iterable[Rating]:
    conditions = {"item__intent": intent, "submitted_at__gte": since, "submitted_at__lt": until}
    return (
        Rating.objects.counted()
        .filter(item__project=project, **{name: value for name, value in conditions.items() if value})
        .exclude(item__kind=ItemKind.GOLD)
        .select_related("item")
        .only("values", "preferred", "verdict", "reviewer", "rubric", "submitted_at", "item__intent")
    )


def _slice(rating: Rating, by: SliceBy) -> str:
    if by == "intent":
        return rating.item.intent
    if by == "week":
        year, week, _day = rating.submitted_at.isocalendar()
        return f"{year}-w{week:02d}"
    return ALL_SLICES


def _answers(rating: Rating) -> list[tuple[str, Any]]:
    if rating.preferred:
        headline = (PREFERENCE, rating.preferred)
    else:
        headline = (OUTCOME, OUTCOME_VALUES[rating.verdict != "accept"])
    return [headline, *((name, value) for name, value in rating.values.items() if value is not None)]


def _row(rubric: Rubric, name: str, part: str, answers: Sequence[_Answer]) -> AgreementRow:
    scale = scale_of(rubric, name, answers)
    by_item: dict[int, dict[int, Any]] = defaultdict(dict)
    for answer in answers:
        by_item[answer.item][answer.rater] = answer.value
    units = UnitRatings.from_lists([list(values.values()) for values in by_item.values()], scale.values)
    figures = agreement(units, scale.level)
    interval = bootstrap_alpha(units, scale.level, rng=np.random.default_rng(SEED), resamples=RESAMPLES)
    bounds = (interval.low, interval.high) if interval.low is not None and interval.high is not None else None
    kappas = pair_kappas(_by_rater(by_item), scale.values)
    return AgreementRow(
        rubric=str(rubric),
        criterion=name,
        slice=part,
        level=scale.level,
        items=figures.items,
        pairable_items=figures.pairable_items,
        ratings=len(answers),
        raters=len({answer.rater for answer in answers}),
        percent=figures.percent_agreement,
        alpha=figures.alpha,
        alpha_interval=bounds,
        reason=figures.reason,
        caution=interval.caution,
        ac1=figures.ac1,
        mean_pair_kappa=mean_pair_kappa(kappas),
        band=krippendorff_band(bounds[0]) if bounds and interval.caution is None else None,
    )


def _by_rater(by_item: dict[int, dict[int, Any]]) -> dict[int, dict[int, Any]]:
    raters: dict[int, dict[int, Any]] = defaultdict(dict)
    for item, values in by_item.items():
        for rater, value in values.items():
            raters[rater][item] = value
    return raters


def scale_of(rubric: Rubric, name: str, answers: Sequence[Any]) -> Scale:
    """The full scale of a criterion; a numeric one is made of the values that occur."""
    if name == OUTCOME:
        return Scale(OUTCOME_VALUES, "nominal")
    if name == PREFERENCE:
        return Scale(PREFERENCE_VALUES, "nominal")
    criterion: Criterion = next(entry for entry in rubric.criteria.all() if entry.name == name)
    if criterion.type == CriterionType.NUMERIC:
        return Scale(tuple(sorted({answer.value for answer in answers})), "interval")
    values = tuple(level["value"] for level in criterion.levels)
    return Scale(values, "ordinal" if criterion.type == CriterionType.ORDINAL else "nominal")
