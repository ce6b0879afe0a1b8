"""Which item comes next, and for whom never: order, credentials, rotation, one's own."""

import random
from collections import Counter
from datetime import datetime, timedelta

import pytest

from labeling.models import Assignment, Seat
from labeling.services.holding import AssignmentLost, escalate, extend_lease, release_seat
from labeling.services.limits import ROTATION_FREE, crowded_intents, queue_settings
from labeling.services.submitting import undo_rating
from reviewapp.core.models import Membership, Role
from reviewapp.core.services.people import add_member
from tests.factories import REJECT, output_body, plant_gold, route, submit
from tests.people import NOW, Cast
from tests.queue.shifts import lives_in, minutes, queue, rules, statements, take, trusted, work
from tests.threads import in_threads

pytestmark = pytest.mark.django_db
TWICE = {"overlap_share": 1.0, "overlap_raters": 2}


def as_role(member: Membership, role: str) -> Membership:
    return add_member(project=member.project, email=member.person.email, role=role, actor="test")


# Order -----------------------------------------------------------------------------------------------


def test_stakes_come_first_then_due_time_then_age(cast: Cast) -> None:
    rows = [
        # priority, minutes until due; shuffled, so that age and key do not say it by themselves.
        (2, -600),
        (0, 900),
        (1, 30),
        (0, 30),
        (1, 30),
        (2, 10),
        (0, 30),
    ]
    items = queue(cast, len(rows))
    for item, (priority, due) in zip(items, rows, strict=True):
        Seat.objects.filter(item=item).update(priority=priority, due_at=NOW + minutes(due))
    taken = [take(cast.reviewers[0], NOW) for _ in rows]
    # However overdue, lower stakes wait for higher ones.
    assert [items.index(own.item) for own in taken if own] == [3, 6, 1, 2, 4, 0, 5]


def test_stakes_of_the_policy_become_the_order(cast: Cast) -> None:
    outputs = route(cast.project, *(output_body(stakes=stakes) for stakes in ("low", "high", "mid")))
    taken = [take(cast.reviewers[0], NOW) for _ in outputs]
    ids = [own.item.content_id for own in taken if own]
    assert ids == [outputs[index].content_id for index in (1, 2, 0)]


# Credentials -----------------------------------------------------------------------------------------


def test_a_tiers_credential_opens_it_to_those_who_have_it(cast: Cast) -> None:
    always = {"mode": "always", "overlap_share": 0.0}
    tiers = {"high": always | {"credential": "medical"}, "mid": always | {"credential": "legal"}, "low": always}
    cast.put_in_force(tiers=tiers)
    route(cast.project, *(output_body(stakes=stakes) for stakes in ("high", "mid", "low")))
    robin, sam, kim = cast.reviewers
    trusted(sam, "medical")
    trusted(kim, "medical", "legal")

    def stakes_of(reviewer: Membership) -> list[str]:
        found = []
        while assignment := take(reviewer, NOW):
            found.append(assignment.seat.credential)
            release_seat(assignment=assignment, now=NOW)
        return found

    assert stakes_of(robin) == [""]
    assert stakes_of(sam) == ["medical", ""]
    assert stakes_of(kim) == ["medical", "legal", ""]


def test_a_credential_that_was_taken_away_opens_nothing_more(cast: Cast) -> None:
    cast.put_in_force(tier={"credential": "medical"})
    queue(cast, 2)
    robin = trusted(cast.reviewers[0], "medical")
    stale = Membership.objects.select_related("person").get(pk=robin.pk)
    work(robin, NOW)
    trusted(robin)
    # Whoever asks may have been read long before.
    assert take(stale, NOW) is None


# Rotation --------------------------------------------------------------------------------------------


def test_no_intent_gets_more_than_its_share_of_a_day(cast: Cast) -> None:
    rules(cast, intent_share=0.4)
    dice = random.Random(4)
    for _ in range(60):
        queue(cast, 1, intent=dice.choices(["billing", "refunds", "allergies"], [6, 2, 1])[0])
    robin = cast.reviewers[0]
    seen: Counter[str] = Counter()
    while assignment := take(robin, NOW):
        seen[assignment.item.intent] += 1
        share = seen[assignment.item.intent] / seen.total()
        assert seen[assignment.item.intent] <= ROTATION_FREE or share <= 0.4
        submit(assignment, now=NOW)
    # There is more of the first; it waits for somebody else.
    assert Seat.objects.filter(project=cast.project, state="open", item__intent="billing").count() > 10
    assert take(cast.reviewers[1], NOW) is not None


def test_rotation_is_off_unless_it_is_asked_for(cast: Cast) -> None:
    queue(cast, 12)
    for _ in range(12):
        work(cast.reviewers[0], NOW)


def test_the_first_few_of_an_intent_are_free(cast: Cast) -> None:
    rules(cast, intent_share=0.05)
    queue(cast, ROTATION_FREE + 1)
    for _ in range(ROTATION_FREE):
        work(cast.reviewers[0], NOW)
    assert take(cast.reviewers[0], NOW) is None


@pytest.mark.parametrize("ending", ["held", "released", "escalated", "undone"])
def test_all_that_was_seen_counts_whatever_became_of_it(cast: Cast, ending: str) -> None:
    rules(cast, intent_share=0.1, undo_seconds=60)
    queue(cast, ROTATION_FREE + 1)
    robin = cast.reviewers[0]
    for _ in range(ROTATION_FREE):
        assignment = take(robin, NOW)
        assert assignment is not None
        if ending == "released":
            release_seat(assignment=assignment, now=NOW)
        if ending == "escalated":
            escalate(assignment=assignment, reason="x", now=NOW)
        if ending == "undone":
            submit(assignment, now=NOW)
            undo_rating(assignment=assignment, now=NOW)
    assert crowded_intents(robin, queue_settings(cast.project.pk), NOW) == ["billing"]
    assert take(robin, NOW) is None


