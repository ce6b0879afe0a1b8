"""Who is named after 1,500 reviews by eight people: nobody of an honest team, and everybody of one that is not.

    python -m benchmarks.naming [--seeds 200] [--data DIR] [--gold-rate 0.4] [--failures 60] [--good 60]

Each seed is one honest team and one with two weak reviewers, a sleeper and a copier. Outputs are wrong as often as in
the traffic of the simulator; everybody meets every item, as in a calibration round, and gold in between, each case
once. The rule is asked after every fifth of the reviews, and a team counts as wrongly accused once anybody was named
at any look. The drift test looks at every answer to gold, as the product's sweep does. With --data also on real
outputs, with real ratings where there are any.
"""

import argparse
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from labeling.stats.intervals import clopper_pearson
from labeling.stats.naming import naming
from labeling.stats.sequential import SUSPECT_THRESHOLD, cusum
from reviewapp.simulation.instrument import GOLD, LIVE, Given, records
from reviewapp.simulation.pool import Pool, PoolRow, real_pool
from reviewapp.simulation.reviewers import (
    COPIED,
    COPIER,
    REAL,
    SIMULATED,
    SLEEPER,
    WEAK,
    Panel,
    Reviewer,
    eight_reviewers,
    honest_eight,
    rounds,
    uniform,
)
from reviewapp.simulation.stream import draw

ERROR_RATE = 0.121
LOOKS = 5
CULPRITS = {
    "weak, 0.69": (WEAK[0], "weak_on_gold", None),
    "weak, 0.63": (WEAK[1], "weak_on_gold", None),
    "sleeper": (SLEEPER, "asleep", None),
    "copier": (COPIER, "copies", COPIED),
}
# Whoever passes everything passes planted failures too.
DESERVED = {*CULPRITS.values(), (SLEEPER, "weak_on_gold", None)}
Accusation = tuple[str, str, str | None]


@dataclass(frozen=True, slots=True)
class Design:
    """What the owner can choose: how much gold, how many of its cases are failures, how many people per item."""

    reviews: int
    gold_rate: float
    failures: int
    good: int
    raters: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """Who was named at the last look, and at any; and whose answers to gold have set off the drift test."""

    at_the_end: frozenset[Accusation]
    ever: frozenset[Accusation]
    drifted: frozenset[str]


def plain_row(key: str, *, error: bool) -> PoolRow:
    return PoolRow(key, "all", key, "all", "", (), "", {}, (), error)


def material(seed: int, design: Design, pool: Pool | None) -> tuple[list[PoolRow], list[PoolRow]]:
    """The items in the order of the queue, and gold."""
    if pool is not None:
        drawn = draw(pool, seed=seed, outputs=1, warmup=design.reviews)
        return [arrival.row for arrival in drawn.warmup], list(drawn.pool.gold)
    items = [
        plain_row(f"o{number}", error=uniform(seed, "truth", f"o{number}") < ERROR_RATE)
        for number in range(design.reviews)
    ]
    cases = design.failures + design.good
    return items, [plain_row(f"g{number}", error=number < design.failures) for number in range(cases)]


def work(seed: int, people: Sequence[Reviewer], design: Design, pool: Pool | None) -> Iterator[Given]:
    """Ratings in the order of handing in: everybody takes the first open item that they have not met, or gold."""
    items, gold = material(seed, design, pool)
    panel = Panel(seed, REAL if pool else SIMULATED)
    unseen = {
        person.name: sorted(gold, key=lambda row: uniform(seed, "gold order", row.key, person.name))
        for person in people
    }
    met: dict[str, set[int]] = defaultdict(set)
    seats, first, turns, live = [design.raters] * len(items), 0, 0, 0
    for turn in rounds(seed, people):
        for person in turn:
            turns += 1
            if unseen[person.name] and uniform(seed, "gold", str(turns), person.name) < design.gold_rate:
                row = unseen[person.name].pop()
                yield _given(panel, row, f"gold {row.key}", person, GOLD)
                continue
            place = next(n for n in range(first, len(items)) if seats[n] and n not in met[person.name])
            met[person.name].add(place)
            seats[place] -= 1
            while not seats[first]:
                first += 1
            yield _given(panel, items[place], f"item {place}", person, LIVE)
            live += 1
            if live == design.reviews:
                return


