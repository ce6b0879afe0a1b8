"""The watch over the queues: pools that are empty or will be, and times that run out."""

from datetime import date, timedelta
from typing import Any

import pytest
from django.core import mail

from labeling.alarm_sentences import sentence
from labeling.models import Alarm, Escalation, ReviewerStage, ReviewItem, Seat, Stage
from labeling.services.absences import add_absence, cancel_absence
from labeling.services.alarms import clear_alarm, clear_alarms, mark_seen, raise_alarm
from labeling.services.holding import escalate, release_seat
from labeling.services.settings import Step, set_escalation_steps
from labeling.services.telling import tell_everybody
from labeling.services.watching import watch_queue, watch_queues
from reviewapp.core.models import AuditEntry, Membership, Role
from reviewapp.core.services.people import add_member, pause_member, resume_member
from tests.factories import make_noise, output_body, plant_gold, route, submit
from tests.people import NOW, Cast
from tests.queue.shifts import lives_in, minutes, queue, rules, statements, take, trusted, work
from tests.threads import in_threads

pytestmark = pytest.mark.django_db
TODAY = NOW.date()
DAY = timedelta(days=1)


def away(member: Membership, first: date, last: date, now: Any = NOW) -> None:
    add_absence(membership=member, first_day=first, last_day=last, actor="test", now=now)


def alarms(cast: Cast, kind: str, now: Any = NOW) -> dict[str, Alarm]:
    """What is open after a sweep, by its subject."""
    watch_queues(now=now)
    return {alarm.subject: alarm for alarm in Alarm.objects.filter(project=cast.project, kind=kind, cleared_at=None)}


def medical_item(cast: Cast) -> ReviewItem:
    cast.put_in_force(tier={"credential": "medical", "sla_minutes": 600})
    [item] = queue(cast, 1)
    return item


@pytest.fixture
def specialist(cast: Cast) -> Membership:
    """Sam, the only one with the credential."""
    return trusted(cast.reviewers[1], "medical")


# A pool that will be empty ---------------------------------------------------------------------------


def test_a_two_week_absence_of_the_only_specialist_is_noticed_before_it_begins(
    cast: Cast, specialist: Membership
) -> None:
    first, last = date(2026, 12, 7), date(2026, 12, 20)
    assert alarms(cast, "pool_will_be_empty") == {}
    away(specialist, first, last)
    found = alarms(cast, "pool_will_be_empty")
    assert list(found) == ["review:medical"]
    [gap] = found["review:medical"].data["gaps"]
    assert gap == {"first_day": "2026-12-07", "last_day": "2026-12-20", "away": [str(specialist.person)]}
    words = sentence(found["review:medical"])
    assert all(word in words for word in ("medical", "7 Dec 2026", "20 Dec 2026", str(specialist.person)))
    # And the owner has word of it, seventeen days before it begins.
    tell_everybody(now=NOW)
    [message] = mail.outbox
    assert message.to == [cast.owner.person.email]
    assert words in message.body


def test_it_is_told_21_days_ahead_and_not_before(cast: Cast, specialist: Membership) -> None:
    away(specialist, TODAY + 22 * DAY, TODAY + 30 * DAY)
    assert alarms(cast, "pool_will_be_empty") == {}
    assert list(alarms(cast, "pool_will_be_empty", NOW + DAY)) == ["review:medical"]


def test_one_day_is_enough_and_its_end_is_found_beyond_the_notice(cast: Cast, specialist: Membership) -> None:
    away(specialist, TODAY + 2 * DAY, TODAY + 2 * DAY)
    away(specialist, TODAY + 20 * DAY, TODAY + 90 * DAY)
    [alarm] = alarms(cast, "pool_will_be_empty").values()
    days = [(gap["first_day"], gap["last_day"]) for gap in alarm.data["gaps"]]
    assert days == [("2026-11-22", "2026-11-22"), ("2026-12-10", "2027-02-18")]


