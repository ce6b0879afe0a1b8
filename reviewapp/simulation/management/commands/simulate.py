"""`manage.py simulate`: the main job end to end on outputs whose errors are known."""

import json
from argparse import ArgumentParser, BooleanOptionalAction, RawDescriptionHelpFormatter
from pathlib import Path
from time import perf_counter
from typing import Any

import httpx
from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone
from tqdm import tqdm

from reviewapp.simulation.cast import free_slug, make_cast
from reviewapp.simulation.clock import Clock, simulated_time
from reviewapp.simulation.coverage import run_worlds, study, study_table
from reviewapp.simulation.desks import InProcess, OverHttp, SimulationFailed
from reviewapp.simulation.figures import Figures, Run, measure
from reviewapp.simulation.panel import told_by_panel
from reviewapp.simulation.plan import Plan
from reviewapp.simulation.pool import Pool, PoolUnusable, demo_pool, real_pool
from reviewapp.simulation.pure import run_pure, strata_in
from reviewapp.simulation.report import as_html, as_json
from reviewapp.simulation.reviewers import MODES, REAL
from reviewapp.simulation.stream import SHIFTS, STREAM_START, WARMUP_START, Drawn, draw
from reviewapp.simulation.table import as_text
from reviewapp.simulation.words import headline, tables
from reviewapp.simulation.world import RECALIBRATED_AT, World, strata_in_database
from routing.services.projects import ProjectRefused

# Seconds; a whole batch is stored in one request.
SERVER_TIMEOUT = 120.0
# Share of claims that are gold where people are to be told apart.
TELLING = 0.4

DESCRIPTION = """Simulate traffic with known truth: outputs go in by the API, simulated people claim and submit,
the owner recalibrates, and the product's claims are set beside the truth.

  manage.py simulate                                         the demo world, in this process
  manage.py simulate --data ../data --n 10000 --seed 1 --report out.html --json out.json
  manage.py simulate --sleeper --copier --warmup 190 --n 50  who is named after 1,500 reviews, and by what evidence
  manage.py simulate --url http://127.0.0.1:8000             against a running server
  manage.py simulate --pure --worlds 1000 --n 3000 --reviewers perfect    coverage of the interval, no database

Every run makes a project of its own. With --url the project, its people and its key are still made by this
command, so DATABASE_URL (or DATA_DIR) must be the server's; time is then real, and who gets which item is the
server's choice. Otherwise the same seed gives the same figures, byte for byte."""


