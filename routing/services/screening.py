"""Screening: what the detectors say of an input, before anything is decided about it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any

from reviewapp.core.models import Content, Project
from routing.models import TrafficReference
from routing.policy.adversarial import Screen, signs_of_output
from routing.policy.adversarial import signs as signs_of_text
from routing.policy.cut import Cut, cut_for
from routing.policy.document import Detector, PolicyDocument
from routing.policy.novelty import FEWEST, Reference, input_text
from routing.policy.sign import Sign
from routing.policy.texts import prompt_text, step_text
from routing.services.new_output import NewOutput

MAX_NAMED_SIGNS = 10


@dataclass(frozen=True, slots=True)
class Screening:
    """The flags that the detectors raise on one output, and the scores and thresholds they rest on."""

    flags: tuple[str, ...] = ()
    trace: Mapping[str, Any] = field(default_factory=dict)


def screen(*, project: Project, document: PolicyDocument, outputs: Sequence[NewOutput]) -> list[Screening]:
    """One screening per output, in order, against the newest look at the project's traffic."""
    detectors = document.detectors
    if not outputs or (detectors.adversarial is None and detectors.novelty is None):
        return [Screening() for _output in outputs]
    reference = newest_reference(project)
    adversarial = [_adversarial(detectors.adversarial, reference, output) for output in outputs]
    novel = _novel(detectors.novelty, reference, outputs)
    version = reference.version if reference else None
    screenings = []
    for found in zip(adversarial, novel, strict=True):
        said = {name: trace for name, trace in zip(("adversarial", "novel"), found, strict=True) if trace}
        flags = tuple(name for name, trace in said.items() if trace["flagged"])
        screenings.append(Screening(flags=flags, trace={"reference": version, **said}))
    return screenings


def newest_reference(project: Project) -> TrafficReference | None:
    """The newest look at the traffic, without what only a fit needs."""
    rows = TrafficReference.objects.filter(project=project).defer("content_ids", "signs", "distances")
    return rows.order_by("-version").first()


def signs_of(prompt: Any, context: Sequence[Mapping[str, Any]], body: Mapping[str, Any]) -> tuple[Sign, ...]:
    """Everything suspicious in one output: its prompt, its sources and what tools returned, and its answers."""
    steps = body.get("steps", ())
    results = [step_text(step) for step in steps if step.get("type") == "tool_result"]
    said = [step_text(step) for step in steps if step.get("type") != "tool_result"]
    return signs_of_output(
        prompt=prompt_text(prompt),
        passages=[*(str(passage.get("text", "")) for passage in context), *results],
        responses=[*said, *(str(body[name]) for name in ("response", "a", "b") if name in body)],
    )


def compared_text(prompt: Any, context: Sequence[Mapping[str, Any]]) -> str:
    """What novelty compares: the prompt with the head of its sources."""
    return input_text(prompt_text(prompt), [str(passage.get("text", "")) for passage in context])


def fitted_screen(reference: TrafficReference | None, rate: float) -> Screen:
    """The cut for adversarial inputs at the owner's false-alarm rate."""
    return _fitted_screen(reference.pk, reference.created_at, rate) if reference else Screen.fit([], rate)


def novelty_cut(reference: TrafficReference | None, rate: float) -> Cut:
    """The cut for novel inputs; no threshold, with the reason, on too little traffic."""
    if reference is None:
        return Cut(None, rate, 0, f"needs {FEWEST} distinct inputs, has none yet")
    return _novelty_cut(reference.pk, reference.created_at, rate)


def _adversarial(detector: Detector | None, reference: TrafficReference | None, output: NewOutput) -> dict[str, Any]:
    if detector is None:
        return {}
    fitted = fitted_screen(reference, detector.false_alarm_rate)
    # A name with something hidden in it is nobody's slip; of its wording nothing can be told.
    hidden = [sign for sign in signs_of_text(output.intent) if sign.hard]
    signs = (*hidden, *signs_of(output.prompt, output.context, output.body))
    return {
        "score": round(fitted.score(signs), 4),
        "threshold": fitted.threshold,
        "false_alarm_rate": detector.false_alarm_rate,
        "flagged": fitted.flags(signs),
        "signs": [
            {"kind": sign.kind, "detail": sign.detail, "weight": sign.weight, "part": sign.part}
            for sign in signs[:MAX_NAMED_SIGNS]
        ],
    }


def _novel(
    detector: Detector | None, reference: TrafficReference | None, outputs: Sequence[NewOutput]
) -> list[dict[str, Any]]:
    if detector is None:
        return [{} for _output in outputs]
    cut = novelty_cut(reference, detector.false_alarm_rate)
    common = {"threshold": cut.threshold, "false_alarm_rate": detector.false_alarm_rate}
    if reference is None or cut.threshold is None:
        # Fail closed: where nothing is known of what is usual, everything is new.
        return [{"distance": None, "flagged": True, "reason": cut.reason, **common} for _output in outputs]
    index = _index(reference.pk, reference.created_at)
    distances = index.distances([compared_text(output.prompt, output.context) for output in outputs])
    return [
        {"distance": round(float(distance), 4), "flagged": bool(distance > cut.threshold), **common}
        for distance in distances
    ]


# References never change, so what is made of them is kept. `created_at` is part of the key only: a re-created
# database may give an id to another one. -------------------------------------------------------------------


@lru_cache(maxsize=8)
def _index(reference_id: int, created_at: datetime) -> Reference:
    ids = TrafficReference.objects.values_list("content_ids", flat=True).get(pk=reference_id)
    contents = Content.objects.filter(pk__in=ids).only("prompt", "context")
    return Reference.from_texts([compared_text(content.prompt, content.context) for content in contents])


@lru_cache(maxsize=64)
def _fitted_screen(reference_id: int, created_at: datetime, rate: float) -> Screen:
    rows = TrafficReference.objects.values_list("signs", flat=True).get(pk=reference_id)
    return Screen.fit([stored_signs(row) for row in rows], rate)


@lru_cache(maxsize=64)
def _novelty_cut(reference_id: int, created_at: datetime, rate: float) -> Cut:
    distances = TrafficReference.objects.values_list("distances", flat=True).get(pk=reference_id)
    if not distances:
        return Cut(None, rate, 0, f"needs {FEWEST} distinct inputs; the newest look found fewer")
    return cut_for(distances, rate)


def stored_signs(row: Sequence[Sequence[Any]]) -> tuple[Sign, ...]:
    """Signs as a traffic reference keeps them."""
    return tuple(Sign(kind=kind, detail="", weight=weight, hard=hard) for kind, weight, hard in row)
