"""Judges of ours: asked before the decision, heard by a deadline, and never waited for beyond it.

An output that waits is a row. A worker takes it for a while, asks outside of any transaction, and then
stores what the judges said together with the decision, once: whoever comes second finds it decided. A
worker that dies is found out by the end of its lease; what it was told and had stored is not asked again.
"""

import logging
import random
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from celery import current_app
from django.db import connection, transaction
from django.db.models import F, QuerySet
from django.db.models.functions import Least

from labeling.services.rubrics import RubricRefused, active_rubric
from reviewapp.core.models import Project
from routing.models import (
    CallOutcome,
    Judge,
    JudgeRequest,
    JudgeVersion,
    Output,
    RequestState,
    Signal,
    SignalOrigin,
)
from routing.policy.decide import stakes_said
from routing.policy.document import STAKES_RANK
from routing.policy.evidence import evidence_of, signal_key
from routing.services.deciding import Case, record_decisions
from routing.services.gathering import Gathered, gather
from routing.services.judge_calls import Result, Subject, Surroundings, ask, runs_for, subject_of
from routing.services.judges import available_judges, current_version
from routing.services.new_output import NewOutput
from routing.services.policies import Ruling, ruling_of
from routing.services.screening import Screening
from routing.services.senders import Senders
from routing.services.stored import stored_request

logger = logging.getLogger(__name__)

TASK = "routing.tasks.ask_judges"
# Kept up before every call, so it must outlast the longest one.
LEASE = timedelta(seconds=180)
DECIDING = timedelta(seconds=30)
# How long a worker goes on before it makes way, and how far ahead it looks for what will be due.
TURN = timedelta(seconds=60)
LINGER = timedelta(seconds=2)
RETRIES = 5
FIRST_WAIT, LONGEST_WAIT = 1.0, 60.0
NOT_ASKED = "not_asked"


@dataclass(frozen=True, slots=True)
class Question:
    """A stored output on which `judges` must be heard before it can be decided."""

    output: Output
    given: NewOutput
    judges: tuple[str, ...]
    screening: Screening


@dataclass(frozen=True, slots=True)
class Hearing:
    """What was heard so far, by the judges' names: their signals, None for a silent one, and why it is silent."""

    heard: dict[str, Mapping[str, Any] | None] = field(default_factory=dict)
    silent: dict[str, str] = field(default_factory=dict)
    verdicts: dict[str, list[int]] = field(default_factory=dict)


def request_judgements(*, project: Project, ruling: Ruling, questions: Sequence[Question], now: datetime) -> None:
    """Store what is pending, in the caller's transaction, and wake the workers once it is committed.

    Where one of the judges is gone or switched off nobody is asked: the output goes to a person at once.
    """
    if not questions:
        return
    there = available_judges(project, {name for question in questions for name in question.judges})
    rows, cases = [], []
    for question in questions:
        if set(question.judges) <= there.keys():
            rows.append(_request(project, ruling, question, there, now))
        else:
            cases.append(_unheard(ruling, question, there))
    record_decisions(project=project, ruling=ruling, cases=cases, now=now)
    if rows:
        JudgeRequest.objects.bulk_create(rows)
        # A broker that is away loses nothing: the next sweep finds the rows.
        transaction.on_commit(partial(current_app.send_task, TASK, retry=False), robust=True)


def _request(
    project: Project, ruling: Ruling, question: Question, there: Mapping[str, Judge], now: datetime
) -> JudgeRequest:
    facts = gather(question.given, document=ruling.document, screening=question.screening).facts
    stakes = min((said for said, _basis in stakes_said(facts, ruling.document)), key=lambda said: STAKES_RANK[said])
    return JudgeRequest(
        output=question.output,
        project=project,
        policy_id=ruling.policy_id,
        stakes=stakes,
        flags=[*facts.flags, *(["check_failed"] if facts.failed_checks else [])],
        given={
            "stakes": question.given.stakes,
            "flags": list(question.given.flags),
            "screening": {"flags": list(question.screening.flags), "trace": dict(question.screening.trace)},
        },
        judges=[{"name": name, "version": current_version(there[name]).pk} for name in question.judges],
        asked_at=now,
        deadline_at=now + timedelta(seconds=ruling.document.judges.deadline_seconds),
        due_at=now,
    )


def _unheard(ruling: Ruling, question: Question, there: Mapping[str, Judge]) -> Case:
    why = {name: NOT_ASKED if name in there else CallOutcome.INACTIVE.value for name in question.judges}
    hearing = Hearing(heard=dict.fromkeys(question.judges), silent=why)
    gathered = gather(question.given, document=ruling.document, screening=question.screening, heard=hearing.heard)
    return Case(output=question.output, given=question.given, gathered=_traced(gathered, hearing))


