"""Word by e-mail: to whom, of what, in whose words, and what happens when it does not go out."""

import smtplib
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.core.mail.backends import locmem

from labeling.models import Alarm, Escalation
from labeling.services.alarms import clear_alarm, raise_alarm
from labeling.services.telling import AGAIN_AFTER, tell_everybody
from labeling.services.watching import watch_queues
from labeling.tasks import watch_queues as watch_task
from reviewapp.core.models import Person, Role
from reviewapp.core.services.people import add_member
from tests.people import NOW, Cast
from tests.queue.shifts import minutes, work
from tests.queue.test_watching import high_item, steps

pytestmark = pytest.mark.django_db


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The addresses that the mail server does not take."""
    refused: set[str] = set()
    proper = locmem.EmailBackend.send_messages

    def send_messages(self: Any, messages: Any) -> int:
        for message in messages:
            if refused & set(message.to):
                raise smtplib.SMTPRecipientsRefused({message.to[0]: (550, b"no")})
        return proper(self, messages)

    monkeypatch.setattr(locmem.EmailBackend, "send_messages", send_messages)
    return refused


def an_alarm(cast: Cast) -> Alarm:
    data = {"role": "reviewer", "credential": "medical", "seats": 2}
    return raise_alarm(project=cast.project, kind="pool_empty", subject="review:medical", data=data, now=NOW)


def receivers() -> list[str]:
    return sorted(message.to[0].split("@")[0] for message in mail.outbox)


def test_an_alarm_is_told_once_to_every_owner_and_to_nobody_else(cast: Cast) -> None:
    add_member(project=cast.project, email="otto@shop.example", role=Role.OWNER, actor="test")
    gone = add_member(project=cast.project, email="gone@shop.example", role=Role.OWNER, actor="test")
    Person.objects.filter(pk=gone.person_id).update(is_active=False)
    an_alarm(cast)
    assert tell_everybody(now=NOW) == 2
    assert tell_everybody(now=NOW + timedelta(days=1)) == 0
    assert receivers() == ["oda", "otto"]
    assert "2 judgements that take “medical” wait" in mail.outbox[0].body


def test_one_sweep_is_one_digest(cast: Cast) -> None:
    for priority in (0, 0, 2):
        high_item(cast, NOW - minutes(5), priority)
    high_item(cast, NOW + minutes(20))
    steps(cast, (None, 60, cast.owner), (None, 0, cast.owner), (0, 60, cast.adjudicator))
    watch_queues(now=NOW)
    assert tell_everybody(now=NOW) == 2
    by_name = {message.to[0].split("@")[0]: message.body for message in mail.outbox}
    assert "2 items are overdue and not judged (stakes: high)" in by_name["ada"]
    assert "1 item is due soon and not judged (stakes: high)" in by_name["ada"]
    assert "low" not in by_name["ada"]
    assert "1 item is overdue and not judged (stakes: low)" in by_name["oda"]
    assert "Staffing" in by_name["oda"]


def test_a_digest_names_no_item(cast: Cast) -> None:
    """It may go to a reviewer, who must not learn what is live."""
    item = high_item(cast, NOW - minutes(5))
    steps(cast, (0, 0, cast.reviewers[0]))
    watch_queues(now=NOW)
    tell_everybody(now=NOW)
    [body] = [message.body + str(message.message()) for message in mail.outbox if message.to[0].startswith("robin")]
    for secret in (str(item.public_id), item.intent, str(item.content.prompt)[:10], "audit", "live"):
        assert secret not in body


def test_it_speaks_the_readers_language_and_tells_the_time_in_their_zone(cast: Cast) -> None:
    high_item(cast, NOW - minutes(5))
    Person.objects.filter(pk=cast.adjudicator.person_id).update(time_zone="Asia/Tokyo", language="xx")
    steps(cast, (0, 0, cast.adjudicator))
    watch_queues(now=NOW)
    tell_everybody(now=NOW)
    [body] = [message.body for message in mail.outbox if message.to[0].startswith("ada")]
    assert "20 Nov 2026 17:55 JST" in body


def test_a_mail_that_does_not_go_out_is_tried_again_and_nothing_is_lost(cast: Cast, server: set[str]) -> None:
    server |= {"oda@shop.example", "ada@shop.example"}
    high_item(cast, NOW - minutes(5))
    steps(cast, (0, 0, cast.adjudicator))
    watch_queues(now=NOW)
    assert tell_everybody(now=NOW) == 0
    assert Alarm.objects.get(kind="sla_overdue").cleared_at is None
    assert tell_everybody(now=NOW + AGAIN_AFTER - timedelta(seconds=1)) == 0
    server.clear()
    assert tell_everybody(now=NOW + AGAIN_AFTER + timedelta(seconds=1)) == 2
    assert receivers() == ["ada", "oda"]
    assert not Alarm.objects.exclude(tell_at=None).exists()
    assert not Escalation.objects.exclude(tell_at=None).exists()


def test_one_bad_address_keeps_the_word_from_nobody_else_and_repeats_it_to_nobody(cast: Cast, server: set[str]) -> None:
    add_member(project=cast.project, email="otto@shop.example", role=Role.OWNER, actor="test")
    server.add("otto@shop.example")
    an_alarm(cast)
    assert tell_everybody(now=NOW) == 1
    assert tell_everybody(now=NOW + timedelta(days=1)) == 0
    assert receivers() == ["oda"]


def test_what_is_over_before_it_could_be_told_is_not_told(cast: Cast, server: set[str]) -> None:
    server |= {"oda@shop.example", "ada@shop.example"}
    high_item(cast, NOW - minutes(5))
    steps(cast, (0, 0, cast.adjudicator))
    watch_queues(now=NOW)
    an_alarm(cast)
    tell_everybody(now=NOW)
    server.clear()
    clear_alarm(project=cast.project, kind="pool_empty", subject="review:medical", now=NOW)
    work(cast.reviewers[0], NOW)
    watch_queues(now=NOW + minutes(1))
    assert tell_everybody(now=NOW + timedelta(days=1)) == 0
    assert mail.outbox == []


def test_a_project_of_an_awkward_name_is_told_of_all_the_same(cast: Cast) -> None:
    cast.project.name = "Shop\r\nBcc: everybody@example.org"
    cast.project.save()
    an_alarm(cast)
    assert tell_everybody(now=NOW) == 1
    assert mail.outbox[0].recipients() == ["oda@shop.example"]


def test_the_task_does_both_and_the_schedule_knows_it(cast: Cast) -> None:
    from django.conf import settings

    high_item(cast, NOW - timedelta(days=3650))
    # The noise's items are overdue by now as well.
    assert watch_task() == 2
    assert "oda@shop.example" in {message.to[0] for message in mail.outbox}
    entry = settings.CELERY_BEAT_SCHEDULE["watch-queues"]
    assert (entry["task"], entry["schedule"]) == (watch_task.name, 60.0)