def test_somebody_else_with_the_credential_keeps_the_pool_alive_unless_paused_or_away_too(
    cast: Cast, specialist: Membership
) -> None:
    away(specialist, TODAY + 3 * DAY, TODAY + 9 * DAY)
    assert alarms(cast, "pool_will_be_empty")
    # A stand-in is somebody.
    kim = trusted(cast.reviewers[2], "medical", standby=True)
    assert alarms(cast, "pool_will_be_empty") == {}
    away(kim, TODAY + 5 * DAY, TODAY + 5 * DAY)
    [alarm] = alarms(cast, "pool_will_be_empty").values()
    assert [(gap["first_day"], gap["last_day"]) for gap in alarm.data["gaps"]] == [("2026-11-25", "2026-11-25")]
    pause_member(membership=kim, actor="test", reason="x", now=NOW)
    [alarm] = alarms(cast, "pool_will_be_empty").values()
    assert alarm.data["gaps"][0]["first_day"] == "2026-11-23"


def test_whoever_still_learns_is_not_counted_on(cast: Cast, specialist: Membership) -> None:
    trusted(cast.reviewers[2], "medical")
    queue(cast, 2)
    for old_hand in cast.reviewers[:2]:
        work(old_hand, NOW)
    rules(cast, onboarding=True)
    away(specialist, TODAY + DAY, TODAY + DAY)
    # A newcomer who has not even begun.
    assert list(alarms(cast, "pool_will_be_empty")) == ["review:medical"]
    stage = ReviewerStage.objects.create(membership=cast.reviewers[2], stage=Stage.PRACTICE)
    assert list(alarms(cast, "pool_will_be_empty")) == ["review:medical"]
    stage.stage = Stage.LIVE
    stage.save()
    assert alarms(cast, "pool_will_be_empty") == {}


def test_it_clears_when_the_absence_is_cancelled_and_stays_while_it_lasts(cast: Cast, specialist: Membership) -> None:
    away(specialist, TODAY + DAY, TODAY + 4 * DAY)
    before = alarms(cast, "pool_will_be_empty")["review:medical"]
    during = alarms(cast, "pool_will_be_empty", NOW + 3 * DAY)["review:medical"]
    # One alarm with one name on all its days, and told of once.
    assert (during.pk, during.data) == (before.pk, before.data)
    cancel_absence(absence=specialist.absences.get(), actor="test", now=NOW + 3 * DAY)
    assert alarms(cast, "pool_will_be_empty", NOW + 3 * DAY) == {}
    before.refresh_from_db()
    assert before.cleared_at == NOW + 3 * DAY


def test_the_only_adjudicators_absence_is_noticed_too(cast: Cast) -> None:
    away(cast.adjudicator, TODAY + 5 * DAY, TODAY + 6 * DAY)
    assert list(alarms(cast, "pool_will_be_empty")) == ["adjudication"]


def test_everybody_away_at_once_is_noticed_without_any_credential(cast: Cast) -> None:
    for member in cast.reviewers:
        away(member, date(2026, 12, 24), date(2026, 12, 26))
    assert list(alarms(cast, "pool_will_be_empty", NOW + 20 * DAY)) == ["review"]


def test_a_credential_that_nobody_has_any_more_counts_as_asked_for_for_30_days(
    cast: Cast, specialist: Membership
) -> None:
    medical_item(cast)
    work(specialist, NOW)
    trusted(specialist)
    found = alarms(cast, "pool_will_be_empty", NOW + DAY)
    assert found["review:medical"].data["gaps"] == [{"first_day": None, "last_day": None, "away": []}]
    # The answer to what was asked for is remembered for an hour, by the real clock.
    from django.core.cache import cache

    cache.clear()
    assert alarms(cast, "pool_will_be_empty", NOW + 32 * DAY) == {}


def test_another_absence_is_news_and_the_passing_of_days_is_none(cast: Cast, specialist: Membership) -> None:
    away(specialist, TODAY + 5 * DAY, TODAY + 9 * DAY)
    alarm = alarms(cast, "pool_will_be_empty")["review:medical"]
    tell_everybody(now=NOW)
    mark_seen(alarm=alarm, actor="person:1", now=NOW)
    assert alarms(cast, "pool_will_be_empty", NOW + 6 * DAY)["review:medical"].tell_at is None
    away(specialist, TODAY + 10 * DAY, TODAY + 12 * DAY)
    longer = alarms(cast, "pool_will_be_empty", NOW + 6 * DAY)["review:medical"]
    assert (longer.pk, longer.tell_at, longer.seen_at) == (alarm.pk, NOW + 6 * DAY, None)


# A pool that is empty --------------------------------------------------------------------------------


