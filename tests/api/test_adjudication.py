"""From a disagreement to the adjudicator's verdict, and pairs in shuffled order."""

from collections import Counter

import pytest

from labeling.models import Assignment, Cause, ItemStatus, Rating, ReviewItem, Seat
from reviewapp.core.models import Role
from reviewapp.core.services.people import add_member
from tests.api.desk import Desk
from tests.api.problems import pointers, problem
from tests.factories import item_of, pair_body, route
from tests.people import Cast

pytestmark = pytest.mark.django_db

NO = {"acceptable": "no"}
RULING = {"values": NO, "cause": "rubric_ambiguous"}


@pytest.fixture
def item(cast: Cast) -> ReviewItem:
    """One item on which Robin and Sam disagree."""
    cast.put_in_force(tier={"raters": 2})
    [output] = route(cast.project)
    Desk(cast.reviewers[0]).judge(rationale="Looks right to me.")
    Desk(cast.reviewers[1]).judge(values={"acceptable": "no", "reason": "wrong"}, rationale="The date is off.")
    return item_of(output)


def test_it_settles_what_two_people_agree_on(cast: Cast) -> None:
    cast.put_in_force(tier={"raters": 2})
    [output] = route(cast.project)
    Desk(cast.reviewers[0]).judge(values=NO)
    assert item_of(output).status == ItemStatus.OPEN
    Desk(cast.reviewers[1]).judge(values=NO | {"reason": "tone"})
    verdict = item_of(output).verdict
    assert verdict is not None
    assert (verdict.value, verdict.reached_by, verdict.raters) == ("reject", "agreement", 2)
    # Where the raters differ, nobody is right.
    assert verdict.criteria == {"acceptable": "no", "reason": None}


@pytest.mark.parametrize(
    ("answers", "outcome"),
    [("yny", "accept"), ("nyn", "reject"), ("nnn", "reject"), ("yyy", "accept")],
)
def test_it_goes_with_the_majority_of_three(answers: str, outcome: str, cast: Cast) -> None:
    cast.put_in_force(tier={"raters": 3})
    [output] = route(cast.project)
    for member, answer in zip(cast.reviewers, answers, strict=True):
        Desk(member).judge(values={"acceptable": {"y": "yes", "n": "no"}[answer]})
    verdict = item_of(output).verdict
    assert verdict is not None
    assert (verdict.value, verdict.reached_by, verdict.raters) == (outcome, "agreement", 3)


def test_it_sends_three_different_answers_to_the_adjudicator(cast: Cast) -> None:
    cast.put_in_force(tier={"raters": 3})
    [output] = route(cast.project)
    robin, sam, kim = (Desk(member) for member in cast.reviewers)
    robin.judge()
    sam.judge(values=NO)
    kim.judge(values=NO, correction="Better.")
    assert item_of(output).status == ItemStatus.DISPUTED


def test_it_shows_the_adjudicator_the_ratings_and_not_whose_they_are(cast: Cast, item: ReviewItem) -> None:
    assert item.status == ItemStatus.DISPUTED
    ada = Desk(cast.adjudicator)
    response = ada.ask()
    shown = response.json()["adjudication"]
    assert shown["causes"] == list(Cause.values)
    assert {(rating["verdict"], rating["rationale"]) for rating in shown["ratings"]} == {
        ("accept", "Looks right to me."),
        ("reject", "The date is off."),
    }
    assert all(
        rating.keys() == {"values", "preferred", "verdict", "correction", "rationale", "spans"}
        for rating in shown["ratings"]
    )
    text = response.content.decode()
    for member in cast.reviewers:
        assert member.rater_code not in text
        assert member.person.email not in text


