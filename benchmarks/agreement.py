"""Alpha with its bootstrap interval on 100,000 items: seconds, peak memory, and how much a plain loop would take.

    python -m benchmarks.agreement [--units 100000] [--raters 10] [--resamples 1000] [--runs 3]

Made-up ratings: a true value per item, uniform over the scale, and a normal error of an eighth of the scale per
rating; one rating in ten is missing where it says so. Each scale runs in a process of its own, so that the memory is
its own. The plain loop draws items and calls `krippendorff.alpha` each time; it is measured on fewer resamples, and on
fewer items where its tables of items × values × values would not fit, and scaled up in proportion to both.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from dataclasses import dataclass

import numpy as np

from labeling.stats.bootstrap import bootstrap_alpha
from labeling.stats.disagreement import Level
from labeling.stats.units import UnitRatings


@dataclass(frozen=True, slots=True)
class Case:
    """One scale. `loop_units` and `loop_resamples` are what the plain loop is measured on."""

    name: str
    level: Level
    values: int
    missing: float
    loop_units: int
    loop_resamples: int


CASES = (
    Case("nominal, 2 values", "nominal", 2, 0.0, 100_000, 3),
    Case("nominal, 5 values, 10 % missing", "nominal", 5, 0.1, 100_000, 3),
    Case("ordinal, 5 levels", "ordinal", 5, 0.0, 100_000, 3),
    Case("ordinal, 0 to 100", "ordinal", 101, 0.0, 2_000, 3),
    Case("ordinal, 0 to 100, 10 % missing", "ordinal", 101, 0.1, 2_000, 3),
    Case("interval, 0 to 100, 10 % missing", "interval", 101, 0.1, 2_000, 3),
)
TARGET_SECONDS, TARGET_MEGABYTES = 2.0, 1000.0


def made_up(case: Case, units: int, raters: int) -> UnitRatings:
    rng = np.random.default_rng(1)
    truth = rng.integers(0, case.values, size=units)
    noise = rng.normal(0.0, case.values / 8, size=(units, raters))
    codes = np.clip(np.rint(truth[:, None] + noise), 0, case.values - 1).astype(np.intp)
    given = rng.random((units, raters)) >= case.missing
    owners = np.nonzero(given)[0].astype(np.intp)
    return UnitRatings(tuple(range(case.values)), units, owners, codes[given])


def measure(case: Case, units: int, raters: int, resamples: int, runs: int) -> dict[str, float]:
    """Seconds of the quickest and the slowest of `runs`, processor seconds of the quickest in these, and the peak of
    this process in MB."""
    ratings = made_up(case, units, raters)
    seconds, processor = [], []
    for _run in range(runs):
        start, busy = time.perf_counter(), time.process_time()
        found = bootstrap_alpha(ratings, case.level, rng=np.random.default_rng(1), resamples=resamples)
        seconds.append(time.perf_counter() - start)
        processor.append(time.process_time() - busy)
    assert found.low is not None
    assert found.high is not None
    # Linux counts in kilobytes.
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    times = {"best": min(seconds), "worst": max(seconds), "processor": min(processor)}
    return times | {"megabytes": peak, "low": found.low, "high": found.high}


def plain_loop(case: Case, units: int, raters: int, resamples: int) -> float:
    """Seconds that the loop over the package would take, scaled up from what was measured."""
    import krippendorff

    measured = min(units, case.loop_units)
    counts = made_up(case, measured, raters).counts()
    rng = np.random.default_rng(1)
    start = time.perf_counter()
    for _resample in range(case.loop_resamples):
        drawn = counts[rng.integers(measured, size=measured)]
        krippendorff.alpha(value_counts=drawn, value_domain=list(range(case.values)), level_of_measurement=case.level)
    return (time.perf_counter() - start) * (resamples / case.loop_resamples) * (units / measured)


def in_own_process(arguments: argparse.Namespace, case: int, part: str) -> dict[str, float]:
    sizes = [f"--{name}={getattr(arguments, name)}" for name in ("units", "raters", "resamples", "runs")]
    command = [sys.executable, "-m", "benchmarks.agreement", *sizes, f"--case={case}", f"--part={part}"]
    answer: dict[str, float] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return answer


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--units", type=int, default=100_000)
    parser.add_argument("--raters", type=int, default=10)
    parser.add_argument("--resamples", type=int, default=1000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--case", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--part", choices=["ours", "loop"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.case is not None:
        case = CASES[options.case]
        if options.part == "loop":
            seconds = plain_loop(case, options.units, options.raters, options.resamples)
            print(json.dumps({"seconds": seconds}))
        else:
            print(json.dumps(measure(case, options.units, options.raters, options.resamples, options.runs)))
        return 0
    print(f"{options.units:,} items × {options.raters} raters × {options.resamples:,} resamples, {options.runs} runs")
    heads = f"{'seconds':>13s} {'CPU':>6s} {'peak MB':>8s} {'plain loop, scaled':>26s} {'ratio':>8s}"
    print(f"{'':34s} {heads}  95 % interval")
    missed = False
    for number, case in enumerate(CASES):
        ours, loop = in_own_process(options, number, "ours"), in_own_process(options, number, "loop")
        missed |= ours["best"] > TARGET_SECONDS or ours["megabytes"] > TARGET_MEGABYTES
        scaled = f"{loop['seconds']:,.0f} s ({case.loop_resamples} of {min(options.units, case.loop_units):,})"
        times = f"{ours['best']:6.2f}–{ours['worst']:<6.2f} {ours['processor']:6.2f}"
        print(
            f"{case.name:34s} {times} {ours['megabytes']:8.0f} {scaled:>26s}"
            f" {loop['seconds'] / ours['best']:7,.0f}×  [{ours['low']:.4f}, {ours['high']:.4f}]",
            flush=True,
        )
    print("CPU: seconds of the processor; more than these pass where other work shares it.")
    print("(3 of 100,000): the loop was measured on 3 resamples of 100,000 items and scaled up to all.")
    print(f"target: {TARGET_SECONDS:g} s and {TARGET_MEGABYTES:g} MB: {'missed' if missed else 'met'}")
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