def test_work_that_nobody_present_may_take_raises_an_alarm_until_somebody_may(
    cast: Cast, specialist: Membership
) -> None:
    medical_item(cast)
    assert alarms(cast, "pool_empty") == {}
    pause_member(membership=specialist, actor="test", reason="x", now=NOW)
    found = alarms(cast, "pool_empty")
    assert found["review:medical"].data == {"role": "reviewer", "credential": "medical", "seats": 1}
    assert "1 judgement that takes “medical” waits" in sentence(found["review:medical"])
    resume_member(membership=specialist, actor="test", reason="", now=NOW)
    assert alarms(cast, "pool_empty") == {}
    away(specialist, TODAY, TODAY)
    assert list(alarms(cast, "pool_empty")) == ["review:medical"]
    assert alarms(cast, "pool_empty", NOW + DAY) == {}


def test_today_is_today_where_the_person_is(cast: Cast, specialist: Membership) -> None:
    medical_item(cast)
    lives_in(specialist, "Pacific/Auckland")
    away(specialist, TODAY + DAY, TODAY + DAY)
    assert alarms(cast, "pool_empty", NOW + minutes(119)) == {}
    assert list(alarms(cast, "pool_empty", NOW + minutes(120))) == ["review:medical"]


def test_a_project_without_any_reviewer_does_not_wait_in_silence(cast: Cast) -> None:
    queue(cast, 3)
    for member in cast.reviewers:
        add_member(project=cast.project, email=member.person.email, role=Role.AUDITOR, actor="test")
    assert alarms(cast, "pool_empty")["review"].data["seats"] == 3


def test_a_dispute_without_an_adjudicator_raises_an_alarm(cast: Cast) -> None:
    queue(cast, 1)
    passed_up = take(cast.reviewers[0], NOW)
    assert passed_up is not None
    escalate(assignment=passed_up, reason="x", now=NOW)
    assert alarms(cast, "pool_empty") == {}
    add_member(project=cast.project, email=cast.adjudicator.person.email, role=Role.AUDITOR, actor="test")
    assert list(alarms(cast, "pool_empty")) == ["adjudication"]


def test_an_item_that_everybody_has_had_is_an_empty_pool_of_its_own(cast: Cast, specialist: Membership) -> None:
    medical_item(cast)
    medical_item(cast)
    given_back = take(specialist, NOW)
    assert given_back is not None
    assert alarms(cast, "pool_empty") == {}
    release_seat(assignment=given_back, now=NOW)
    assert alarms(cast, "pool_empty")["review:medical"].data["seats"] == 1
    trusted(cast.reviewers[0], "medical")
    assert alarms(cast, "pool_empty") == {}


def test_two_raters_are_not_to_be_had_from_one_person(cast: Cast, specialist: Membership) -> None:
    cast.put_in_force(tier={"credential": "medical", "overlap_share": 1.0, "overlap_raters": 2})
    queue(cast, 1)
    assert alarms(cast, "pool_empty") == {}
    work(specialist, NOW)
    assert alarms(cast, "pool_empty")["review:medical"].data["seats"] == 1


def test_the_only_adjudicator_cannot_decide_on_their_own_rating(cast: Cast) -> None:
    queue(cast, 1)
    own = take(cast.reviewers[0], NOW)
    assert own is not None
    escalate(assignment=own, reason="x", now=NOW)
    add_member(project=cast.project, email=cast.adjudicator.person.email, role=Role.AUDITOR, actor="test")
    add_member(project=cast.project, email=cast.reviewers[0].person.email, role=Role.ADJUDICATOR, actor="test")
    assert alarms(cast, "pool_empty")["adjudication"].data["seats"] == 1


def test_planted_gold_is_no_work_that_waits(cast: Cast) -> None:
    plant_gold(cast.project)
    for member in cast.reviewers:
        pause_member(membership=member, actor="test", reason="x", now=NOW)
    assert alarms(cast, "pool_empty") == {}


# Time that runs out ----------------------------------------------------------------------------------


def steps(cast: Cast, *rows: tuple[int | None, int, Membership]) -> None:
    wanted = [Step(priority, before, member.pk) for priority, before, member in rows]
    set_escalation_steps(project=cast.project, steps=wanted, actor="test")


SOON = NOW + minutes(100)


