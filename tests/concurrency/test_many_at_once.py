"""Promises 3 and 4 under load: no seat held twice, none lost, whoever hurries."""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable

import pytest
from django.core.management import call_command
from django.db import connection

from labeling.models import Assignment, Rating, Seat, SeatState, Verdict
from labeling.services.claiming import claim_seat
from labeling.services.settings import change_queue_settings
from labeling.services.submitting import Submission, submit_rating
from reviewapp.core.models import Membership, Role
from reviewapp.core.services.people import add_member
from tests.factories import output_body, route
from tests.people import NOW, Cast, make_cast

pytestmark = pytest.mark.django_db(transaction=True)


def in_threads(people: list[Membership], work: Callable[[Membership], None]) -> list[BaseException]:
    """Run `work` for each person at the same time; what went wrong."""
    failures: list[BaseException] = []

    def run(person: Membership) -> None:
        try:
            work(person)
        except BaseException as error:
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(person,)) for person in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return failures


def crowd(cast: Cast, size: int) -> list[Membership]:
    change_queue_settings(project=cast.project, actor="test", daily_cap=10**6)
    return [
        add_member(project=cast.project, email=f"crowd{number}@shop.example", role=Role.REVIEWER, actor="test")
        for number in range(size)
    ]


def work_until_empty(person: Membership) -> None:
    """Claim and submit until there is nothing left; now and then claim twice before submitting once."""
    rng = random.Random(person.pk)
    held: list[Assignment] = []
    while True:
        assignment = claim_seat(reviewer=person, now=NOW, rng=rng)
        if assignment:
            held.append(assignment)
        if not held:
            return
        if assignment and rng.random() < 0.1:
            continue
        verdict = "yes" if rng.random() < 0.9 else "no"
        submission = Submission(idempotency_key="once", values={"acceptable": verdict})
        submit_rating(assignment=held.pop(0), submission=submission, now=NOW)
        if connection.vendor == "postgresql":
            # As at the end of a request: thirty-two people share the pool's twenty connections.
            connection.close()


def check_everything_done_once(seats: int) -> None:
    holders = Counter(Seat.objects.filter(number__gte=1).values_list("item_id", "holder_id"))
    assert holders.most_common(1)[0][1] == 1, "one person has two seats of an item"
    assert Seat.objects.filter(number__gte=1, state=SeatState.SUBMITTED).count() == seats
    assert Rating.objects.counted().count() == seats
    assert Rating.objects.filter(extra=True).count() == 0
    assert not Seat.objects.filter(state=SeatState.LEASED).exists()
    # Exits non-zero, which raises here, when anything does not add up.
    call_command("verify_ledger")


@pytest.mark.postgres
def test_thirty_two_people_take_five_thousand_seats_at_once() -> None:
    cast = make_cast()
    tier = {"mode": "always", "raters": 2}
    cast.put_in_force(tiers={"high": tier, "mid": tier, "low": tier})
    for _batch in range(5):
        route(cast.project, *(output_body() for _ in range(500)))
    people = crowd(cast, 32)
    begin = time.perf_counter()
    assert in_threads(people, work_until_empty) == []
    seconds = time.perf_counter() - begin
    print(f"\n5000 seats by 32 people: {seconds:.1f} s, {5000 / seconds:.0f} rounds/s")
    check_everything_done_once(5000)
    assert Verdict.objects.count() + Seat.objects.filter(number=0).count() == 2500


def test_eight_people_take_two_hundred_seats_at_once() -> None:
    cast = make_cast()
    route(cast.project, *(output_body() for _ in range(200)))
    assert in_threads(crowd(cast, 8), work_until_empty) == []
    check_everything_done_once(200)
    assert Verdict.objects.count() == 200


def test_two_tabs_of_one_person_never_meet_on_one_item() -> None:
    cast = make_cast()
    tier = {"mode": "always", "raters": 3}
    cast.put_in_force(tiers={"high": tier, "mid": tier, "low": tier})
    route(cast.project, *(output_body() for _ in range(30)))
    person = cast.reviewers[0]
    assert in_threads([person] * 4, work_until_empty) == []
    assert Assignment.objects.filter(reviewer=person).count() == 30
    assert Rating.objects.filter(reviewer=person).count() == 30


def test_the_same_submit_sent_eight_times_at_once_is_one_rating() -> None:
    cast = make_cast()
    route(cast.project, output_body())
    person = cast.reviewers[0]
    assignment = claim_seat(reviewer=person, now=NOW)
    assert assignment
    receipts: list[object] = []

    def submit(_person: Membership) -> None:
        submission = Submission(idempotency_key="once", values={"acceptable": "yes"})
        receipts.append(submit_rating(assignment=assignment, submission=submission, now=NOW)[0].receipt)

    assert in_threads([person] * 8, submit) == []
    assert len(receipts) == 8
    assert len(set(receipts)) == 1
    assert Rating.objects.count() == 1
