"""Worlds through the database: the same decisions, the same figures, and no truth in any table."""

import json
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest
from django.utils import timezone

from labeling.models import GoldResult, Rating
from labeling.queries.panel import Window, reviewer_summaries
from reviewapp.core.models import AuditEntry, Content
from reviewapp.simulation.cast import Cast, free_slug, make_cast
from reviewapp.simulation.clock import Clock, simulated_time
from reviewapp.simulation.desks import InProcess, OverHttp, SimulationFailed
from reviewapp.simulation.figures import Run, measure
from reviewapp.simulation.instrument import GOLD
from reviewapp.simulation.panel import told_by_panel
from reviewapp.simulation.plan import Plan
from reviewapp.simulation.pool import demo_pool
from reviewapp.simulation.pure import run_pure, strata_in
from reviewapp.simulation.report import as_json
from reviewapp.simulation.reviewers import COPIED, COPIER, PERFECT, SIMULATED, SLEEPER
from reviewapp.simulation.stream import STREAM_START, WARMUP_START, Drawn, draw
from reviewapp.simulation.words import tables
from reviewapp.simulation.world import RECALIBRATED_AT, World, strata_in_database
from routing.models import Decision, Output, Signal
from routing.services.certificates import estimate_undetected

PLAN = Plan(seed=3, outputs=100, warmup=60, mode=PERFECT)


def drawn_for(plan: Plan) -> Drawn:
    return draw(demo_pool(), seed=plan.seed, outputs=plan.outputs, warmup=plan.warmup, shifts=plan.shifts)


def through_database(plan: Plan, drawn: Drawn) -> tuple[Cast, Run]:
    clock = Clock(WARMUP_START)
    with simulated_time(clock):
        cast = make_cast(plan, drawn.pool, slug=free_slug(plan.seed), now=clock.now)
        world = World(plan, drawn, cast, InProcess(cast, clock, plan.seed))
        world.warm_up(lambda _count: None)
        world.recalibrate(RECALIBRATED_AT)
        return cast, world.stream(lambda _count: None)


@pytest.mark.django_db
def test_it_decides_exactly_as_the_pure_functions_do() -> None:
    plan = replace(PLAN, outputs=300, warmup=120, audit_rate=0.1, review_share=0.3)
    drawn = drawn_for(plan)
    cast, run = through_database(plan, drawn)
    pure = run_pure(plan, drawn).run
    assert [outcome.decided() for outcome in run.outcomes] == [outcome.decided() for outcome in pure.outcomes]
    assert [outcome.rejected for outcome in run.outcomes] == [outcome.rejected for outcome in pure.outcomes]
    assert run.thresholds == pure.thresholds
    # Something was shipped, something reviewed and something audited, or the comparison says little.
    assert len({(outcome.action, outcome.audited) for outcome in run.outcomes}) == 3
    here, there = measure(run, strata_in_database(cast, STREAM_START)), measure(pure, strata_in(pure))
    assert [row.observed for row in here.undetected] == [row.observed for row in there.undetected]
    assert here.cost.observed == there.cost.observed
    assert here.efficiency.caught == there.efficiency.caught


@pytest.mark.django_db
def test_the_headline_is_what_the_product_itself_would_certify() -> None:
    plan = replace(PLAN, review_share=0.5, audit_rate=0.3)
    cast, run = through_database(plan, drawn_for(plan))
    shown = measure(run, strata_in_database(cast, STREAM_START)).undetected[0].observed
    own = estimate_undetected(cast.project, since=STREAM_START)
    assert own.interval is not None
    assert (shown.rate, shown.low, shown.high) == (own.rate, own.interval.low, own.interval.high)


@pytest.mark.django_db
def test_the_same_seed_gives_the_same_report_byte_for_byte() -> None:
    plan = replace(PLAN, mode=SIMULATED, sleeper=True, copier=True, gold_rate=0.3, outputs=50, warmup=50)
    reports = []
    for _run in range(2):
        cast, run = through_database(plan, drawn_for(plan))
        figures = measure(run, strata_in_database(cast, STREAM_START))
        assert any(figures.reviewers[0].gold_sensitivity.trials for _row in figures.reviewers)
        reports.append(json.dumps(as_json(run, figures, process={}), sort_keys=True))
    assert reports[0] == reports[1]


@pytest.mark.django_db
def test_every_rating_is_a_real_persons_and_gold_is_judged_by_the_product() -> None:
    plan = replace(PLAN, mode=SIMULATED, gold_rate=0.3)
    cast, run = through_database(plan, drawn_for(plan))
    ratings = Rating.objects.filter(item__project=cast.project)
    assert ratings.count() == len(run.given)
    assert {rating.client_seconds for rating in ratings} == {given.seconds for given in run.given}
    results = GoldResult.objects.filter(gold_case__project=cast.project)
    assert results.count() == len(run.gold) > 0
    assert results.filter(correct=True).count() == sum(answer.right for answer in run.gold)