def high_item(cast: Cast, due: Any = SOON, priority: int = 0) -> ReviewItem:
    [item] = queue(cast, 1)
    ReviewItem.objects.filter(pk=item.pk).update(due_at=due)
    Seat.objects.filter(item=item).update(due_at=due, priority=priority)
    item.refresh_from_db()
    return item


def told(cast: Cast) -> list[tuple[str, int]]:
    rows = (
        Escalation.objects.filter(step__project=cast.project).order_by("pk").select_related("step__membership__person")
    )
    return [(row.step.membership.person.email.split("@")[0], row.step.minutes_before) for row in rows]


def test_each_item_passes_each_step_once_and_in_time(cast: Cast) -> None:
    due = NOW + minutes(100)
    high_item(cast, due)
    steps(cast, (0, 60, cast.adjudicator), (0, 0, cast.owner), (None, -30, cast.owner), (1, 99, cast.reviewers[0]))
    moments: list[tuple[int, list[tuple[str, int]]]] = [
        (61, []),
        (60, [("ada", 60)]),
        (1, [("ada", 60)]),
        (0, [("ada", 60), ("oda", 0)]),
        (-29, [("ada", 60), ("oda", 0)]),
        (-30, [("ada", 60), ("oda", 0), ("oda", -30)]),
        (-5000, [("ada", 60), ("oda", 0), ("oda", -30)]),
    ]
    for before, expected in moments:
        for _again in range(2):
            watch_queues(now=due - minutes(before))
            assert told(cast) == expected, before


def test_steps_are_for_their_tier(cast: Cast) -> None:
    for priority in (0, 1, 2):
        high_item(cast, NOW + minutes(30), priority)
    steps(cast, (0, 60, cast.adjudicator), (2, 60, cast.owner))
    watch_queues(now=NOW)
    found = Escalation.objects.values_list("item__seats__priority", "step__membership__person__email").order_by("pk")
    assert sorted(found) == [(0, "ada@shop.example"), (2, "oda@shop.example")]


def test_what_is_judged_in_time_passes_no_step_and_a_dispute_does(cast: Cast) -> None:
    item = high_item(cast)
    steps(cast, (0, 60, cast.adjudicator))
    own = take(cast.reviewers[0], NOW)
    assert own is not None
    assert own.item_id == item.pk
    submit(own, now=NOW)
    disputed = high_item(cast)
    passed_up = take(cast.reviewers[0], NOW)
    assert passed_up is not None
    escalate(assignment=passed_up, reason="x", now=NOW)
    watch_queues(now=NOW + minutes(50))
    assert list(Escalation.objects.values_list("item_id", flat=True)) == [disputed.pk]


def test_somebody_at_work_on_an_item_does_not_stop_its_clock(cast: Cast) -> None:
    high_item(cast)
    steps(cast, (0, 60, cast.adjudicator))
    assert take(cast.reviewers[0], NOW + minutes(50)) is not None
    watch_queues(now=NOW + minutes(51))
    assert told(cast) == [("ada", 60)]


def test_gold_has_no_time_to_run_out(cast: Cast) -> None:
    plant_gold(cast.project)
    steps(cast, (None, 60, cast.owner))
    watch_queues(now=NOW + 500 * DAY)
    assert told(cast) == []


def test_storing_the_steps_again_tells_nobody_again(cast: Cast) -> None:
    high_item(cast)
    steps(cast, (0, 60, cast.adjudicator))
    watch_queues(now=NOW + minutes(50))
    steps(cast, (0, 60, cast.adjudicator), (0, 30, cast.owner))
    watch_queues(now=NOW + minutes(50))
    assert told(cast) == [("ada", 60)]


@pytest.mark.django_db(transaction=True)
def test_sweeps_at_once_note_each_step_and_raise_each_alarm_once(transactional_db: None) -> None:
    from tests.people import make_cast

    cast = make_cast()
    for _ in range(5):
        high_item(cast, NOW - minutes(1))
    steps(cast, (0, 60, cast.adjudicator), (None, 0, cast.owner))
    pause_member(membership=cast.adjudicator, actor="test", reason="x", now=NOW)
    in_threads(6, lambda _number: watch_queue(project=cast.project, now=NOW))
    assert Escalation.objects.count() == 10
    assert sorted(Alarm.objects.values_list("kind", flat=True)) == ["pool_will_be_empty", "sla_overdue"]
    mails = in_threads(6, lambda _number: tell_everybody(now=NOW))
    assert sum(mails) == 2
    assert sorted(message.to[0] for message in mail.outbox) == ["ada@shop.example", "oda@shop.example"]


