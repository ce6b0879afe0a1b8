"""The recount of the way back finds what is wrong, and nothing when nothing is."""

from collections.abc import Callable

import pytest
from django.db import connection

from labeling.models import ReviewItem, Verdict, VerdictNotice
from routing.ledger import examine
from routing.ledger.delivery import CHECKS_OF_DELIVERY
from routing.models import FeedCounter, VerdictEvent, WebhookDelivery
from routing.services.feed import publish_everywhere
from tests.commands.sabotage import disable_triggers, run
from tests.delivery.post import LATER, endpoint_at, verdicts
from tests.factories import make_noise
from tests.people import Cast


def faults(cast: Cast) -> set[str]:
    return {check.name for check in CHECKS_OF_DELIVERY if not examine(check, cast.project, most=5).clean}


def without_triggers(statement: str) -> None:
    """Change events as only somebody with the database in their hands can."""
    disable_triggers(VerdictEvent)
    run(statement)


@pytest.fixture
def told(cast: Cast) -> Cast:
    """Three verdicts told, one still waiting, an endpoint, and the same elsewhere."""
    noise = make_noise()
    endpoint_at(cast, "https://8.8.8.8/")
    endpoint_at(noise, "https://8.8.8.8/")
    verdicts(cast, "a", "b", "c")
    publish_everywhere(now=LATER)
    verdicts(cast, "d", now=LATER)
    return cast


def test_it_is_clean_when_all_is_well(told: Cast) -> None:
    assert faults(told) == set()


def lose_an_event() -> None:
    WebhookDelivery.objects.all().delete()
    without_triggers("DELETE FROM routing_verdictevent WHERE position = 2")


SABOTAGE: dict[str, tuple[Callable[[], object], set[str]]] = {
    "a notice is lost": (lambda: VerdictNotice.objects.all().delete(), {"verdicts told to nobody"}),
    "a verdict is to be told again": (
        lambda: [
            VerdictNotice.objects.create(verdict=event.verdict, project=event.project, final_at=LATER)
            for event in VerdictEvent.objects.all()
        ],
        {"verdicts told and waiting"},
    ),
    "an event is lost": (lose_an_event, {"verdicts told to nobody", "feeds with gaps"}),
    "a counter is set back": (lambda: FeedCounter.objects.update(last_position=1), {"feeds with gaps"}),
    "a position is changed": (
        lambda: without_triggers("UPDATE routing_verdictevent SET position = 9 WHERE position = 3"),
        {"feeds with gaps", "deliveries of another project"},
    ),
    "it was told before it was final": (
        lambda: without_triggers("UPDATE routing_verdictevent SET published_at = '2026-11-20 09:00:00+00:00'"),
        {"verdicts told too early"},
    ),
    "a told verdict is no longer in force": (
        lambda: [
            ReviewItem.objects.filter(pk=verdict.item_id).update(status="open", verdict=None)
            for verdict in Verdict.objects.filter(item__content__output__external_id="b")
        ],
        {"verdicts told too early"},
    ),
}


@pytest.mark.parametrize("name", SABOTAGE)
def test_it_finds_what_is_wrong(name: str, told: Cast) -> None:
    act, expected = SABOTAGE[name]
    act()
    assert faults(told) == expected


def test_it_finds_an_event_about_another_output(told: Cast) -> None:
    other = VerdictEvent.objects.filter(project=told.project).order_by("-position")[0].output_id
    key = other.hex if connection.vendor == "sqlite" else str(other)
    without_triggers(f"UPDATE routing_verdictevent SET output_id = '{key}' WHERE position = 1")
    assert faults(told) == {"verdicts told too early"}
