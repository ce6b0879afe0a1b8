"""How outputs get in and how people work: inside this process, or against a running server."""

import json
import random
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpx
from django.conf import settings
from django.test import Client

from labeling.models import Assignment, Cause
from labeling.services.claiming import claim_seat
from labeling.services.submitting import Submission, submit_rating
from reviewapp.core.services.keys import create_person_token
from reviewapp.simulation.cast import ACTOR, Cast
from reviewapp.simulation.clock import Clock
from reviewapp.simulation.reviewers import ADJUDICATOR

BATCH_PATH = "/api/v1/outputs/batch/"


class SimulationFailed(Exception):
    """The application answered something that it must not; the message says what."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """A seat in somebody's hands. `item_id` is the simulator's way to its truth; no reviewer ever sees it."""

    token: str
    item_id: int
    assignment: Assignment | None = None


class Desk(ABC):
    """The application as programs and people reach it."""

    @abstractmethod
    def post(self, body: Mapping[str, Any], at: datetime) -> tuple[int, Any]:
        """The status and the answer of the batch endpoint."""

    @abstractmethod
    def claim(self, name: str, at: datetime) -> Claimed | None:
        """The next seat for the person of this name."""

    @abstractmethod
    def submit(self, name: str, claimed: Claimed, *, found_wrong: bool, seconds: float, at: datetime) -> None:
        """Hand in the answer."""

    def send(self, bodies: Sequence[Mapping[str, Any]], at: datetime) -> list[dict[str, Any]]:
        """The decision on each output, in order. Raises SimulationFailed unless each was stored just now."""
        status, answer = self.post({"outputs": list(bodies)}, at)
        if status == 401:
            raise SimulationFailed("the server does not know this run's key: is it on the same database?")
        if status != 200:
            raise SimulationFailed(f"the batch was answered {status}: {answer}")
        refused = [result for result in answer["results"] if result["status"] != 201]
        if refused:
            raise SimulationFailed(f"{len(refused)} outputs were not taken, the first: {refused[0]}")
        return [result["decision"] for result in answer["results"]]


def answer_of(name: str, *, found_wrong: bool, seconds: float) -> dict[str, Any]:
    """What a person hands in under the project's first rubric."""
    values = {"acceptable": "no", "reason": "wrong"} if found_wrong else {"acceptable": "yes"}
    cause = {"cause": str(Cause.REVIEWER_SLIP)} if name == ADJUDICATOR.name else {}
    return {"idempotency_key": "once", "values": values, "client_seconds": seconds, **cause}


class InProcess(Desk):
    """The whole HTTP stack without a socket, on simulated time; people act through the services."""

    def __init__(self, cast: Cast, clock: Clock, seed: int) -> None:
        self._cast, self._clock = cast, clock
        self._rng = random.Random(f"claims of simulation {seed}")
        hosts = [host for host in settings.ALLOWED_HOSTS if not host.startswith(("*", "."))]
        self._client = Client(SERVER_NAME=hosts[0] if hosts else "localhost")
        self._headers = {"authorization": f"Api-Key {cast.api_key}"}

    def post(self, body: Mapping[str, Any], at: datetime) -> tuple[int, Any]:
        self._clock.now = at
        answer = self._client.post(BATCH_PATH, json.dumps(body), "application/json", headers=self._headers)
        return answer.status_code, answer.json()

    def claim(self, name: str, at: datetime) -> Claimed | None:
        self._clock.now = at
        assignment = claim_seat(reviewer=self._cast.members[name], now=at, rng=self._rng)
        return Claimed(assignment.token, assignment.item_id, assignment) if assignment else None

    def submit(self, name: str, claimed: Claimed, *, found_wrong: bool, seconds: float, at: datetime) -> None:
        self._clock.now = at
        if claimed.assignment is None:
            raise SimulationFailed("a claim of another desk")
        submission = Submission(**answer_of(name, found_wrong=found_wrong, seconds=seconds))
        submit_rating(assignment=claimed.assignment, submission=submission, now=at)


class OverHttp(Desk):
    """A running server on the same database; everything by HTTP, in real time."""

    def __init__(self, cast: Cast, client: httpx.Client) -> None:
        self._client = client
        self._key = {"Authorization": f"Api-Key {cast.api_key}"}
        self._claim_path = f"/api/v1/projects/{cast.project.slug}/queue/claim/"
        self._tokens = {
            name: {"Authorization": f"Token {create_person_token(person=member.person, actor=ACTOR)}"}
            for name, member in cast.members.items()
        }

    def post(self, body: Mapping[str, Any], at: datetime) -> tuple[int, Any]:
        answer = self._client.post(BATCH_PATH, json=body, headers=self._key)
        return answer.status_code, answer.json()

    def claim(self, name: str, at: datetime) -> Claimed | None:
        answer = self._client.post(self._claim_path, json={}, headers=self._tokens[name])
        if answer.status_code == 204:
            return None
        if answer.status_code != 200:
            raise SimulationFailed(f"a claim was answered {answer.status_code}: {answer.text}")
        token = answer.json()["assignment"]
        return Claimed(token, Assignment.objects.values_list("item_id", flat=True).get(token=token))

    def submit(self, name: str, claimed: Claimed, *, found_wrong: bool, seconds: float, at: datetime) -> None:
        body = answer_of(name, found_wrong=found_wrong, seconds=seconds)
        path = f"/api/v1/assignments/{claimed.token}/submit/"
        answer = self._client.post(path, json=body, headers=self._tokens[name])
        if answer.status_code != 201:
            raise SimulationFailed(f"a rating was answered {answer.status_code}: {answer.text}")