class Command(BaseCommand):
    help = DESCRIPTION

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> Any:
        return super().create_parser(prog_name, subcommand, formatter_class=RawDescriptionHelpFormatter, **kwargs)

    def add_arguments(self, parser: ArgumentParser) -> None:
        plain = Plan()
        parser.add_argument(
            "--data", type=Path, metavar="DIR", help="folder of real outputs; without it the demo world"
        )
        parser.add_argument("--n", type=int, default=plain.outputs, help="outputs in the stream (%(default)s)")
        parser.add_argument(
            "--warmup", type=int, default=plain.warmup, help="outputs before it, all reviewed (%(default)s)"
        )
        parser.add_argument("--seed", type=int, default=plain.seed, help="fixes every draw (%(default)s)")
        parser.add_argument(
            "--review-share",
            type=float,
            default=plain.review_share,
            help="share of outputs for people, audit included (%(default)s)",
        )
        parser.add_argument(
            "--audit-rate",
            type=float,
            default=plain.audit_rate,
            help="share of what ships that is audited (%(default)s)",
        )
        parser.add_argument(
            "--gold-rate",
            type=float,
            help=f"share of claims that are gold cases ({plain.gold_rate}; with --sleeper or --copier {TELLING}, "
            "which is what telling the weak apart takes within 1,500 reviews)",
        )
        parser.add_argument(
            "--reviewers",
            choices=MODES,
            default=REAL,
            help="real ratings where there are any, all simulated, or perfect (%(default)s)",
        )
        parser.add_argument(
            "--judges",
            action=BooleanOptionalAction,
            default=True,
            help="hand over the verdicts of judge models as signals",
        )
        parser.add_argument(
            "--shift",
            choices=SHIFTS,
            action="append",
            default=[],
            help="what changes at 60 %% of the stream; repeatable",
        )
        parser.add_argument("--sleeper", action="store_true", help="one reviewer passes everything in 3 seconds")
        parser.add_argument("--copier", action="store_true", help="one reviewer copies another's ratings")
        where = parser.add_mutually_exclusive_group()
        where.add_argument("--in-process", action="store_true", help="the whole HTTP stack in this process (default)")
        where.add_argument("--url", help="address of a running server on the same database")
        where.add_argument("--pure", action="store_true", help="the same pure functions without a database")
        parser.add_argument("--worlds", type=int, default=1, help="with --pure: how many worlds, seeds counting up")
        parser.add_argument(
            "--project", metavar="SLUG", help="name of the project to make (sim-<seed>, sim-<seed>-2, …)"
        )
        parser.add_argument("--report", type=Path, metavar="FILE", help="write a page with plots")
        parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures")

    def handle(self, *args: Any, **options: Any) -> None:
        plan = checked_plan(options)
        try:
            pool = real_pool(options["data"], judges=options["judges"]) if options["data"] else demo_pool()
            if options["worlds"] > 1:
                self._coverage(plan, pool, options)
                return
            started = perf_counter()
            drawn = draw(pool, seed=plan.seed, outputs=plan.outputs, warmup=plan.warmup, shifts=plan.shifts)
            run, figures, process = self._pure(plan, drawn) if options["pure"] else self._world(plan, drawn, options)
        except (PoolUnusable, ProjectRefused, SimulationFailed, httpx.TransportError) as error:
            raise CommandError(str(error)) from error
        process["seconds"] = round(perf_counter() - started, 1)
        self._show(run, figures, process)
        if options["json"]:
            write_json(options["json"], as_json(run, figures, process=process))
        if options["report"]:
            options["report"].write_text(as_html(run, figures, process=process), encoding="utf-8")

    def _pure(self, plan: Plan, drawn: Drawn) -> tuple[Run, Figures, dict[str, Any]]:
        run = run_pure(plan, drawn).run
        return run, measure(run, strata_in(run)), {"mode": "pure"}

    def _world(self, plan: Plan, drawn: Drawn, options: dict[str, Any]) -> tuple[Run, Figures, dict[str, Any]]:
        check_migrated()
        url, clock = options["url"], Clock(WARMUP_START)
        slug = options["project"] or free_slug(plan.seed)
        if url:
            cast = make_cast(plan, drawn.pool, slug=slug, now=timezone.now())
            with httpx.Client(base_url=url, timeout=SERVER_TIMEOUT) as client:
                world = World(plan, drawn, cast, OverHttp(cast, client))
                run, since = run_world(world, live=True)
            figures = measure(run, strata_in_database(cast, since), told_by_panel(cast))
        else:
            with simulated_time(clock):
                cast = make_cast(plan, drawn.pool, slug=slug, now=clock.now)
                world = World(plan, drawn, cast, InProcess(cast, clock, plan.seed))
                run, since = run_world(world, live=False)
                figures = measure(run, strata_in_database(cast, since), told_by_panel(cast))
        phases = {name: round(seconds, 1) for name, seconds in world.seconds.items()}
        process = {"mode": "url" if url else "in-process", "project": slug, "database": connection.vendor, **phases}
        return run, figures, process

    def _coverage(self, plan: Plan, pool: Pool, options: dict[str, Any]) -> None:
        if not options["pure"]:
            raise CommandError("--worlds goes with --pure: through the database there is one world at a time")
        if options["report"]:
            raise CommandError("--report shows one world; of many there are figures only (--json)")
        started, worlds = perf_counter(), options["worlds"]
        results = list(tqdm(run_worlds(plan, pool, worlds=worlds), total=worlds, desc="worlds", unit="world"))
        found = study(plan, results)
        self.stdout.write(as_text(study_table(plan, found)))
        process = {"mode": "pure", "seconds": round(perf_counter() - started, 1)}
        self.stdout.write(f"  {process['seconds']} seconds")
        if options["json"]:
            content = {"plan": plan.as_json(), "worlds": worlds, "study": found.as_json(), "process": process}
            write_json(options["json"], content)

    def _show(self, run: Run, figures: Figures, process: dict[str, Any]) -> None:
        for line in headline(run, figures):
            self.stdout.write(line)
        for table in tables(run, figures):
            self.stdout.write("\n" + as_text(table))
        self.stdout.write("\n" + "; ".join(f"{name}: {value}" for name, value in process.items()))


def run_world(world: World, *, live: bool) -> tuple[Run, Any]:
    """Warm-up, recalibration and stream, with a bar each; also from when on the stream was decided."""
    with bar("warm-up", world.plan.warmup) as progress:
        world.warm_up(progress.update)
    with bar("recalibration", 1) as progress:
        world.recalibrate(timezone.now() if live else RECALIBRATED_AT)
        progress.update(1)
    since = timezone.now() if live else STREAM_START
    with bar("stream", world.plan.outputs) as progress:
        return world.stream(progress.update), since


def bar(name: str, total: int) -> Any:
    """A progress bar on stderr."""
    return tqdm(total=total, desc=name, unit="output", mininterval=0.5)


def checked_plan(options: dict[str, Any]) -> Plan:
    """The plan that the options amount to. Raises CommandError naming what is out of range."""
    share, audit = options["review_share"], options["audit_rate"]
    if not 0.0 < audit <= share < 1.0:
        raise CommandError("needs 0 < --audit-rate <= --review-share < 1: the audit is part of what people review")
    gold_rate = options["gold_rate"]
    if gold_rate is None:
        gold_rate = TELLING if options["sleeper"] or options["copier"] else Plan().gold_rate
    if not 0.0 <= gold_rate <= 0.5:
        raise CommandError("--gold-rate lies between 0 and 0.5")
    if options["seed"] < 0 or options["n"] < 1 or options["warmup"] < 50 or options["worlds"] < 1:
        raise CommandError(
            "needs --seed from 0, --n and --worlds from 1, and --warmup from 50 (fewer calibrate nothing)"
        )
    return Plan(
        seed=options["seed"],
        outputs=options["n"],
        warmup=options["warmup"],
        review_share=share,
        audit_rate=audit,
        gold_rate=gold_rate,
        mode=options["reviewers"],
        shifts=tuple(name for name in SHIFTS if name in options["shift"]),
        sleeper=options["sleeper"],
        copier=options["copier"],
    )


def check_migrated() -> None:
    """Raises CommandError on a database that lacks tables."""
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        raise CommandError("This database is not migrated: run `manage.py migrate` first.")


def write_json(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")
