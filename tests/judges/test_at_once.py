"""Several workers, and workers that die: one decision, one budget, one probe."""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.db import connection, connections
from django.utils import timezone

from routing.models import Decision, JudgeRequest, JudgeState, JudgeVerdict, OutputReview, Signal, SignalOrigin
from routing.services.judge_calls import Surroundings
from routing.services.judging import (
    LEASE,
    Claim,
    Hearing,
    answer_due,
    answer_request,
    ask_due,
    claim_request,
    decide_request,
)
from routing.services.senders import Senders
from tests.factories import output_body, route
from tests.judges.bench import SURE, Bench
from tests.judges.server import Answering, Asked, Handler, Model, slow, verdict
from tests.people import NOW, Cast, make_cast
from tests.threads import in_threads

pytestmark = pytest.mark.django_db(transaction=True)

ROOT = Path(__file__).resolve().parents[2]
WORKER = """
import os, random
os.environ["DJANGO_SETTINGS_MODULE"] = "reviewapp.settings"
import django
django.setup()
from django.utils import timezone
from routing.services.judge_calls import Surroundings
from routing.services.judging import answer_due
answer_due(around=Surroundings(clock=timezone.now), rng=random.Random(1))
"""


@pytest.fixture
def cast(transactional_db: None) -> Cast:
    return make_cast()


def work(_number: int = 0) -> int:
    return answer_due(around=Surroundings(clock=timezone.now), rng=random.Random(1))


def hand_in(bench: Bench, count: int) -> list[Any]:
    """In the present: these workers live by the real clock."""
    bench.clock.now = timezone.now()
    return [bench.hand_in() for _number in range(count)]


def decided_once(outputs: list[Any]) -> None:
    assert Decision.objects.filter(output__in=outputs).count() == len(outputs)
    assert Signal.objects.filter(output__in=outputs, origin=SignalOrigin.JUDGE).count() == len(outputs)
    reviewed = Decision.objects.filter(output__in=outputs).exclude(action="ship", audited=False).count()
    assert OutputReview.objects.filter(output__in=outputs).count() == reviewed


def test_several_workers_decide_each_output_once_and_ask_once(bench: Bench) -> None:
    bench.model.will(slow(0.05, verdict("pass")))
    outputs = hand_in(bench, 12)
    assert sum(in_threads(4, work)) == 12
    decided_once(outputs)
    assert len(bench.model.asked) == 24


def test_a_sweep_gives_the_work_to_threads_and_returns(bench: Bench) -> None:
    bench.model.will(slow(0.3, verdict("pass")))
    outputs = hand_in(bench, 6)
    senders = Senders(most=3)
    began = timezone.now()
    assert ask_due(senders=senders, around=Surroundings(clock=timezone.now), rng=random.Random(1)) == 3
    assert timezone.now() - began < timedelta(seconds=1)
    assert senders.wait(30)
    decided_once(outputs)


def test_two_that_hold_the_same_answers_store_one_decision(bench: Bench) -> None:
    [output] = hand_in(bench, 1)
    request = JudgeRequest.objects.select_related("output__content", "project", "policy__calibrator").get()
    said = {"kind": "judge", "name": "strict", "runs": [{"verdict": "pass"}] * 2, "version": 1}

    def decide(_number: int) -> bool:
        return decide_request(request=request, hearing=Hearing(heard={"strict": said}), now=timezone.now())

    assert sorted(in_threads(4, decide)) == [False, False, False, True]
    decided_once([output])


def test_a_request_is_held_by_one(bench: Bench) -> None:
    hand_in(bench, 1)
    now = timezone.now()
    claims = in_threads(6, lambda _number: claim_request(now=now))
    assert sum(isinstance(claim, Claim) for claim in claims) == 1


def test_a_worker_that_lost_its_request_stores_nothing(bench: Bench) -> None:
    """The lease ran out in the middle: whoever has the request now asks, and decides."""
    [output] = hand_in(bench, 1)

    def taken_meanwhile(handler: Handler, asked: Asked) -> None:
        later = timezone.now() + LEASE + timedelta(seconds=1)
        assert claim_request(now=later)
        connections.close_all()
        verdict("pass")(handler, asked)

    bench.model.will(taken_meanwhile)
    assert work() == 0
    assert bench.is_pending(output)
    assert JudgeRequest.objects.get().attempts == 2


