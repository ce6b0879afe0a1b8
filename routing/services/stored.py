"""Stored outputs, turned back into the request that they came in with and what was heard about them since.

For whatever has to look at an output again: the decision that waits for a judge of ours, and the
recomputation that shows where a decision came from.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from routing.models import Decision, Output, Signal, SignalOrigin
from routing.policy.decide import judge_key
from routing.services.new_output import NewOutput
from routing.services.screening import Screening


def stored_request(
    output: Output, *, stakes: str | None, flags: Sequence[str], signals: Sequence[Signal] | None = None
) -> NewOutput:
    """The request behind a stored output, in the words of intake.

    `stakes` and `flags` are the caller's own: a decision's trace has them, and so has a pending judgement.
    `signals`: all rows of the output where they are loaded already; judges of ours are left out.
    """
    rows = output.signals.order_by("pk") if signals is None else signals
    content = output.content
    source = {
        "model": output.source_model,
        "version": output.source_version,
        "prompt_version": output.source_prompt_version,
    }
    return NewOutput(
        external_id=output.external_id,
        body_sha256=output.body_sha256,
        intent=output.intent,
        task_kind=output.task_kind,
        prompt=content.prompt,
        context=list(content.context),
        body=content.body,
        source={name: value for name, value in source.items() if value},
        candidate_sources=tuple(output.candidate_sources),
        stakes=stakes,
        flags=tuple(flags),
        signals=tuple(row.data for row in rows if row.origin == SignalOrigin.CALLER),
        metadata=output.metadata,
        occurred_at=output.occurred_at,
    )


def decided_request(decision: Decision, signals: Sequence[Signal] | None = None) -> NewOutput:
    """As `stored_request`, for an output that was decided: its trace holds what the caller said."""
    trace = decision.trace
    return stored_request(
        decision.output, stakes=trace.get("stakes_given"), flags=trace.get("flags_given", ()), signals=signals
    )


def screening_of(decision: Decision) -> Screening:
    """What the detectors said at the time. They learn from traffic, so they would say something else today."""
    given = set(decision.trace.get("flags_given", ()))
    # Whatever else is among the flags is routing's own word for a check that failed.
    raised = tuple(flag for flag in decision.flags if flag not in given and flag != "check_failed")
    return Screening(flags=raised, trace=decision.trace.get("screening", {}))


def heard_judges(decision: Decision, signals: Sequence[Signal]) -> dict[str, Mapping[str, Any] | None]:
    """What the judges of ours said, by name; None for one that was to be heard and stayed silent."""
    said = {row.key: row.data for row in signals if row.origin == SignalOrigin.JUDGE}
    return {name: said.get(judge_key(name)) for name in decision.trace.get("judges", {})}