def _given(panel: Panel, row: PoolRow, output: str, person: Reviewer, kind: str) -> Given:
    answer = panel.answer(row, output=output, reviewer=person, again=kind == GOLD)
    seconds = panel.seconds(output=output, reviewer=person)
    return Given(person.name, output, answer, seconds, row.error, kind)


def accused(people: Sequence[Reviewer], given: Sequence[Given]) -> frozenset[Accusation]:
    found = naming(records(people, given))
    return frozenset((str(f.reviewer), f.kind, str(f.peer) if f.peer else None) for f in found if f.named)


def watched(seed: int, people: Sequence[Reviewer], design: Design, pool: Pool | None, looks: int) -> Outcome:
    given = list(work(seed, people, design, pool))
    seen = [accused(people, given[: round(len(given) * look / looks)]) for look in range(1, looks + 1)]
    return Outcome(seen[-1], frozenset().union(*seen), drifted(people, given))


def drifted(people: Sequence[Reviewer], given: Sequence[Given]) -> frozenset[str]:
    """Who would have been suspect at some moment."""
    right: dict[str, list[bool]] = {person.name: [] for person in people}
    for rating in given:
        if rating.kind == GOLD:
            right[rating.reviewer].append(rating.found_wrong == rating.error)
    return frozenset(
        name for name, answers in right.items() if cusum(answers, threshold=SUSPECT_THRESHOLD).alarm_at is not None
    )


def one_seed(seed: int, design: Design, pool: Pool | None) -> tuple[Outcome, Outcome]:
    """An honest team, looked at five times, and a team with four culprits, looked at once."""
    honest = watched(seed, honest_eight(), design, pool, LOOKS)
    return honest, watched(seed, eight_reviewers(sleeper=True, copier=True), design, pool, 1)


def share(hits: int, of: int) -> str:
    interval = clopper_pearson(hits, of)
    assert interval is not None
    return f"{hits} of {of}, {100 * hits / of:.1f} % [{100 * interval.low:.1f}, {100 * interval.high:.1f}]"


def show(results: Sequence[tuple[Outcome, Outcome]], title: str) -> None:
    """Shares of teams with exact 95 % intervals."""
    seeds = len(results)
    print(title)
    print(f"  honest team, anybody named at the end     {share(sum(bool(h.at_the_end) for h, _o in results), seeds)}")
    print(f"  honest team, anybody named at any look    {share(sum(bool(h.ever) for h, _o in results), seeds)}")
    print(f"  honest team, anybody suspect by drift      {share(sum(bool(h.drifted) for h, _o in results), seeds)}")
    for name in (*WEAK, SLEEPER):
        print(f"  suspect by drift: {name:<23} {share(sum(name in o.drifted for _h, o in results), seeds)}")
    for name, culprit in CULPRITS.items():
        print(f"  named: {name:<34} {share(sum(culprit in o.at_the_end for _h, o in results), seeds)}")
    everybody = sum(o.at_the_end >= set(CULPRITS.values()) for _h, o in results)
    print(f"  named: {'all four':<34} {share(everybody, seeds)}")
    wrong = Counter(accusation for _h, other in results for accusation in other.at_the_end - DESERVED)
    print(f"  named beside them, of {seeds} teams: {dict(wrong) or 'nobody'}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--reviews", type=int, default=1500)
    parser.add_argument("--gold-rate", type=float, default=0.4)
    parser.add_argument("--failures", type=int, default=60)
    parser.add_argument("--good", type=int, default=60)
    parser.add_argument("--raters", type=int, default=8)
    options = parser.parse_args()
    design = Design(options.reviews, options.gold_rate, options.failures, options.good, options.raters)
    pools: dict[str, Pool | None] = {"answers drawn at each reviewer's rates": None}
    if options.data and options.data.is_dir():
        pools["real ratings where there are any"] = real_pool(options.data, judges=False)
    with ProcessPoolExecutor() as processes:
        for title, pool in pools.items():
            ask = partial(one_seed, design=design, pool=pool)
            show(list(processes.map(ask, range(1, options.seeds + 1), chunksize=5)), title)


if __name__ == "__main__":
    main()
