"""The sweep over gold: short supplies, cases used up or known, and references that people reject."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from labeling.alarm_sentences import sentence
from labeling.models import Alarm, GoldCase, GoldResult, PauseCause, Rating, SlicePause, Suspicion, SuspicionKind
from labeling.services.drifting import watch_reviewers
from labeling.services.gold_watch import references, watch_gold
from labeling.services.pauses import lift_pause
from labeling.services.rounds import settle_rounds
from labeling.services.rubrics import draft_rubric, publish_rubric, rubric_document
from labeling.services.submitting import undo_rating
from reviewapp.core.models import AuditEntry, Membership, Role
from reviewapp.core.services.people import add_member, pause_member
from tests.factories import ACCEPT, REJECT, claim, make_noise, output_body, plant_gold, route, submit
from tests.people import NOW, Cast

pytestmark = pytest.mark.django_db
# Later than any undo window.
LATER = NOW + timedelta(minutes=1)


def open_alarms(cast: Cast, kind: str, now: datetime = LATER) -> dict[str, Alarm]:
    """What is open after a sweep, by its subject."""
    watch_gold(now=now)
    return {alarm.subject: alarm for alarm in Alarm.objects.filter(project=cast.project, kind=kind, cleared_at=None)}


def newcomers(cast: Cast, count: int) -> list[Membership]:
    names = [f"n{number}@{cast.project.slug}.example" for number in range(count)]
    return [add_member(project=cast.project, email=name, role=Role.REVIEWER, actor="test") for name in names]


def meet(reviewer: Membership, case: GoldCase, *, seconds: float = 60.0, now: datetime = NOW, **answer: Any) -> Rating:
    """This person's answer to the case, which must be the only one left for them."""
    for seed in range(40):
        assignment = claim(reviewer, seed=seed, now=now)
        if assignment.item_id == case.item_id:
            return submit(assignment, now=now, client_seconds=seconds, **answer)
        submit(assignment, now=now)
    raise AssertionError("they never met it")


# Short -----------------------------------------------------------------------------------------------


def test_the_owner_is_told_who_will_run_out_of_gold_and_of_which_intents_there_is_none(cast: Cast) -> None:
    cast.put_in_force(gold_rate=0.5)
    route(cast.project, *(output_body() for _number in range(20)), output_body(intent="refunds"))
    for _number in range(2):
        plant_gold(cast.project)
    assert open_alarms(cast, "gold_short") == {}
    for seed in range(6):
        submit(claim(cast.reviewers[0], seed=seed))
    [alarm] = open_alarms(cast, "gold_short").values()
    assert alarm.subject == "planting"
    [person] = alarm.data["people"]
    met = GoldResult.objects.filter(reviewer=cast.reviewers[0]).count()
    assert met > 0
    assert person == {"rater": cast.reviewers[0].rater_code, "available": 2 - met, "needed": 3}
    assert alarm.data["intents"] == ["refunds"]
    words = sentence(alarm)
    assert all(word in words for word in (person["rater"], "needs 3", "refunds", "Work goes on"))
    # And it does.
    assert claim(cast.reviewers[0], seed=1)


def test_it_ends_when_there_is_enough_again_or_none_is_asked_for(cast: Cast) -> None:
    cast.put_in_force(gold_rate=0.5)
    assert set(open_alarms(cast, "gold_short")) == {"planting"}
    plant_gold(cast.project)
    assert open_alarms(cast, "gold_short") == {}
    GoldCase.objects.filter(project=cast.project).update(retired_at=NOW)
    assert set(open_alarms(cast, "gold_short")) == {"planting"}
    cast.put_in_force(gold_rate=0.0)
    assert open_alarms(cast, "gold_short") == {}


def test_too_few_exposures_for_all_together_are_too_few(cast: Cast) -> None:
    cast.put_in_force(gold_rate=0.5)
    plant_gold(cast.project, exposures=2)
    [alarm] = open_alarms(cast, "gold_short").values()
    assert (alarm.data["people"], alarm.data["needed"], alarm.data["exposures"]) == ([], 3, 2)
    assert "3 exposures; 2 are left" in sentence(alarm)
    pause_member(membership=cast.reviewers[0], actor="test", reason="x", now=NOW)
    assert open_alarms(cast, "gold_short") == {}


def test_what_is_short_for_planting_and_for_a_round_are_kept_apart(cast: Cast) -> None:
    cast.put_in_force(gold_rate=0.5)
    assert set(open_alarms(cast, "gold_short")) == {"planting"}
    settle_rounds(now=LATER)
    assert Alarm.objects.filter(project=cast.project, kind="gold_short", cleared_at=None).exists()


# Retired ---------------------------------------------------------------------------------------------


