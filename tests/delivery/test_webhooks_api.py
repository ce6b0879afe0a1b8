"""Webhook endpoints over the API: whose they are, what they show, and every change on record."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from labeling.services.settings import change_queue_settings
from reviewapp.core.models import AuditEntry
from routing.models import DeliveryState, WebhookDelivery, WebhookEndpoint
from routing.services import webhooks
from routing.services.feed import publish_everywhere
from tests.delivery.post import PostOffice, verdicts
from tests.delivery.receivers import Receiver, answering
from tests.factories import make_noise
from tests.people import PREFIX, Caller, Cast, person

PUBLIC = "https://8.8.8.8/hook"


def send(caller: Caller, method: str, path: str, body: Any = None) -> Any:
    return getattr(caller.client, method)(PREFIX + path, body, content_type="application/json", headers=caller.headers)


def made(cast: Cast, url: str = PUBLIC, **fields: Any) -> dict[str, Any]:
    answer = cast.program.post("/webhooks/", {"url": url} | fields)
    assert answer.status_code == 201, answer.content
    return answer.json()


def verbs(cast: Cast) -> list[str]:
    entries = AuditEntry.objects.filter(project=cast.project, verb__startswith="webhook.").order_by("pk")
    return list(entries.values_list("verb", flat=True))


def test_the_secret_is_shown_once(cast: Cast) -> None:
    first = made(cast, description="Production")
    assert first["secret"].startswith("whsec_")
    assert (first["url"], first["description"], first["active"], first["pending"], first["dead"]) == (
        PUBLIC,
        "Production",
        True,
        0,
        0,
    )
    [listed] = cast.program.get("/webhooks/").json()["results"]
    shown = cast.program.get(f"/webhooks/{first['id']}/").json()
    assert listed == shown == {name: value for name, value in first.items() if name != "secret"}
    rotated = cast.program.post(f"/webhooks/{first['id']}/rotate/").json()
    assert rotated["secret"] not in (first["secret"], "")
    assert verbs(cast) == ["webhook.created", "webhook.secret_rotated"]


@pytest.mark.parametrize(
    "url",
    [
        "http://8.8.8.8/hook",
        "https://10.0.0.1/",
        "https://169.254.169.254/latest/meta-data/",
        "https://127.0.0.2/hook",
        "https://[::1]/",
        "ftp://8.8.8.8/",
        "hook",
        "https://user:secret@8.8.8.8/",
    ],
)
def test_an_address_that_would_never_be_asked_is_refused_with_the_reason(url: str, cast: Cast) -> None:
    answer = cast.program.post("/webhooks/", {"url": url})
    assert answer.status_code == 400
    [fault] = answer.json()["errors"]
    assert (fault["pointer"], fault["code"]) == ("/url", "refused")
    assert len(fault["detail"]) > 20
    assert not WebhookEndpoint.objects.exists()


@pytest.mark.parametrize("body", [{}, {"url": ""}, {"url": 7}, {"url": PUBLIC, "secret": "mine"}, {"url": "x" * 3000}])
def test_a_body_that_does_not_fit_is_a_problem(body: Any, cast: Cast) -> None:
    assert cast.program.post("/webhooks/", body).status_code == 400


def test_a_project_has_a_limited_number_of_active_endpoints(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhooks, "MAX_ENDPOINTS", 2)
    first = made(cast)
    made(cast)
    assert cast.program.post("/webhooks/", {"url": PUBLIC}).status_code == 400
    assert send(cast.program, "delete", f"/webhooks/{first['id']}/").status_code == 204
    made(cast)
    assert send(cast.program, "patch", f"/webhooks/{first['id']}/", {"active": True}).status_code == 400


def test_deleting_switches_off_and_keeps_the_record(cast: Cast) -> None:
    endpoint = made(cast)["id"]
    assert send(cast.program, "delete", f"/webhooks/{endpoint}/").status_code == 204
    shown = cast.program.get(f"/webhooks/{endpoint}/").json()
    assert (shown["active"], bool(shown["disabled_at"]), bool(shown["disabled_reason"])) == (False, True, True)
    on = send(cast.program, "patch", f"/webhooks/{endpoint}/", {"active": True}).json()
    assert (on["active"], on["disabled_at"], on["disabled_reason"]) == (True, None, None)
    off = send(cast.program, "patch", f"/webhooks/{endpoint}/", {"active": False}).json()
    assert off["active"] is False
    assert send(cast.program, "patch", f"/webhooks/{endpoint}/", {"url": PUBLIC}).status_code == 400
    assert verbs(cast) == ["webhook.created", "webhook.switched_off", "webhook.switched_on", "webhook.switched_off"]


def test_a_test_message_is_sent_at_once_and_once(cast: Cast, server: Receiver) -> None:
    endpoint = made(cast, server.url)
    assert cast.program.post(f"/webhooks/{endpoint['id']}/test/").json() == {
        "delivered": True,
        "status": 200,
        "error": None,
    }
    [request] = server.received
    assert request.headers["webhook-id"].startswith("ping_")
    assert b'"type":"ping"' in request.body.replace(b" ", b"")
    server.behaviour = answering(500)
    failed = cast.program.post(f"/webhooks/{endpoint['id']}/test/").json()
    assert (failed["delivered"], failed["status"]) == (False, 500)
    assert "500" in failed["error"]
    assert verbs(cast)[-2:] == ["webhook.tested"] * 2


def test_deliveries_are_listed_and_dead_ones_sent_again(cast: Cast, office: PostOffice, server: Receiver) -> None:
    change_queue_settings(project=cast.project, actor="test", undo_seconds=0)
    office.now = timezone.now()
    made_one = made(cast, server.url)
    endpoint = WebhookEndpoint.objects.get(pk=made_one["id"])
    verdicts(cast, "a", "b")
    office.serve(endpoint)
    WebhookDelivery.objects.filter(position=1).update(
        state=DeliveryState.DEAD, delivered_at=None, last_error="It answered (500)."
    )
    path = f"/webhooks/{endpoint.pk}/deliveries/"
    assert [row["cursor"] for row in cast.program.get(path).json()["results"]] == ["2", "1"]
    [dead] = cast.program.get(path, state="dead").json()["results"]
    assert (dead["output"]["external_id"], dead["state"], dead["attempts"]) == ("a", "dead", 1)
    assert dead["last_error"] == "It answered (500)."
    assert cast.program.get(f"/webhooks/{endpoint.pk}/").json()["dead"] == 1
    assert cast.program.get(path, state="lost").status_code == 400
    again = cast.program.post(f"/webhooks/deliveries/{dead['id']}/redeliver/").json()
    assert (again["state"], again["attempts"]) == ("pending", 0)
    office.now = timezone.now()
    office.serve(endpoint)
    assert [request.headers["webhook-id"] for request in server.received][-1] == dead["webhook_id"]
    assert cast.program.get(path, state="dead").json()["results"] == []
    assert cast.program.post(f"/webhooks/{endpoint.pk}/redeliver/").json() == {"redelivered": 0}


def test_only_keys_with_the_scope_and_owners_change_anything(cast: Cast) -> None:
    endpoint = made(cast)["id"]
    writes = [
        ("post", "webhooks/", {"url": PUBLIC}),
        ("patch", f"webhooks/{endpoint}/", {"active": False}),
        ("delete", f"webhooks/{endpoint}/", None),
        ("post", f"webhooks/{endpoint}/rotate/", {}),
        ("post", f"webhooks/{endpoint}/test/", {}),
        ("post", f"webhooks/{endpoint}/redeliver/", {}),
    ]
    reader, named = cast.key_with("read"), f"/projects/{cast.project.slug}/"
    for method, path, body in writes:
        assert send(reader, method, "/" + path, body).status_code == 403
        for member in (cast.auditor, cast.reviewers[0], cast.adjudicator):
            assert send(person(member), method, named + path, body).status_code == 404
    for path in ("webhooks/", f"webhooks/{endpoint}/", f"webhooks/{endpoint}/deliveries/"):
        assert reader.get("/" + path).status_code == 200
        assert person(cast.auditor).get(named + path).status_code == 200
        assert person(cast.reviewers[0]).get(named + path).status_code == 404
    assert person(cast.owner).post(named + f"webhooks/{endpoint}/rotate/").status_code == 200


def test_another_projects_endpoints_do_not_exist(cast: Cast) -> None:
    noise = make_noise()
    endpoint = made(noise)["id"]
    for method, path in (
        ("get", f"/webhooks/{endpoint}/"),
        ("get", f"/webhooks/{endpoint}/deliveries/"),
        ("patch", f"/webhooks/{endpoint}/"),
        ("delete", f"/webhooks/{endpoint}/"),
        ("post", f"/webhooks/{endpoint}/rotate/"),
        ("post", f"/webhooks/{endpoint}/test/"),
    ):
        assert send(cast.program, method, path, {} if method != "get" else None).status_code == 404
    assert cast.program.get("/webhooks/").json()["results"] == []


def test_the_cost_of_the_lists_does_not_grow_with_their_rows(cast: Cast) -> None:
    endpoint = made(cast)["id"]

    def costs() -> list[int]:
        found = []
        for path in ("/webhooks/", f"/webhooks/{endpoint}/deliveries/"):
            with CaptureQueriesContext(connection) as queries:
                assert cast.program.get(path).status_code == 200
            found.append(len(queries))
        return found

    verdicts(cast, "a")
    publish_everywhere(now=timezone.now())
    before = costs()
    made(cast)
    verdicts(cast, "b", "c", "d")
    publish_everywhere(now=timezone.now())
    assert costs() == before