# The sweep ------------------------------------------------------------------------------------------------


def ask_due(*, senders: Senders, around: Surroundings, rng: random.Random) -> int:
    """Give what is due to as many workers as there are threads for, and go on; how many workers began."""
    due = _due(around.clock()).count()
    work = partial(answer_due, around=around, rng=rng)
    return sum(senders.offer(number, work) for number in range(min(due, senders.most)))


def answer_due(*, around: Surroundings, rng: random.Random) -> int:
    """Take requests one by one until none is due or the turn is over; how many were decided."""
    began, decided = around.clock(), 0
    while around.clock() - began < TURN:
        claim = claim_request(now=around.clock())
        if claim is not None:
            decided += answer_request(claim=claim, around=around, rng=rng)
            continue
        wait = _until_next(around.clock())
        if wait is None:
            break
        around.pause(wait)
    return decided


def _due(now: datetime) -> QuerySet[JudgeRequest]:
    return JudgeRequest.objects.filter(state=RequestState.PENDING, due_at__lte=now)


def _until_next(now: datetime) -> float | None:
    """Seconds until the next one is due; None where that is not worth waiting for."""
    pending = JudgeRequest.objects.filter(state=RequestState.PENDING).order_by("due_at")
    due_at = pending.values_list("due_at", flat=True).first()
    return max(0.01, (due_at - now).total_seconds()) if due_at and due_at <= now + LINGER else None


@dataclass(frozen=True, slots=True)
class Claim:
    """A request that this worker holds as long as its row says the same attempt."""

    output_id: uuid.UUID
    attempt: int


class ClaimLost(Exception):
    """Another worker holds the request by now, or it is decided."""


@transaction.atomic
def claim_request(*, now: datetime) -> Claim | None:
    """Take the request that has been due the longest, or None. Rivals' locks are skipped."""
    due = _due(now).order_by("due_at", "pk")
    if connection.features.has_select_for_update_skip_locked:
        due = due.select_for_update(skip_locked=True, of=("self",))
    request = due.only("pk", "attempts", "deadline_at").first()
    if request is None:
        return None
    claim = Claim(request.pk, request.attempts + 1)
    own = _due(now).filter(pk=request.pk, attempts=request.attempts)
    return claim if own.update(attempts=claim.attempt, due_at=_leased_until(request, now)) == 1 else None


def _leased_until(request: JudgeRequest, now: datetime) -> datetime:
    """Not beyond the deadline, so that a dead worker delays nothing; past it, long enough to decide."""
    return min(now + LEASE, request.deadline_at) if now < request.deadline_at else now + DECIDING


def answer_request(*, claim: Claim, around: Surroundings, rng: random.Random) -> bool:
    """Ask whoever has not been heard, then decide; whether it was decided by this call."""
    request = (
        JudgeRequest.objects.select_related("output__content", "project", "policy__calibrator")
        .filter(pk=claim.output_id)
        .get()
    )
    try:
        hearing = _hear(request, claim, around, rng)
        return hearing is not None and decide_request(request=request, hearing=hearing, now=around.clock())
    except ClaimLost:
        return False
    except Exception:
        # One request that cannot be answered must not keep the others from it, nor be forgotten: at its deadline it
        # is decided without judges.
        logger.exception("asking judges failed")
        now = around.clock()
        again = now + timedelta(seconds=LONGEST_WAIT)
        _put_back(request, claim, min(again, max(request.deadline_at, now + DECIDING)), failed=True)
        return False


def _hear(request: JudgeRequest, claim: Claim, around: Surroundings, rng: random.Random) -> Hearing | None:
    """Everything that was heard; None where the request was put back. Asking ends with the first silence, for
    then a person sees the output whatever the others say."""
    hearing = Hearing()
    if around.clock() < request.deadline_at:
        subject = _subject(request)
        for entry in request.judges:
            result = _hear_judge(request, claim, entry, subject, hearing, around)
            if result is None or result.outcome == CallOutcome.ANSWERED:
                continue
            if result.later is not None:
                again = _again(request, result, around.clock(), rng)
                if again < request.deadline_at and request.failed_calls < RETRIES:
                    _put_back(request, claim, again, failed=result.failed_call, for_all=result.for_all)
                    return None
            hearing.silent[entry["name"]] = result.outcome.value
            break
    for entry in request.judges:
        if entry["name"] not in hearing.heard:
            hearing.heard[entry["name"]] = None
            late = around.clock() >= request.deadline_at
            hearing.silent.setdefault(entry["name"], CallOutcome.DEADLINE.value if late else NOT_ASKED)
    return hearing