def test_a_case_is_retired_after_its_last_exposure_once_nothing_can_be_undone(cast: Cast) -> None:
    cast.put_in_force(gold_rate=0.5)
    route(cast.project, *(output_body() for _number in range(9)))
    case = plant_gold(cast.project, exposures=2)
    practice = plant_gold(cast.project, practice=True)
    meet(cast.reviewers[0], case)
    watch_gold(now=LATER)
    last = meet(cast.reviewers[1], case)
    watch_gold(now=NOW)
    case.refresh_from_db()
    assert case.retired_at is None
    again = undo_rating(assignment=last.assignment, now=NOW)
    watch_gold(now=LATER)
    case.refresh_from_db()
    assert case.retired_at is None
    submit(again, now=NOW)
    watch_gold(now=LATER)
    case.refresh_from_db()
    # A new name: the type checker remembers that it was None.
    retired = GoldCase.objects.get(pk=case.pk)
    assert (retired.retired_at, retired.retired_because) == (LATER, "Shown 2 times.")
    entry = AuditEntry.objects.get(project=cast.project, verb="gold.retired")
    assert (entry.actor, entry.data) == ("system", {"reason": "Shown 2 times."})
    assert open_alarms(cast, "gold_leaked") == {}
    practice.refresh_from_db()
    assert practice.retired_at is None


def test_a_case_whose_words_come_in_as_live_output_is_retired_and_the_owner_told(cast: Cast) -> None:
    words = {"prompt": "May I send it back?", "context": [], "response": "Yes, within thirty days."}
    body = {"prompt": words["prompt"], "body": {"response": words["response"]}}
    # Words that came before the case was made are no leak, nor is a case of the same words.
    route(cast.project, output_body(**words))
    first, twin, other = (
        plant_gold(cast.project, "first", **body),
        plant_gold(cast.project, **body),
        plant_gold(cast.project),
    )
    assert open_alarms(cast, "gold_leaked") == {}
    route(cast.project, output_body(**words), now=LATER)
    make_noise("further")
    alarms = open_alarms(cast, "gold_leaked")
    assert set(alarms) == {str(first.pk), str(twin.pk)}
    assert sentence(alarms[str(first.pk)]) == "“first” was retired: its words came in as live output."
    first.refresh_from_db()
    assert first.retired_because == "Its words came in as live output."
    other.refresh_from_db()
    assert other.retired_at is None
    # Word of it is there for a week.
    assert len(open_alarms(cast, "gold_leaked", LATER + timedelta(days=6))) == 2
    assert open_alarms(cast, "gold_leaked", LATER + timedelta(days=8)) == {}


def test_a_case_that_people_suddenly_know_is_retired(cast: Cast) -> None:
    cast.put_in_force(gold_rate=0.5)
    case, steady = plant_gold(cast.project, exposures=40), plant_gold(cast.project, exposures=40)
    for number, reviewer in enumerate(newcomers(cast, 24)):
        later = number >= 12
        result(reviewer, case, seconds=(4.0 if later else 60.0) + number)
        result(reviewer, steady, seconds=60.0 + number)
    alarms = open_alarms(cast, "gold_leaked")
    assert set(alarms) == {str(case.pk)}
    assert alarms[str(case.pk)].data["answers"] == 24
    assert "24 answers" in sentence(alarms[str(case.pk)])


def result(reviewer: Membership, case: GoldCase, *, correct: bool = True, seconds: float = 60.0, **fields: Any) -> None:
    """An answer as it is stored, without the claim before it."""
    assignment = case.item.assignments.create(
        seat=case.item.seats.filter(state="open")[0],
        reviewer=reviewer,
        rubric=case.item.rubric,
        state="submitted",
        claimed_at=NOW,
        lease_expires_at=NOW,
        ended_at=NOW,
        fingerprint=case.item.fingerprint,
    )
    at = fields.pop("at", NOW)
    case.item.seats.filter(pk=assignment.seat_id).update(state="submitted", holder=reviewer)
    rating = Rating.objects.create(
        assignment=assignment,
        item=case.item,
        reviewer=reviewer,
        rubric=case.item.rubric,
        values={},
        verdict="accept" if correct == case.acceptable else "reject",
        client_seconds=seconds,
        server_seconds=seconds,
        idempotency_key="k",
        submitted_at=at,
        undo_until=at,
    )
    GoldResult.objects.create(rating=rating, gold_case=case, reviewer=reviewer, correct=correct, at=at)


@pytest.mark.parametrize("published", [False, True])
def test_a_case_that_is_an_example_in_a_published_rubric_is_retired(cast: Cast, published: bool) -> None:
    case, other = plant_gold(cast.project), plant_gold(cast.project)
    document = rubric_document(case.item.rubric)
    document["criteria"][0]["levels"][0] |= {"example": f"Such as: {case.item.content.body['response']}"}
    draft = draft_rubric(project=cast.project, actor="test", **document)
    if published:
        publish_rubric(rubric=draft, actor="test", now=NOW)
    alarms = open_alarms(cast, "gold_leaked")
    assert set(alarms) == ({str(case.pk)} if published else set())
    other.refresh_from_db()
    assert other.retired_at is None


# Human references ------------------------------------------------------------------------------------