def test_overdue_items_raise_an_alarm_without_any_step_and_near_ones_with_one(cast: Cast) -> None:
    due = NOW + minutes(100)
    item = high_item(cast, due)
    high_item(cast, due + DAY, priority=2)
    assert alarms(cast, "sla_near", due - minutes(10)) == {}
    steps(cast, (0, 60, cast.owner))
    found = alarms(cast, "sla_near", due - minutes(10))
    assert found["0"].data == {"priority": 0, "items": 1, "first_due": due.isoformat()}
    assert "1 item is due soon and not judged (stakes: high)" in sentence(found["0"])
    assert alarms(cast, "sla_overdue", due - minutes(1)) == {}
    overdue = alarms(cast, "sla_overdue", due)
    assert list(overdue) == ["0"]
    assert "Nothing ships by waiting" in sentence(overdue["0"])
    assert alarms(cast, "sla_near", due) == {}
    work(cast.reviewers[0], due)
    item.refresh_from_db()
    assert item.status == "settled"
    assert alarms(cast, "sla_overdue", due) == {}


# Alarms ----------------------------------------------------------------------------------------------


def test_raising_again_changes_one_row_and_writes_one_line(cast: Cast) -> None:
    common: dict[str, Any] = {"project": cast.project, "kind": "drift", "subject": "r-1"}
    first = raise_alarm(**common, data={"n": 1}, now=NOW)
    again = raise_alarm(**common, data={"n": 2}, now=NOW + DAY)
    assert (again.pk, again.raised_at, again.data) == (first.pk, NOW, {"n": 2})
    assert sentence(again) == "drift"
    mark_seen(alarm=first, actor="person:1", now=NOW + DAY)
    mark_seen(alarm=first, actor="person:2", now=NOW + 2 * DAY)
    assert clear_alarm(**common, now=NOW + 3 * DAY)
    assert not clear_alarm(**common, now=NOW + 3 * DAY)
    renewed = raise_alarm(**common, data={"n": 1}, now=NOW + 4 * DAY)
    assert renewed.pk != first.pk
    lines = AuditEntry.objects.filter(project=cast.project, target=f"alarm:{first.pk}").order_by("pk")
    assert list(lines.values_list("verb", "actor")) == [
        ("alarm.raised", "system"),
        ("alarm.seen", "person:1"),
        ("alarm.cleared", "system"),
    ]


def test_clearing_spares_other_subjects_kinds_and_projects(cast: Cast) -> None:
    other = make_noise("further")
    for project in (cast.project, other.project):
        for kind in ("drift", "fatigue"):
            for subject in ("r-1", "r-2"):
                raise_alarm(project=project, kind=kind, subject=subject, data={}, now=NOW)
    assert clear_alarms(project=cast.project, kind="drift", but=["r-2"], now=NOW) == 1
    assert Alarm.objects.filter(cleared_at=None).count() == 7


def test_a_fault_in_one_project_leaves_the_others_watched(
    cast: Cast, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from labeling.services import watching

    proper = watching.roster

    def faulty(project_id: int, now: Any) -> Any:
        if project_id != cast.project.pk:
            raise ArithmeticError("broken row")
        return proper(project_id, now)

    monkeypatch.setattr(watching, "roster", faulty)
    for member in cast.reviewers:
        pause_member(membership=member, actor="test", reason="x", now=NOW)
    assert list(alarms(cast, "pool_will_be_empty")) == ["review"]
    assert "could not be watched" in caplog.text


# What it costs ---------------------------------------------------------------------------------------


def test_a_sweep_costs_as_many_statements_over_a_long_queue_as_over_a_short_one(
    cast: Cast, specialist: Membership
) -> None:
    medical_item(cast)
    steps(cast, (0, 60, cast.owner))
    high_item(cast, NOW + minutes(700))

    def sweep() -> None:
        watch_queue(project=cast.project, now=NOW)

    sweep()
    first = statements(sweep)
    medical_item(cast)
    for output_number in range(40):
        route(cast.project, output_body(f"more-{output_number}"))
    for number in range(10):
        away(cast.reviewers[0], TODAY + number * DAY, TODAY + number * DAY)
    assert statements(sweep) == first
    assert first <= 25, first
