"""The owners' pages about webhooks."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from reviewapp.core.models import Membership
from routing.models import DeliveryState, WebhookDelivery, WebhookEndpoint
from routing.services.feed import publish_everywhere
from tests.delivery.post import endpoint_at, verdicts
from tests.delivery.receivers import Receiver, answering
from tests.people import Cast


def browser(member: Membership) -> Client:
    client = Client()
    client.force_login(member.person)
    return client


def address(cast: Cast, name: str, *args: Any) -> str:
    return reverse(name, args=[cast.project.slug, *args])


@pytest.fixture
def failing(cast: Cast, server: Receiver) -> WebhookEndpoint:
    """An endpoint with one verdict that was given up and one that waits."""
    endpoint, _ = endpoint_at(cast, server.url)
    verdicts(cast, "first", "second")
    publish_everywhere(now=timezone.now() + timedelta(minutes=1))
    WebhookDelivery.objects.filter(position=1).update(
        state=DeliveryState.DEAD, attempts=17, last_status=500, last_error="It answered (500)."
    )
    WebhookEndpoint.objects.update(failures=17, failing_since=timezone.now())
    return endpoint


def test_an_owner_adds_an_address_and_sees_the_secret_once(cast: Cast) -> None:
    client = browser(cast.owner)
    answer = client.post(address(cast, "console-webhook-add"), {"url": "https://8.8.8.8/hook", "description": "Shop"})
    assert answer.status_code == 200
    assert b"whsec_" in answer.content
    for page in (address(cast, "console-webhooks"), address(cast, "console-webhook", WebhookEndpoint.objects.get().pk)):
        text = client.get(page).content.decode()
        assert "whsec_" not in text
        assert "https://8.8.8.8/hook" in text


def test_a_private_address_comes_back_with_the_reason(cast: Cast) -> None:
    answer = browser(cast.owner).post(address(cast, "console-webhook-add"), {"url": "https://10.0.0.1/"})
    assert answer.status_code == 400
    assert "PRIVATE_TARGETS" in answer.content.decode()
    assert not WebhookEndpoint.objects.exists()


def test_the_pages_show_what_fails_and_what_was_given_up(cast: Cast, failing: WebhookEndpoint) -> None:
    client = browser(cast.auditor)
    overview = client.get(address(cast, "console-webhooks")).content.decode()
    assert "failing" in overview
    assert "?state=dead" in overview
    page = client.get(address(cast, "console-webhook", failing.pk) + "?state=dead").content.decode()
    assert "17 attempts in a row failed" in page
    assert "It answered (500)." in page
    assert "first" in page
    assert ">second<" not in page
    assert "Send again" not in page
    assert client.get(address(cast, "console-webhook", failing.pk) + "?state=x").status_code == 400


def test_an_owner_sends_again_what_was_given_up(cast: Cast, failing: WebhookEndpoint) -> None:
    client = browser(cast.owner)
    dead = WebhookDelivery.objects.get(state=DeliveryState.DEAD)
    client.post(address(cast, "console-delivery-redeliver", dead.pk))
    dead.refresh_from_db()
    assert (dead.state, dead.attempts) == (DeliveryState.PENDING, 0)
    WebhookDelivery.objects.update(state=DeliveryState.DEAD)
    client.post(address(cast, "console-webhook-redeliver", failing.pk))
    assert WebhookDelivery.objects.filter(state=DeliveryState.PENDING).count() == 2


def test_the_buttons_do_what_they_say_and_looking_does_nothing(
    cast: Cast, failing: WebhookEndpoint, server: Receiver
) -> None:
    client = browser(cast.owner)
    for name in ("switch", "rotate", "test", "redeliver"):
        answer = client.get(address(cast, f"console-webhook-{name}", failing.pk))
        assert (answer.status_code, answer["Location"]) == (302, address(cast, "console-webhooks"))
    failing.refresh_from_db()
    assert (failing.active, failing.former_secret, server.received) == (True, "", [])
    assert b"whsec_" in client.post(address(cast, "console-webhook-rotate", failing.pk)).content
    page = client.post(address(cast, "console-webhook-test", failing.pk), follow=True).content.decode()
    assert "The test message arrived" in page
    server.behaviour = answering(500)
    page = client.post(address(cast, "console-webhook-test", failing.pk), follow=True).content.decode()
    assert "The test message failed" in page
    client.post(address(cast, "console-webhook-switch", failing.pk))
    failing.refresh_from_db()
    assert (failing.active, failing.former_secret != "") == (False, True)
    client.post(address(cast, "console-webhook-switch", failing.pk))
    failing.refresh_from_db()
    assert failing.active


def test_an_address_and_a_description_stay_text(cast: Cast) -> None:
    hostile = "<script>alert(1)</script>"
    WebhookEndpoint.objects.create(
        project=cast.project, url=f"https://8.8.8.8/{hostile}", description=hostile, secret="x"
    )
    client = browser(cast.owner)
    for page in (address(cast, "console-webhooks"), address(cast, "console-webhook", WebhookEndpoint.objects.get().pk)):
        assert hostile not in client.get(page).content.decode()


def test_the_admin_never_shows_a_secret(cast: Cast, failing: WebhookEndpoint) -> None:
    WebhookEndpoint.objects.update(secret="sealed-now", former_secret="sealed-before")
    client = browser(cast.owner)
    for page in ("/admin/routing/webhookendpoint/", f"/admin/routing/webhookendpoint/{failing.pk}/change/"):
        answer = client.get(page)
        assert answer.status_code == 200
        assert "sealed-" not in answer.content.decode()
