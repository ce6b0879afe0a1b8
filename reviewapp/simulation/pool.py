"""The pool that arrivals are drawn from: outputs whose truth is known, in groups with a share of the traffic."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from routing.policy.evidence import NAMED_KINDS

Signal = Mapping[str, Any]
Cell = tuple[str, bool]

DEMO_WORLD = Path(__file__).resolve().parent.parent / "demo" / "world"
# What one undetected error costs, by stakes.
COSTS = {"high": 25.0, "mid": 5.0, "low": 1.0}
# A failing value of any of these is a catch; so is `acceptable` at 0.
SEVERE = 2


class PoolUnusable(Exception):
    """The folder does not hold what the simulator needs; the message says what is missing."""


@dataclass(frozen=True, slots=True)
class PoolRow:
    """One real output. `error` is its truth, which neither the router nor a reviewer can read.

    `signals` are in the words of the API. `ratings` holds what people said of this very output, in order:
    True where they found it wrong. `prompt_group` is shared by outputs on the same prompt.
    """

    key: str
    group: str
    prompt_group: str
    intent: str
    prompt: Any
    context: tuple[Mapping[str, str], ...]
    response: str
    source: Mapping[str, str]
    signals: tuple[Signal, ...]
    error: bool
    ratings: tuple[bool, ...] = ()


@dataclass(frozen=True, slots=True)
class Group:
    """A kind of traffic with its share of all arrivals and the share of errors among its own, both in [0, 1]."""

    name: str
    share: float
    error_rate: float


@dataclass(frozen=True, slots=True)
class Shifts:
    """Where the traffic can change: the group that doubles, the one that loses its signals, the score that is
    reported squared, and in `source_group` the source models that give way to `replacement`."""

    doubled: str
    missing: str
    rescaled: str
    source_group: str
    replaced: tuple[str, ...]
    replacement: str


@dataclass(frozen=True)
class Pool:
    """Rows by (group, error) cell, and `gold` rows that never arrive. Cells are tuples of positions in `rows`."""

    name: str
    rows: tuple[PoolRow, ...]
    gold: tuple[PoolRow, ...]
    groups: tuple[Group, ...]
    stakes_by_intent: Mapping[str, str]
    default_stakes: str
    shifts: Shifts

    @cached_property
    def cells(self) -> dict[Cell, tuple[int, ...]]:
        members: dict[Cell, list[int]] = defaultdict(list)
        for position, row in enumerate(self.rows):
            members[row.group, row.error].append(position)
        return {cell: tuple(positions) for cell, positions in members.items()}

    @cached_property
    def replacements(self) -> dict[int, int]:
        """For the shift of sources: the position of a row to the one on the same prompt that replaces it."""
        by_prompt = {
            row.prompt_group: position
            for position, row in enumerate(self.rows)
            if row.group == self.shifts.source_group and row.source.get("model") == self.shifts.replacement
        }
        return {
            position: by_prompt[row.prompt_group]
            for position, row in enumerate(self.rows)
            if row.group == self.shifts.source_group
            and row.source.get("model") in self.shifts.replaced
            and row.prompt_group in by_prompt
        }

    def stakes(self, intent: str) -> str:
        return self.stakes_by_intent.get(intent, self.default_stakes)


def demo_pool(folder: Path = DEMO_WORLD) -> Pool:
    """The world that the repository carries: one group per intent, shares and error rates as found."""
    rows = [_demo_row(raw) for raw in _single(folder / "outputs.jsonl")]
    gold = [_demo_row(raw) for raw in _single(folder / "gold.jsonl")]
    sizes = Counter(row.group for row in rows)
    errors = Counter(row.group for row in rows if row.error)
    groups = tuple(
        Group(name, share=size / len(rows), error_rate=errors[name] / size) for name, size in sorted(sizes.items())
    )
    by_size = sorted(sizes, key=lambda name: (-sizes[name], name))
    models = sorted({row.source["model"] for row in rows if "model" in row.source})
    return Pool(
        name="demo world",
        rows=tuple(rows),
        gold=tuple(gold),
        groups=groups,
        stakes_by_intent=DEMO_STAKES,
        default_stakes="low",
        shifts=Shifts(
            doubled=by_size[0],
            missing=by_size[1],
            rescaled="self_consistency",
            source_group=by_size[0],
            replaced=tuple(models[:-1]),
            replacement=models[-1] if models else "",
        ),
    )


DEMO_STAKES = {
    "allergies": "high",
    "product_safety": "high",
    "privacy": "high",
    "refunds": "mid",
    "returns": "mid",
    "payment": "mid",
    "warranty": "mid",
    "gift_cards": "mid",
    "complaints": "mid",
}


def _demo_row(raw: Mapping[str, Any]) -> PoolRow:
    return PoolRow(
        key=raw["id"],
        group=raw["intent"],
        prompt_group=raw["group"],
        intent=raw["intent"],
        prompt=raw["prompt"],
        context=tuple(raw.get("context", ())),
        response=raw["response"],
        source=raw.get("source") or {},
        signals=tuple(_nameless(signal) for signal in raw.get("signals", ())),
        error=bool(raw["gold"]["error"]),
    )


def _nameless(signal: Signal) -> Signal:
    """Without a name where the API takes none."""
    return signal if signal["kind"] in NAMED_KINDS else {name: signal[name] for name in signal if name != "name"}


# Real outputs --------------------------------------------------------------------------------------

# File, its group, the group's share of traffic, the error rate it is set to, and the score handed to the router.
REAL_GROUPS = (
    ("evouna_nq", "question", 0.60, 0.12, "peer_overlap"),
    ("nq301", "checked question", 0.15, 0.15, "bem"),
    ("wmt_ende", "translation", 0.15, 0.10, "peer_chrf4"),
    ("summedits", "summary", 0.10, 0.08, "novel_token_rate"),
)
REAL_STAKES = {
    "question/health": "high",
    "question/law_and_government": "high",
    "question/money": "high",
    "summary/sales_email": "high",
    "summary/sales_call": "mid",
    "translation/news": "mid",
    "open question": "mid",
}
REAL_SHIFTS = Shifts(
    doubled="summary",
    missing="translation",
    rescaled="score:peer_overlap",
    source_group="question",
    replaced=("GPT-4", "Bing Chat"),
    replacement="GPT-3.5",
)


def real_pool(folder: Path, *, judges: bool) -> Pool:
    """The outputs of the four files; `judges` hands the verdicts of judge models over as signals as well.

    Raises PoolUnusable when a file is not there or holds no output with a known truth.
    """
    rows: list[PoolRow] = []
    for name, group, _share, _rate, score in REAL_GROUPS:
        found = [_real_row(raw, group, score, judges=judges) for raw in _single(folder / f"{name}.jsonl")]
        if len({row.error for row in found}) < 2:
            raise PoolUnusable(f"{folder / name}.jsonl holds no outputs of both kinds, good and wrong")
        rows += found
    return Pool(
        name="real outputs",
        rows=tuple(rows),
        gold=(),
        groups=tuple(Group(group, share, rate) for _name, group, share, rate, _score in REAL_GROUPS),
        stakes_by_intent=REAL_STAKES,
        default_stakes="low",
        shifts=REAL_SHIFTS,
    )


def _real_row(raw: Mapping[str, Any], group: str, score: str, *, judges: bool) -> PoolRow:
    context = raw.get("context")
    return PoolRow(
        key=raw["id"],
        group=group,
        prompt_group=raw["group"],
        intent=raw["intent"],
        prompt=raw["prompt"],
        context=({"id": "source", "text": context},) if context else (),
        response=raw["response"],
        source={"model": raw["source"][:200]},
        signals=tuple(_real_signals(raw["signals"], score, judges=judges)),
        error=bool(raw["gold"]["error"]),
        ratings=_found_wrong(raw["ratings"]),
    )


def _real_signals(raw: Sequence[Mapping[str, Any]], score: str, *, judges: bool) -> Iterable[Signal]:
    """Only the named score, turned so that higher is better, and judges where wanted: never the reference."""
    for signal in raw:
        if "value" not in signal:
            # The verdict could not be read.
            continue
        if signal["name"] == score:
            falling = score == "novel_token_rate"
            value = round(1.0 - signal["value"], 6) if falling else float(signal["value"])
            yield {"kind": "score", "name": "known_token_rate" if falling else score, "value": value}
        elif judges and signal["kind"] == "verdict":
            run = {"verdict": "pass" if signal["value"] == 1 else "fail"}
            yield {"kind": "judge", "name": signal["name"].removeprefix("judge_"), "runs": [run]}


def _found_wrong(ratings: Sequence[Mapping[str, Any]]) -> tuple[bool, ...]:
    """Per rater, in the order of the file: did this person find the output wrong?"""
    wrong: dict[str, bool] = {}
    for rating in ratings:
        criterion, value = rating["criterion"], rating["value"]
        severe = value == 0 if criterion == "acceptable" else criterion != "mqm" and value == SEVERE
        wrong[rating["rater"]] = wrong.get(rating["rater"], False) or severe
    return tuple(wrong.values())


# Both ----------------------------------------------------------------------------------------------


def with_gold_apart(pool: Pool, choose: Mapping[Cell, Sequence[int]]) -> Pool:
    """The pool with the rows at these positions of each cell as further gold, no longer arriving."""
    taken = {pool.cells[cell][index] for cell, indices in choose.items() for index in indices}
    return replace(
        pool,
        rows=tuple(row for position, row in enumerate(pool.rows) if position not in taken),
        gold=pool.gold + tuple(pool.rows[position] for position in sorted(taken)),
    )


def _single(path: Path) -> list[dict[str, Any]]:
    """The rows with one response and a known truth."""
    if not path.is_file():
        raise PoolUnusable(f"{path} is not there")
    with path.open(encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    return [row for row in rows if row.get("kind") == "single" and "error" in row.get("gold", {})]