@pytest.mark.parametrize("calls_before", [0, 1])
def test_a_worker_killed_in_a_call_is_replaced(bench: Bench, calls_before: int, tmp_path: Path) -> None:
    """SIGKILL between the call and storing what it said: after the lease the next one asks for what is missing."""
    [output] = hand_in(bench, 1)
    reached = threading.Event()

    def hang(handler: Handler, asked: Asked) -> None:
        reached.set()
        threading.Event().wait(20)

    answers: list[Answering] = [verdict("pass")] * calls_before + [hang]
    bench.model.will(*answers)
    worker = subprocess.Popen([sys.executable, "-c", WORKER], cwd=ROOT, env=_environment(tmp_path))
    try:
        assert reached.wait(60)
        os.kill(worker.pid, signal.SIGKILL)
    finally:
        worker.kill()
        worker.wait(10)
    assert bench.is_pending(output)
    bench.model.will(verdict("pass"))
    assert work() == 0
    after = Surroundings(clock=lambda: timezone.now() + LEASE)
    assert answer_due(around=after, rng=random.Random(1)) == 1
    decided_once([output])
    # What was stored before was not asked again; the call that was lost was.
    assert len(bench.model.asked) == 3
    assert JudgeVerdict.objects.filter(output=output).count() == 2


def _environment(folder: Path) -> dict[str, str]:
    """The test's own database, for another process."""
    settings = connection.settings_dict
    if connection.vendor == "sqlite":
        url = f"sqlite:///{settings['NAME']}"
    else:
        host = f"{settings['HOST'] or 'localhost'}:{settings['PORT'] or 5432}"
        user = settings["USER"] + (f":{settings['PASSWORD']}" if settings["PASSWORD"] else "")
        url = f"postgres://{user}@{host}/{settings['NAME']}"
    return os.environ | {
        "DATABASE_URL": url,
        "DATA_DIR": str(folder),
        "SECRET_KEY": django_settings.SECRET_KEY,
        "PRIVATE_TARGETS": "127.0.0.1",
        "REDIS_URL": "",
    }


def test_workers_at_once_never_overdraw_the_budget(cast: Cast, model: Model) -> None:
    # A call reserves about 3,000 millionths here; the budget is enough for a few of them.
    bench = Bench.set_up(cast, model, price_input=Decimal(1), price_output=Decimal(1), monthly_budget=Decimal("0.02"))
    model.will(slow(0.1, verdict("pass", tokens=(None, None))))
    outputs = hand_in(bench, 12)
    in_threads(6, work)
    assert Decision.objects.filter(output__in=outputs).count() == 12
    assert 0 < bench.state.spent <= 20_000
    assert bench.state.spent == sum(JudgeVerdict.objects.values_list("cost", flat=True))
    assert "budget_spent" in bench.outcomes()


def test_workers_at_once_send_one_probe(bench: Bench) -> None:
    hand_in(bench, 6)
    JudgeState.objects.filter(judge=bench.judge).update(failures=9, open_until=timezone.now() - timedelta(seconds=1))
    asked_meanwhile: list[int] = []

    def probe(handler: Handler, asked: Asked) -> None:
        time.sleep(0.5)
        asked_meanwhile.append(len(bench.model.asked))
        verdict("pass")(handler, asked)

    bench.model.will(probe, verdict("pass"))
    in_threads(4, _one_turn)
    assert asked_meanwhile == [1]


def _one_turn(_number: int) -> None:
    """Take one request each, and do not come again."""
    claim = claim_request(now=timezone.now())
    if claim:
        answer_request(claim=claim, around=Surroundings(clock=timezone.now), rng=random.Random(1))


def test_the_same_body_from_many_callers_waits_once(bench: Bench) -> None:
    body = output_body("same", signals=SURE)
    in_threads(4, lambda _number: route(bench.cast.project, body, now=NOW))
    assert JudgeRequest.objects.count() == 1
