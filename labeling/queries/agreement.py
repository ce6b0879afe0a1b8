"""Agreement of people with each other, per criterion, slice and rubric version."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal

import numpy as np
from django.db.models import QuerySet

from labeling.models import Criterion, CriterionType, ItemKind, QueueSettings, Rating, Rubric
from labeling.stats.bands import krippendorff_band
from labeling.stats.bootstrap import bootstrap_alpha
from labeling.stats.coefficients import Coefficients, Figure, coefficients
from labeling.stats.disagreement import Level
from labeling.stats.easy_items import easy_items
from labeling.stats.slices import ALL_SLICES
from labeling.stats.units import UnitRatings
from reviewapp.core.models import Membership, Project

# The accept/reject outcome is measured like a criterion; "·" cannot occur in a criterion's name.
OUTCOME = "·outcome"
OUTCOME_VALUES = ("acceptable", "not acceptable")
PREFERENCE = "·preference"
PREFERENCE_VALUES = ("a", "b", "tie")
RESAMPLES = 1000
# For all but alpha, of which only the pairs of many people on many items take long.
MANY_RATINGS, RESAMPLES_OF_MANY = 20_000, 200
SEED = 20_261_121
# One line per criterion; or one per intent, per week, or per week of every intent.
SliceBy = Literal["criterion", "intent", "week", "intent,week"]
CUTS: dict[str, tuple[str, ...]] = {
    "criterion": (),
    "intent": ("intent",),
    "week": ("week",),
    "intent,week": ("intent", "week"),
}
# The share of equal answers is held against the floor from this many items on, and on scales this short: on a long
# one people who mean the same still write 70 and 75.
FLOOR_ITEMS = 10
FLOOR_LEVELS = 10
DEFAULT_FLOOR = 0.75

Bounds = tuple[float, float] | None


@dataclass(frozen=True, slots=True)
class Scale:
    """A criterion's values in scale order with its level of measurement."""

    values: tuple[Any, ...]
    level: Level


@dataclass(frozen=True, slots=True)
class PairRow:
    """Two people. `kappa` is None with a `reason` where they share no items, too few, or say the same of all."""

    raters: tuple[str, str]
    shared: int
    percent: float | None
    kappa: float | None
    kappa_interval: Bounds
    reason: str | None


@dataclass(frozen=True, slots=True)
class AgreementRow:
    """One line of the agreement table. Undefined figures are None; a reason says why, with the counts beside it.

    All intervals are 95 %, from 1,000 resamples of items (`resamples` for all but alpha). `below_floor` is None, with
    `floor_reason`, where the share of equal answers cannot be held against `floor`. `mixed` warns of a good share of
    items that everybody put at the same end of the scale (`easy_share`) beside others (`alpha_rest`) on which people
    agree less than they should.
    """

    rubric: str
    criterion: str
    slice: str
    intent: str | None
    week: str | None
    level: str
    items: int
    pairable_items: int
    ratings: int
    raters: int
    percent: float | None
    percent_interval: Bounds
    alpha: float | None
    alpha_interval: Bounds
    reason: str | None
    caution: str | None
    fleiss: float | None
    fleiss_interval: Bounds
    fleiss_reason: str | None
    ac1: float | None
    ac1_interval: Bounds
    ac2: float | None
    ac2_interval: Bounds
    kappa_weighting: str
    mean_pair_kappa: float | None
    mean_pair_kappa_interval: Bounds
    pairs: tuple[PairRow, ...]
    band: str | None
    floor: float
    below_floor: bool | None
    floor_reason: str | None
    easy_share: float | None
    alpha_rest: float | None
    mixed: bool
    resamples: int

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Answer:
    """One person's value of one criterion of one item."""

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
    groups: dict[tuple[int, str, tuple[str, ...]], list[Answer]] = defaultdict(list)
    for rating in counted_ratings(project, intent=intent, since=since, until=until):
        part = tuple(_cut(rating, name) for name in CUTS[by])
        for name, value in answers_of(rating):
            if not criterion or name == criterion:
                groups[rating.rubric_id, name, part].append(Answer(rating.item_id, rating.reviewer_id, value))
    rubrics = {row.pk: row for row in Rubric.objects.filter(project=project).prefetch_related("criteria")}
    context = _Context(codes=_rater_codes(project), floor=agreement_floor(project), cuts=CUTS[by])
    rows = []
    for (rubric_id, name, part), answers in sorted(groups.items(), key=lambda pair: (-pair[0][0], *pair[0][1:])):
        version = rubrics[rubric_id]
        if rubric in ("", version.name, str(version)):
            rows.append(_row(version, name, part, answers, context))
    return rows


def agreement_floor(project: Project) -> float:
    """The share of equal answers below which a slice's rubric is to be looked at."""
    stored = QueueSettings.objects.filter(project=project).values_list("agreement_floor", flat=True).first()
    return DEFAULT_FLOOR if stored is None else float(stored)


def counted_ratings(
    project: Project, *, intent: str = "", since: datetime | None = None, until: datetime | None = None
) -> QuerySet[Rating]:
    """Ratings that agreement is measured on: of live items, with their intents, without their texts."""
    conditions = {"item__intent": intent, "submitted_at__gte": since, "submitted_at__lt": until}
    return (
        Rating.objects.counted()
        .filter(item__project=project, **{name: value for name, value in conditions.items() if value})
        .filter(item__kind__in=[ItemKind.LIVE, ItemKind.AUDIT])
        .select_related("item")
        .only("values", "preferred", "verdict", "reviewer", "rubric", "submitted_at", "item__intent")
    )


