"""Loads the demo project: a few weeks of a shop's life, up to this morning.

Three quarters of the history was judged by colleagues whose answers follow the files' truth with an
occasional slip; then the policy was recalibrated and approved, and the rest waits for whoever signs in.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from labeling.models import Assignment, Lane, VerdictValue
from labeling.services.absences import add_absence
from labeling.services.claiming import claim_seat
from labeling.services.holding import release_seat
from labeling.services.onboarding import change_onboarding
from labeling.services.rubrics import draft_rubric, publish_rubric
from labeling.services.settings import (
    Step,
    change_assignment_rules,
    change_queue_settings,
    set_escalation_steps,
)
from labeling.services.slices import watch_slices_of
from labeling.services.spans import OTHER_SIDE
from labeling.services.submitting import Submission, submit_rating
from labeling.services.watching import watch_queue
from reviewapp.core.fingerprints import fingerprint
from reviewapp.core.models import Membership, Project, Role
from reviewapp.core.services.people import add_member
from reviewapp.demo.gold import PRACTICE, live_rows, plant, promote_one
from reviewapp.demo.shared import pause_and_lift, share_a_round
from reviewapp.demo.world import request_body, rows, rubrics
from routing.serializers.outputs import parse_output
from routing.services.golden import freeze_from_verdicts
from routing.services.intake import route_outputs
from routing.services.policies import activate_policy, draft_policy
from routing.services.projects import create_project
from routing.services.recalibration import approve_recalibration, propose_recalibration
from routing.services.traffic import look_at_traffic

SLUG = "shop"
PASSWORD = "brambleknock-2026"
ACTOR = "command"
SEED = 417
DRAW_KEY = b"the demo's draws are no secret..".ljust(32, b".")
HISTORY_SHARE = 0.72
DAYS = 16
# Of what came since the recalibration, this much came yesterday and has been judged.
YESTERDAY_SHARE = 0.6
# A colleague overlooks one mistake in eight and objects to one good answer in thirty.
MISSES, OBJECTS = 0.12, 0.035
# And in one of twenty sees what is a matter of taste unlike the others do.
WAVERS = 0.05

LOGINS = (
    ("reviewer@shop.example", Role.REVIEWER, "Robin Okafor"),
    ("reviewer2@shop.example", Role.REVIEWER, "Sam Lindqvist"),
    ("adjudicator@shop.example", Role.ADJUDICATOR, "Ada Moreau"),
    ("owner@shop.example", Role.OWNER, "Oda Brandt"),
    ("auditor@shop.example", Role.AUDITOR, "Uma Petrov"),
    # Came yesterday: instructions, practice and qualification lie before her.
    ("newcomer@shop.example", Role.REVIEWER, "Nia Castellan"),
)
NEWCOMER = "newcomer@shop.example"
COLLEAGUES = (
    ("ines@shop.example", "Ines Duarte"),
    ("tomas@shop.example", "Tomas Weiss"),
    ("mei@shop.example", "Mei Tan"),
)

POLICY: dict[str, Any] = {
    "tiers": {
        "high": {"mode": "always", "raters": 3, "aggregation": "majority", "sla_minutes": 240},
        "mid": {"mode": "always", "overlap_share": 0.3, "sla_minutes": 1440},
        "low": {"mode": "always", "overlap_share": 0.3, "sla_minutes": 4320},
    },
    "stakes": {
        "default": "mid",
        "by_intent": {
            "product_safety": "high",
            "allergies": "high",
            "privacy": "high",
            "small_talk": "low",
            "store_hours": "low",
            "offers": "low",
        },
        # Without the second line an output that leaves the amount out would count as a large one.
        "rules": [
            {
                "name": "large amounts",
                "when": {
                    "and": [{"!=": [{"var": "metadata.amount"}, None]}, {">=": [{"var": "metadata.amount"}, 250]}]
                },
                "stakes": "high",
            }
        ],
    },
    "checks": [
        {"kind": "max_length", "name": "fits-the-chat", "severity": "low", "characters": 480},
        {
            "kind": "must_not_match",
            "name": "no-promises",
            "severity": "mid",
            "intents": ["refunds", "returns", "complaints"],
            "pattern": r"(?i)\b(?:always|definitely|promise)\b",
        },
    ],
    "gold_rate": 0.1,
    "targets": {"undetected_error": 0.05, "level": 0.9},
}


@dataclass(frozen=True, slots=True)
class Loaded:
    """What was made, for the command to tell."""

    project: Project
    fresh: bool
    outputs: int
    waiting: int


def load_demo(*, now: datetime, progress: Callable[[str], None]) -> Loaded:
    """Make the demo project, or find it as it was left."""
    project = Project.objects.filter(slug=SLUG).first()
    if project is None:
        return _load(now, progress)
    return Loaded(project, fresh=False, outputs=project.outputs.count(), waiting=_waiting(project))


def _load(now: datetime, progress: Callable[[str], None]) -> Loaded:
    rng = random.Random(SEED)
    start = now - timedelta(days=DAYS)
    progress("people, rubrics, policy and gold cases")
    project, owner = create_project(
        slug=SLUG,
        name="Brambleknock support assistant",
        owner_email="owner@shop.example",
        actor=ACTOR,
        now=start,
        # Known to everybody, as is its password: the demo is the same wherever it is loaded.
        draw_key=DRAW_KEY,
    )
    colleagues = _people(project)
    change_onboarding(
        project=project, actor=ACTOR, now=start, onboarding=True, practice_size=len(PRACTICE), qualification_size=8
    )
    _rubrics(project, start)
    policy = draft_policy(project=project, document=POLICY, actor=ACTOR, note="Reviews everything, by stakes.")
    activate_policy(policy=policy, actor=f"person:{owner.person_id}", now=start, reason="opening day")
    change_queue_settings(project=project, actor=ACTOR, daily_cap=60)
    plant(project, start)
    world = live_rows()
    rng.shuffle(world)
    cut = int(HISTORY_SHARE * len(world))
    progress(f"{cut} outputs of the past two weeks, judged by colleagues")
    _live_through(project, world[:cut], colleagues, start=start, until=now - timedelta(days=2), rng=rng)
    progress("a look at the traffic, and a recalibration, approved by the owner")
    _adjudicate(project, now=now - timedelta(days=2, hours=1), rng=rng, most=6)
    promote_one(project, actor=f"person:{owner.person_id}", now=now - timedelta(days=2))
    look_at_traffic(project=project, actor=ACTOR, now=now - timedelta(days=2))
    watchful = POLICY | {
        "detectors": {"adversarial": {"false_alarm_rate": 0.02}, "novelty": {"false_alarm_rate": 0.03}}
    }
    policy = draft_policy(project=project, document=watchful, actor=ACTOR, note="Looks for novel inputs as well.")
    activate_policy(
        policy=policy, actor=f"person:{owner.person_id}", now=now - timedelta(days=2), reason="traffic known"
    )
    proposal = propose_recalibration(
        project=project, actor=ACTOR, now=now - timedelta(days=2), review_share=0.4, audit_rate=0.25
    )
    approve_recalibration(
        proposal=proposal,
        actor=f"person:{owner.person_id}",
        now=now - timedelta(days=2),
        reason="We have hours for about two in five.",
    )
    progress(f"{len(world) - cut} outputs since then, today's waiting")
    morning = cut + int(YESTERDAY_SHARE * (len(world) - cut))
    yesterday, today = now - timedelta(days=1), now - timedelta(hours=6)
    _hand_in(project, world[cut:morning], start=yesterday - timedelta(hours=9), until=yesterday, first=cut, rng=rng)
    _review_day(colleagues, now=yesterday, rng=rng)
    _hand_in(project, world[morning:], start=today, until=now, first=morning, rng=rng)
    freeze_from_verdicts(project=project, actor=ACTOR, now=now, size=80)
    _login(project, *next(login for login in LOGINS if login[0] == NEWCOMER))
    progress("a round of shared items, and a slice that was paused for a day")
    share_a_round(project, colleagues, actor=ACTOR, now=now - timedelta(hours=5), answer=_shared_answer())
    pause_and_lift(project, intent="refunds", actor=f"person:{owner.person_id}", now=now - timedelta(days=6))
    # What the sweep would find in its first minutes.
    watch_slices_of(project=project, now=now)
    _staffing(project, colleagues, now)
    return Loaded(project, fresh=True, outputs=len(world), waiting=_waiting(project))


def _staffing(project: Project, colleagues: list[Membership], now: datetime) -> None:
    """A stand-in, a credential that one person has, who will be away, and who hears of delays: all from now on."""
    _ines, tomas, mei = colleagues
    change_queue_settings(project=project, actor=ACTOR, break_after_minutes=50, break_minutes=5, intent_share=0.6)
    change_assignment_rules(membership=tomas, credentials=[], daily_cap=None, standby=True, actor=ACTOR)
    change_assignment_rules(membership=mei, credentials=["allergies"], daily_cap=40, standby=False, actor=ACTOR)
    first = now.date() + timedelta(days=10)
    add_absence(
        membership=mei, first_day=first, last_day=first + timedelta(days=13), note="Family.", actor=ACTOR, now=now
    )
    people = {member.role: member.pk for member in Membership.objects.filter(project=project)}
    steps = [Step(0, 60, people[Role.ADJUDICATOR]), Step(None, 0, people[Role.OWNER])]
    set_escalation_steps(project=project, steps=steps, actor=ACTOR)
    watch_queue(project=project, now=now)


def _people(project: Project) -> list[Membership]:
    for email, role, name in LOGINS:
        if email != NEWCOMER:
            _login(project, email, role, name)
    return [
        add_member(project=project, email=email, role=Role.REVIEWER, actor=ACTOR, name=name)
        for email, name in COLLEAGUES
    ]


def _login(project: Project, email: str, role: str, name: str) -> None:
    member = add_member(project=project, email=email, role=role, actor=ACTOR, password=PASSWORD, name=name)
    if not member.person.name:
        # The owner was made with the project, before anybody could give a name.
        member.person.name = name
        member.person.save(update_fields=["name"])


def _rubrics(project: Project, now: datetime) -> None:
    for entry in rubrics():
        fields = {name: value for name, value in entry.items() if name != "pairwise"}
        publish_rubric(rubric=draft_rubric(project=project, actor=ACTOR, **fields), actor=ACTOR, now=now)


def _adjudicate(project: Project, *, now: datetime, rng: random.Random, most: int) -> None:
    """The adjudicator decides the first few disputes as the files know them; the others wait."""
    adjudicator = Membership.objects.select_related("project").get(project=project, role=Role.ADJUDICATOR)
    truth = {_words(row): row for row in rows("outputs")}
    for number in range(most):
        now += timedelta(minutes=2)
        if (assignment := claim_seat(reviewer=adjudicator, now=now, rng=rng)) is None:
            return
        content = assignment.item.content
        row = truth[_key(content.prompt, content.body)]
        decided = answer(assignment, row, random.Random(number), seconds=90.0)
        decided = replace(decided, cause="reviewer_slip", rationale=decided.rationale or "By the handbook.")
        submit_rating(assignment=assignment, submission=decided, now=now + timedelta(seconds=90))


def _hand_in(
    project: Project,
    world: Sequence[dict[str, Any]],
    *,
    start: datetime,
    until: datetime,
    first: int,
    rng: random.Random,
) -> None:
    """Outputs arrive one by one between two moments."""
    step = (until - start) / (len(world) + 1)
    for number, row in enumerate(world):
        moment = start + step * (number + rng.random())
        body = request_body(row, f"chat-{first + number:05d}") | {"occurred_at": moment.isoformat()}
        route_outputs(project=project, outputs=[parse_output(body)], now=moment)


def _live_through(
    project: Project,
    world: Sequence[dict[str, Any]],
    colleagues: list[Membership],
    *,
    start: datetime,
    until: datetime,
    rng: random.Random,
) -> None:
    """Ten days, each with its arrivals and then its reviews; the last few items stay open."""
    days = 10
    length = (until - start) / days
    for day in range(days):
        batch = world[day * len(world) // days : (day + 1) * len(world) // days]
        begin = start + day * length
        _hand_in(project, batch, start=begin, until=begin + length / 2, first=day * len(world) // days, rng=rng)
        _review_day(colleagues, now=begin + length * 0.6, rng=rng)


def _review_day(colleagues: list[Membership], *, now: datetime, rng: random.Random, most: int | None = None) -> None:
    """The colleagues take turns until the queue is empty, or `most` turns were taken."""
    truth = {row["id"]: row for row in (*rows("outputs"), *rows("gold"))}
    by_words = {_words(row): row for row in truth.values()}
    idle: set[int] = set()
    turn = 0
    while len(idle) < len(colleagues):
        reviewer = colleagues[turn % len(colleagues)]
        turn += 1
        now += timedelta(seconds=rng.lognormvariate(3.4, 0.6) / len(colleagues))
        assignment = None if reviewer.pk in idle else claim_seat(reviewer=reviewer, now=now, rng=rng)
        if assignment is None:
            idle.add(reviewer.pk)
            continue
        content = assignment.item.content
        row = by_words[_key(content.prompt, content.body)]
        if rng.random() < 0.01:
            release_seat(assignment=assignment, now=now, reason="I know this customer.")
            continue
        seconds = round(rng.lognormvariate(3.4, 0.6), 1)
        submission = answer(assignment, row, rng, seconds=seconds)
        submit_rating(assignment=assignment, submission=submission, now=now + timedelta(seconds=seconds))


def answer(assignment: Assignment, row: dict[str, Any], rng: random.Random, *, seconds: float) -> Submission:
    """What a colleague hands in for an output whose truth is `row`."""
    common: dict[str, Any] = {"idempotency_key": f"demo-{assignment.pk}", "client_seconds": seconds}
    if row["kind"] == "pairwise":
        preferred = row["gold"]["preferred"] if rng.random() > MISSES else rng.choice(["a", "b", "tie"])
        seen = OTHER_SIDE.get(preferred, preferred) if assignment.swapped else preferred
        clear = _either(row) != (rng.random() < WAVERS)
        strength = ("clearly" if clear else "noticeably") if preferred != "tie" else "barely"
        return Submission(preferred=seen, values={"strength": strength}, **common)
    wrong = bool(row["gold"]["error"])
    says_wrong = rng.random() >= MISSES if wrong else rng.random() < OBJECTS
    if row["kind"] == "trajectory":
        return Submission(values={"acceptable": "no" if says_wrong else "yes"}, **common)
    kind = row.get("mistake", {}).get("kind", "other")
    values = {"correct": "no" if says_wrong else "yes", "grounded": _grounded(says_wrong, kind, rng), "tone": "plain"}
    if _either(row) != (rng.random() < WAVERS):
        values["tone"] = "warm"
    if says_wrong and kind == "rude_tone":
        values["tone"] = "poor"
    if says_wrong:
        values["problem"] = kind
    mends = says_wrong and wrong and rng.random() < 0.7
    return Submission(
        values=values,
        correction=row["correction"] if mends else "",
        rationale=row.get("mistake", {}).get("explanation", "") if says_wrong else "",
        verdict=VerdictValue.CORRECT if mends else "",
        **common,
    )


def _either(row: dict[str, Any]) -> bool:
    """A property of the row that is there or not, about as often."""
    return sum(row["id"].encode()) % 2 == 0


def _shared_answer() -> Callable[[Assignment, random.Random], Submission]:
    """What a colleague says of a shared item: the files' truth, with their slips."""
    truth = {_words(row): row for row in (*rows("outputs"), *rows("gold"))}

    def said(assignment: Assignment, rng: random.Random) -> Submission:
        content = assignment.item.content
        return answer(assignment, truth[_key(content.prompt, content.body)], rng, seconds=20.0)

    return said


def _grounded(says_wrong: bool, kind: str, rng: random.Random) -> str:
    if not says_wrong:
        return "fully" if rng.random() < 0.95 else "partly"
    return "unfounded" if kind in ("invented_policy", "wrong_fact") and rng.random() < 0.9 else "partly"


def _words(row: dict[str, Any]) -> str:
    return _key(
        row["prompt"], {name: row[name] for name in ("response", "steps") if name in row} or {"a": row["response_a"]}
    )


def _key(prompt: Any, body: dict[str, Any]) -> str:
    """What tells one row of the world from all others, in whatever order a database keeps an object's keys."""
    judged = body.get("response") or body.get("a") or body.get("steps")
    return fingerprint([prompt, judged])


def _waiting(project: Project) -> int:
    return project.review_items.filter(status="open", seats__state="open", seats__lane=Lane.WORK).distinct().count()
