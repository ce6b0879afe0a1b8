"""Judges as they are read: what they are, how they are doing, and what they said."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as later
from django.utils.translation import ngettext

from reviewapp.core.models import Project
from routing.judge_figures import JudgeFigures, judge_figures
from routing.models import Judge, JudgeVerdict
from routing.serializers.judges import shown_key, shown_state
from routing.services.judges import IDENTITY, SETTINGS, current_version
from routing.views.figures import fixed, percent, shortest

OUTCOMES = {
    "answered": later("answered"),
    "unreachable": later("not reached"),
    "timeout": later("too slow"),
    "server_error": later("server error"),
    "rate_limited": later("told to wait"),
    "key_refused": later("key refused"),
    "request_refused": later("request refused"),
    "target_refused": later("address refused"),
    "too_large": later("answer too large"),
    "malformed": later("no answer in the right form"),
    "cut_off": later("answer cut off"),
    "refusal": later("would not judge"),
    "invalid_verdict": later("no valid verdict"),
    "oversize": later("output too long"),
    "no_key": later("no key"),
    "no_rubric": later("no rubric"),
    "inactive": later("switched off"),
    "budget_spent": later("budget spent"),
    "circuit_open": later("circuit open"),
    "deadline": later("no time left"),
}

KEY_SOURCES = {"environment": later("environment"), "stored": later("stored"), "none": later("none")}


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
        key_source=key["variable"] or str(KEY_SOURCES[key["source"]]),
        key_problem=key["problem"] or "",
        spent=_spent(judge, state["spent"]),
        answered=state["answered"],
        failed=sum(state["failed"].values()),
        cache_hits=state["cache_hits"],
        waiting=state["waiting_outputs"],
        agreement=_agreement(agreement["rate"], agreement["of"]),
        in_force=judge.name in figures.asked_now,
    )


def _agreement(rate: float | None, runs: int) -> str:
    if rate is None:
        return _("no verdict yet")
    text = ngettext("%(share)s of %(runs)d run", "%(share)s of %(runs)d runs", runs)
    return text % {"share": percent(rate), "runs": runs}


def _state(judge: Judge, usable: bool, circuit: str) -> str:
    if not judge.active:
        return "off"
    if not usable or circuit == "open":
        return "failing"
    return "working" if circuit == "closed" else "pending"


def _spent(judge: Judge, spent: float) -> str:
    amount = fixed(spent, 4)
    if judge.monthly_budget is not None:
        amount = _("%(part)s of %(whole)s") % {"part": amount, "whole": fixed(float(judge.monthly_budget), 2)}
    return f"{amount} {judge.currency}"


def judge_detail(judge: Judge, now: datetime) -> JudgeDetail:
    figures = judge_figures(judge.project)
    version = current_version(judge)
    failed = shown_state(judge, figures, now)["failed"]
    return JudgeDetail(
        row=judge_row(judge, figures, now),
        instructions=version.instructions,
        limits=[
            (_("Timeout"), _("%(seconds)d s") % {"seconds": judge.timeout_seconds}),
            (_("Runs per output"), str(judge.runs)),
            (_("Requests per minute"), str(judge.requests_per_minute)),
            (_("Prices per million tokens"), _prices(judge)),
            (_("Tokens of an answer, at most"), str(version.max_tokens)),
            (_("Characters of an output, at most"), str(judge.max_characters)),
        ],
        failures=[(str(OUTCOMES.get(outcome, outcome)), count) for outcome, count in failed.items()],
        versions=[(row.number, row.model, row.base_url, row.created_at) for row in judge.versions.order_by("-number")],
    )


def _prices(judge: Judge) -> str:
    prices = {"input": shortest(judge.price_input), "output": shortest(judge.price_output)}
    return _("%(input)s in, %(output)s out %(currency)s") % {**prices, "currency": judge.currency}


def call_row(call: JudgeVerdict) -> CallRow:
    tokens = call.input_tokens + call.output_tokens
    return CallRow(
        at=call.at,
        version=call.version.number,
        run=f"{call.run + 1}{f' ({call.order})' if call.order else ''}",
        outcome=str(OUTCOMES.get(call.outcome, call.outcome)),
        verdict=call.verdict,
        reason=call.reason,
        raw="" if call.verdict else call.raw,
        output_id=str(call.output_id or ""),
        external_id=call.output.external_id if call.output else "",
        tokens=f"{tokens}" if tokens else "–",
        cost=fixed(call.cost / 1_000_000, 6),
        seconds=fixed(call.seconds, 2),
    )


def form_values(judge: Judge) -> dict[str, Any]:
    """What a form that changes the judge begins with."""
    version = current_version(judge)
    return {name: getattr(version, name) for name in IDENTITY} | {name: getattr(judge, name) for name in SETTINGS}
