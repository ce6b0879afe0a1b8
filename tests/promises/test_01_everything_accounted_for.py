"""Promise 1: one decision per output, one item per decision to review, every submitted rating kept."""

import random
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from labeling.models import Assignment, AssignmentState, ItemStatus, Rating, ReviewItem
from labeling.services.claiming import claim_seat, return_expired_leases
from labeling.services.gold import retire_gold_case
from labeling.services.holding import AssignmentLost, escalate, extend_lease, release_seat, save_draft
from labeling.services.rubrics import draft_rubric, publish_rubric
from labeling.services.settings import change_queue_settings
from labeling.services.submitting import undo_rating
from reviewapp.core.models import Membership
from routing.models import Decision, OutputReview
from tests.factories import output_body, pair_body, plant_gold, route, run_body, submit
from tests.people import NOW, Cast
from tests.promises.books import faults

pytestmark = pytest.mark.django_db

ANSWERS = ({"acceptable": "yes"}, {"acceptable": "no"}, {"acceptable": "no", "reason": "wrong"})


class Day:
    """A day in which people do whatever they may do, in an order that chance decides."""

    def __init__(self, cast: Cast, seed: int) -> None:
        self.cast, self.rng, self.now = cast, random.Random(seed), NOW
        self.handed_in = 0
        self.golds = [plant_gold(cast.project, acceptable=bool(number % 2)) for number in range(4)]

    def live(self, steps: int) -> None:
        deeds: list[tuple[Callable[[], None], int]] = [
            (self.route, 3),
            (self.claim, 9),
            (self.hand_in, 7),
            (self.hand_in_late, 4),
            (self.undo, 4),
            (self.release, 1),
            (self.escalate, 2),
            (self.extend, 1),
            (self.draft, 1),
            (self.wait, 3),
            (self.sweep, 1),
            (self.change_the_rubric, 1),
        ]
        for _ in range(steps):
            [deed] = self.rng.choices([deed for deed, _ in deeds], [weight for _, weight in deeds])
            try:
                deed()
            except AssignmentLost:
                # As often happens: the seat is gone, the work was handed in, an adjudicator has begun.
                continue

    def route(self) -> None:
        body = self.rng.choice([output_body, pair_body, run_body])
        route(self.cast.project, body(stakes=self.rng.choice(["high", "mid", "low"])), now=self.now)

    def claim(self) -> None:
        claim_seat(reviewer=self.somebody(), now=self.now, rng=self.rng)

    def hand_in(self) -> None:
        self.answer(self.work(AssignmentState.LEASED))

    def hand_in_late(self) -> None:
        """Somebody else may have the seat by now."""
        self.answer(self.work(AssignmentState.EXPIRED))

    def answer(self, assignment: Assignment) -> None:
        pair = assignment.rubric.pairwise
        answer = {"values": {}} if pair else {"values": self.rng.choice(ANSWERS)}
        if assignment.rubric.name == "later":
            answer = {"values": {"score": self.rng.randrange(11)}}
        preferred = {"preferred": self.rng.choice(["a", "b", "tie"])} if pair else {}
        cause = {"cause": "truly_contested"} if assignment.seat.lane == "adjudication" else {}
        submit(assignment, now=self.now, **answer, **preferred, **cause)
        self.handed_in += 1

    def undo(self) -> None:
        """Of the last few that were handed in, whosever they are; half of the time the last one."""
        last = Assignment.objects.filter(reviewer__project=self.cast.project, state=AssignmentState.SUBMITTED)
        last_few = list(last.order_by("-ended_at", "-pk")[: self.rng.choice([1, 5])])
        if last_few:
            undo_rating(assignment=self.rng.choice(last_few), now=self.now)

    def release(self) -> None:
        release_seat(assignment=self.work(AssignmentState.LEASED, AssignmentState.EXPIRED), now=self.now)

    def escalate(self) -> None:
        work = self.work(AssignmentState.LEASED, AssignmentState.EXPIRED)
        escalate(assignment=work, reason="beyond me", now=self.now)

    def extend(self) -> None:
        extend_lease(assignment=self.work(AssignmentState.LEASED, AssignmentState.EXPIRED), now=self.now)

    def draft(self) -> None:
        save_draft(assignment=self.work(*AssignmentState.values), draft={"rationale": "so far"}, now=self.now)

    def wait(self) -> None:
        self.now += timedelta(minutes=self.rng.choice([1, 20, 45]))

    def sweep(self) -> None:
        return_expired_leases(project_id=self.cast.project.pk, now=self.now)

    def change_the_rubric(self) -> None:
        if self.rng.random() < 0.3 and self.golds:
            retire_gold_case(case=self.golds.pop(), actor="test", now=self.now, reason="known by now")
        criterion = {"name": "score", "type": "numeric", "question": "How good?", "minimum": 0, "maximum": 10}
        rubric = draft_rubric(
            project=self.cast.project, name="later", task_kind="pointwise", criteria=[criterion], actor="test"
        )
        publish_rubric(rubric=rubric, actor="test", now=self.now)

    def somebody(self) -> Membership:
        return self.rng.choice([*self.cast.reviewers, self.cast.adjudicator])

    def work(self, *states: str) -> Assignment:
        """One of the newest assignments in one of these states. Raises AssignmentLost when there is none."""
        newest = Assignment.objects.filter(reviewer__project=self.cast.project, state__in=states).order_by("-pk")[:8]
        if not newest:
            raise AssignmentLost
        return self.rng.choice(list(newest))