def test_a_new_day_has_shares_of_its_own(cast: Cast) -> None:
    rules(cast, intent_share=0.1)
    queue(cast, 2 * ROTATION_FREE)
    robin = lives_in(cast.reviewers[0], "Asia/Tokyo")
    for _ in range(ROTATION_FREE):
        work(robin, NOW)
    midnight = datetime.fromisoformat("2026-11-20T15:00:00+00:00")
    assert take(robin, midnight - timedelta(seconds=1)) is None
    assert take(robin, midnight) is not None


def test_rotation_holds_for_planted_gold_and_repeats_alike(cast: Cast) -> None:
    """A lane that went on where work stopped would be known for what it is."""
    rules(cast, intent_share=0.5, gold_rate=0.5)
    for number in range(30):
        plant_gold(cast.project, f"case-{number}", intent="billing")
    queue(cast, 30, intent="refunds")
    robin = cast.reviewers[0]
    seen: Counter[str] = Counter()
    for _ in range(20):
        # The seed's draw says gold each time.
        assignment = take(robin, NOW)
        if assignment is None:
            break
        seen[assignment.item.intent] += 1
        submit(assignment, now=NOW)
    assert seen["billing"] <= seen.total() / 2 + 1
    assert seen["refunds"] >= ROTATION_FREE
    assert Seat.objects.filter(lane="gold", state="open", project=cast.project).exists()


# Never again, never one's own ------------------------------------------------------------------------


@pytest.mark.parametrize("ending", ["rejected", "released", "escalated"])
def test_what_a_person_rejected_gave_back_or_passed_up_never_returns(cast: Cast, ending: str) -> None:
    cast.put_in_force(tier=TWICE)
    [item] = queue(cast, 1)
    robin = cast.reviewers[0]
    assignment = take(robin, NOW)
    assert assignment is not None
    if ending == "rejected":
        submit(assignment, now=NOW, **REJECT)
    else:
        {"released": release_seat, "escalated": escalate}[ending](assignment=assignment, reason="x", now=NOW)
    later = NOW + timedelta(days=40)
    assert take(robin, later) is None
    adjudicating = as_role(robin, Role.ADJUDICATOR)
    escalated = ending == "escalated"
    if not escalated:
        other = take(cast.reviewers[1], later)
        assert other is not None
        escalate(assignment=other, reason="y", now=later)
    assert Seat.objects.filter(item=item, lane="adjudication", state="open").exists()
    assert take(adjudicating, later) is None
    assert take(cast.adjudicator, later) is not None
    with pytest.raises(AssignmentLost):
        extend_lease(assignment=assignment, now=later)


def test_nobody_adjudicates_what_they_rated_even_after_a_change_of_role(cast: Cast) -> None:
    cast.put_in_force(tier=TWICE)
    queue(cast, 1)
    robin, sam, kim = cast.reviewers
    work(robin, NOW)
    work(sam, NOW, **REJECT)
    for rater in (robin, sam):
        assert take(as_role(rater, Role.ADJUDICATOR), NOW) is None
    assert take(as_role(kim, Role.ADJUDICATOR), NOW) is not None


def test_an_adjudicator_who_gave_a_dispute_back_does_not_get_it_again(cast: Cast) -> None:
    queue(cast, 1)
    passed_up = take(cast.reviewers[0], NOW)
    assert passed_up is not None
    escalate(assignment=passed_up, reason="x", now=NOW)
    dispute = take(cast.adjudicator, NOW)
    assert dispute is not None
    release_seat(assignment=dispute, now=NOW)
    assert take(cast.adjudicator, NOW) is None
    assert take(as_role(cast.reviewers[1], Role.ADJUDICATOR), NOW) is not None


def test_what_an_adjudicator_decided_does_not_come_back_to_them_as_a_reviewer(cast: Cast) -> None:
    queue(cast, 2)
    passed_up = take(cast.reviewers[0], NOW)
    assert passed_up is not None
    escalate(assignment=passed_up, reason="x", now=NOW)
    dispute = work(cast.adjudicator, NOW, cause="reviewer_slip")
    reviewing = as_role(cast.adjudicator, Role.REVIEWER)
    taken = take(reviewing, NOW)
    assert taken is not None
    assert taken.item_id != dispute.item_id
    assert take(reviewing, NOW) is None


# At once ---------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_claims_of_one_person_at_once_never_pass_a_cap(transactional_db: None) -> None:
    from tests.people import make_cast

    cast = make_cast()
    queue(cast, 12)
    rules(cast, daily_cap=5)
    robin = cast.reviewers[0]

    def claim(number: int) -> bool:
        from labeling.services.limits import ClaimRefused

        try:
            return take(robin, NOW, seed=number) is not None
        except ClaimRefused:
            return False

    assert sum(in_threads(8, claim)) == 5
    assert Assignment.objects.filter(reviewer=robin).count() == 5


def test_rotation_costs_the_same_however_long_the_queue(cast: Cast) -> None:
    rules(cast, intent_share=0.5)
    queue(cast, 8)
    for _ in range(ROTATION_FREE):
        work(cast.reviewers[0], NOW)
    queue(cast, 3, intent="refunds")
    first = statements(lambda: take(cast.reviewers[0], NOW))
    queue(cast, 60)
    assert statements(lambda: take(cast.reviewers[0], NOW)) == first