def test_references_that_people_reject_pause_their_slice_and_the_owner_is_told(cast: Cast) -> None:
    case, fine = plant_gold(cast.project, exposures=60), plant_gold(cast.project, intent="returns", exposures=60)
    failure = plant_gold(cast.project, intent="x", exposures=60, origin="planted_failure", acceptable=False)
    for number, reviewer in enumerate(newcomers(cast, 12)):
        result(reviewer, case, correct=number % 2 == 0)
        result(reviewer, fine)
        result(reviewer, failure, correct=False)
    assert open_alarms(cast, "references_rejected") == {}
    for reviewer in newcomers_after(cast, 12, 30):
        result(reviewer, case, correct=False)
    alarms = open_alarms(cast, "references_rejected")
    assert set(alarms) == {"billing"}
    pause = SlicePause.objects.get(project=cast.project, lifted_at=None)
    assert (pause.intent, pause.rubric, pause.cause) == ("billing", case.item.rubric, PauseCause.REFERENCES)
    assert (pause.evidence["right"], pause.evidence["answers"], pause.evidence["bar"]) == (6, 42, 0.8)
    assert pause.evidence["high"] < 0.8
    assert all(word in sentence(alarms["billing"]) for word in ("billing", "6 of 42", "80%"))
    # Paused once, however often one looks.
    watch_gold(now=LATER)
    assert SlicePause.objects.filter(project=cast.project).count() == 1
    # Resumed, only what comes after counts.
    lift_pause(pause=pause, actor="test", reason="The rubric is right; they have been told.", now=LATER)
    assert open_alarms(cast, "references_rejected", LATER + timedelta(minutes=1)) == {}
    for reviewer in newcomers_after(cast, 42, 10):
        result(reviewer, case, correct=False, at=LATER + timedelta(minutes=2))
    assert set(open_alarms(cast, "references_rejected", LATER + timedelta(minutes=3))) == {"billing"}
    assert SlicePause.objects.filter(project=cast.project).count() == 2


def newcomers_after(cast: Cast, first: int, count: int) -> list[Membership]:
    names = [f"n{number}@{cast.project.slug}.example" for number in range(first, first + count)]
    return [add_member(project=cast.project, email=name, role=Role.REVIEWER, actor="test") for name in names]


def test_answers_of_people_under_suspicion_do_not_speak_against_the_references(cast: Cast) -> None:
    case = plant_gold(cast.project, exposures=60)
    people = newcomers(cast, 12)
    for reviewer in people:
        result(reviewer, case, correct=False)
    assert set(open_alarms(cast, "references_rejected")) == {"billing"}
    for reviewer in people:
        Suspicion.objects.create(membership=reviewer, kind=SuspicionKind.OWNER, since=NOW, raised_by="test")
    assert references(cast.project) == []
    # The alarm's cause is gone; the pause is for the owner to lift.
    assert open_alarms(cast, "references_rejected") == {}
    assert SlicePause.objects.filter(project=cast.project, lifted_at=None).exists()


def test_where_everybody_rejects_the_references_nobody_is_suspect(cast: Cast) -> None:
    """The references or the rubric are in doubt then, not the people; other gold still speaks of them."""
    references_ = [plant_gold(cast.project, exposures=60) for _number in range(9)]
    failures = [
        plant_gold(cast.project, exposures=60, origin="planted_failure", acceptable=False) for _number in range(9)
    ]
    people = newcomers(cast, 4)
    for case in references_:
        for reviewer in people:
            result(reviewer, case, correct=False)
    assert watch_reviewers(now=LATER) == 0
    assert not Suspicion.objects.exists()
    assert SlicePause.objects.filter(project=cast.project, cause=PauseCause.REFERENCES).count() == 1
    for case in failures:
        result(people[0], case, correct=False)
    assert watch_reviewers(now=LATER) == 1
    assert Suspicion.objects.get().membership == people[0]


def test_whoever_rejects_the_references_alone_is_the_one_in_doubt(cast: Cast) -> None:
    one, *others = newcomers(cast, 4)
    for _number in range(12):
        case = plant_gold(cast.project, exposures=60)
        result(one, case, correct=False)
        result(others[_number % 3], case)
    assert open_alarms(cast, "references_rejected") == {}
    assert watch_reviewers(now=LATER) == 1
    assert Suspicion.objects.get().membership == one


def test_answers_by_an_earlier_version_do_not_count(cast: Cast) -> None:
    case = plant_gold(cast.project, exposures=60)
    for reviewer in newcomers(cast, 12):
        result(reviewer, case, correct=False)
    [found] = references(cast.project)
    assert (found.right, found.answers) == (0, 12)
    assert found.interval.high < 0.8
    next_one = draft_rubric(project=cast.project, actor="test", **rubric_document(case.item.rubric))
    publish_rubric(rubric=next_one, actor="test", now=NOW)
    assert references(cast.project) == []


def test_accepting_references_is_right_and_rejecting_them_is_not(cast: Cast) -> None:
    cast.put_in_force(gold_rate=0.5)
    route(cast.project, *(output_body() for _number in range(9)))
    case = plant_gold(cast.project)
    meet(cast.reviewers[0], case, **ACCEPT)
    meet(cast.reviewers[1], case, **REJECT)
    [found] = references(cast.project)
    assert (found.intent, found.right, found.answers) == ("billing", 1, 2)
