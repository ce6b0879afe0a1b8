"""Intake: every output that comes in gets exactly one decision, and a review item where it needs one."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from reviewapp.core.fingerprints import content_fingerprint, fingerprint
from reviewapp.core.models import Content, Project
from routing.models import Output, Signal
from routing.policy.decide import judges_to_ask
from routing.policy.evidence import evidence_of, signal_key
from routing.services.deciding import Case, record_decisions
from routing.services.gathering import Gathered, gather
from routing.services.judging import Question, request_judgements
from routing.services.new_output import NewOutput
from routing.services.policies import Ruling, ruling_in_force
from routing.services.screening import Screening, screen

ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class Routed:
    """What became of one request: `created` now, the same as before, or a `conflict` with another body."""

    output_id: uuid.UUID
    created: bool
    conflict: bool


def route_outputs(*, project: Project, outputs: Sequence[NewOutput], now: datetime) -> list[Routed]:
    """Route all outputs, in order, in one transaction. Idempotent by (external_id, body).

    What can be found out without the books (screening, checks, evidence) is found out before the transaction,
    so that long texts keep no lock. A rival request may store one of the ids at the same moment; then
    everything is looked up again.
    """
    ruling = ruling_in_force(project, now=now)
    known = _known(project, outputs)
    unseen = [output for output in _firsts(outputs) if output.external_id not in known]
    screenings = screen(project=project, document=ruling.document, outputs=unseen)
    prepared = {
        output.external_id: _Prepared(output, screening, gather(output, document=ruling.document, screening=screening))
        for output, screening in zip(unseen, screenings, strict=True)
    }
    for attempt in range(ATTEMPTS):
        try:
            with transaction.atomic():
                return _route_once(project, ruling, outputs, prepared, now)
        except IntegrityError:
            if attempt == ATTEMPTS - 1:
                raise
    raise AssertionError("unreachable")


@dataclass(frozen=True, slots=True)
class _Prepared:
    """An output not seen before, with all that was found out about it by itself."""

    given: NewOutput
    screening: Screening
    gathered: Gathered


def _known(project: Project, outputs: Sequence[NewOutput]) -> dict[str, tuple[uuid.UUID, str]]:
    """Key and body digest of those outputs that are stored, by external id."""
    ids = [output.external_id for output in outputs]
    rows = Output.objects.filter(project=project, external_id__in=ids)
    return {external_id: (pk, body) for external_id, pk, body in rows.values_list("external_id", "pk", "body_sha256")}


def _firsts(outputs: Sequence[NewOutput]) -> list[NewOutput]:
    """Each external id once, as it came first."""
    firsts: dict[str, NewOutput] = {}
    for output in outputs:
        firsts.setdefault(output.external_id, output)
    return list(firsts.values())


def _route_once(
    project: Project, ruling: Ruling, outputs: Sequence[NewOutput], prepared: Mapping[str, _Prepared], now: datetime
) -> list[Routed]:
    known = _known(project, outputs)
    # Outputs are never deleted: whatever is unknown now was unknown before, and is prepared.
    fresh = {name: entry for name, entry in prepared.items() if name not in known}
    stored = _store(project, ruling, list(fresh.values()), now) if fresh else {}
    results, announced = [], set()
    for output in outputs:
        name = output.external_id
        pk, body = known.get(name) or (stored[name], fresh[name].given.body_sha256)
        results.append(
            Routed(output_id=pk, created=name in fresh and name not in announced, conflict=body != output.body_sha256)
        )
        announced.add(name)
    return results


def _store(project: Project, ruling: Ruling, fresh: list[_Prepared], now: datetime) -> dict[str, uuid.UUID]:
    contents = Content.objects.bulk_create(_content(project, entry.given) for entry in fresh)
    rows = [_output_row(project, entry.given, content, now) for entry, content in zip(fresh, contents, strict=True)]
    # In the order of their ids: two requests with the same ones then queue up, instead of waiting for each other.
    Output.objects.bulk_create(sorted(rows, key=lambda row: row.external_id))
    Signal.objects.bulk_create(
        _signal_row(row, signal) for row, entry in zip(rows, fresh, strict=True) for signal in entry.given.signals
    )
    cases, questions = [], []
    for entry, row in zip(fresh, rows, strict=True):
        judges = judges_to_ask(entry.gathered.facts, policy=ruling.document, calibrator=ruling.calibrator)
        if judges:
            questions.append(Question(output=row, given=entry.given, judges=judges, screening=entry.screening))
        else:
            cases.append(Case(output=row, given=entry.given, gathered=entry.gathered))
    record_decisions(project=project, ruling=ruling, cases=cases, now=now)
    request_judgements(project=project, ruling=ruling, questions=questions, now=now)
    return {row.external_id: row.pk for row in rows}


def _content(project: Project, output: NewOutput) -> Content:
    return Content(
        project=project,
        task_kind=output.task_kind,
        prompt=output.prompt,
        context=output.context,
        body=dict(output.body),
        fingerprint=content_fingerprint(output.prompt, output.context, output.body),
    )


def _output_row(project: Project, output: NewOutput, content: Content, now: datetime) -> Output:
    return Output(
        project=project,
        external_id=output.external_id,
        body_sha256=output.body_sha256,
        task_kind=output.task_kind,
        intent=output.intent,
        content=content,
        # What was asked about what: summaries of different texts are different tasks under the same prompt.
        prompt_fingerprint=fingerprint([output.prompt, output.context]),
        source_model=output.source.get("model", ""),
        source_version=output.source.get("version", ""),
        source_prompt_version=output.source.get("prompt_version", ""),
        candidate_sources=[dict(source) for source in output.candidate_sources],
        metadata=dict(output.metadata),
        occurred_at=output.occurred_at or now,
        received_at=now,
    )


def _signal_row(row: Output, signal: Mapping[str, Any]) -> Signal:
    return Signal(
        output=row, key=signal_key(signal), kind=signal["kind"], data=dict(signal), evidence=evidence_of(signal)
    )
