"""Does the interval hold the truth as often as it says? Many pure worlds at once. Django-free."""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from statistics import fmean
from typing import Any

from labeling.stats.intervals import clopper_pearson
from reviewapp.simulation.estimates import slices_of, undetected_row
from reviewapp.simulation.figures import expected_catches
from reviewapp.simulation.plan import Plan
from reviewapp.simulation.pool import Pool
from reviewapp.simulation.pure import run_pure, strata_in
from reviewapp.simulation.stream import draw
from reviewapp.simulation.words import Table, number, percent

# Worlds handed to a process at a time.
CHUNK = 4
# The pool of this process: sent once, not with every world.
_POOL: list[Pool] = []


@dataclass(frozen=True, slots=True)
class SliceResult:
    """One world's interval for one slice; `holds` None where it was not estimable, `width` then too."""

    name: str
    truth: float
    holds: bool | None
    width: float | None


@dataclass(frozen=True, slots=True)
class WorldResult:
    """`ratio`: errors caught per review hour against random; None where there was nothing to catch."""

    seed: int
    slices: tuple[SliceResult, ...]
    ratio: float | None


@dataclass(frozen=True, slots=True)
class Coverage:
    """Of `worlds` intervals `held` held the truth; one that was not estimable counts as a miss. `low`, `high`:
    Clopper and Pearson at 95 %. Shares in [0, 1]; `mean_width` and `mean_truth` of all outputs of the slice."""

    name: str
    worlds: int
    held: int
    undefined: int
    share: float
    low: float
    high: float
    mean_width: float | None
    mean_truth: float


@dataclass(frozen=True, slots=True)
class Study:
    """All worlds together. `ratio_low`: the smallest ratio of all worlds."""

    estimate: str
    slices: tuple[Coverage, ...]
    ratio: float | None
    ratio_low: float | None

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def run_worlds(plan: Plan, pool: Pool, *, worlds: int, processes: int | None = None) -> Iterator[WorldResult]:
    """One result per world, seeds plan.seed, plan.seed + 1, …, in order."""
    plans = [replace(plan, seed=plan.seed + index) for index in range(worlds)]
    count = min(processes or os.cpu_count() or 1, worlds)
    if count <= 1:
        _keep(pool)
        yield from map(one_world, plans)
        return
    with ProcessPoolExecutor(count, initializer=_keep, initargs=(pool,)) as executor:
        yield from executor.map(one_world, plans, chunksize=CHUNK)


def one_world(plan: Plan) -> WorldResult:
    """Run the world of this plan on the pool that the process keeps."""
    drawn = draw(_POOL[-1], seed=plan.seed, outputs=plan.outputs, warmup=plan.warmup, shifts=plan.shifts)
    run = run_pure(plan, drawn).run
    strata = strata_in(run)
    slices = []
    for part in slices_of(run.outcomes):
        if part.kind == "group":
            continue
        row = undetected_row(part, run.outcomes, strata(part), run.gold)
        found = getattr(row, plan.estimate)
        width = None if found.low is None or found.high is None else found.high - found.low
        slices.append(SliceResult(row.name, row.left_unreviewed / row.outputs, found.holds_truth, width))
    reviews = sum(outcome.reviews for outcome in run.outcomes)
    by_chance = sum(expected_catches(run)) * min(1.0, reviews / len(run.outcomes))
    caught = sum(outcome.caught for outcome in run.outcomes)
    return WorldResult(plan.seed, tuple(slices), caught / by_chance if by_chance else None)


def study(plan: Plan, results: Sequence[WorldResult]) -> Study:
    names = list(dict.fromkeys(part.name for result in results for part in result.slices))
    found = {name: [part for result in results for part in result.slices if part.name == name] for name in names}
    ratios = [result.ratio for result in results if result.ratio is not None]
    return Study(
        estimate=plan.estimate,
        slices=tuple(_coverage(name, parts) for name, parts in found.items()),
        ratio=fmean(ratios) if ratios else None,
        ratio_low=min(ratios, default=None),
    )


def study_table(plan: Plan, found: Study) -> Table:
    rows = [
        (
            part.name,
            f"{part.held:,} of {part.worlds:,}",
            percent(part.share, 2),
            f"[{100 * part.low:.2f}, {100 * part.high:.2f}] %",
            f"{part.undefined:,}",
            percent(part.mean_truth, 2),
            percent(part.mean_width, 2),
        )
        for part in found.slices
    ]
    ratio, low = (number(value, 2, "nothing to catch (n=0)") for value in (found.ratio, found.ratio_low))
    notes = (
        f"Pure worlds of {plan.outputs:,} outputs after {plan.warmup:,} of warm-up, seeds from {plan.seed}, "
        f'{plan.mode} reviewers; estimate: "{found.estimate}". A slice that cannot be estimated counts as a miss.',
        f"Errors caught per review hour against random: {ratio} on average, {low} at worst.",
    )
    head = ("slice", "truth held", "coverage", "95 % of coverage", "undefined", "mean truth", "mean width")
    return Table("Coverage of the 95 % interval", head, tuple(rows), notes)


def _keep(pool: Pool) -> None:
    _POOL[:] = [pool]


def _coverage(name: str, parts: Sequence[SliceResult]) -> Coverage:
    held = sum(part.holds is True for part in parts)
    interval = clopper_pearson(held, len(parts))
    widths = [part.width for part in parts if part.width is not None]
    return Coverage(
        name=name,
        worlds=len(parts),
        held=held,
        undefined=sum(part.holds is None for part in parts),
        share=held / len(parts),
        low=interval.low if interval else 0.0,
        high=interval.high if interval else 1.0,
        mean_width=fmean(widths) if widths else None,
        mean_truth=fmean(part.truth for part in parts),
    )
