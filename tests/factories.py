"""Outputs, gold cases and ratings for tests, made through the services that make them in earnest."""

import itertools
import random
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from labeling.models import Assignment, GoldCase, GoldOrigin, Rating, ReviewItem
from labeling.services.claiming import claim_seat
from labeling.services.gold import add_gold_case
from labeling.services.submitting import Submission, submit_rating
from reviewapp.core.models import Membership, Project, TaskKind
from routing.models import Output
from routing.serializers.outputs import parse_output
from routing.services.intake import route_outputs
from tests.people import NOW, Cast, make_cast

_numbers = itertools.count(1)

ACCEPT: dict[str, Any] = {"values": {"acceptable": "yes"}}
REJECT: dict[str, Any] = {"values": {"acceptable": "no", "reason": "wrong"}}


def output_body(external_id: str = "", **fields: Any) -> dict[str, Any]:
    """A pointwise `POST /outputs/` body. A field given as None is left out."""
    number = next(_numbers)
    body = {
        "external_id": external_id or f"case-{number:05}",
        "intent": "billing",
        "prompt": f"Why was I charged twice in order {number}?",
        "context": [{"id": "handbook-7", "text": "Double charges are refunded within five days."}],
        "response": f"The second charge of order {number} will be refunded within five days.",
        "signals": [{"kind": "score", "name": "grounded", "value": 0.8}],
    }
    return {name: value for name, value in (body | fields).items() if value is not None}


def pair_body(external_id: str = "", **fields: Any) -> dict[str, Any]:
    """A pairwise body with the sources told."""
    candidates = [
        {"text": f"First answer {next(_numbers)}.", "source": {"model": "alder-one"}},
        {"text": f"Second answer {next(_numbers)}.", "source": {"model": "birch-two"}},
    ]
    return output_body(external_id, **({"response": None, "candidates": candidates} | fields))


def run_body(external_id: str = "", **fields: Any) -> dict[str, Any]:
    """An agent run."""
    steps = [
        {"type": "tool_call", "name": "find_order", "content": {"order": next(_numbers)}},
        {"type": "tool_result", "name": "find_order", "content": "two charges"},
        {"type": "message", "content": "One of the charges goes back to you."},
    ]
    return output_body(external_id, **({"response": None, "trajectory": steps} | fields))


def route(project: Project, *bodies: dict[str, Any], now: datetime = NOW) -> list[Output]:
    """The stored outputs, in the order of the bodies (one default body without any)."""
    new = [parse_output(body) for body in bodies or (output_body(),)]
    routed = route_outputs(project=project, outputs=new, now=now)
    by_id = Output.objects.in_bulk([entry.output_id for entry in routed])
    return [by_id[entry.output_id] for entry in routed]


def item_of(output: Output) -> ReviewItem:
    return ReviewItem.objects.get(content__output=output)


def plant_gold(project: Project, reference: str = "", **fields: Any) -> GoldCase:
    """An acceptable pointwise gold case, unless told otherwise."""
    number = next(_numbers)
    case: dict[str, Any] = {
        "reference": reference or f"gold-{number}",
        "task_kind": TaskKind.POINTWISE,
        "intent": "billing",
        "prompt": f"May I return order {number}?",
        "body": {"response": f"Yes, order {number} can be returned within thirty days."},
        "origin": GoldOrigin.HUMAN_REFERENCE,
        "acceptable": True,
        "exposures": 5,
    }
    return add_gold_case(project=project, actor="test", now=NOW, **(case | fields))


def claim(reviewer: Membership, *, now: datetime = NOW, seed: int = 1) -> Assignment:
    """The next assignment, which must exist."""
    assignment = claim_seat(reviewer=reviewer, now=now, rng=random.Random(seed))
    assert assignment is not None, "nothing to claim"
    return assignment


def submit(assignment: Assignment, *, now: datetime = NOW, key: str = "", **fields: Any) -> Rating:
    """A submitted rating: accepting, unless told otherwise."""
    submission = Submission(idempotency_key=key or f"key-{next(_numbers)}", **({**ACCEPT} | fields))
    return submit_rating(assignment=assignment, submission=submission, now=now)[0]


def judge(reviewer: Membership, *, now: datetime = NOW, **fields: Any) -> Rating:
    """Claim and submit in one go."""
    return submit(claim(reviewer, now=now), now=now, **fields)


def make_noise(slug: str = "elsewhere", outputs: int = 3) -> Cast:
    """Another project, with the same kinds of rows, which no query about the first may show."""
    other = make_cast(slug)
    route(other.project, *(output_body(f"case-{slug}-{number}") for number in range(outputs)))
    plant_gold(other.project, f"gold-{slug}")
    judge(other.reviewers[0])
    return other


def judged(cast: Cast, bodies: Sequence[dict[str, Any]], **fields: Any) -> list[Output]:
    """Outputs that one reviewer has judged, all alike."""
    outputs = route(cast.project, *bodies)
    for _output in outputs:
        judge(cast.reviewers[0], **fields)
    return outputs