def test_it_shows_the_ratings_in_an_order_that_tells_nothing(cast: Cast) -> None:
    """Over many disputes the first rating in comes first about half of the time."""
    cast.put_in_force(tier={"raters": 2})
    robin, sam, ada = Desk(cast.reviewers[0]), Desk(cast.reviewers[1]), Desk(cast.adjudicator)
    firsts: Counter[str] = Counter()
    for _ in range(40):
        route(cast.project)
        robin.judge()
        sam.judge(values=NO)
        firsts[ada.claim()["adjudication"]["ratings"][0]["verdict"]] += 1
    # Within four standard deviations of 20.
    assert min(firsts["accept"], firsts["reject"]) >= 7, firsts


def test_it_settles_by_the_adjudicators_word(cast: Cast, item: ReviewItem) -> None:
    ada = Desk(cast.adjudicator)
    claimed = ada.claim()
    assert ada.submit(claimed, **RULING, correction="Five working days.").status_code == 201
    item.refresh_from_db()
    verdict = item.verdict
    assert verdict is not None
    assert (verdict.value, verdict.reached_by, verdict.raters) == ("correct", "adjudication", 3)
    assert verdict.corrected_response == "Five working days."
    assert sorted(verdict.rating_ids) == sorted(Rating.objects.filter(item=item).values_list("pk", flat=True))
    assert (item.status, item.ratings_counted) == ("settled", 2)
    ruling = Rating.objects.get(item=item, adjudication=True)
    assert (ruling.cause, ruling.reviewer) == ("rubric_ambiguous", cast.adjudicator)


def test_it_wants_the_cause_from_the_adjudicator(cast: Cast, item: ReviewItem) -> None:
    ada = Desk(cast.adjudicator)
    claimed = ada.claim()
    assert pointers(problem(ada.submit(claimed, values=NO), 400)) == ["/cause"]
    assert pointers(problem(ada.submit(claimed, values=NO, cause="bad mood"), 400)) == ["/cause"]
    assert ada.submit(claimed, **RULING).status_code == 201


def test_it_takes_a_ruling_back_within_the_window(cast: Cast, item: ReviewItem) -> None:
    ada = Desk(cast.adjudicator)
    claimed = ada.judge(**RULING)
    assert ada.do(claimed, "undo").status_code == 200
    item.refresh_from_db()
    assert (item.status, item.verdict) == (ItemStatus.DISPUTED, None)
    assert ada.submit(claimed, values={"acceptable": "yes"}, cause="reviewer_slip").status_code == 201
    item.refresh_from_db()
    assert item.verdict is not None
    assert (item.verdict.value, item.verdict.sequence) == ("accept", 2)


def test_it_gives_a_dispute_to_the_next_adjudicator_when_one_passes(cast: Cast, item: ReviewItem) -> None:
    for verb, body in (("release", None), ("escalate", {"reason": "I know the author"})):
        member = add_member(project=cast.project, email=f"{verb}@shop.example", role=Role.ADJUDICATOR, actor="test")
        desk = Desk(member)
        assert desk.do(desk.claim(), verb, body).status_code == 204
        assert desk.ask().status_code == 204
    assert Desk(cast.adjudicator).ask().status_code == 200


def test_it_gives_adjudicators_nothing_but_disputes(cast: Cast) -> None:
    route(cast.project)
    assert Desk(cast.adjudicator).ask().status_code == 204


def test_it_lets_nobody_adjudicate_their_own(cast: Cast, item: ReviewItem) -> None:
    """Sam, who judged the item, is made an adjudicator; Kim, who did not, as well."""
    sam, kim = cast.reviewers[1:]
    for member in (sam, kim):
        add_member(project=cast.project, email=member.person.email, role=Role.ADJUDICATOR, actor="test")
        member.refresh_from_db()
    assert Desk(sam).ask().status_code == 204
    assert Desk(kim).ask().status_code == 200


def test_it_lets_a_late_rater_hand_in_after_the_ruling(cast: Cast) -> None:
    """Robin escalates while Sam still works: what Sam hands in is counted and changes nothing."""
    cast.put_in_force(tier={"raters": 2})
    [output] = route(cast.project)
    robin, sam, ada = Desk(cast.reviewers[0]), Desk(cast.reviewers[1]), Desk(cast.adjudicator)
    late = sam.claim()
    robin.do(robin.claim(), "escalate", {"reason": "needs a lawyer"})
    ada.judge(**RULING)
    assert sam.submit(late).status_code == 201
    item = item_of(output)
    assert (item.status, item.ratings_counted, item.verdict.value) == ("settled", 1, "reject")  # type: ignore[union-attr]


