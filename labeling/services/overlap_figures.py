"""What a round of shared items found: agreement per criterion and person, and how that compares with before.

Everything is JSON. A figure that cannot be had is null, with its reason and its count beside it.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from django.db.models import Exists, OuterRef, Q, QuerySet

from labeling.models import ActiveRubric, OverlapPurpose, OverlapRound, Rating, Rubric, Suspicion
from labeling.queries.agreement import (
    OUTCOME,
    PREFERENCE,
    RESAMPLES,
    SEED,
    Answer,
    agreement_floor,
    answers_of,
    as_units,
    below_floor,
    counted_ratings,
    scale_of,
)
from labeling.queries.comparing import equal_share
from labeling.queries.overlap import earlier_ratings
from labeling.stats.bootstrap import bootstrap_alpha
from labeling.stats.intervals import newcombe, wilson
from reviewapp.core.models import Membership

Answers: TypeAlias = Mapping[str, Sequence[Answer]]
Figures: TypeAlias = dict[str, Any]

CONFIDENCE = 0.95
# Of what came before, the newest ratings are enough.
MOST_RATINGS = 20_000


def round_figures(round_: OverlapRound) -> Figures:
    """{"items", "ratings", "criteria": [...], "reviewers": [...], "before": {...} | null} of a round that ends now."""
    answers = round_answers(round_)
    criteria = criteria_figures(round_.rubric, answers, floor=agreement_floor(round_.project))
    before = _previous_round(round_) if round_.purpose == OverlapPurpose.REBLIND else _predecessor(round_)
    return {
        "items": round_.items.count(),
        "ratings": Rating.objects.counted().filter(item__overlap_round=round_).count(),
        "criteria": criteria,
        "reviewers": _reviewer_figures(round_, answers),
        "before": before and before | {"differences": differences(criteria, before["criteria"])},
    }


def round_answers(round_: OverlapRound) -> dict[str, list[Answer]]:
    """By criterion what was said of the round's items; in a re-blind round also what people had said before of the
    same words by the same version. Of whoever was suspect, nothing."""
    items = dict(round_.items.values_list("fingerprint", "pk"))
    ratings = [*_trusted(Rating.objects.counted().filter(item__overlap_round=round_))]
    if round_.purpose == OverlapPurpose.REBLIND:
        earlier = earlier_ratings(round_.rubric, round_.figures.get("people", []), items)
        ratings = [*_trusted(earlier.filter(submitted_at__lt=round_.started_at)), *ratings]
    return _by_criterion((rating, items[rating.item.fingerprint]) for rating in ratings)


def _trusted(ratings: QuerySet[Rating]) -> QuerySet[Rating]:
    suspected = Suspicion.objects.filter(
        Q(ended_at__isnull=True) | Q(ended_at__gte=OuterRef("submitted_at")),
        membership=OuterRef("reviewer"),
        overruled_at__isnull=True,
        since__lte=OuterRef("submitted_at"),
    )
    return ratings.filter(~Exists(suspected)).select_related("item").order_by("pk")


def _by_criterion(rows: Iterable[tuple[Rating, int]]) -> dict[str, list[Answer]]:
    found: dict[str, list[Answer]] = defaultdict(list)
    for rating, item in rows:
        for name, value in answers_of(rating):
            found[name].append(Answer(item, rating.reviewer_id, value))
    return found


def criteria_figures(rubric: Rubric, answers: Answers, *, floor: float) -> list[Figures]:
    """One row per criterion, the headline first, then in the rubric's order.

    Percent is the mean over items of the share of equal pairs, with `equal_share`'s interval; alpha's is from 1,000
    resamples of items, both at 95 %. `below_floor` is null, with `floor_reason`, where percent cannot be held against
    the floor.
    """
    order = {criterion.name: place for place, criterion in enumerate(rubric.criteria.all())}
    names = sorted(answers, key=lambda name: order.get(name, -1))
    return [_criterion(rubric, name, answers[name], floor) for name in names]


def _criterion(rubric: Rubric, name: str, answers: Sequence[Answer], floor: float) -> Figures:
    scale = scale_of(rubric, name, answers)
    units, _raters, people = as_units(answers, scale)
    alpha = bootstrap_alpha(units, scale.level, rng=np.random.default_rng(SEED), resamples=RESAMPLES)
    share = equal_share(units, scale.level)
    below, floor_reason = below_floor(share.percent, share.items, len(scale.values), floor)
    return {
        "criterion": name,
        "items": share.items,
        "raters": len(people),
        "ratings": len(answers),
        "percent": share.percent,
        "percent_interval": list(share.interval) if share.interval else None,
        "alpha": alpha.estimate.alpha,
        "alpha_interval": _bounds(alpha.low, alpha.high) if alpha.caution is None else None,
        "reason": alpha.estimate.reason,
        "caution": alpha.caution,
        "below_floor": below,
        "floor_reason": floor_reason,
    }


def _bounds(low: float | None, high: float | None) -> list[float] | None:
    return None if low is None or high is None else [low, high]


def _reviewer_figures(round_: OverlapRound, answers: Answers) -> list[Figures]:
    """By person, on the headline: the mean over their items of the share of others who said the same.

    The interval is Wilson's (1927) for as many trials as items, rounded to whole successes.
    """
    headline = answers.get(PREFERENCE) or answers.get(OUTCOME) or []
    last = {(answer.item, answer.rater): answer.value for answer in headline}
    by_item: dict[int, dict[int, Any]] = defaultdict(dict)
    for (item, rater), value in last.items():
        by_item[item][rater] = value
    shares: dict[int, list[float]] = defaultdict(list)
    for given in by_item.values():
        for rater, value in given.items():
            others = [other for person, other in given.items() if person != rater]
            if others:
                shares[rater].append(sum(other == value for other in others) / len(others))
    codes = dict(Membership.objects.filter(project=round_.project_id).values_list("pk", "rater_code"))
    rows = [_reviewer(codes[rater], shares.get(rater, [])) for rater in sorted({rater for _item, rater in last})]
    return sorted(rows, key=lambda row: row["rater"])


def _reviewer(code: str, shares: Sequence[float]) -> Figures:
    interval = wilson(round(sum(shares)), len(shares))
    return {
        "rater": code,
        "items": len(shares),
        "agreement": sum(shares) / len(shares) if shares else None,
        "interval": list(interval) if interval else None,
        "reason": None if shares else "no_pairable_units",
    }


def _previous_round(round_: OverlapRound) -> Figures | None:
    """The last re-blind round by any version of the same rubric that had something to measure."""
    earlier = OverlapRound.objects.filter(
        project=round_.project,
        purpose=OverlapPurpose.REBLIND,
        rubric__name=round_.rubric.name,
        ended_at__isnull=False,
        pk__lt=round_.pk,
    ).select_related("rubric")
    for found in earlier.order_by("-pk")[:12]:
        if any(row["percent"] is not None for row in found.figures.get("criteria", [])):
            return {"round": found.pk, "rubric": str(found.rubric), "criteria": found.figures["criteria"]}
    return None


def _predecessor(round_: OverlapRound) -> Figures | None:
    """The version in force, on real work of the same intents; None where there is none, or it is this very one."""
    active = ActiveRubric.objects.filter(project=round_.project, task_kind=round_.rubric.task_kind)
    found = active.exclude(rubric=round_.rubric).select_related("rubric").first()
    if found is None:
        return None
    intents = set(round_.items.values_list("intent", flat=True))
    ratings = counted_ratings(round_.project).filter(
        rubric=found.rubric, item__intent__in=intents, item__ratings_counted__gte=2
    )
    answers = _by_criterion((rating, rating.item_id) for rating in ratings.order_by("-pk")[:MOST_RATINGS])
    criteria = criteria_figures(found.rubric, answers, floor=agreement_floor(round_.project))
    return {"round": None, "rubric": str(found.rubric), "criteria": criteria}


def differences(now: Sequence[Figures], before: Sequence[Figures]) -> list[Figures]:
    """Percent now less percent before, per criterion that both have, with an interval from Newcombe (1998, method 10)
    for as many trials as items, rounded to whole successes. Together the intervals hold at 95 % (Bonferroni)."""
    earlier = {row["criterion"]: row for row in before if row["percent"] is not None}
    pairs = [
        (row, earlier[row["criterion"]]) for row in now if row["percent"] is not None and row["criterion"] in earlier
    ]
    found = []
    for row, other in pairs:
        interval = newcombe(
            round(row["percent"] * row["items"]),
            row["items"],
            round(other["percent"] * other["items"]),
            other["items"],
            1.0 - (1.0 - CONFIDENCE) / len(pairs),
        )
        found.append(
            {
                "criterion": row["criterion"],
                "difference": row["percent"] - other["percent"],
                "interval": list(interval) if interval else None,
            }
        )
    return found


def fallen(figures: Mapping[str, Any]) -> Figures | None:
    """The criterion that fell furthest among those whose interval lies below 0, as its alarm tells it; else None."""
    before = figures.get("before")
    if not before:
        return None
    fell = [row for row in before["differences"] if row["interval"] and row["interval"][1] < 0]
    if not fell:
        return None
    worst = min(fell, key=lambda row: row["difference"])
    percent = {
        when: next(row["percent"] for row in rows if row["criterion"] == worst["criterion"])
        for when, rows in (("now", figures["criteria"]), ("before", before["criteria"]))
    }
    return {"criterion": worst["criterion"], "interval": worst["interval"], **percent}


def doubtful(figures: Mapping[str, Any]) -> list[str]:
    """Why a version should not go into force after this round without a word: "below_floor", "too_few_items"."""
    rows = figures.get("criteria", [])
    found = {"below_floor" for row in rows if row["below_floor"]}
    # Of the headline; what is asked in some cases only may well lack items.
    if not rows or rows[0]["below_floor"] is None:
        found.add("too_few_items")
    return sorted(found)
