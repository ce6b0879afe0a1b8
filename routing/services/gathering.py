"""From a request to the facts that decide it: evidence, checks and screening, each with its explanation."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from routing.policy.checks import Subject, run_checks
from routing.policy.decide import Facts, judge_key
from routing.policy.document import PolicyDocument
from routing.policy.evidence import Evidence, weigh
from routing.policy.texts import prompt_text, response_text
from routing.services.new_output import NewOutput
from routing.services.screening import Screening

SPOOFED = "sent by the caller under the name of a judge of ours: counts for nothing"
SILENT = "the judge did not answer in time, or not as it should"


@dataclass(frozen=True, slots=True)
class Gathered:
    """The facts of one output, and what a trace says of where they come from."""

    facts: Facts
    trace: Mapping[str, Any]


def gather(
    output: NewOutput,
    *,
    document: PolicyDocument,
    screening: Screening,
    heard: Mapping[str, Mapping[str, Any] | None] | None = None,
) -> Gathered:
    """Everything that the policy looks at. `heard`: what the judges of ours said, by name, None for a silent one."""
    evidence = _evidence(output, document, heard or {})
    results = run_checks(
        document.checks,
        Subject(
            intent=document.known_intent(output.intent),
            task_kind=output.task_kind,
            prompt=output.prompt,
            context=output.context,
            body=output.body,
            metadata=output.metadata,
        ),
    )
    facts = Facts(
        external_id=output.external_id,
        intent=output.intent,
        stakes=output.stakes,
        flags=tuple(dict.fromkeys([*output.flags, *screening.flags])),
        evidence={key: entry.value for key, entry in evidence.items()},
        metadata=output.metadata,
        failed_checks={result.name: result.severity for result in results if not result.passed},
        prompt=prompt_text(output.prompt),
        response=response_text(output.body),
    )
    trace = {
        "flags_given": list(output.flags),
        "signals": {
            key: {"raw": entry.raw, "note": entry.note, "same_family": entry.same_family}
            for key, entry in evidence.items()
        },
        "checks": [
            {"name": result.name, "passed": result.passed, "severity": result.severity, "reason": result.reason}
            for result in results
        ],
        "screening": dict(screening.trace),
    }
    return Gathered(facts=facts, trace=trace)


def _evidence(
    output: NewOutput, document: PolicyDocument, heard: Mapping[str, Mapping[str, Any] | None]
) -> dict[str, Evidence]:
    """The caller's signals and those of our judges, weighed; nobody speaks in the name of a judge of ours."""
    models = [name for source in (output.source, *output.candidate_sources) if (name := source.get("model"))]
    ours = {judge_key(name) for name in document.judges_for(document.known_intent(output.intent))}
    evidence = weigh(output.signals, models)
    evidence |= {key: Evidence(value=None, raw=None, note=SPOOFED) for key in ours & evidence.keys()}
    spoken = weigh([signal for signal in heard.values() if signal is not None], models)
    silent = {judge_key(name): Evidence(value=None, raw=None, note=SILENT) for name, said in heard.items() if not said}
    return evidence | spoken | silent