# Pairs --------------------------------------------------------------------------------------------------


def test_it_shows_pairs_in_both_orders_and_stores_what_was_meant(cast: Cast) -> None:
    """Everybody prefers the text of candidate a, wherever it stands."""
    body = pair_body()
    route(cast.project, *(pair_body(candidates=body["candidates"]) for _ in range(40)))
    robin = Desk(cast.reviewers[0])
    shown: Counter[str] = Counter()
    for _ in range(40):
        claimed = robin.claim()
        task = claimed["task"]
        assert {task["a"], task["b"]} == {candidate["text"] for candidate in body["candidates"]}
        side = "a" if task["a"] == body["candidates"][0]["text"] else "b"
        shown[side] += 1
        assert Assignment.objects.get(token=claimed["assignment"]).swapped == (side == "b")
        assert robin.submit(claimed, values={}, preferred=side).status_code == 201
    assert min(shown["a"], shown["b"]) >= 7, shown
    ratings = Rating.objects.filter(item__project=cast.project)
    assert {rating.preferred for rating in ratings} == {"a"}
    assert {item.verdict.preferred for item in ReviewItem.objects.filter(project=cast.project)} == {"a"}  # type: ignore[union-attr]


def test_it_stores_a_tie_as_a_tie(cast: Cast) -> None:
    route(cast.project, *(pair_body() for _ in range(8)))
    robin = Desk(cast.reviewers[0])
    for _ in range(8):
        robin.judge(values={}, preferred="tie")
    assert set(Rating.objects.filter(item__project=cast.project).values_list("preferred", flat=True)) == {"tie"}


def test_it_keeps_the_order_once_it_is_shown(cast: Cast) -> None:
    route(cast.project, *(pair_body() for _ in range(6)))
    robin = Desk(cast.reviewers[0])
    for _ in range(6):
        claimed = robin.judge(values={}, preferred="a")
        assert robin.do(claimed, "undo").json()["task"] == claimed["task"]
        robin.submit(claimed, values={}, preferred="a")


def test_it_takes_agreement_on_the_text_for_agreement(cast: Cast) -> None:
    """Two people who saw a pair the other way round and chose opposite sides meant the same."""
    cast.put_in_force(tier={"raters": 2})
    body = pair_body()
    wanted = body["candidates"][1]["text"]
    outputs = route(cast.project, *(pair_body(candidates=body["candidates"]) for _ in range(12)))
    for member in cast.reviewers[:2]:
        desk = Desk(member)
        for _ in outputs:
            claimed = desk.claim()
            side = "a" if claimed["task"]["a"] == wanted else "b"
            desk.submit(claimed, values={}, preferred=side)
    for output in outputs:
        verdict = item_of(output).verdict
        assert verdict is not None
        assert (verdict.preferred, verdict.reached_by) == ("b", "agreement")


def test_it_shows_the_adjudicator_preferences_as_the_adjudicator_sees_the_sides(cast: Cast) -> None:
    cast.put_in_force(tier={"raters": 2})
    robin, sam, ada = Desk(cast.reviewers[0]), Desk(cast.reviewers[1]), Desk(cast.adjudicator)
    for _ in range(12):
        body = pair_body()
        first = body["candidates"][0]["text"]
        route(cast.project, body)
        claimed = robin.claim()
        robin.submit(claimed, values={}, preferred="a" if claimed["task"]["a"] == first else "b")
        sam.judge(values={}, preferred="tie")
        seen = ada.claim()
        said = {rating["preferred"] for rating in seen["adjudication"]["ratings"]}
        assert said == {"tie", "a" if seen["task"]["a"] == first else "b"}
        assert Seat.objects.filter(holder=cast.adjudicator, number=0).exists()
