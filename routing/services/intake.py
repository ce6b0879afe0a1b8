"""Intake: every output that comes in gets exactly one decision, and a review item where it needs one."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction

from labeling.models import ItemKind
from labeling.services.enqueue import NewItem, enqueue_items
from reviewapp.core.fingerprints import content_fingerprint, fingerprint
from reviewapp.core.models import Content, Project
from routing.models import Decision, Output, OutputReview, ReviewOrigin, Signal
from routing.policy.decide import Facts, RoutingDecision, decide
from routing.policy.document import STAKES_RANK
from routing.policy.evidence import evidence_by_key, evidence_of, signal_key
from routing.services.policies import Ruling, ruling_in_force

ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class NewOutput:
    """One validated request. `body_sha256` identifies the request body; `body` is what reviewers may see."""

    external_id: str
    body_sha256: str
    intent: str
    task_kind: str
    prompt: Any
    context: list[dict[str, str]]
    body: Mapping[str, Any]
    source: Mapping[str, str] = field(default_factory=dict)
    candidate_sources: tuple[Mapping[str, str], ...] = ()
    stakes: str | None = None
    flags: tuple[str, ...] = ()
    signals: tuple[Mapping[str, Any], ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)
    occurred_at: datetime | None = None

    @property
    def mask_names(self) -> tuple[str, ...]:
        sources = [self.source, *self.candidate_sources]
        return tuple(dict.fromkeys(name for source in sources for name in source.values() if name))


@dataclass(frozen=True, slots=True)
class Routed:
    """What became of one request: `created` now, the same as before, or a `conflict` with another body."""

    output_id: uuid.UUID
    created: bool
    conflict: bool


def route_outputs(*, project: Project, outputs: Sequence[NewOutput], now: datetime) -> list[Routed]:
    """Route all outputs, in order, in one transaction. Idempotent by (external_id, body).

    A rival request may store one of the ids at the same moment; then everything is looked up again.
    """
    for attempt in range(ATTEMPTS):
        try:
            with transaction.atomic():
                return _route_once(project, outputs, now)
        except IntegrityError:
            if attempt == ATTEMPTS - 1:
                raise
    raise AssertionError("unreachable")


def _route_once(project: Project, outputs: Sequence[NewOutput], now: datetime) -> list[Routed]:
    ids = [output.external_id for output in outputs]
    known = {
        external_id: (pk, body)
        for external_id, pk, body in Output.objects.filter(project=project, external_id__in=ids).values_list(
            "external_id", "pk", "body_sha256"
        )
    }
    fresh: dict[str, NewOutput] = {}
    for output in outputs:
        if output.external_id not in known:
            fresh.setdefault(output.external_id, output)
    stored = _store(project, list(fresh.values()), now) if fresh else {}
    results, announced = [], set()
    for output in outputs:
        pk, body = known.get(output.external_id) or (stored[output.external_id], fresh[output.external_id].body_sha256)
        created = output.external_id in fresh and output.external_id not in announced
        announced.add(output.external_id)
        results.append(Routed(output_id=pk, created=created, conflict=body != output.body_sha256))
    return results


def _store(project: Project, outputs: list[NewOutput], now: datetime) -> dict[str, uuid.UUID]:
    ruling = ruling_in_force(project)
    decisions = [_decide(project, ruling, output) for output in outputs]
    contents = Content.objects.bulk_create(_content(project, output) for output in outputs)
    rows = [_output_row(project, output, content, now) for output, content in zip(outputs, contents, strict=True)]
    # In the order of their ids: two requests with the same ones then queue up, instead of waiting for each other.
    Output.objects.bulk_create(sorted(rows, key=lambda row: row.external_id))
    Signal.objects.bulk_create(
        Signal(
            output=row,
            key=signal_key(signal),
            kind=signal["kind"],
            data=dict(signal),
            evidence=evidence_of(signal),
        )
        for row, output in zip(rows, outputs, strict=True)
        for signal in output.signals
    )
    Decision.objects.bulk_create(
        _decision_row(project, ruling, row, decision, now) for row, decision in zip(rows, decisions, strict=True)
    )
    _enqueue(project, list(zip(outputs, rows, contents, decisions, strict=True)), now)
    return {row.external_id: row.pk for row in rows}


def _decide(project: Project, ruling: Ruling, output: NewOutput) -> RoutingDecision:
    facts = Facts(
        external_id=output.external_id,
        intent=output.intent,
        stakes=output.stakes,
        flags=output.flags,
        evidence=evidence_by_key(output.signals),
        metadata=output.metadata,
    )
    return decide(facts, policy=ruling.document, calibrator=ruling.calibrator, key=bytes(project.draw_key))


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
        prompt_fingerprint=fingerprint(output.prompt),
        source_model=output.source.get("model", ""),
        source_version=output.source.get("version", ""),
        source_prompt_version=output.source.get("prompt_version", ""),
        candidate_sources=[dict(source) for source in output.candidate_sources],
        metadata=dict(output.metadata),
        occurred_at=output.occurred_at or now,
        received_at=now,
    )


def _decision_row(project: Project, ruling: Ruling, row: Output, decision: RoutingDecision, now: datetime) -> Decision:
    return Decision(
        output=row,
        project=project,
        policy_id=ruling.policy_id,
        calibrator_id=ruling.calibrator_id,
        action=decision.action,
        reasons=list(decision.reasons),
        confidence=decision.confidence,
        stakes=decision.stakes,
        flags=list(decision.flags),
        inclusion_probability=decision.inclusion_probability,
        audited=decision.audited,
        trace=dict(decision.trace),
        decided_at=now,
    )


def _enqueue(project: Project, routed: list[tuple[NewOutput, Output, Content, RoutingDecision]], now: datetime) -> None:
    needing = [entry for entry in routed if entry[3].needs_review]
    items = enqueue_items(
        project=project,
        items=[
            NewItem(
                kind=ItemKind.AUDIT if decision.audited else ItemKind.LIVE,
                intent=output.intent,
                content=content,
                raters=decision.raters,
                priority=STAKES_RANK[decision.stakes],
                due_at=now + timedelta(minutes=decision.sla_minutes),
                credential=decision.credential,
                mask_names=output.mask_names,
            )
            for output, _row, content, decision in needing
        ],
        now=now,
    )
    OutputReview.objects.bulk_create(
        OutputReview(output=row, item=item, origin=ReviewOrigin.AUDIT if decision.audited else ReviewOrigin.DECISION)
        for item, (_output, row, _content, decision) in zip(items, needing, strict=True)
    )
