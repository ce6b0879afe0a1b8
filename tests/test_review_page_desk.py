"""What the desk asks for by script, without a browser: fragments, the item ahead, whether work waits, differences."""

import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from django.template.loader import render_to_string
from django.test import Client
from django.utils import timezone

from labeling.forms import typed_in_draft, typed_in_form
from labeling.models import Assignment, Rating, Seat
from labeling.services.holding import open_assignment
from labeling.services.limits import Progress
from labeling.views.keymap import ACTIONS, keys_of
from reviewapp.core.models import Membership, Person, Project
from routing.services.projects import ACCEPTABILITY
from tests.browser.cast import a_member, a_pair, a_project, held, items, rating_of, rubric_in_force
from tests.browser.visiting import YES, queries, signed_in, start_work, text_of

SEND, NEXT = {"X-Desk": "send"}, {"X-Desk": "next"}
AHEAD = "/projects/billing/review/ahead/"
WAITING = "/projects/billing/review/waiting/"


@pytest.fixture
def project(db: None) -> Project:
    return a_project()


@pytest.fixture
def reviewer(project: Project) -> Membership:
    return a_member(project)


@pytest.fixture
def client(reviewer: Membership) -> Client:
    return signed_in(reviewer)


# The next item ------------------------------------------------------------------------------------


def test_the_next_desk_comes_unopened_and_only_one_of_them(client: Client, project: Project) -> None:
    items(project, ["first answer", "second answer", "third answer"])
    showing = start_work(client).split("/")[2]

    one, two = (client.post(AHEAD, {"showing": showing}, headers=NEXT) for _time in range(2))

    page = text_of(one)
    assert page.lstrip().startswith('<div id="desk"')
    assert "second answer" in page
    assert "data-unopened" in page
    assert re.findall(r'data-token="([^"]+)"', page) == re.findall(r'data-token="([^"]+)"', text_of(two))
    assert Assignment.objects.filter(opened_at=None).count() == 1


def test_what_is_held_besides_the_item_shown_comes_before_anything_new(client: Client, project: Project) -> None:
    items(project, ["first answer", "second answer", "third answer"])
    first = start_work(client)
    client.post(first, YES | {"idempotency_key": "k"})
    client.post(f"{first}undo/")

    answer = client.post(AHEAD, {"showing": first.split("/")[2]}, headers=NEXT)

    assert "second answer" in text_of(answer)
    assert Assignment.objects.count() == 2


def test_what_was_fetched_and_is_shown_by_now_is_not_fetched_again(
    client: Client, project: Project, reviewer: Membership
) -> None:
    """Word of its first paint may come after the question for the next one."""
    items(project, ["first answer", "second answer", "third answer"])
    first = start_work(client)
    client.post(AHEAD, {"showing": first.split("/")[2]}, headers=NEXT)
    client.post(first, YES | {"idempotency_key": "k"}, headers=SEND)
    shown = held(reviewer)

    answer = client.post(AHEAD, {"showing": shown.token}, headers=NEXT)

    shown.refresh_from_db()
    assert "third answer" in text_of(answer)
    assert shown.opened_at is not None


@pytest.mark.parametrize("why", ["nothing", "cap", "paused"])
def test_nothing_ahead_is_no_answer_and_no_reason(
    client: Client, project: Project, reviewer: Membership, why: str
) -> None:
    items(project, ["first answer"] if why == "nothing" else ["first answer", "second answer"])
    showing = start_work(client).split("/")[2]
    if why == "cap":
        Membership.objects.filter(pk=reviewer.pk).update(daily_cap=1)
    if why == "paused":
        Membership.objects.filter(pk=reviewer.pk).update(paused_at=timezone.now())

    answer = client.post(AHEAD, {"showing": showing}, headers=NEXT)

    assert (answer.status_code, answer.content) == (204, b"")


def test_an_item_fetched_ahead_is_opened_when_a_browser_without_a_script_is_sent_to_it(
    client: Client, project: Project, reviewer: Membership
) -> None:
    items(project, ["first answer", "second answer"])
    address = start_work(client)
    client.post(AHEAD, {"showing": address.split("/")[2]}, headers=NEXT)

    client.post(address, YES | {"idempotency_key": "k"})

    assert held(reviewer).opened_at is not None


# Fragments ------------------------------------------------------------------------------------------


def test_a_submission_sent_in_the_background_is_answered_by_its_receipt_and_claims_nothing(
    client: Client, project: Project, reviewer: Membership
) -> None:
    items(project, ["first answer", "second answer"])
    address = start_work(client)

    answer = client.post(address, YES | {"idempotency_key": "k"}, headers=SEND)
    again = client.post(address, YES | {"idempotency_key": "k"}, headers=SEND)

    page = text_of(answer)
    assert answer.status_code == again.status_code == 200
    assert str(rating_of(reviewer).receipt) in page
    assert str(rating_of(reviewer).receipt) in text_of(again)
    assert 'id="progress"' in page
    assert 'id="desk"' not in page
    assert Assignment.objects.count() == 1


