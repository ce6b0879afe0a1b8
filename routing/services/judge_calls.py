"""Asking a judge of ours once: from the cache, or by a call that breaker, budget and pace allow.

What is known of a judge's state is a row, changed under its lock before and after each call and never
during one, so that any number of workers agree. A worker that dies in a call leaves its reservation
spent: a budget may so be used up early, never overdrawn.
"""

import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F

from labeling.masking import apply_masks, find_masks, texts_in
from labeling.models import Rubric
from reviewapp.core.fingerprints import fingerprint
from reviewapp.core.models import Content, TaskKind
from routing.models import CallOutcome, Judge, JudgeState, JudgeVerdict, JudgeVersion, Output
from routing.policy.judge_limits import (
    Admitted,
    Held,
    Limits,
    Standing,
    admit,
    cost_of,
    most_tokens,
    settle,
    slowed,
)
from routing.policy.judge_prompt import TEMPLATE, Material, Question, question
from routing.services.judge_client import PASSING, PERHAPS_CHARGED, Reply, call_judge, new_fence, request_body
from routing.services.judge_keys import KeyUnavailable, Secret, key_for
from routing.services.judges import environment

Clock = Callable[[], datetime]

# Less time than this is not worth a call.
SHORTEST = 0.2
PROBE_MARGIN = timedelta(seconds=10)
# What a server asks for with 429 when it does not say for how long.
DEFAULT_PAUSE = 1.0


@dataclass(frozen=True, slots=True)
class Run:
    """One of the times that a judge is asked; `order` is ab or ba for a pair, else empty."""

    number: int
    order: str = ""


@dataclass(frozen=True, slots=True)
class Subject:
    """What is judged by which rubric, names masked. `output`: None for a trial, which is never taken from the cache."""

    material: Material
    rubric: Rubric
    rubric_view: Mapping[str, Any]
    output: Output | None


