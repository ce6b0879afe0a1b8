"""A project whose policy asks a judge of the suite's own, on a clock that the test moves."""

import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from routing.models import Decision, Judge, JudgeRequest, JudgeState, JudgeVerdict, Output, Signal, SignalOrigin
from routing.services.judge_calls import Surroundings
from routing.services.judges import create_judge
from routing.services.judging import answer_due
from tests.factories import output_body, route
from tests.judges.server import Model
from tests.people import NOW, Cast

KEY = "sk-sentinel-7f3a9b52c1"
SHIPS = {"mode": "below_threshold", "threshold": 0.6, "audit_rate": 0.1}
SURE = [{"kind": "score", "name": "grounded", "value": 1.0}]


@dataclass
class Clock:
    """Stands still but for what the test, or somebody's patience, adds."""

    now: datetime = NOW
    pauses: list[float] = field(default_factory=list)

    def __call__(self) -> datetime:
        return self.now

    def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += timedelta(seconds=seconds)

    def forward(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@dataclass
class Bench:
    cast: Cast
    model: Model
    clock: Clock
    judge: Judge

    @classmethod
    def set_up(cls, cast: Cast, model: Model, *, deadline: int = 300, **fields: Any) -> "Bench":
        judge = make_judge(cast, model, **fields)
        ask_in_force(cast, "strict", deadline=deadline)
        return cls(cast, model, Clock(), judge)

    @property
    def around(self) -> Surroundings:
        return Surroundings(clock=self.clock, pause=self.clock.pause)

    def hand_in(self, external_id: str = "", **fields: Any) -> Output:
        [output] = route(
            self.cast.project, output_body(external_id, **({"signals": SURE} | fields)), now=self.clock.now
        )
        return output

    def work(self) -> int:
        """What one worker does with what is due; how many outputs it decided."""
        return answer_due(around=self.around, rng=random.Random(1))

    def settle(self, output: Output) -> Decision:
        self.work()
        return self.decision(output)

    def decision(self, output: Output) -> Decision:
        return Decision.objects.get(output=output)

    def is_pending(self, output: Output) -> bool:
        return not Decision.objects.filter(output=output).exists()

    def request(self, output: Output) -> JudgeRequest:
        return JudgeRequest.objects.get(output=output)

    def said(self, output: Output) -> Signal | None:
        return Signal.objects.filter(output=output, origin=SignalOrigin.JUDGE).first()

    @property
    def state(self) -> JudgeState:
        return JudgeState.objects.get(judge=self.judge)

    def outcomes(self) -> list[str]:
        rows = JudgeVerdict.objects.filter(version__judge=self.judge).order_by("pk")
        return list(rows.values_list("outcome", flat=True))


def make_judge(cast: Cast, server: Model, name: str = "strict", **fields: Any) -> Judge:
    defaults = {
        "base_url": server.url,
        "model": "rowan-2",
        "key": KEY,
        "timeout_seconds": 5,
        "requests_per_minute": 6000,
    }
    return create_judge(project=cast.project, name=name, actor="test", now=NOW, **(defaults | fields))


def ask_in_force(cast: Cast, *names: str, deadline: int = 300, **fields: Any) -> None:
    """A policy that ships from 0.6 on and asks these judges."""
    judges = {"names": list(names), "deadline_seconds": deadline}
    fields = {"required_signals": ["score:grounded"], "detectors": {"adversarial": None, "novelty": None}} | fields
    cast.put_in_force(tier=SHIPS, judges=judges, **fields)
