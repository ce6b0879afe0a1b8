"""Evaluations that other tools made, as signals; what cannot be one is kept in metadata and said.

A signal runs from 0 to 1 and higher must mean better: that is the evaluator's promise, which the calibrator
checks against verdicts. Token probabilities never become signals, whatever they are called.
"""

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

PASSES = {"pass": "pass", "passed": "pass", "fail": "fail", "failed": "fail"}
TOKEN_PROBABILITY = re.compile(r"log[\W_]*prob|token[\W_]*prob|perplexity|likelihood|log[\W_]*odds", re.IGNORECASE)
MAX_NAME = 100
MAX_EXPLANATION = 2000


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One evaluator's word on one output. `value` and `label` as they came, of any type."""

    name: str
    value: Any = None
    label: Any = None
    explanation: Any = None

    def as_metadata(self) -> dict[str, Any]:
        said = {"name": self.name[:MAX_NAME], "value": self.value, "label": self.label}
        if isinstance(self.explanation, str):
            said["explanation"] = self.explanation[:MAX_EXPLANATION]
        return {
            key: value
            for key, value in said.items()
            # JSON has no word for infinities and NaN.
            if value is not None and not (isinstance(value, float) and not math.isfinite(value))
        }


@dataclass(slots=True)
class Read:
    """Signals, everything that was said, and remarks on what became no signal."""

    signals: list[dict[str, Any]] = field(default_factory=list)
    metadata: list[dict[str, Any]] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


def read_evaluations(evaluations: Iterable[Evaluation]) -> Read:
    """A lone value in 0..1 is a score; a label pass or fail, and what one evaluator said more than once, a judge."""
    read = Read()
    runs: dict[str, list[dict[str, Any]]] = {}
    for evaluation in evaluations:
        read.metadata.append(evaluation.as_metadata())
        run = _run(evaluation)
        if isinstance(run, str):
            read.remarks.append(run)
        else:
            runs.setdefault(evaluation.name, []).append(run)
    for name, said in runs.items():
        if len(said) == 1 and "score" in said[0]:
            read.signals.append({"kind": "score", "name": name, "value": said[0]["score"]})
        else:
            read.signals.append({"kind": "judge", "name": name, "runs": said})
    return read


def evaluation_in(attributes: Mapping[str, Any]) -> Evaluation | None:
    """The evaluation that OpenTelemetry's `gen_ai.evaluation.*` attributes describe, if they do."""
    name = attributes.get("gen_ai.evaluation.name")
    if not isinstance(name, str) or not name:
        return None
    return Evaluation(
        name,
        attributes.get("gen_ai.evaluation.score.value"),
        attributes.get("gen_ai.evaluation.score.label"),
        attributes.get("gen_ai.evaluation.explanation"),
    )


def _run(evaluation: Evaluation) -> dict[str, Any] | str:
    """One run of a judge, or the remark why there is none."""
    name = evaluation.name
    if TOKEN_PROBABILITY.search(name):
        return f"{name[:MAX_NAME]!r} is a token probability, which is no signal: kept as metadata"
    if len(name) > MAX_NAME:
        return f"an evaluation's name is longer than {MAX_NAME} characters: kept as metadata"
    label = evaluation.label
    verdict = PASSES.get(label.strip().lower()) if isinstance(label, str) else None
    value = _share(evaluation.value)
    if value is not None and not (verdict == "fail" and value > 0.5):
        return {"score": value}
    # Also where a failing label contradicts a high value: the worse of the two is believed.
    if verdict is not None:
        return {"verdict": verdict}
    return f"{name!r} is neither a value in 0..1 nor a label pass or fail: kept as metadata"


def _share(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) and 0 <= value <= 1 else None