def answers_of(rating: Rating) -> list[tuple[str, Any]]:
    """What a rating says, the headline first: the preference of a pair, else whether the output is acceptable."""
    if rating.preferred:
        headline = (PREFERENCE, rating.preferred)
    else:
        headline = (OUTCOME, OUTCOME_VALUES[rating.verdict != "accept"])
    return [headline, *((name, value) for name, value in rating.values.items() if value is not None)]


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


def below_floor(percent: float | None, items: int, levels: int, floor: float) -> tuple[bool | None, str | None]:
    """Whether the share of equal answers of a slice is below the floor, or the reason why that cannot be said."""
    if levels > FLOOR_LEVELS:
        return None, "long_scale"
    if percent is None or items < FLOOR_ITEMS:
        return None, "too_few_items"
    return percent < floor, None


@dataclass(frozen=True, slots=True)
class _Context:
    """What all lines of a table share."""

    codes: Mapping[int, str]
    floor: float
    cuts: tuple[str, ...]


def _cut(rating: Rating, name: str) -> str:
    if name == "intent":
        return rating.item.intent
    year, week, _day = rating.submitted_at.isocalendar()
    return f"{year}-w{week:02d}"


def _rater_codes(project: Project) -> dict[int, str]:
    return dict(Membership.objects.filter(project=project).values_list("pk", "rater_code"))


def _row(
    rubric: Rubric, name: str, part: tuple[str, ...], answers: Sequence[Answer], context: _Context
) -> AgreementRow:
    scale, cut = scale_of(rubric, name, answers), dict(zip(context.cuts, part, strict=True))
    units, raters, people = as_units(answers, scale)
    interval = bootstrap_alpha(units, scale.level, rng=np.random.default_rng(SEED), resamples=RESAMPLES)
    resamples = RESAMPLES if len(answers) <= MANY_RATINGS else RESAMPLES_OF_MANY
    found = coefficients(units, raters, scale.level, rng=np.random.default_rng(SEED), resamples=resamples)
    easy = easy_items(units, scale.level, rng=np.random.default_rng(SEED))
    alpha_interval = None if interval.low is None or interval.high is None else (interval.low, interval.high)
    pairable = interval.estimate.pairable_units
    below, floor_reason = below_floor(found.percent.value, pairable, len(scale.values), context.floor)
    return AgreementRow(
        rubric=str(rubric),
        criterion=name,
        slice=", ".join(part) or ALL_SLICES,
        intent=cut.get("intent"),
        week=cut.get("week"),
        level=scale.level,
        items=units.units,
        pairable_items=pairable,
        ratings=len(answers),
        raters=len(people),
        alpha=interval.estimate.alpha,
        alpha_interval=alpha_interval,
        reason=interval.estimate.reason,
        caution=interval.caution,
        **_figures(found),
        pairs=_pairs(found, [context.codes[pk] for pk in people]),
        band=krippendorff_band(interval.low) if alpha_interval and interval.caution is None else None,
        floor=context.floor,
        below_floor=below,
        floor_reason=floor_reason,
        easy_share=easy.share,
        alpha_rest=easy.alpha_rest,
        mixed=easy.mixed,
        resamples=resamples,
    )


def as_units(answers: Sequence[Answer], scale: Scale) -> tuple[UnitRatings, Any, list[int]]:
    """The answers as units, who gave each (0, 1, …), and those people's memberships in that order.

    Whoever rated an item twice counts with the last of their answers.
    """
    last = {(answer.item, answer.rater): answer.value for answer in answers}
    items = {item: place for place, item in enumerate(sorted({item for item, _rater in last}))}
    people = sorted({rater for _item, rater in last})
    places = {rater: place for place, rater in enumerate(people)}
    codes = {value: place for place, value in enumerate(scale.values)}
    rows = sorted((items[item], places[rater], codes[value]) for (item, rater), value in last.items())
    owners, raters, values = np.asarray(rows, dtype=np.intp).reshape(-1, 3).T
    return UnitRatings(scale.values, len(items), owners, values), raters, people


def _figures(found: Coefficients) -> dict[str, Any]:
    return {
        "percent": found.percent.value,
        "percent_interval": _bounds(found.percent),
        "fleiss": found.fleiss.value,
        "fleiss_interval": _bounds(found.fleiss),
        "fleiss_reason": found.fleiss.reason,
        "ac1": found.ac1.value,
        "ac1_interval": _bounds(found.ac1),
        "ac2": found.ac2.value if found.ac2 else None,
        "ac2_interval": _bounds(found.ac2) if found.ac2 else None,
        "kappa_weighting": found.weighting,
        "mean_pair_kappa": found.mean_kappa.value,
        "mean_pair_kappa_interval": _bounds(found.mean_kappa),
    }


def _bounds(figure: Figure) -> Bounds:
    return None if figure.low is None or figure.high is None else (figure.low, figure.high)


def _pairs(found: Coefficients, codes: Sequence[str]) -> tuple[PairRow, ...]:
    return tuple(
        PairRow(
            raters=(codes[pair.first], codes[pair.second]),
            shared=pair.kappa.n,
            percent=pair.percent,
            kappa=pair.kappa.value,
            kappa_interval=_bounds(pair.kappa),
            reason=pair.kappa.reason,
        )
        for pair in found.pairs
    )