@dataclass(frozen=True, slots=True)
class Result:
    """`outcome` answered with a `verdict`, or why there is none; `later`: worth trying again from then on."""

    outcome: CallOutcome
    verdict: str = ""
    reason: str = ""
    later: datetime | None = None
    # Counts as a failed call: the next try waits longer.
    failed_call: bool = False
    # Every other output has to wait until `later` as well.
    for_all: bool = False
    row: JudgeVerdict | None = None


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Time, patience and chance, as arguments. `pause` waits seconds, `fence` makes random words."""

    clock: Clock
    pause: Callable[[float], None] = time.sleep
    fence: Callable[[], str] = field(default=lambda: secrets.token_hex(16))


def runs_for(judge: Judge, task_kind: str) -> list[Run]:
    """Pairs are asked in both orders by turns, everything else again and again."""
    orders = ("ab", "ba") if task_kind == TaskKind.PAIRWISE else ("", "")
    return [Run(number, orders[number % 2]) for number in range(judge.runs)]


def subject_of(*, content: Content, rubric: Rubric, names: tuple[str, ...], output: Output | None) -> Subject:
    """The output as a judge may see it: the names of its sources are masked, as they are for people."""
    visible: dict[str, Any] = {"prompt": content.prompt, "context": content.context, **content.body}
    masks = [mask.as_list() for mask in find_masks(texts_in(visible), list(names))]
    shown = apply_masks(visible, masks)
    body = {name: shown[name] for name in content.body}
    material = Material(content.task_kind, prompt=shown["prompt"], context=shown["context"], body=body)
    return Subject(material, rubric, view_of(rubric), output)


def view_of(rubric: Rubric) -> dict[str, Any]:
    """The rubric as a prompt needs it, with the values that fail."""
    names = ("name", "type", "question", "levels", "fail_values", "minimum", "maximum", "fail_below")
    return {
        "name": rubric.name,
        "version": rubric.version,
        "instructions": rubric.instructions,
        "criteria": [{name: getattr(row, name) for name in names} for row in rubric.criteria.all()],
    }


def ask(
    *, judge: Judge, version: JudgeVersion, subject: Subject, run: Run, until: datetime, around: Surroundings
) -> Result:
    """What the judge says to one run, by `until` at the latest. Must not be called inside a transaction."""
    asked = question(subject.material, subject.rubric_view, order=run.order, instructions=version.instructions)
    digest = _digest(version, asked, run)
    log = {"version": version, "request_sha256": digest, "run": run.number, "order": run.order}
    log |= {"rubric": subject.rubric, "output": subject.output}
    if not judge.active:
        return _never(log, CallOutcome.INACTIVE, around.clock())
    if subject.output is not None and (known := _cached(version, digest)):
        JudgeState.objects.filter(judge=judge).update(cache_hits=F("cache_hits") + 1)
        return Result(CallOutcome.ANSWERED, known.verdict, known.reason, row=known)
    if asked.characters > judge.max_characters:
        return _never(log, CallOutcome.OVERSIZE, around.clock())
    try:
        key = key_for(judge, version, environment())
    except KeyUnavailable as error:
        return _never(log, CallOutcome.NO_KEY, around.clock(), raw=str(error))
    admitted = _admit(judge, version, asked, around.clock())
    if isinstance(admitted, Held):
        return _held(log, admitted, around.clock(), until)
    around.pause(max(0.0, (admitted.at - around.clock()).total_seconds()))
    seconds = min(float(judge.timeout_seconds), (until - around.clock()).total_seconds())
    if seconds < SHORTEST:
        _give_back(judge, admitted, around.clock())
        return _never(log, CallOutcome.DEADLINE, around.clock())
    reply = _call(version, asked, run, key, seconds, around)
    return _settled(judge, admitted, reply, log, around.clock())


def _digest(version: JudgeVersion, asked: Question, run: Run) -> str:
    """The same for the same question: everything that is sent, but for the fence, and which run it is."""
    return fingerprint(
        {
            "template": TEMPLATE,
            "judge": version.digest,
            "task": asked.task,
            "rubric": asked.rubric,
            "parts": [list(part) for part in asked.parts],
            "run": run.number,
            "order": run.order,
        }
    )


def _cached(version: JudgeVersion, digest: str) -> JudgeVerdict | None:
    """Trials do not count: nobody can ask for a verdict until it suits them."""
    rows = JudgeVerdict.objects.filter(
        version=version, request_sha256=digest, outcome=CallOutcome.ANSWERED, output__isnull=False
    )
    return rows.order_by("pk").first()


def _admit(judge: Judge, version: JudgeVersion, asked: Question, now: datetime) -> Admitted | Held:
    text = "".join(message["content"] for message in asked.messages("0" * 32))
    estimate = cost_of(most_tokens(text), version.max_tokens, judge.price_input, judge.price_output)
    budget = None if judge.monthly_budget is None else int(judge.monthly_budget * 1_000_000)
    limits = Limits(judge.requests_per_minute, budget)
    probe = timedelta(seconds=judge.timeout_seconds) + PROBE_MARGIN
    with transaction.atomic():
        state = _locked(judge)
        found = admit(standing_of(state), limits, estimate=estimate, now=now, probe=probe)
        if isinstance(found, Admitted):
            _store(state, found.standing)
    return found


def _call(version: JudgeVersion, asked: Question, run: Run, key: Secret, seconds: float, around: Surroundings) -> Reply:
    fence = new_fence(asked, around.fence)
    body = request_body(asked, model=version.model, max_tokens=version.max_tokens, fence=fence)
    return call_judge(base_url=version.base_url, body=body, key=key, question=asked, order=run.order, seconds=seconds)


@transaction.atomic
def _settled(judge: Judge, admitted: Admitted, reply: Reply, log: Mapping[str, Any], now: datetime) -> Result:
    """The call into the log, its cost into the budget and its outcome into the circuit, all or nothing."""
    cost = _cost(judge, reply, admitted.estimate)
    state = _locked(judge)
    standing = settle(standing_of(state), admitted, cost=cost, healthy=reply.healthy, now=now)
    pause = reply.retry_after or DEFAULT_PAUSE
    if reply.outcome == CallOutcome.RATE_LIMITED:
        standing = slowed(standing, pause, now)
    _store(state, standing)
    row = JudgeVerdict.objects.create(
        **log,
        outcome=reply.outcome,
        verdict=reply.verdict,
        reason=reply.reason,
        raw=reply.raw,
        status=reply.status,
        input_tokens=reply.input_tokens or 0,
        output_tokens=reply.output_tokens or 0,
        cost=cost,
        seconds=reply.seconds,
        at=now,
    )
    again = reply.outcome in PASSING
    # A server that asks for patience with 503 is given it as well.
    later = now + timedelta(seconds=reply.retry_after) if again else None
    return Result(reply.outcome, reply.verdict, reply.reason, later=later, failed_call=again, row=row)


def _cost(judge: Judge, reply: Reply, estimate: int) -> int:
    """What was counted; the whole reservation where a model may have worked and nobody counted."""
    if reply.input_tokens is not None and reply.output_tokens is not None:
        return cost_of(reply.input_tokens, reply.output_tokens, judge.price_input, judge.price_output)
    uncounted = reply.status is not None and 200 <= reply.status < 300
    return estimate if uncounted or reply.outcome in PERHAPS_CHARGED else 0


def _held(log: Mapping[str, Any], held: Held, now: datetime, until: datetime) -> Result:
    """Wait for it where it comes before the deadline; else the judge stays silent."""
    outcome = CallOutcome(held.why)
    if held.until is None or held.until >= until:
        return _never(log, outcome, now)
    return Result(outcome, later=held.until, for_all=True)


def _never(log: Mapping[str, Any], outcome: CallOutcome, now: datetime, raw: str = "") -> Result:
    return Result(outcome, row=JudgeVerdict.objects.create(**log, outcome=outcome, raw=raw, at=now))


@transaction.atomic
def _give_back(judge: Judge, admitted: Admitted, now: datetime) -> None:
    """The reservation of a call that was not made."""
    state = _locked(judge)
    _store(state, settle(standing_of(state), admitted, cost=0, healthy=None, now=now))


def _locked(judge: Judge) -> JudgeState:
    return JudgeState.objects.select_for_update().get(judge=judge)


def standing_of(state: JudgeState) -> Standing:
    return Standing(state.failures, state.open_until, state.month, state.spent, state.next_call_at)


def _store(state: JudgeState, standing: Standing) -> None:
    JudgeState.objects.filter(pk=state.pk).update(
        failures=standing.failures,
        open_until=standing.open_until,
        month=standing.month,
        spent=standing.spent,
        next_call_at=standing.next_call_at,
    )