@pytest.mark.django_db
def test_who_is_named_is_who_the_products_own_page_names() -> None:
    plan = replace(PLAN, mode=SIMULATED, gold_rate=0.4, sleeper=True, copier=True, outputs=20, warmup=60)
    cast, run = through_database(plan, drawn_for(plan))
    told = told_by_panel(cast)
    rows = reviewer_summaries(cast.project, Window.of(STREAM_START + timedelta(days=7)))
    shown = {(row.rater, entry.kind) for row in rows for entry in row.named if entry.named}
    kinds = {"weak": "weak_on_gold", "asleep": "asleep"}
    mine = {(cast.members[e.reviewer].rater_code, kinds.get(e.rule, "copies")) for e in told.all.named}
    assert mine == shown
    assert (cast.members[SLEEPER].rater_code, "asleep") in shown
    figures = measure(run, strata_in_database(cast, STREAM_START), told)
    table = next(table for table in tables(run, figures) if table.title.startswith("Who is named"))
    assert [row[:2] for row in table.rows if row[2] == "all reviews"] == [(e.reviewer, e.rule) for e in told.all.named]


@pytest.mark.django_db
def test_whoever_copies_hands_in_after_the_one_they_copy() -> None:
    plan = replace(PLAN, mode=SIMULATED, copier=True, outputs=10, warmup=60)
    cast, _run = through_database(plan, drawn_for(plan))
    moments = {
        name: dict(Rating.objects.filter(reviewer=cast.members[name]).values_list("item_id", "submitted_at"))
        for name in (COPIER, COPIED)
    }
    both = moments[COPIER].keys() & moments[COPIED].keys()
    later = [moments[COPIER][item] > moments[COPIED][item] for item in both]
    assert len(later) > 30
    assert sum(later) / len(later) > 0.8


@pytest.mark.django_db
def test_the_truth_is_in_no_table() -> None:
    drawn = drawn_for(PLAN)
    cast, _run = through_database(PLAN, drawn)
    keys = {arrival.row.key for arrival in (*drawn.warmup, *drawn.stream)}
    words = [
        *Output.objects.filter(project=cast.project).values_list("external_id", "metadata", "candidate_sources"),
        *Signal.objects.filter(output__project=cast.project).values_list("key", "data"),
        *Decision.objects.filter(project=cast.project).values_list("trace", "reasons", "flags"),
        *Content.objects.filter(project=cast.project).values_list("prompt", "context", "body"),
        *AuditEntry.objects.values_list("target", "data"),
    ]
    text = json.dumps(words, default=str)
    assert not [key for key in keys if f'"{key}"' in text]
    assert '"error"' not in text
    assert '"gold"' not in text


@pytest.mark.django_db
def test_decisions_are_dated_by_the_simulated_clock() -> None:
    plan = replace(PLAN, outputs=5, warmup=5)
    clock, drawn = Clock(WARMUP_START), drawn_for(plan)
    with simulated_time(clock):
        cast = make_cast(plan, drawn.pool, slug="sim-dated", now=clock.now)
        world = World(plan, drawn, cast, InProcess(cast, clock, plan.seed))
        world.warm_up(lambda _count: None)
        world.stream(lambda _count: None)
    dates = Decision.objects.filter(project=cast.project).order_by("decided_at").values_list("decided_at", flat=True)
    assert WARMUP_START <= dates[0] < STREAM_START
    assert dates.filter(decided_at__gte=STREAM_START).count() == plan.outputs
    # Real time goes on outside.
    assert timezone.now() != Clock(WARMUP_START)()


def over(url: str) -> AbstractContextManager[httpx.Client]:
    return httpx.Client(base_url=url, timeout=30.0)


@pytest.mark.django_db(transaction=True)
def test_it_runs_against_a_server_with_tokens_and_a_key(live_server: object) -> None:
    plan = replace(PLAN, outputs=6, warmup=4)
    drawn = drawn_for(plan)
    cast = make_cast(plan, drawn.pool, slug="sim-by-http", now=timezone.now())
    with over(str(live_server)) as client:
        world = World(plan, drawn, cast, OverHttp(cast, client))
        world.warm_up(lambda _count: None)
        # Too few labels to recalibrate: the first policy goes on reviewing everything.
        run = world.stream(lambda _count: None)
    assert [(outcome.action, outcome.rejected) for outcome in run.outcomes] == [
        ("review", arrival.error) for arrival in drawn.stream
    ]
    live = [given for given in run.given if given.kind != GOLD]
    assert len(live) == 2 * (4 + 6)
    assert Rating.objects.filter(item__project=cast.project).count() == len(run.given)


@pytest.mark.django_db(transaction=True)
def test_a_server_on_another_database_is_recognised(live_server: object) -> None:
    drawn = drawn_for(PLAN)
    cast = make_cast(PLAN, drawn.pool, slug="sim-lost", now=timezone.now())
    stranger = replace(cast, api_key="0" * 12 + ".unknown")
    with over(str(live_server)) as client, pytest.raises(SimulationFailed, match="same database"):
        World(PLAN, drawn, stranger, OverHttp(stranger, client)).warm_up(lambda _count: None)
