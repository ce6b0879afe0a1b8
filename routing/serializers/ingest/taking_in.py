"""From bodies to routed outputs: the same validation and the same write path as `POST /outputs/`, in batches."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from reviewapp.core.models import Project
from reviewapp.core.problems import Problem
from routing.models import Output
from routing.serializers.outputs import parse_output
from routing.services.intake import route_outputs
from routing.services.new_output import NewOutput

BATCH = 500
CONFLICT = "this external_id was handed in with another body; nothing was changed"


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of one body: `created`, there already (`known`), or `refused` for a reason."""

    outcome: Literal["created", "known", "refused"]
    reason: str = ""


def take_in(*, project: Project, bodies: Sequence[dict[str, Any]], now: datetime, dry_run: bool = False) -> list[Taken]:
    """Route the bodies, in order; one bad body never affects the others. With `dry_run` nothing is stored."""
    return [
        taken
        for start in range(0, len(bodies), BATCH)
        for taken in _take_batch(project, bodies[start : start + BATCH], now, dry_run)
    ]


def shown(text: str, limit: int = 300) -> str:
    """A text of unknown origin, fit for any answer: no lone surrogates, no control characters, not too long."""
    cut = text if len(text) <= limit else text[: limit - 1] + "…"
    safe = cut.encode("utf-8", "backslashreplace").decode()
    return "".join(letter if letter.isprintable() else "�" for letter in safe)


def _take_batch(project: Project, bodies: Sequence[dict[str, Any]], now: datetime, dry_run: bool) -> Iterator[Taken]:
    parsed = [_parsed(body) for body in bodies]
    good = [entry for entry in parsed if isinstance(entry, NewOutput)]
    outcomes = iter(_rehearsed(project, good) if dry_run else _routed(project, good, now))
    for entry in parsed:
        yield next(outcomes) if isinstance(entry, NewOutput) else entry


def _parsed(body: dict[str, Any]) -> NewOutput | Taken:
    try:
        return parse_output(body)
    except Problem as problem:
        faults = "; ".join(f"{fault['pointer']}: {fault['detail']}" for fault in problem.errors)
        return Taken("refused", shown(faults or str(problem.detail)))


def _routed(project: Project, outputs: Sequence[NewOutput], now: datetime) -> Iterator[Taken]:
    if not outputs:
        return
    for routed in route_outputs(project=project, outputs=outputs, now=now):
        if routed.conflict:
            yield Taken("refused", CONFLICT)
        else:
            yield Taken("created" if routed.created else "known")


def _rehearsed(project: Project, outputs: Sequence[NewOutput]) -> Iterator[Taken]:
    """What `_routed` would say, told from what is stored."""
    ids = [output.external_id for output in outputs]
    rows = Output.objects.filter(project=project, external_id__in=ids).values_list("external_id", "body_sha256")
    bodies = dict(rows)
    for output in outputs:
        if output.external_id not in bodies:
            bodies[output.external_id] = output.body_sha256
            yield Taken("created")
        elif bodies[output.external_id] == output.body_sha256:
            yield Taken("known")
        else:
            yield Taken("refused", CONFLICT)
