"""What comes in with a trace is as hidden from reviewers as what comes in with `POST /outputs/`."""

import json
from typing import Any

import pytest
from django.test import Client

from tests.ingest.traces import CHAT, export, span, stored
from tests.people import Cast, person

pytestmark = pytest.mark.django_db

SENTINEL = "Zq7sentinel"
HIDDEN: dict[str, Any] = {
    "gen_ai.request.model": f"{SENTINEL}-9",
    "gen_ai.response.model": f"{SENTINEL}-9-preview",
    "gen_ai.provider.name": f"{SENTINEL}provider",
    "gen_ai.response.id": f"{SENTINEL}response",
    "gen_ai.conversation.id": f"{SENTINEL}conversation",
    "oversight.metadata.note": f"{SENTINEL}metadata",
    "oversight.intent": "delivery",
    "llm.prompt_template.version": f"{SENTINEL}prompt",
    "metadata": json.dumps({f"{SENTINEL}key": 918273645}),
    "unheard.of": f"{SENTINEL}attribute",
}
SAID = f"As {SENTINEL}-9-preview, once {SENTINEL} 9, I looked it up: Tuesday."


def test_nothing_of_a_span_reaches_a_reviewer_unmasked(cast: Cast) -> None:
    messages = [{"role": "assistant", "parts": [{"type": "text", "content": SAID}], "finish_reason": f"{SENTINEL}stop"}]
    asked = [
        {"role": "user", "parts": [{"type": "text", "content": f"Are you {SENTINEL}-9?"}], "name": f"{SENTINEL}user"}
    ]
    told = CHAT | HIDDEN
    told |= {"gen_ai.output.messages": json.dumps(messages), "gen_ai.input.messages": json.dumps(asked)}
    evaluation = {"gen_ai.evaluation.name": f"{SENTINEL}judge", "gen_ai.evaluation.score.value": 0.918273645}
    spans = span(told, name=f"{SENTINEL}span", events=[("gen_ai.evaluation.result", evaluation)])
    resource = {"service.name": f"{SENTINEL}service", "host.name": f"{SENTINEL}host"}
    assert export(cast.program, spans, resource=resource) == (0, "")
    output = stored()
    assert output.source_model == f"{SENTINEL}-9"
    assert json.dumps(output.metadata).count(SENTINEL) >= 6

    claimed = person(cast.reviewers[0]).post("/projects/shop/queue/claim/")
    assert claimed.status_code == 200
    assert "looked it up" in claimed.content.decode()
    assert "As [model], once [model], I looked" in claimed.json()["task"]["response"]
    client = Client()
    client.force_login(cast.reviewers[1].person)
    page = client.get("/projects/shop/review/", follow=True)
    for answer in (claimed, page):
        sent = answer.content.decode() + str(answer.headers)
        assert SENTINEL not in sent
        assert "918273645" not in sent
        assert "eee19b7ec3c1b174" not in sent
