"""Circuit breaker, budget, pace: on rows, for every worker alike."""

from datetime import timedelta
from decimal import Decimal

import pytest

from routing.models import JudgeState, JudgeVerdict
from routing.policy.judge_limits import (
    FIRST_OPEN,
    LONGEST_OPEN,
    OPEN_AFTER,
    Admitted,
    Held,
    Limits,
    Standing,
    admit,
    breaker,
    cost_of,
    settle,
)
from routing.services.judges import change_judge
from tests.judges.bench import Bench
from tests.judges.server import Model, says, status, verdict
from tests.people import NOW, Cast

pytestmark = pytest.mark.django_db

PROBE = timedelta(seconds=40)


def admitted(standing: Standing, limits: Limits | None = None, *, seconds: float = 0, estimate: int = 10) -> Admitted:
    found = try_to(standing, limits, seconds=seconds, estimate=estimate)
    assert isinstance(found, Admitted), found
    return found


def try_to(
    standing: Standing, limits: Limits | None = None, *, seconds: float = 0, estimate: int = 10
) -> Admitted | Held:
    now = NOW + timedelta(seconds=seconds)
    return admit(standing, limits or Limits(6000, None), estimate=estimate, now=now, probe=PROBE)


def failed(standing: Standing, seconds: float = 0) -> Standing:
    found = admitted(standing, seconds=seconds)
    return settle(found.standing, found, cost=0, healthy=False, now=NOW + timedelta(seconds=seconds))


def opened() -> Standing:
    standing = Standing()
    for _time in range(OPEN_AFTER):
        standing = failed(standing)
    return standing


# The circuit ------------------------------------------------------------------------------------------------


def test_the_circuit_opens_after_failures_in_a_row_only() -> None:
    standing = Standing()
    for _time in range(OPEN_AFTER - 1):
        standing = failed(standing)
    found = admitted(standing)
    mended = settle(found.standing, found, cost=0, healthy=True, now=NOW)
    assert mended.failures == 0
    assert breaker(failed(mended), NOW) == "closed"
    assert try_to(opened()) == Held("circuit_open", NOW + FIRST_OPEN)


def test_a_half_open_circuit_lets_one_probe_through() -> None:
    standing, later = opened(), FIRST_OPEN.total_seconds()
    probe = admitted(standing, seconds=later)
    assert isinstance(try_to(probe.standing, seconds=later + 1), Held)
    well = settle(probe.standing, probe, cost=0, healthy=True, now=NOW + FIRST_OPEN)
    assert breaker(well, NOW) == "closed"


def test_a_failed_probe_opens_it_for_longer_and_a_lost_one_not_for_ever() -> None:
    standing, seconds, spans = opened(), 0.0, []
    for _time in range(10):
        assert standing.open_until
        spans.append((standing.open_until - NOW - timedelta(seconds=seconds)).total_seconds())
        seconds += spans[-1]
        standing = failed(standing, seconds)
    assert spans[:4] == [30, 60, 120, 240]
    assert max(spans) == LONGEST_OPEN.total_seconds()
    lost = admitted(opened(), seconds=FIRST_OPEN.total_seconds())
    admitted(lost.standing, seconds=FIRST_OPEN.total_seconds() + PROBE.total_seconds() + 1)


def test_the_circuit_opens_half_opens_and_closes_end_to_end(bench: Bench) -> None:
    bench.model.will(status(500))
    outputs = [bench.hand_in() for _number in range(3)]
    while bench.state.failures < OPEN_AFTER:
        bench.work()
        bench.clock.forward(2)
    asked = len(bench.model.asked)
    bench.work()
    assert len(bench.model.asked) == asked == OPEN_AFTER
    assert all(bench.is_pending(output) for output in outputs)
    bench.model.will(verdict("pass"))
    bench.clock.forward(40)
    bench.work()
    bench.clock.forward(120)
    bench.work()
    assert [bench.decision(output).action for output in outputs] == ["ship"] * 3
    assert bench.state.failures == 0


def test_an_open_circuit_is_not_waited_for_beyond_the_deadline(cast: Cast, model: Model) -> None:
    bench = Bench.set_up(cast, model, deadline=10)
    JudgeState.objects.filter(judge=bench.judge).update(failures=OPEN_AFTER, open_until=NOW + timedelta(seconds=60))
    output = bench.hand_in()
    assert bench.settle(output).action == "review"
    assert bench.request(output).silent == {"strict": "circuit_open"}
    assert model.asked == []


def test_what_an_outputs_words_bring_about_never_opens_it(bench: Bench) -> None:
    for answer in (says("ha"), says("x", finish="length"), says("x", finish="content_filter"), status(400)):
        bench.model.will(answer)
        for _time in range(OPEN_AFTER):
            bench.settle(bench.hand_in())
    assert bench.state.failures == 0