@pytest.mark.parametrize("seed", range(8))
def test_it_accounts_for_everything_after_a_day_of_anything(seed: int, cast: Cast) -> None:
    cast.put_in_force(tier={"mode": "below_threshold", "threshold": 0.5, "audit_rate": 0.5, "raters": 1 + seed % 3})
    change_queue_settings(project=cast.project, actor="test", gold_rate=0.3, undo_seconds=120)
    day = Day(cast, seed)
    for _ in range(5):
        day.live(80)
        assert faults() == {}
    assert day.handed_in > 10
    assert Rating.objects.filter(item__project=cast.project).count() == day.handed_in


def test_it_settles_everything_once_everybody_has_finished(cast: Cast) -> None:
    """After any day, whoever keeps claiming and answering gets the queue empty: nothing is stuck."""
    cast.put_in_force(tier={"raters": 2})
    day = Day(cast, seed=99)
    day.live(250)
    day.now += timedelta(days=1)
    finish(cast, day.now)
    left = ReviewItem.objects.filter(project=cast.project).exclude(kind="gold").exclude(status=ItemStatus.SETTLED)
    # Somebody may have given everything back; then nobody is left to judge it.
    for item in left:
        met = item.assignments.exclude(state=AssignmentState.SUBMITTED).count()
        assert met > 0, f"{item} waits although everybody who has met it handed in"
    assert ReviewItem.objects.filter(project=cast.project, status=ItemStatus.SETTLED).count() > 5
    assert faults() == {}


def finish(cast: Cast, now: datetime) -> None:
    change_queue_settings(project=cast.project, actor="test", daily_cap=10_000)
    busy = True
    while busy:
        busy = False
        for member in (*cast.reviewers, cast.adjudicator):
            while assignment := claim_seat(reviewer=member, now=now, rng=random.Random(1)):
                busy = True
                answer = {"score": 7} if assignment.rubric.name == "later" else {"acceptable": "yes"}
                adjudicating = assignment.seat.lane == "adjudication"
                submit(
                    assignment,
                    now=now,
                    values={} if assignment.rubric.pairwise else answer,
                    **({"preferred": "tie"} if assignment.rubric.pairwise else {}),
                    **({"cause": "reviewer_slip"} if adjudicating else {}),
                )


def test_it_gives_every_decision_that_asks_for_it_one_item_and_no_other(cast: Cast) -> None:
    cast.put_in_force(tier={"mode": "below_threshold", "threshold": 0.5, "audit_rate": 0.3})
    values = [number / 200 for number in range(200)]
    route(cast.project, *(output_body(signals=[{"kind": "score", "name": "s", "value": value}]) for value in values))
    decisions = Decision.objects.filter(project=cast.project)
    assert decisions.count() == 200
    reviewed = set(decisions.filter(action="review").values_list("pk", flat=True))
    audited = set(decisions.filter(audited=True).values_list("pk", flat=True))
    assert reviewed
    assert audited
    assert not reviewed & audited
    linked = OutputReview.objects.filter(output__project=cast.project)
    assert {review.output_id for review in linked.filter(origin="decision", item__kind="live")} == reviewed
    assert {review.output_id for review in linked.filter(origin="audit", item__kind="audit")} == audited
    assert linked.count() == len(reviewed) + len(audited)
    assert faults() == {}


def test_it_asks_for_a_second_opinion_on_the_share_the_policy_names(cast: Cast) -> None:
    cast.put_in_force(tier={"overlap_share": 0.5, "overlap_raters": 3})
    route(cast.project, *(output_body() for _ in range(200)))
    needed = list(ReviewItem.objects.filter(project=cast.project).values_list("raters_needed", flat=True))
    assert set(needed) == {1, 3}
    # Within four standard deviations of 100.
    assert 71 <= needed.count(3) <= 129
    assert faults() == {}
