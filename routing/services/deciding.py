"""Decisions into the books: one row each, and a review item where a person is needed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from labeling.models import ItemKind
from labeling.services.enqueue import NewItem, enqueue_items
from reviewapp.core.models import Project
from routing.models import Decision, Output, OutputReview, ReviewOrigin
from routing.policy.decide import RoutingDecision, decide
from routing.policy.document import STAKES_RANK
from routing.services.gathering import Gathered
from routing.services.new_output import NewOutput
from routing.services.policies import Ruling


@dataclass(frozen=True, slots=True)
class Case:
    """A stored output (its `content` loaded), the request it came with, and the facts gathered on it."""

    output: Output
    given: NewOutput
    gathered: Gathered


def record_decisions(*, project: Project, ruling: Ruling, cases: Sequence[Case], now: datetime) -> None:
    """Decide every case by `ruling`, in the caller's transaction."""
    decided = [(case, _decide(project, ruling, case)) for case in cases]
    Decision.objects.bulk_create(_decision_row(project, ruling, case, decision, now) for case, decision in decided)
    _enqueue(project, [(case, decision) for case, decision in decided if decision.needs_review], now)


def _decide(project: Project, ruling: Ruling, case: Case) -> RoutingDecision:
    return decide(
        case.gathered.facts, policy=ruling.document, calibrator=ruling.calibrator, key=bytes(project.draw_key)
    )


def _decision_row(project: Project, ruling: Ruling, case: Case, decision: RoutingDecision, now: datetime) -> Decision:
    return Decision(
        output=case.output,
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
        trace={**decision.trace, **case.gathered.trace},
        decided_at=now,
    )


def _enqueue(project: Project, needing: Sequence[tuple[Case, RoutingDecision]], now: datetime) -> None:
    items = enqueue_items(
        project=project,
        items=[
            NewItem(
                kind=ItemKind.AUDIT if decision.audited else ItemKind.LIVE,
                intent=case.given.intent,
                content=case.output.content,
                raters=decision.raters,
                aggregation=decision.aggregation,
                priority=STAKES_RANK[decision.stakes],
                due_at=now + timedelta(minutes=decision.sla_minutes),
                credential=decision.credential,
                mask_names=case.given.mask_names,
            )
            for case, decision in needing
        ],
        now=now,
    )
    OutputReview.objects.bulk_create(
        OutputReview(
            output=case.output, item=item, origin=ReviewOrigin.AUDIT if decision.audited else ReviewOrigin.DECISION
        )
        for item, (case, decision) in zip(items, needing, strict=True)
    )