def _subject(request: JudgeRequest) -> Subject | None:
    output = request.output
    names = (*_given(request).mask_names, *request.project.masked_names)
    try:
        rubric = active_rubric(request.project, output.task_kind)
    except RubricRefused:
        return None
    return subject_of(content=output.content, rubric=rubric, names=names, output=output)


def _hear_judge(
    request: JudgeRequest,
    claim: Claim,
    entry: Mapping[str, Any],
    subject: Subject | None,
    hearing: Hearing,
    around: Surroundings,
) -> Result | None:
    """All runs of one judge into `hearing`; else the result that stopped it."""
    version = JudgeVersion.objects.select_related("judge").filter(pk=entry["version"]).first()
    if subject is None or version is None:
        return Result(CallOutcome.NO_RUBRIC if version else CallOutcome.INACTIVE)
    runs, verdicts = [], []
    for run in runs_for(version.judge, request.output.task_kind):
        _keep(request, claim, around.clock())
        result = ask(
            judge=version.judge, version=version, subject=subject, run=run, until=request.deadline_at, around=around
        )
        if result.outcome != CallOutcome.ANSWERED:
            return result
        if around.clock() > request.deadline_at:
            return Result(CallOutcome.DEADLINE)
        said = {"preferred": result.verdict, "order": run.order} if run.order else {"verdict": result.verdict}
        runs.append(said)
        verdicts += [result.row.pk] if result.row else []
    family = {"family": version.family} if version.family else {}
    hearing.heard[entry["name"]] = {
        "kind": "judge",
        "name": entry["name"],
        **family,
        "runs": runs,
        "version": version.number,
    }
    hearing.verdicts[entry["name"]] = verdicts
    return None


def _keep(request: JudgeRequest, claim: Claim, now: datetime) -> None:
    """Hold the request for another while. Raises ClaimLost."""
    own = JudgeRequest.objects.filter(pk=claim.output_id, attempts=claim.attempt, state=RequestState.PENDING)
    if own.update(due_at=_leased_until(request, now)) != 1:
        raise ClaimLost


def _again(request: JudgeRequest, result: Result, now: datetime, rng: random.Random) -> datetime:
    """When to try once more: what the judge asked for, and at least a back-off that doubles, shortened by chance."""
    later = result.later or now
    if not result.failed_call:
        return later
    longest = min(LONGEST_WAIT, FIRST_WAIT * 2 ** min(request.failed_calls, 20))
    return max(later, now + timedelta(seconds=longest * rng.uniform(0.5, 1.0)))


def _put_back(
    request: JudgeRequest, claim: Claim, due_at: datetime, *, failed: bool = False, for_all: bool = False
) -> None:
    """Let the request go until `due_at`. With `for_all` whatever asks the same judges need not be tried before."""
    own = JudgeRequest.objects.filter(pk=claim.output_id, attempts=claim.attempt, state=RequestState.PENDING)
    own.update(due_at=due_at, failed_calls=F("failed_calls") + int(failed))
    if for_all:
        others = _due(due_at).filter(policy_id=request.policy_id, attempts=0)
        others.update(due_at=Least(F("deadline_at"), due_at))


def _given(request: JudgeRequest) -> NewOutput:
    return stored_request(request.output, stakes=request.given["stakes"], flags=request.given["flags"])


@transaction.atomic
def decide_request(*, request: JudgeRequest, hearing: Hearing, now: datetime) -> bool:
    """The judges' signals and the decision they lead to, in one transaction; False when it was decided before."""
    changed = JudgeRequest.objects.filter(pk=request.pk, state=RequestState.PENDING).update(
        state=RequestState.DECIDED, decided_at=now, silent=hearing.silent
    )
    if changed != 1:
        return False
    ruling, given = ruling_of(request.policy), _given(request)
    Signal.objects.bulk_create(
        Signal(
            output=request.output,
            key=signal_key(signal),
            kind=signal["kind"],
            origin=SignalOrigin.JUDGE,
            data=dict(signal),
            evidence=evidence_of(signal),
        )
        for signal in hearing.heard.values()
        if signal is not None
    )
    screening = Screening(**request.given["screening"])
    gathered = gather(given, document=ruling.document, screening=screening, heard=hearing.heard)
    case = Case(output=request.output, given=given, gathered=_traced(gathered, hearing))
    record_decisions(project=request.project, ruling=ruling, cases=[case], now=now)
    return True


def _traced(gathered: Gathered, hearing: Hearing) -> Gathered:
    """With where the judges' signals come from: the calls, or why there are none."""
    judges = {
        name: {"calls": hearing.verdicts.get(name, []), "silent": hearing.silent.get(name)} for name in hearing.heard
    }
    return replace(gathered, trace={**gathered.trace, "judges": judges})