def test_a_change_closes_it(bench: Bench) -> None:
    JudgeState.objects.filter(judge=bench.judge).update(failures=9, open_until=NOW + timedelta(days=1))
    change_judge(judge=bench.judge, actor="test", now=NOW, key="sk-another")
    assert (bench.state.failures, bench.state.open_until) == (0, None)


# The budget ---------------------------------------------------------------------------------------------------


def test_costs_are_counted_in_millionths_and_rounded_up() -> None:
    assert cost_of(1000, 200, Decimal("0.15"), Decimal("0.60")) == 270
    assert cost_of(1, 0, Decimal("0.000001"), Decimal(0)) == 1
    assert cost_of(0, 0, Decimal(5), Decimal(5)) == 0


def test_a_budget_is_never_overdrawn_and_begins_anew_each_month() -> None:
    limits, standing = Limits(6000, 100), Standing()
    for _time in range(10):
        standing = admitted(standing, limits).standing
    assert standing.spent == 100
    assert try_to(standing, limits) == Held("budget_spent", None)
    # 20 November; eleven days on it is December.
    assert admitted(standing, limits, seconds=11 * 86_400).standing.spent == 10


def test_a_reservation_becomes_the_cost_but_not_of_another_month() -> None:
    found = admitted(Standing(month="2026-11", spent=50))
    assert settle(found.standing, found, cost=4, healthy=True, now=NOW).spent == 54
    newer = Standing(month="2026-12", spent=7)
    assert settle(newer, found, cost=4, healthy=True, now=NOW).spent == 7


def test_what_a_call_costs_is_what_the_server_counted(cast: Cast, model: Model) -> None:
    bench = Bench.set_up(cast, model, price_input=Decimal(2), price_output=Decimal(8), monthly_budget=Decimal(1))
    model.will(verdict("pass", tokens=(500, 20)))
    bench.settle(bench.hand_in())
    assert bench.state.spent == 2 * (500 * 2 + 20 * 8)
    assert list(JudgeVerdict.objects.values_list("cost", flat=True)) == [1160, 1160]


@pytest.mark.parametrize("tokens", [(None, None), (-1, 3), (True, 2), ("5", 1), (10**30, 1), (1.5, 1)])
def test_a_server_that_does_not_count_costs_the_whole_reservation(
    cast: Cast, model: Model, tokens: tuple[object, object]
) -> None:
    bench = Bench.set_up(cast, model, price_input=Decimal(1), price_output=Decimal(1), monthly_budget=Decimal(1))
    model.will(verdict("pass", tokens=tokens))
    bench.settle(bench.hand_in())
    first = JudgeVerdict.objects.order_by("pk").first()
    assert first is not None
    # As many tokens as bytes were sent, and as an answer may have.
    assert first.cost > 1024 + 1000
    assert bench.state.spent == sum(JudgeVerdict.objects.values_list("cost", flat=True))


def test_a_spent_budget_sends_outputs_to_people(cast: Cast, model: Model) -> None:
    bench = Bench.set_up(cast, model, price_input=Decimal(1), price_output=Decimal(1), monthly_budget=Decimal("0.01"))
    output = bench.hand_in()
    JudgeState.objects.filter(judge=bench.judge).update(month="2026-11", spent=9_000)
    assert bench.settle(output).action == "review"
    assert bench.request(output).silent == {"strict": "budget_spent"}
    assert model.asked == []


def test_a_refused_call_gives_its_reservation_back(cast: Cast, model: Model) -> None:
    bench = Bench.set_up(cast, model, price_input=Decimal(1), price_output=Decimal(1), monthly_budget=Decimal(1))
    model.will(status(400))
    bench.settle(bench.hand_in())
    assert bench.state.spent == 0


# The pace -----------------------------------------------------------------------------------------------------


def test_no_minute_has_more_calls_than_allowed() -> None:
    limits, standing, at = Limits(30, None), Standing(), []
    seconds = 0.0
    while seconds < 300:
        found = try_to(standing, limits, seconds=seconds)
        if isinstance(found, Admitted):
            at.append((found.at - NOW).total_seconds())
            standing = found.standing
        seconds += 0.4
    assert len(at) >= 148
    assert all(sum(start <= moment < start + 60 for moment in at) <= 30 for start in at)


def test_outputs_wait_their_turn_in_order(cast: Cast, model: Model) -> None:
    bench = Bench.set_up(cast, model, requests_per_minute=6)
    outputs = [bench.hand_in() for _number in range(3)]
    decided = []
    for _second in range(60):
        bench.work()
        decided += [output for output in outputs if output not in decided and not bench.is_pending(output)]
        bench.clock.forward(1)
    assert decided == outputs
    assert len(model.asked) == 6
    assert (bench.clock.now - NOW).total_seconds() >= 50