def test_a_submission_that_waits_for_the_next_item_gets_it_with_its_receipt(client: Client, project: Project) -> None:
    items(project, ["first answer", "second answer"])

    page = text_of(client.post(start_work(client), YES | {"idempotency_key": "k"}, headers=NEXT))

    assert page.index('id="receipt"') < page.index('id="desk"')
    assert "second answer" in page
    assert "<html" not in page


def test_the_last_submission_is_told_where_to_go(client: Client, project: Project) -> None:
    items(project)
    address = start_work(client)

    page = text_of(client.post(address, YES | {"idempotency_key": "k"}, headers=NEXT))

    assert f'id="onward" href="/projects/billing/review/?after={address.split("/")[2]}' in page


def test_a_refusal_in_the_background_brings_back_what_was_typed(client: Client, project: Project) -> None:
    items(project, ["first answer"])
    address = start_work(client)

    refused = client.post(address, {"idempotency_key": "k", "rationale": "<an hour>"}, headers=SEND)
    in_place = client.post(address, {"idempotency_key": "k", "rationale": "<an hour>"}, headers=NEXT)

    assert (refused.status_code, in_place.status_code) == (422, 422)
    assert f'href="{address}"' in text_of(refused)
    assert "&lt;an hour&gt;" in text_of(refused)
    assert 'id="faults"' in text_of(in_place)
    assert not Rating.objects.exists()


@pytest.mark.parametrize("verb", ["release", "escalate"])
def test_giving_back_twice_is_giving_back_once(client: Client, project: Project, verb: str) -> None:
    items(project, ["first answer", "second answer"])
    address = start_work(client)
    reason = {"preset": "Outside my field", "reason": "tax law"}

    answers = [client.post(f"{address}{verb}/", reason, headers=SEND) for _time in range(2)]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert Assignment.objects.exclude(state="leased").get().reason == "Outside my field: tax law"


def test_undoing_twice_brings_the_same_desk(client: Client, project: Project) -> None:
    items(project, ["first answer"])
    address = start_work(client)
    client.post(address, YES | {"idempotency_key": "k"})

    answers = [client.post(f"{address}undo/", headers=NEXT) for _time in range(2)]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert all("first answer" in text_of(answer) for answer in answers)
    assert not Rating.objects.standing().exists()


def test_a_script_is_told_that_nobody_is_signed_in(client: Client, project: Project) -> None:
    items(project)
    address = start_work(client)
    stranger = Client()

    assert stranger.post(address, YES, headers=SEND).status_code == 401
    assert stranger.post(AHEAD, headers=NEXT).status_code == 401
    assert stranger.get(WAITING, headers={"HX-Request": "true"}).status_code == 401
    assert stranger.post(address, YES).status_code == 302


def test_nothing_of_the_desk_is_kept_by_caches(client: Client, project: Project) -> None:
    items(project, ["first answer", "second answer"])
    address = start_work(client)

    for answer in (client.get(address), client.post(AHEAD, headers=NEXT), client.get(WAITING)):
        assert answer["Cache-Control"] == "no-store"


# Whether work waits ------------------------------------------------------------------------------------


def test_asking_whether_work_waits_claims_nothing_and_costs_the_same_in_a_long_queue(
    client: Client, project: Project
) -> None:
    assert "Nothing is waiting" in text_of(client.get(WAITING))
    items(project)
    short = queries(lambda: client.get(WAITING))
    assert "Start reviewing" in text_of(client.get(WAITING))
    items(project, [f"answer {number}" for number in range(40)])

    assert queries(lambda: client.get(WAITING)) == short
    assert not Assignment.objects.exists()
    assert not Seat.objects.filter(state="leased").exists()


def test_planted_work_alone_is_no_work(client: Client, project: Project) -> None:
    items(project, kind="gold")

    assert "Nothing is waiting" in text_of(client.get(WAITING))


def test_an_adjudicator_sees_how_many_items_wait(project: Project) -> None:
    items(project, ["one", "two"], raters=1)
    reviewer = signed_in(a_member(project, name="ann"))
    for _item in range(2):
        reviewer.post(f"{start_work(reviewer)}escalate/", {"reason": "too hard"})

    page = text_of(signed_in(a_member(project, "adjudicator", name="judy")).get("/projects/billing/review/"))

    assert re.search(r"<b>2</b>\s+items wait for your decision", page)


# Differences ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("correction", "expected"),
    [
        ("The total is 82 euros.", ["<del>81</del>", "<ins>82</ins>"]),
        ("The total is <b>81</b> euros.", ["&lt;b&gt;81&lt;/b&gt;</ins>"]),
        # As it was, or with the line ends that a browser makes of it: nothing changes.
        ("The total is 81 euros.", []),
        ("", []),
    ],
)
def test_a_correction_is_shown_word_by_word(
    client: Client, project: Project, correction: str, expected: list[str]
) -> None:
    items(project)
    address = start_work(client)

    answer = client.post(f"{address}diff/", {"correction": correction})

    assert answer.status_code == 200
    assert all(part in text_of(answer) for part in expected), text_of(answer)
    assert bool(text_of(answer)) == bool(expected)


