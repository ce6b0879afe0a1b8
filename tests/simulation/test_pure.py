"""Worlds without a database."""

import subprocess
import sys
from dataclasses import replace

import pytest

from reviewapp.simulation.coverage import run_worlds, study
from reviewapp.simulation.figures import measure
from reviewapp.simulation.plan import Plan
from reviewapp.simulation.pool import Pool, demo_pool
from reviewapp.simulation.pure import PureWorld, run_pure, strata_in
from reviewapp.simulation.reviewers import PERFECT, SIMULATED
from reviewapp.simulation.stream import draw

PLAN = Plan(seed=5, outputs=600, warmup=300, mode=PERFECT)


@pytest.fixture(scope="module")
def pool() -> Pool:
    return demo_pool()


def world(plan: Plan, pool: Pool) -> PureWorld:
    drawn = draw(pool, seed=plan.seed, outputs=plan.outputs, warmup=plan.warmup, shifts=plan.shifts)
    return run_pure(plan, drawn)


def test_people_get_about_the_share_that_was_asked_for(pool: Pool) -> None:
    for share in (0.15, 0.4):
        outcomes = world(replace(PLAN, review_share=share), pool).run.outcomes
        looked_at = sum(outcome.rejected is not None for outcome in outcomes)
        # Equal confidences cannot be torn apart, so there can be fewer.
        assert 0.4 * share <= looked_at / len(outcomes) <= share + 0.08


def test_audits_come_at_their_rate_and_are_all_judged(pool: Pool) -> None:
    outcomes = world(replace(PLAN, outputs=2000, audit_rate=0.1), pool).run.outcomes
    shipped = [outcome for outcome in outcomes if outcome.action == "ship"]
    audits = [outcome for outcome in shipped if outcome.audited]
    assert len(audits) / len(shipped) == pytest.approx(0.1, abs=0.035)
    assert all(outcome.rejected == outcome.error for outcome in audits)


def test_perfect_reviewers_miss_nothing_they_see(pool: Pool) -> None:
    found = world(PLAN, pool).run
    figures = measure(found, strata_in(found))
    assert figures.undetected[0].left == figures.undetected[0].left_unreviewed
    assert figures.efficiency.false_alarms == 0
    assert figures.headline == "observed"


def test_the_router_beats_chance_and_not_the_oracle(pool: Pool) -> None:
    found = world(replace(PLAN, outputs=2000), pool).run
    work = measure(found, strata_in(found)).efficiency
    assert work.random_caught < work.caught < work.oracle_caught


def test_imperfect_reviewers_leave_errors_that_they_looked_at(pool: Pool) -> None:
    found = world(replace(PLAN, mode=SIMULATED), pool).run
    figures = measure(found, strata_in(found))
    assert figures.undetected[0].left > figures.undetected[0].left_unreviewed
    assert figures.efficiency.false_alarms > 0
    assert figures.headline == "corrected"


def test_the_warmup_is_judged_by_two_and_settled_by_a_third(pool: Pool) -> None:
    found = world(replace(PLAN, mode=SIMULATED, gold_rate=0.0), pool).run
    warmup = found.given[: len(found.given) - len(found.stream_given)]
    raters = {name: sum(g.reviewer == name for g in warmup) for name in {g.reviewer for g in warmup}}
    settled = raters.pop("adjudicator")
    assert sum(raters.values()) == 2 * PLAN.warmup
    assert 0 < settled < PLAN.warmup / 2


def test_parallel_worlds_are_the_serial_ones(pool: Pool) -> None:
    plan = replace(PLAN, outputs=200, warmup=100)
    serial = list(run_worlds(plan, pool, worlds=3, processes=1))
    assert list(run_worlds(plan, pool, worlds=3, processes=2)) == serial
    assert [result.seed for result in serial] == [5, 6, 7]


def test_the_interval_holds_the_truth_in_most_worlds(pool: Pool) -> None:
    plan = replace(PLAN, outputs=300, warmup=150, audit_rate=0.15)
    found = study(plan, list(run_worlds(plan, pool, worlds=12, processes=1)))
    overall = found.slices[0]
    # Below eight of twelve by chance: two in ten thousand at 95 % coverage.
    assert (overall.name, overall.worlds) == ("all", 12)
    assert overall.held >= 8
    assert overall.low < overall.share <= overall.high
    assert found.ratio is not None


def test_the_pure_parts_need_no_database() -> None:
    code = (
        "import sys\n"
        "from reviewapp.simulation import coverage, report, stream, pure, plan, pool\n"
        "few = plan.Plan(outputs=20, warmup=20)\n"
        "drawn = stream.draw(pool.demo_pool(), seed=1, outputs=20, warmup=20)\n"
        "tables = {'django.db.models', 'labeling.models', 'routing.models'} & set(sys.modules)\n"
        "print(len(pure.run_pure(few, drawn).run.outcomes), sorted(tables))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "20 []"
