"""The owner's page about staffing, and the reviewer's page about their own days away."""

import re
from datetime import date, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client

from labeling.models import Absence, Alarm, EscalationStep
from labeling.services.absences import add_absence
from labeling.services.watching import watch_queues
from reviewapp.core.models import AuditEntry
from tests.browser.cast import HOSTILE
from tests.browser.visiting import queries, signed_in, text_of
from tests.people import NOW, Cast
from tests.queue.shifts import trusted

pytestmark = pytest.mark.django_db
PAGE = "/projects/shop/staffing/"
MINE = "/projects/shop/absences/"
FIRST, LAST = "2026-12-07", "2026-12-20"


@pytest.fixture(autouse=True)
def _frozen() -> Any:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def owner(cast: Cast) -> Client:
    return signed_in(cast.owner)


def test_the_owner_says_what_somebody_may_take(cast: Cast, owner: Client) -> None:
    sam = cast.reviewers[1]
    address = f"{PAGE}people/{sam.pk}/"
    typed = {"credentials": "medical\n legal \n\nmedical", "daily_cap": "7", "standby": "on"}
    assert owner.post(address, typed)["Location"] == PAGE
    sam.refresh_from_db()
    assert (sam.credentials, sam.daily_cap, sam.standby) == (["legal", "medical"], 7, True)
    assert "legal\nmedical" in text_of(owner.get(address))
    page = text_of(owner.get(PAGE))
    assert "legal, medical" in page
    assert "stand-in" in page
    assert AuditEntry.objects.filter(verb="member.changed").count() == 1
    refused = owner.post(address, {"credentials": "x" * 61})
    assert (refused.status_code, "at most 60 characters" in text_of(refused)) == (400, True)
    assert owner.get(f"{PAGE}people/{cast.owner.pk}/").status_code == 404


def test_an_absence_is_told_shown_and_cancelled(cast: Cast, owner: Client) -> None:
    sam = cast.reviewers[1]
    trusted(sam, "medical")
    owner.post(f"{PAGE}absences/", {"member": sam.pk, "first_day": FIRST, "last_day": LAST, "note": "Sea."})
    page = text_of(owner.get(PAGE))
    assert "7 Dec 2026 – 20 Dec 2026" in page
    assert "Sea." in page
    # In words, not in colour alone: the days of the only specialist.
    calendar = page[page.index("“medical”") :].partition("</table>")[0]
    cells = dict(re.findall(r'<span class="date">([^<]+)</span> <span>([^<]+)</span>', calendar))
    assert [cells[day] for day in ("6 Dec", "7 Dec", "17 Dec")] == ["1 of 1", "nobody", "nobody"]
    refused = owner.post(f"{PAGE}absences/", {"member": sam.pk, "first_day": LAST, "last_day": FIRST})
    assert (refused.status_code, "before the first one" in text_of(refused)) == (400, True)
    owner.post(f"{PAGE}absences/{Absence.objects.get().pk}/cancel/")
    assert not Absence.objects.exists()


def test_the_coming_absence_stands_on_the_overview_until_it_is_seen_to(cast: Cast, owner: Client) -> None:
    sam = trusted(cast.reviewers[1], "medical")
    day = date.fromisoformat
    add_absence(membership=sam, first_day=day(FIRST), last_day=day(LAST), actor="test", now=NOW)
    watch_queues(now=NOW)
    overview = text_of(owner.get("/projects/shop/console/"))
    assert "1 alarm<" in overview
    assert "nobody from 7 Dec 2026 to 20 Dec 2026" in overview
    owner.post(f"{PAGE}alarms/{Alarm.objects.get().pk}/seen/")
    page = text_of(owner.get(PAGE))
    assert f"Seen by {cast.owner.person}" in page
    assert "I have seen it" not in page
    trusted(cast.reviewers[2], "medical")
    watch_queues(now=NOW + timedelta(minutes=1))
    assert "1 alarm<" not in text_of(owner.get("/projects/shop/console/"))
    assert "What was wrong before" in text_of(owner.get(PAGE))


def test_steps_are_added_and_removed(cast: Cast, owner: Client) -> None:
    for priority, before in (("0", "60"), ("", "-30"), ("0", "0")):
        typed = {"priority": priority, "minutes_before": before, "member": cast.adjudicator.pk}
        assert owner.post(f"{PAGE}steps/", typed).status_code == 302
    page = text_of(owner.get(PAGE))
    for words in ("60 minutes before it is due", "30 minutes after it was due", "when it is due", ">high<", ">all<"):
        assert words in page
    step = EscalationStep.objects.get(priority=None)
    owner.post(f"{PAGE}steps/{step.pk}/drop/")
    assert sorted(EscalationStep.objects.values_list("minutes_before", flat=True)) == [0, 60]
    refused = owner.post(f"{PAGE}steps/", {"priority": "9", "minutes_before": "x", "member": "0"})
    assert refused.status_code == 400


def test_looking_at_a_buttons_address_leads_back_and_does_nothing(cast: Cast, owner: Client) -> None:
    add_absence(membership=cast.reviewers[0], first_day=NOW.date(), last_day=NOW.date(), actor="test", now=NOW)
    address = f"{PAGE}absences/{Absence.objects.get().pk}/cancel/"
    assert owner.get(address)["Location"] == PAGE
    assert Absence.objects.exists()


def test_a_reviewer_keeps_their_own_days_without_a_script(cast: Cast) -> None:
    robin = signed_in(cast.reviewers[0])
    assert "You have told of no days away" in text_of(robin.get(MINE))
    assert robin.post(MINE, {"first_day": FIRST, "last_day": LAST, "note": "Sea."})["Location"] == MINE
    page = text_of(robin.get(MINE))
    assert "7 Dec 2026 – 20 Dec 2026" in page
    refused = robin.post(MINE, {"first_day": LAST, "last_day": FIRST})
    assert (refused.status_code, "before the first one" in text_of(refused)) == (400, True)
    absence = Absence.objects.get()
    sam = signed_in(cast.reviewers[1])
    assert sam.post(f"{MINE}{absence.pk}/cancel/").status_code == 404
    assert "7 Dec" not in text_of(sam.get(MINE))
    assert signed_in(cast.owner).get(MINE).status_code == 404
    robin.post(f"{MINE}{absence.pk}/cancel/")
    assert not Absence.objects.exists()


def test_hostile_words_stay_words(cast: Cast, owner: Client) -> None:
    line = HOSTILE.replace("\n", " ")
    sam = trusted(cast.reviewers[1], line[:60])
    add_absence(membership=sam, first_day=NOW.date(), last_day=NOW.date(), note=line[:200], actor="test", now=NOW)
    watch_queues(now=NOW)
    for page in (owner.get(PAGE), owner.get("/projects/shop/console/"), signed_in(sam).get(MINE)):
        assert not re.search(r"<script(?![^>]*\bsrc=)|<img|<i>|\sstyle=", text_of(page))


def test_the_page_costs_the_same_with_more_of_everything(cast: Cast, owner: Client) -> None:
    owner.get(PAGE)
    first = queries(lambda: owner.get(PAGE))
    for number, member in enumerate(cast.reviewers):
        trusted(member, f"c{number}", f"d{number}")
        for day in range(4):
            moment = NOW.date() + timedelta(days=day)
            add_absence(membership=member, first_day=moment, last_day=moment, actor="test", now=NOW)
    watch_queues(now=NOW)
    assert queries(lambda: owner.get(PAGE)) == first