def test_a_pair_has_nothing_to_correct_and_no_difference(client: Client, project: Project) -> None:
    a_pair(project)

    assert text_of(client.post(f"{start_work(client)}diff/", {"correction": "x"})) == ""


# Marks -----------------------------------------------------------------------------------------------------

MARK = {"part": "response", "start": 4, "end": 9, "category": "tone", "severity": "minor"}


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        (json.dumps([MARK]), [MARK]),
        (json.dumps([MARK | {"extra": "dropped"}]), [MARK]),
        ("", []),
        ("[", []),
        ("null", []),
        ('"text"', []),
        ("[[[[" * 9_000, []),
        (json.dumps([{**MARK, "start": "4"}]), []),
        (json.dumps([{**MARK, "start": True}]), []),
        (json.dumps([{**MARK, "start": -1}]), []),
        (json.dumps([{**MARK, "end": 10**12}]), []),
        (json.dumps([{**MARK, "category": "\x00"}]), []),
        (json.dumps([{**MARK, "category": "\ud800"}]), []),
        (json.dumps([{**MARK, "severity": None}, MARK]), [MARK]),
    ],
)
def test_marks_are_read_kindly(text: str, kept: list[Any]) -> None:
    typed = typed_in_form({"spans": text}, rubric={"criteria": []}, original="")

    assert list(typed.spans) == kept
    assert list(typed_in_draft(typed.as_draft()).spans) == kept


def test_marks_come_back_in_the_form_and_are_stored(client: Client, project: Project, reviewer: Membership) -> None:
    rubric_in_force(project, ACCEPTABILITY, span_categories=["tone"])
    items(project)
    address = start_work(client)
    form = YES | {"idempotency_key": "k", "spans": json.dumps([MARK])}

    refused = client.post(address, form | {"spans": json.dumps([MARK | {"category": "fact"}])})
    assert refused.status_code == 422
    assert 'href="#marks"' in text_of(refused)
    client.post(address, form)

    assert rating_of(reviewer).spans == [MARK]


# Keys --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stored", "action", "key"),
    [
        ({}, "next", "j"),
        ({"next": "n"}, "next", "n"),
        # Off.
        ({"next": ""}, "next", ""),
        # No key of a keyboard, a digit, no text at all: as if it were not there.
        ({"next": "Enter"}, "next", "j"),
        ({"next": "5"}, "next", "j"),
        ({"next": 5}, "next", "j"),
        # A chosen key takes itself from the action that has it by default.
        ({"skip": "j"}, "skip", "j"),
        ({"skip": "j"}, "next", ""),
        (None, "next", "j"),
        ({"nonsense": "x"}, "undo", "u"),
    ],
)
def test_a_persons_keys_are_completed_and_clash_with_nothing(stored: Any, action: str, key: str) -> None:
    keys = keys_of(Person(keys=stored))

    assert keys[action] == key
    assert set(keys) == {each.name for each in ACTIONS}
    used = [each for each in keys.values() if each]
    assert len(used) == len(set(used))


def test_opening_an_item_changes_nothing_on_its_page(client: Client, project: Project) -> None:
    """But the mark that it has not been opened, which goes."""
    items(project, ["first answer", "second answer"])
    client.post(AHEAD, {"showing": start_work(client).split("/")[2]}, headers=NEXT)
    ahead = Assignment.objects.get(opened_at=None)
    before = text_of(client.get(f"/review/{ahead.token}/"))
    open_assignment(assignment=ahead, now=timezone.now())
    after = text_of(client.get(f"/review/{ahead.token}/"))

    def normal(page: str) -> str:
        page = re.sub(r'data-lease-seconds="\d+"| data-unopened', "", page)
        return re.sub(r'name="(csrfmiddlewaretoken|idempotency_key)" value="[^"]+"', "", page)

    assert normal(before) == normal(after)


@pytest.mark.parametrize(
    ("minutes", "until", "words"),
    [
        (None, None, ""),
        (11, None, ""),
        (10, None, "Break in 10 minutes"),
        (1, None, "Break in 1 minute"),
        (0, datetime(2026, 11, 20, 12, 30, tzinfo=UTC), "Break until 12:30"),
    ],
)
def test_a_break_is_announced_when_it_is_near(minutes: int | None, until: datetime | None, words: str) -> None:
    shown = render_to_string("labeling/_progress.html", {"progress": Progress(3, 60, minutes, until)})
    text = " ".join(re.sub(r"<[^>]+>", " ", shown).split())
    assert text == f"{words} 3 of 60 done today".strip()
