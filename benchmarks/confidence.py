"""How good calibrated confidence is on real outputs, by the very code that routes and recalibrates.

    python -m benchmarks.confidence --data DIR [--seeds 10]

DIR holds nq301.jsonl and summedits.jsonl (see reviewapp/simulation/pool.py). Every output is judged, as in a
warm-up. Confidence is measured on held-out questions, 5 folds; each seed deals the questions into folds anew.
"""

import argparse
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from reviewapp.simulation.pool import PoolRow, real_pool
from routing.policy.confidence import confidence
from routing.policy.evidence import weigh
from routing.policy.learning import Fitted, fit_calibrator, held_out_predictions, quality_of
from routing.policy.scopes import Logged

QUESTIONS, SUMMARIES = "checked question", "summary"
# Signals of the questions by how much is known of them.
ALONE = ("score:bem",)
ALL = ("score:bem", "judge:gpt-4", "judge:text-davinci-003")


@dataclass(frozen=True, slots=True)
class Figures:
    """Held-out quality under one way to deal the folds; `n` outputs could be given a confidence."""

    n: int
    auc: float
    brier: float
    ece: float


def logged_rows(folder: Path, group: str, *, keys: Sequence[str] = (), sources: bool = True) -> list[Logged]:
    """The outputs of one group as the router logs them, all judged as the truth has it.

    Only signals in `keys` (all without). Without `sources` nobody tells which model wrote the output, so
    that no judge counts as of its family.
    """
    pool = real_pool(folder, judges=True)
    return [_logged(row, keys, sources) for row in pool.rows if row.group == group]


def _logged(row: PoolRow, keys: Sequence[str], sources: bool) -> Logged:
    evidence = weigh(row.signals, [row.source["model"]] if sources else [])
    chosen = {key: found for key, found in evidence.items() if not keys or key in keys}
    return Logged(
        intent=row.intent,
        stakes="mid",
        evidence={key: found.value for key, found in chosen.items()},
        inclusion_probability=1.0,
        acceptable=not row.error,
        prompt=row.prompt_group,
        same_family=frozenset(key for key, found in chosen.items() if found.same_family),
    )


def figures(rows: Sequence[Logged], seed: int) -> Figures:
    """ECE over ten bins of equal width. RuntimeError where nothing could be predicted."""
    found = quality_of(held_out_predictions(rows, salt=f"benchmark {seed}"))
    if found.auc.value is None or found.brier is None or found.equal_width.ece is None:
        raise RuntimeError(f"nothing to measure: {found.reason or found.auc.reason}")
    return Figures(found.n, found.auc.value, found.brier, found.equal_width.ece)


def table(name: str, rows: Sequence[Logged], seeds: int) -> str:
    """One line: means over the seeds with the worst and the best."""
    found = [figures(rows, seed) for seed in range(1, seeds + 1)]
    cells = [f"{name:42s} {found[0].n:5d} of {len(rows)}"]
    for measure in ("auc", "brier", "ece"):
        values = [getattr(row, measure) for row in found]
        cells.append(f"{fmean(values):.4f} [{min(values):.4f}, {max(values):.4f}]")
    return "  ".join(cells)


def signal_lines(fitted: Fitted) -> list[str]:
    """What each signal is worth in each scope, in words."""
    lines = []
    for scope, signals in fitted.metrics()["signals"].items():
        for key, row in signals.items():
            area = f"AUC {row['auc']:.3f} [{row['low']:.3f}, {row['high']:.3f}]" if row["auc"] else row["reason"]
            weights = ", ".join("a curve" if weight is None else f"{weight:.2f}" for weight in row["weights"].values())
            lines.append(
                f"  {scope:20s} {key:24s} {row['status']:12s} {area}, n = {row['labels']}, weight {weights or 'none'}"
            )
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, metavar="DIR")
    parser.add_argument("--seeds", type=int, default=10)
    options = parser.parse_args()
    questions = logged_rows(options.data, QUESTIONS)
    print(f"nq301, {options.seeds} ways to deal 5 folds of questions: mean [lowest, highest]")
    print(f"{'':42s} {'judged':>13s}  {'AUC':23s}  {'Brier':23s}  {'ECE (10 bins)':23s}")
    for name, rows in {
        "bem alone": logged_rows(options.data, QUESTIONS, keys=ALONE),
        "bem and two judges": questions,
        "the same, sources not told to the router": logged_rows(options.data, QUESTIONS, sources=False),
    }.items():
        print(table(name, rows, options.seeds))
    fitted = fit_calibrator(questions)
    print("\n".join(signal_lines(fitted)))
    for key, judge in fitted.judges.items():
        print(f"  {key}: {judge.same_family} of {judge.outputs} outputs from a model of its own family")
    summaries = logged_rows(options.data, SUMMARIES)
    fitted = fit_calibrator(summaries)
    print(f"summedits, {len(summaries)} outputs")
    print("\n".join(signal_lines(fitted)))
    answers = [confidence(fitted.parameters, row.intent, row.evidence) for row in summaries]
    for (basis, value), count in sorted(Counter((answer.basis, answer.value) for answer in answers).items()):
        print(f"  {count} outputs of {basis}: confidence {value:.3f}")


if __name__ == "__main__":
    main()
