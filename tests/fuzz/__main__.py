"""`python -m tests.fuzz`: a server of our own, and schemathesis with all checks on every operation it documents.

Exit codes: 0 nothing found, 1 something was, 2 nothing found but the time ran out before all examples were tried.
"""

import argparse
import json
import random
import signal
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

from tests.fuzz.plan import Errand, errands, lightened
from tests.fuzz.reporting import report
from tests.fuzz.running import Run, Tally
from tests.operations.installation import Installation

SCHEMA = "/api/v1/schema/"
# Characters of the server's log that are shown where it failed.
LAST_WORDS = 6000
# Share of the time for errands of few examples, in those of a full one.
SMALLEST = 0.15
BUILD = """
import json
from django.core.management import call_command
from tests.fuzz.estate import build_grounds

call_command("migrate", verbosity=0)
print(json.dumps(build_grounds().as_json()))
"""


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--examples", type=int, default=2000, help="per operation (default: %(default)s)")
    parser.add_argument("--max-time", type=float, default=90, help="minutes for the whole run (default: %(default)s)")
    parser.add_argument("--operation", default="", metavar="REGEX", help='only operations such as "GET .*/outputs/"')
    parser.add_argument("--seed", type=int, default=None, help="of an earlier run, to see it again")
    return parser.parse_args()


def fuzz(installation: Installation, wanted: argparse.Namespace, seed: int) -> list[Tally]:
    made = installation.manage("shell", "--no-imports", "--command", BUILD, timeout=600)
    if made.returncode:
        sys.exit(f"The estate could not be built:\n{made.stderr}")
    grounds = json.loads(made.stdout.strip().splitlines()[-1])
    with installation.up() as running:
        base_url = f"http://127.0.0.1:{running.port}"
        run = Run(base_url, lightened(document_at(base_url)), **grounds, examples=wanted.examples, seed=seed)
        tallies = run_all(run, errands(run.document, only=wanted.operation), minutes=wanted.max_time)
        if any(status >= 500 for tally in tallies for status in tally.statuses):
            print(f"\nThe server's last words:\n{running.said()[-LAST_WORDS:]}", flush=True)
        return tallies


def document_at(base_url: str) -> dict[str, Any]:
    request = urllib.request.Request(base_url + SCHEMA, headers={"Accept": "application/vnd.oai.openapi+json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        document: dict[str, Any] = json.load(answer)
        return document


def run_all(run: Run, planned: list[Errand], *, minutes: float) -> list[Tally]:
    """One errand after the other. What one leaves of its share of the time, the rest may use."""
    end = time.monotonic() + minutes * 60
    # Reading comes first: what writing leaves behind makes every list longer.
    planned = sorted(planned, key=lambda errand: errand.writes)
    tallies: list[Tally] = []
    for done, errand in enumerate(planned):
        now, left = time.monotonic(), sum(max(SMALLEST, rest.share) for rest in planned[done:])
        # Twice the even share: most errands need less, and what is left over is for them all.
        slice_of_time = 2 * (end - now) * max(SMALLEST, errand.share) / left
        tallies.append(run.errand(errand, deadline=min(end, now + slice_of_time)))
        report([tallies[-1]])
    return tallies


def main() -> int:
    wanted = arguments()
    # The default would end Python at once and leave the server behind.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    seed = random.SystemRandom().randrange(2**32) if wanted.seed is None else wanted.seed
    print(f"seed {seed}, {wanted.examples} examples per operation, at most {wanted.max_time:g} minutes", flush=True)
    with tempfile.TemporaryDirectory(prefix="review-fuzz-") as folder:
        tallies = fuzz(Installation(Path(folder), {"PRIVATE_TARGETS": "127.0.0.0/8"}), wanted, seed)
    failed = [tally for tally in tallies if tally.failures]
    short = [tally for tally in tallies if tally.cut_short]
    requests = sum(tally.cases for tally in tallies)
    print(f"\n{len({tally.errand.label for tally in tallies})} operations, {requests} requests, seed {seed}: ", end="")
    silent = [tally.errand.label for tally in tallies if tally.errand.share == 1 and not tally.successes]
    print(f"{sum(sum(tally.failures.values()) for tally in failed)} failures, {len(short)} rows cut short")
    print(f"never succeeded, so hardly tried: {', '.join(silent) or 'none'}")
    return 1 if failed else 2 if short else 0


if __name__ == "__main__":
    sys.exit(main())
