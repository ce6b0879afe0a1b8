"""Judges as they are read: what they are, how they are doing, and what they said."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from reviewapp.core.models import Project
from routing.judge_figures import JudgeFigures, judge_figures
from routing.models import Judge, JudgeVerdict
from routing.serializers.judges import shown_key, shown_state
from routing.services.judges import IDENTITY, SETTINGS, current_version
from routing.views.figures import percent

OUTCOMES = {
    "answered": "answered",
    "unreachable": "not reached",
    "timeout": "too slow",
    "server_error": "server error",
    "rate_limited": "told to wait",
    "key_refused": "key refused",
    "request_refused": "request refused",
    "target_refused": "address refused",
    "too_large": "answer too large",
    "malformed": "no answer in the right form",
    "cut_off": "answer cut off",
    "refusal": "would not judge",
    "invalid_verdict": "no valid verdict",
    "oversize": "output too long",
    "no_key": "no key",
    "no_rubric": "no rubric",
    "inactive": "switched off",
    "budget_spent": "budget spent",
    "circuit_open": "circuit open",
    "deadline": "no time left",
}


@dataclass(frozen=True, slots=True)
class JudgeRow:
    """One judge. `state` is one word for how it is; money is in its currency."""

    name: str
    version: int
    model: str
    family: str
    base_url: str
    active: bool
    state: str
    circuit: str
    open_until: datetime | None
    key_source: str
    key_problem: str
    spent: str
    answered: int
    failed: int
    cache_hits: int
    waiting: int
    agreement: str
    in_force: bool


@dataclass(frozen=True, slots=True)
class JudgeDetail:
    row: JudgeRow
    instructions: str
    limits: Sequence[tuple[str, str]]
    failures: Sequence[tuple[str, int]]
    versions: Sequence[tuple[int, str, str, datetime]]


@dataclass(frozen=True, slots=True)
class CallRow:
    """One call of the log; `output_id` is "" for a trial."""

    at: datetime
    version: int
    run: str
    outcome: str
    verdict: str
    reason: str
    raw: str
    output_id: str
    external_id: str
    tokens: str
    cost: str
    seconds: str


def judge_rows(project: Project, now: datetime) -> list[JudgeRow]:
    figures = judge_figures(project)
    judges = Judge.objects.filter(project=project).select_related("current", "state").order_by("name")
    return [judge_row(judge, figures, now) for judge in judges]


def judge_row(judge: Judge, figures: JudgeFigures, now: datetime) -> JudgeRow:
    version, key, state = current_version(judge), shown_key(judge), shown_state(judge, figures, now)
    agreement = figures.agreement(judge.pk)
    rate = agreement["rate"]
    return JudgeRow(
        name=judge.name,
        version=version.number,
        model=version.model,
        family=version.family,
        base_url=version.base_url,
        active=judge.active,
        state=_state(judge, key["usable"], state["circuit"]),
        circuit=state["circuit"],
        open_until=state["open_until"] if state["circuit"] == "open" else None,
        key_source=key["variable"] or key["source"],
        key_problem=key["problem"] or "",
        spent=_spent(judge, state["spent"]),
        answered=state["answered"],
        failed=sum(state["failed"].values()),
        cache_hits=state["cache_hits"],
        waiting=state["waiting_outputs"],
        agreement="no verdict yet" if rate is None else f"{percent(rate)} of {agreement['of']} runs",
        in_force=judge.name in figures.asked_now,
    )


def _state(judge: Judge, usable: bool, circuit: str) -> str:
    if not judge.active:
        return "off"
    if not usable or circuit == "open":
        return "failing"
    return "working" if circuit == "closed" else "pending"


def _spent(judge: Judge, spent: float) -> str:
    limit = "" if judge.monthly_budget is None else f" of {judge.monthly_budget:.2f}"
    return f"{spent:.4f}{limit} {judge.currency}"


def judge_detail(judge: Judge, now: datetime) -> JudgeDetail:
    figures = judge_figures(judge.project)
    version = current_version(judge)
    failed = shown_state(judge, figures, now)["failed"]
    return JudgeDetail(
        row=judge_row(judge, figures, now),
        instructions=version.instructions,
        limits=[
            ("Timeout", f"{judge.timeout_seconds} s"),
            ("Runs per output", str(judge.runs)),
            ("Requests per minute", str(judge.requests_per_minute)),
            ("Prices per million tokens", f"{judge.price_input:g} in, {judge.price_output:g} out {judge.currency}"),
            ("Tokens of an answer, at most", str(version.max_tokens)),
            ("Characters of an output, at most", str(judge.max_characters)),
        ],
        failures=[(OUTCOMES.get(outcome, outcome), count) for outcome, count in failed.items()],
        versions=[(row.number, row.model, row.base_url, row.created_at) for row in judge.versions.order_by("-number")],
    )


def call_row(call: JudgeVerdict) -> CallRow:
    tokens = call.input_tokens + call.output_tokens
    return CallRow(
        at=call.at,
        version=call.version.number,
        run=f"{call.run + 1}{f' ({call.order})' if call.order else ''}",
        outcome=OUTCOMES.get(call.outcome, call.outcome),
        verdict=call.verdict,
        reason=call.reason,
        raw="" if call.verdict else call.raw,
        output_id=str(call.output_id or ""),
        external_id=call.output.external_id if call.output else "",
        tokens=f"{tokens}" if tokens else "–",
        cost=f"{call.cost / 1_000_000:.6f}",
        seconds=f"{call.seconds:.2f}",
    )


def form_values(judge: Judge) -> dict[str, Any]:
    """What a form that changes the judge begins with."""
    version = current_version(judge)
    return {name: getattr(version, name) for name in IDENTITY} | {name: getattr(judge, name) for name in SETTINGS}
