"""Promise 3: two people never hold one seat, nobody holds two of an item. Races that the rest leaves out."""

import random

import pytest

from labeling.models import Assignment, ItemStatus, ReviewItem, Seat
from labeling.services.claiming import claim_seat
from labeling.services.holding import AssignmentLost, escalate, release_seat
from labeling.services.submitting import undo_rating
from reviewapp.core.models import Role
from reviewapp.core.services.people import add_member
from tests.factories import claim, item_of, output_body, route, submit
from tests.people import NOW, Cast
from tests.promises.books import faults
from tests.threads import in_threads

pytestmark = pytest.mark.django_db(transaction=True)


def test_it_gives_the_last_seat_to_exactly_one(cast: Cast) -> None:
    for _round in range(5):
        route(cast.project)
        got = in_threads(3, lambda number: claim_seat(reviewer=cast.reviewers[number], now=NOW))
        [assignment] = [entry for entry in got if entry]
        submit(assignment)
    assert faults() == {}


def test_it_survives_escalations_while_others_claim(cast: Cast) -> None:
    """One person passes an item up at the moment another takes its other seat."""
    cast.put_in_force(tier={"raters": 2})
    outputs = route(cast.project, *(output_body() for _ in range(12)))
    robin, sam = cast.reviewers[:2]
    held = [claim(robin) for _ in outputs]

    def act(number: int) -> int:
        if number == 0:
            for assignment in held:
                escalate(assignment=assignment, reason="beyond me", now=NOW)
            return 0
        return sum(claim_seat(reviewer=sam, now=NOW) is not None for _ in outputs)

    in_threads(2, act)
    assert {item_of(output).status for output in outputs} == {ItemStatus.DISPUTED}
    assert Seat.objects.filter(number=0, item__project=cast.project).count() == len(outputs)
    assert faults() == {}


def test_it_survives_people_changing_their_minds_all_at_once(cast: Cast) -> None:
    cast.put_in_force(tier={"raters": 2})
    route(cast.project, *(output_body() for _ in range(20)))
    members = [
        add_member(project=cast.project, email=f"p{number}@shop.example", role=Role.REVIEWER, actor="test")
        for number in range(5)
    ]

    def act(number: int) -> int:
        rng, done = random.Random(number), 0
        while assignment := claim_seat(reviewer=members[number], now=NOW, rng=rng):
            try:
                match rng.randrange(5):
                    case 0:
                        release_seat(assignment=assignment, now=NOW)
                    case 1:
                        escalate(assignment=assignment, reason="beyond me", now=NOW)
                    case 2:
                        submit(assignment, values={"acceptable": rng.choice(["yes", "no"])})
                        undo_rating(assignment=assignment, now=NOW)
                        submit(assignment, values={"acceptable": rng.choice(["yes", "no"])})
                        done += 1
                    case _:
                        submit(assignment, values={"acceptable": rng.choice(["yes", "no"])})
                        done += 1
            except AssignmentLost:
                # A dispute that the undo would have ended was taken up meanwhile.
                continue
        return done

    assert sum(in_threads(len(members), act)) > 0
    assert faults() == {}
    assert not Assignment.objects.filter(reviewer__in=members, state="leased").exists()
    assert ReviewItem.objects.filter(project=cast.project).exclude(status=ItemStatus.OPEN).count() > 10
