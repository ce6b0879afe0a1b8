"""The feed: every final verdict once, in an order that never changes, and no reader is ever passed by."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection, connections, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from labeling.models import Verdict, VerdictNotice
from labeling.services.holding import AssignmentLost
from labeling.services.settings import change_queue_settings
from labeling.services.submitting import undo_rating
from reviewapp.core.models import Project
from routing.models import FeedCounter, VerdictEvent
from routing.services import feed
from routing.services.feed import publish_everywhere, publish_verdicts
from tests.delivery.post import LATER, names_in, verdict_of, verdicts
from tests.factories import claim, judge, make_noise, output_body, plant_gold, route, submit
from tests.people import NOW, Caller, Cast, make_cast, person
from tests.threads import in_threads


def fed(cast: Cast) -> list[str]:
    events = VerdictEvent.objects.filter(project=cast.project).order_by("position")
    return list(events.values_list("output__external_id", flat=True))


def positions(cast: Cast) -> list[int]:
    events = VerdictEvent.objects.filter(project=cast.project).order_by("position")
    return list(events.values_list("position", flat=True))


def test_it_writes_the_notice_with_the_verdict_or_neither(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    [output] = verdicts(cast, "a")
    verdict = verdict_of(output)
    assert verdict.notice.final_at == verdict.final_at == NOW + timedelta(seconds=8)

    def fail(**fields: Any) -> None:
        raise DatabaseError("no room")

    monkeypatch.setattr(VerdictNotice.objects, "create", fail)
    route(cast.project, output_body("b"))
    with pytest.raises(DatabaseError), transaction.atomic():
        judge(cast.reviewers[0])
    assert Verdict.objects.count() == 1


def test_it_publishes_when_the_undo_window_is_over_and_once(cast: Cast) -> None:
    verdicts(cast, "a")
    assert publish_verdicts(project=cast.project, now=NOW + timedelta(seconds=7)) == 0
    assert publish_verdicts(project=cast.project, now=NOW + timedelta(seconds=8)) == 1
    assert publish_verdicts(project=cast.project, now=LATER) == 0
    assert (fed(cast), positions(cast)) == (["a"], [1])


def test_it_keeps_projects_apart(cast: Cast) -> None:
    noise = make_noise()
    verdicts(cast, "a", "b")
    assert publish_everywhere(now=LATER) == 3
    assert (fed(cast), positions(cast)) == (["a", "b"], [1, 2])
    assert positions(noise) == [1]


def test_it_orders_by_the_moment_a_verdict_became_final(cast: Cast) -> None:
    change_queue_settings(project=cast.project, actor="test", undo_seconds=30)
    verdicts(cast, "slow")
    change_queue_settings(project=cast.project, actor="test", undo_seconds=1)
    verdicts(cast, "quick")
    publish_verdicts(project=cast.project, now=LATER)
    assert fed(cast) == ["quick", "slow"]


def test_it_publishes_many_in_portions_without_a_gap(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "AT_ONCE", 3)
    names = [f"case-{number}" for number in range(8)]
    verdicts(cast, *names)
    assert publish_verdicts(project=cast.project, now=LATER) == 8
    assert (fed(cast), positions(cast)) == (names, list(range(1, 9)))


def test_what_was_undone_is_never_published_and_its_successor_is(cast: Cast) -> None:
    route(cast.project, output_body("a"))
    assignment = claim(cast.reviewers[0])
    submit(assignment, values={"acceptable": "no", "reason": "wrong"})
    undo_rating(assignment=assignment, now=NOW + timedelta(seconds=5))
    assert publish_verdicts(project=cast.project, now=LATER) == 0
    submit(assignment, now=LATER)
    publish_verdicts(project=cast.project, now=LATER + timedelta(minutes=1))
    [event] = VerdictEvent.objects.all()
    assert (event.verdict.value, event.verdict.sequence, event.position) == ("accept", 2, 1)


def test_what_was_published_can_no_longer_be_undone(cast: Cast) -> None:
    """An undo that was asked for in time, but came to the lock after the publisher."""
    route(cast.project, output_body("a"))
    assignment = claim(cast.reviewers[0])
    submit(assignment)
    publish_verdicts(project=cast.project, now=LATER)
    with pytest.raises(AssignmentLost, match="passed"):
        undo_rating(assignment=assignment, now=NOW + timedelta(seconds=7))
    assert VerdictEvent.objects.get().verdict.item.verdict is not None


def test_gold_never_appears(cast: Cast) -> None:
    cast.put_in_force(gold_rate=0.5)
    for number in range(6):
        plant_gold(cast.project, f"gold-{number}")
        route(cast.project, output_body(f"live-{number}"))
    for turn in range(12):
        judge(cast.reviewers[0], now=NOW + timedelta(seconds=turn))
    publish_verdicts(project=cast.project, now=LATER)
    assert sorted(fed(cast)) == [f"live-{number}" for number in range(6)]


def test_an_event_is_permanent(cast: Cast) -> None:
    verdicts(cast, "a")
    publish_verdicts(project=cast.project, now=LATER)
    for change in (
        lambda: VerdictEvent.objects.update(position=7),
        lambda: VerdictEvent.objects.all().delete(),
    ):
        with pytest.raises(DatabaseError, match="permanent"), transaction.atomic():
            change()
    assert positions(cast) == [1]


# Over HTTP, in the present -----------------------------------------------------------------------------------


@pytest.fixture
def final(cast: Cast) -> Cast:
    """A project whose verdicts are final at once."""
    change_queue_settings(project=cast.project, actor="test", undo_seconds=0)
    return cast


def read(caller: Caller, **query: Any) -> Any:
    answer = caller.get("/verdicts/", **query)
    assert answer.status_code == 200, answer.content
    return answer.json()


def test_a_key_reads_the_verdicts_oldest_first(final: Cast) -> None:
    make_noise()
    first, _second = verdicts(final, "a", "b")
    page = read(final.key_with("read"))
    assert (names_in(page["results"]), page["next"], page["previous"], page["cursor"]) == (["a", "b"], None, None, "2")
    verdict = verdict_of(first)
    assert page["results"][0] == {
        "id": str(verdict.public_id),
        "output": {"id": str(first.pk), "external_id": "a"},
        "verdict": "accept",
        "corrected_response": None,
        "preferred": None,
        "criteria": {"acceptable": "yes"},
        "reached_by": "single",
        "raters": 1,
        "aggregation": {
            "method": "majority",
            "chosen": "majority",
            "asked": 1,
            "votes": {"accept": 1},
            "needed": 1,
            "prior": None,
            "posterior": None,
            "items": None,
            "known": None,
            "fallback": None,
        },
        "rubric": {"name": verdict.rubric.name, "version": verdict.rubric.version},
        "decided_at": "2026-11-20T09:00:00Z",
        "cursor": "1",
    }


def test_following_the_cursor_reads_everything_once_and_goes_on(final: Cast) -> None:
    names = [f"case-{number}" for number in range(5)]
    verdicts(final, *names)
    page = read(final.program, limit=2)
    seen = names_in(page["results"])
    while page["next"]:
        page = final.program.client.get(page["next"], headers=final.program.headers).json()
        seen += names_in(page["results"])
    assert (seen, page["cursor"]) == (names, "5")
    nothing_new = read(final.program, since=page["cursor"])
    assert (nothing_new["results"], nothing_new["next"], nothing_new["cursor"]) == ([], None, "5")
    verdicts(final, "another")
    assert names_in(read(final.program, since="5")["results"]) == ["another"]
    assert names_in(read(final.program, since=read(final.program)["results"][3]["cursor"])["results"]) == [
        "case-4",
        "another",
    ]


def test_a_verdict_that_may_be_undone_is_not_told(cast: Cast) -> None:
    change_queue_settings(project=cast.project, actor="test", undo_seconds=3600)
    verdicts(cast, "a", now=timezone.now())
    assert read(cast.program) == {"next": None, "previous": None, "results": [], "cursor": "0"}


@pytest.mark.parametrize("since", ["x", "-1", "1.5", "9" * 30, "\x00"])
def test_a_cursor_that_is_none_is_a_problem(since: str, cast: Cast) -> None:
    answer = cast.program.get("/verdicts/", since=since)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"] == "/since"


def test_a_parameter_given_twice_is_a_problem(cast: Cast) -> None:
    answer = cast.program.get("/verdicts/?since=1&since=2&limit=5")
    assert answer.status_code == 400
    assert [error["pointer"] for error in answer.json()["errors"]] == ["/since"]


def test_owners_and_auditors_read_it_and_nobody_else(final: Cast) -> None:
    verdicts(final, "a")
    path = f"/projects/{final.project.slug}/verdicts/"
    for member in (final.owner, final.auditor):
        assert names_in(person(member).get(path).json()["results"]) == ["a"]
    assert person(final.reviewers[0]).get(path).status_code == 404
    assert person(make_noise().owner).get(path).status_code == 404
    assert final.key_with("route").get("/verdicts/").status_code == 403
    assert Caller().get("/verdicts/").status_code == 401


def test_its_cost_does_not_grow_with_its_rows(final: Cast) -> None:
    def cost() -> int:
        read(final.program)
        with CaptureQueriesContext(connection) as queries:
            read(final.program)
        return len(queries)

    verdicts(final, "a")
    before = cost()
    verdicts(final, *(f"case-{number}" for number in range(6)))
    assert cost() == before


# Several at once ---------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_publishers_at_once_leave_no_gap_and_no_verdict_twice() -> None:
    cast = make_cast()
    names = [f"case-{number}" for number in range(30)]
    verdicts(cast, *names)

    def publish(index: int) -> int:
        return publish_verdicts(project=cast.project, now=NOW + timedelta(seconds=10 + 5 * index))

    assert sum(in_threads(6, publish)) == len(fed(cast))
    publish_verdicts(project=cast.project, now=LATER)
    assert sorted(fed(cast)) == sorted(names)
    assert positions(cast) == list(range(1, 31))


@pytest.mark.django_db(transaction=True)
@pytest.mark.postgres  # On SQLite nobody else could even write the late verdict.
def test_a_reader_never_passes_by_a_row_that_commits_late() -> None:
    """A publisher that has its positions and has not committed: the next one waits, and comes after it."""
    cast = make_cast()
    verdicts(cast, "early")
    has_positions, may_commit = threading.Event(), threading.Event()

    def slow() -> None:
        try:
            with transaction.atomic():
                publish_verdicts(project=cast.project, now=NOW + timedelta(seconds=8))
                has_positions.set()
                assert may_commit.wait(30)
        finally:
            connections.close_all()

    def quick() -> None:
        try:
            publish_verdicts(project=cast.project, now=LATER)
        finally:
            connections.close_all()

    holding = threading.Thread(target=slow)
    holding.start()
    assert has_positions.wait(30)
    verdicts(cast, "late", now=NOW + timedelta(seconds=9))
    waiting = threading.Thread(target=quick)
    waiting.start()
    waiting.join(1)
    assert waiting.is_alive(), "it took a position while a smaller one could still appear"
    assert fed(cast) == []
    may_commit.set()
    holding.join(30)
    waiting.join(30)
    assert (fed(cast), positions(cast)) == (["early", "late"], [1, 2])


@pytest.mark.django_db(transaction=True)
def test_a_verdict_whose_transaction_ends_late_comes_last_and_is_not_lost() -> None:
    """It was final before others were published, and became visible only afterwards."""
    cast = make_cast()
    verdicts(cast, "others")
    late = verdict_of(verdicts(cast, "late")[0])
    # As if its transaction had not ended yet.
    VerdictNotice.objects.filter(verdict=late).delete()
    publish_verdicts(project=cast.project, now=LATER)
    reader = VerdictEvent.objects.after(cast.project, 0).last()
    assert reader is not None
    VerdictNotice.objects.create(verdict=late, project=cast.project, final_at=late.final_at)
    publish_verdicts(project=cast.project, now=LATER)
    assert [event.output.external_id for event in VerdictEvent.objects.after(cast.project, reader.position)] == ["late"]


@pytest.mark.django_db(transaction=True)
def test_an_undo_and_a_publisher_at_once_agree() -> None:
    cast = make_cast()
    for number in range(8):
        route(cast.project, output_body(f"case-{number}"))
        assignment = claim(cast.reviewers[0])
        submit(assignment)

        def undo(assignment: Any = assignment) -> bool:
            try:
                undo_rating(assignment=assignment, now=NOW + timedelta(seconds=8))
            except AssignmentLost:
                return False
            return True

        undone, published = in_threads(
            2, lambda index: publish_verdicts(project=cast.project, now=LATER) if index else undo()
        )
        assert (bool(undone), published) in {(True, 0), (False, 1)}
        if undone:
            submit(assignment, now=LATER + timedelta(minutes=number))
            publish_verdicts(project=cast.project, now=LATER + timedelta(minutes=number + 1))
    assert positions(cast) == list(range(1, 9))
    assert FeedCounter.objects.get(project=Project.objects.get(slug="shop")).last_position == 8
