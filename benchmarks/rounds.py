"""Claim-and-submit rounds and batch intake, as ratios to bare inserts measured in the same run.

    python -m benchmarks.rounds [--people 32] [--rounds 2000]

Uses the database of DATABASE_URL and leaves its own project there. One process, one thread per person.
"""

import argparse
import os
import threading
import time
from collections.abc import Callable

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "reviewapp.settings")
django.setup()

from django.db import connection, transaction  # noqa: E402
from django.utils import timezone  # noqa: E402

from labeling.services.claiming import claim_seat  # noqa: E402
from labeling.services.settings import change_queue_settings  # noqa: E402
from labeling.services.submitting import Submission, submit_rating  # noqa: E402
from reviewapp.core.models import AuditEntry, Membership, Project  # noqa: E402
from reviewapp.core.services.people import add_member  # noqa: E402
from routing.services.intake import route_outputs  # noqa: E402
from routing.services.new_output import NewOutput  # noqa: E402
from routing.services.projects import create_project  # noqa: E402

BATCH = 500


def new_output(number: int) -> NewOutput:
    return NewOutput(
        external_id=f"bench-{number}",
        body_sha256=f"{number:064d}",
        intent="billing",
        task_kind="pointwise",
        prompt="How long may I send this back?",
        context=[{"id": "returns-1", "text": "Thirty days from delivery, unused, in its box. " * 8}],
        body={"response": "You have thirty days from the day it reached you. " * 4},
        source={"model": "hearth-large"},
        signals=({"kind": "grounding", "supported": 3, "total": 4},),
    )


def timed(work: Callable[[], int]) -> float:
    """What `work` did per second."""
    begin = time.perf_counter()
    done = work()
    return done / (time.perf_counter() - begin)


def fill(project: Project, count: int, start: int = 0) -> int:
    for first in range(start, start + count, BATCH):
        outputs = [new_output(number) for number in range(first, min(first + BATCH, start + count))]
        route_outputs(project=project, outputs=outputs, now=timezone.now())
    return count


def bare_inserts(project: Project, count: int = 1000) -> int:
    for number in range(count):
        with transaction.atomic():
            AuditEntry.objects.create(project=project, actor="bench", verb="bench", target=str(number))
    return count


def rounds(people: list[Membership], most: int) -> int:
    """All people claim and submit at once until `most` rounds are done or the queue is empty."""
    done, lock = [0], threading.Lock()

    def work(person: Membership) -> None:
        while True:
            with lock:
                if done[0] >= most:
                    break
                done[0] += 1
            now = timezone.now()
            assignment = claim_seat(reviewer=person, now=now)
            if assignment is None:
                break
            submission = Submission(idempotency_key="1", values={"acceptable": "yes"})
            submit_rating(assignment=assignment, submission=submission, now=now)
        connection.close()

    threads = [threading.Thread(target=work, args=(person,)) for person in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return done[0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=2000)
    options = parser.parse_args()
    now = timezone.now()
    project, _owner = create_project(
        slug=f"bench-{time.time_ns() // 1000}", owner_email="bench@bench.example", actor="command", now=now
    )
    change_queue_settings(project=project, actor="command", daily_cap=10**6)
    people = [
        add_member(project=project, email=f"bench{number}@bench.example", role="reviewer", actor="command")
        for number in range(options.people)
    ]
    insert = timed(lambda: bare_inserts(project))
    intake = timed(lambda: fill(project, options.rounds))
    alone = timed(lambda: rounds(people[:1], options.rounds // 10))
    together = timed(lambda: rounds(people, options.rounds - options.rounds // 10))
    print(f"engine                         {connection.vendor}")
    print(f"bare insert in a transaction   {insert:8.0f} /s    1.000")
    print(f"batch intake, all to review    {intake:8.0f} /s    {intake / insert:.3f}")
    print(f"claim + submit, one person     {alone:8.0f} /s    {alone / insert:.3f}")
    print(f"claim + submit, {options.people} people      {together:8.0f} /s    {together / insert:.3f}")


if __name__ == "__main__":
    main()
