"""Everything that a run is measured by: truth on one side, the product's own word on the other. Pure."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from reviewapp.simulation.efficiency import Efficiency, efficiency
from reviewapp.simulation.estimates import (
    CostRow,
    GoldAnswer,
    Strata,
    UndetectedRow,
    cost_row,
    slices_of,
    undetected_row,
)
from reviewapp.simulation.instrument import ADJUDICATION, GOLD, LIVE, Given, ReviewerFigures, Told, reviewer_figures
from reviewapp.simulation.outcome import Outcome
from reviewapp.simulation.plan import Plan
from reviewapp.simulation.pool import Pool
from reviewapp.simulation.reviewers import Panel, Reviewer
from reviewapp.simulation.shift import ShiftFigures, shift_figures
from routing.policy.metrics import Quality, quality


@dataclass(frozen=True, slots=True)
class Run:
    """What a run leaves behind, through the database or without. `given` holds the stream's and the warm-up's ratings
    in the order of handing in; `stream_given` those of the stream alone, gold included."""

    plan: Plan
    pool: Pool
    people: tuple[Reviewer, ...]
    outcomes: tuple[Outcome, ...]
    shift_at: int | None
    given: tuple[Given, ...]
    stream_given: tuple[Given, ...]
    gold: tuple[GoldAnswer, ...]
    thresholds: dict[str, float | None]


@dataclass(frozen=True, slots=True)
class Figures:
    """`headline` names the estimate that speaks for the run, "observed" or "corrected". `calibration` is measured
    on the truth of all outputs, `calibration_seen` on verdicts weighted by 1/π, as the product can."""

    headline: str
    undetected: tuple[UndetectedRow, ...]
    cost: CostRow
    efficiency: Efficiency
    calibration: Quality
    calibration_seen: Quality
    reviewers: tuple[ReviewerFigures, ...]
    told: Told
    shift: ShiftFigures

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def measure(run: Run, strata: Strata, told: Told | None = None) -> Figures:
    """`strata` gives what the product has counted for a slice of the stream, `told` what its panel tells of people."""
    outcomes = run.outcomes
    slices = slices_of(outcomes)
    counted = {part: strata(part) for part in slices}
    rows, told = reviewer_figures(run.people, run.given, told)
    known = [outcome for outcome in outcomes if outcome.confidence is not None]
    seen = [outcome for outcome in known if outcome.rejected is not None]
    return Figures(
        headline=run.plan.estimate,
        undetected=tuple(undetected_row(part, outcomes, counted[part], run.gold) for part in slices),
        cost=cost_row(outcomes, [(part, counted[part]) for part in slices if part.kind == "stakes"], run.gold),
        efficiency=_efficiency(run),
        calibration=quality(_confidences(known), [float(not outcome.error) for outcome in known]),
        calibration_seen=quality(
            _confidences(seen),
            [float(not outcome.rejected) for outcome in seen],
            [1.0 / outcome.inclusion_probability for outcome in seen],
        ),
        reviewers=tuple(rows),
        told=told,
        shift=shift_figures(outcomes, run.shift_at),
    )


def _confidences(outcomes: Sequence[Outcome]) -> list[float]:
    return [outcome.confidence for outcome in outcomes if outcome.confidence is not None]


def _efficiency(run: Run) -> Efficiency:
    live = [rating.seconds for rating in run.stream_given if rating.kind in (LIVE, ADJUDICATION)]
    gold = [rating.seconds for rating in run.stream_given if rating.kind == GOLD]
    return efficiency(
        run.outcomes,
        expected_catches(run),
        hours=sum(live) / 3600.0,
        gold_reviews=len(gold),
        gold_hours=sum(gold) / 3600.0,
    )


def expected_catches(run: Run) -> list[float]:
    """Per output the chance that a single review catches its error, 0 where there is none."""
    panel = Panel(run.plan.seed, run.plan.mode)
    return [panel.catch_chance(o.arrival.row, run.people) if o.error else 0.0 for o in run.outcomes]
