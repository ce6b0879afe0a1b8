"""The whole loop as its users drive it: four commands from a shell, and after that the HTTP API alone."""

import hashlib
import io
import json
import random
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import call_command
from django.http import HttpResponse

from tests.people import Caller

NO = {"acceptable": "no", "reason": "wrong"}
YES = {"acceptable": "yes"}


def command(name: str, *arguments: str, **options: Any) -> str:
    """What a command prints, alone on stdout."""
    out = io.StringIO()
    call_command(name, *arguments, stdout=out, **options)
    return out.getvalue().strip()


def told(answer: HttpResponse, status: int = 200) -> Any:
    assert answer.status_code == status, answer.content
    return json.loads(answer.content)


def body(number: int, score: float) -> dict[str, Any]:
    return {
        "external_id": f"case-{number:04d}",
        "intent": "billing" if number % 2 else "refund",
        "prompt": f"Question {number}?",
        "response": f"Answer {number}.",
        "source": {"model": "alder-one", "version": "7"},
        "signals": [{"kind": "score", "name": "grounded", "value": score}],
    }


def claims(person: Caller) -> Iterator[dict[str, Any]]:
    """Items for this person until there are none."""
    while (answer := person.post("/projects/support/queue/claim/")).status_code == 200:
        yield json.loads(answer.content)
    assert answer.status_code == 204, answer.content


def hand_in(person: Caller, claim: dict[str, Any], **answer: Any) -> None:
    key = f"once-{claim['assignment']}"
    receipt = told(person.post(f"/assignments/{claim['assignment']}/submit/", answer | {"idempotency_key": key}), 201)
    # A second click is no second rating.
    again = told(person.post(f"/assignments/{claim['assignment']}/submit/", answer | {"idempotency_key": key}))
    assert again["receipt"] == receipt["receipt"]


@pytest.mark.django_db
def test_the_loop_closes_over_http() -> None:
    command("create_project", "support", owner="oda@support.example")
    program = Caller("Api-Key " + command("create_api_key", project="support", scopes="route,read"))
    steering = Caller("Api-Key " + command("create_api_key", project="support", scopes="read,goldens,admin"))
    robin, sam, ada = (
        Caller("Token " + command("create_person", f"{name}@support.example", project="support", role=role))
        for name, role in (("robin", "reviewer"), ("sam", "reviewer"), ("ada", "adjudicator"))
    )

    # Route: nothing is trusted yet, so everything goes to people.
    rng = random.Random(1)
    scores = {f"Question {number}?": round(rng.random(), 3) for number in range(70)}
    outputs = [body(number, score) for number, score in enumerate(scores.values())]
    routed = told(program.post("/outputs/batch/", {"outputs": outputs}))["results"]
    assert {row["status"] for row in routed} == {201}
    assert {tuple(row["decision"]["reasons"]) for row in routed} == {("everything_reviewed",)}
    assert told(program.post("/outputs/", outputs[0]))["id"] == routed[0]["id"]
    assert program.post("/outputs/", outputs[0] | {"response": "Another."}).status_code == 409

    # Review: two people, blind; they differ once where both were asked.
    met: dict[str, int] = {}
    for person in (robin, sam):
        for claim in claims(person):
            prompt = claim["task"]["prompt"]
            met[prompt] = met.get(prompt, 0) + 1
            contested = met[prompt] == 2 and list(met.values()).count(2) == 1
            good = (scores[prompt] > 0.35) != contested
            hand_in(person, claim, values=YES if good else NO)
    assert 0 < sum(count == 2 for count in met.values()) < 35

    # Disagreement goes to the adjudicator, and becomes a verdict.
    (dispute,) = told(steering.get("/disputes/"))["results"]
    assert (dispute["status"], dispute["verdict"]) == ("disputed", None)
    claim = next(claims(ada))
    hand_in(ada, claim, values=NO, cause="reviewer_slip")
    assert next(claims(ada), None) is None
    assert {rating["verdict"] for rating in claim["adjudication"]["ratings"]} == {"accept", "reject"}
    contested_output = next(row for row in outputs if row["prompt"] == claim["task"]["prompt"])
    (settled,) = told(program.get("/outputs/", external_id=contested_output["external_id"]))["results"]
    assert settled["verdict"]["reached_by"] == "adjudication"
    assert (settled["verdict"]["verdict"], settled["verdict"]["criteria"]) == ("reject", NO)

    # Verdicts come back to the application, page by page.
    page = told(program.get("/outputs/", limit=30))
    verdicts = [row["verdict"] for row in page["results"]]
    while page["next"]:
        page = told(program.get(page["next"].split("/api/v1", 1)[1]))
        verdicts += [row["verdict"] for row in page["results"]]
    assert len(verdicts) == 70
    assert {row["reached_by"] for row in verdicts} == {"single", "agreement", "adjudication"}

    # Measure.
    agreement = told(steering.get("/agreement/", criterion="acceptable"))["results"]
    assert agreement[0]["pairable_items"] == sum(count == 2 for count in met.values())
    assert sum(row["ratings"] for row in told(steering.get("/reviewers/"))["results"]) == sum(met.values())

    # Learn: a proposal with its replay, changed by nobody but the owner.
    proposal = told(steering.post("/recalibrations/", {"review_share": 0.6, "audit_rate": 0.4}), 201)
    assert (proposal["status"], proposal["labels_used"], proposal["replay"]["outputs"]) == ("proposed", 70, 70)
    assert told(steering.get("/policies/1/"))["status"] == "active"
    sure = body(900, 0.99)
    assert told(program.post("/outputs/", sure), 201)["decision"]["action"] == "review"
    assert program.post(f"/recalibrations/{proposal['id']}/approve/").status_code == 403
    approved = told(steering.post(f"/recalibrations/{proposal['id']}/approve/", {"reason": "fits our hours"}))
    assert (approved["status"], approved["reason"]) == ("approved", "fits our hours")
    policy = told(steering.get(f"/policies/{proposal['policy']}/"))
    assert policy["status"] == "active"
    assert {"pointer": "/tiers/mid/mode", "before": "always", "after": "below_threshold"} in policy["diff"]

    # The next outputs ship, and whether they are audited was drawn beforehand at a known rate.
    later = [body(1000 + number, 0.99) for number in range(40)]
    decisions = [row["decision"] for row in told(program.post("/outputs/batch/", {"outputs": later}))["results"]]
    assert {row["action"] for row in decisions} == {"ship"}
    assert {row["inclusion_probability"] for row in decisions} == {0.4}
    assert {row["policy"]["version"] for row in decisions} == {proposal["policy"]}
    assert {row["calibrator"] for row in decisions} == {"v1"}
    assert 0 < sum(row["audited"] for row in decisions) < 40
    assert all((row["review"] is not None) == row["audited"] for row in decisions)
    doubtful = told(program.post("/outputs/", body(2000, 0.01)), 201)["decision"]
    assert (doubtful["action"], doubtful["reasons"]) == ("review", ["low_confidence"])

    # The audit is judged, and what is known of the shipped outputs becomes a certificate.
    for person in (robin, sam):
        for claim in claims(person):
            hand_in(person, claim, values=YES)
    certificate = told(steering.post("/certificates/", {"level": 0.9}), 201)
    (stratum,) = certificate["inputs"]["strata"]
    assert (stratum["shipped"], stratum["errors"]) == (40, 0)
    assert stratum["audited"] == sum(row["audited"] for row in decisions)
    assert certificate["statement"].startswith("Error rate of shipped outputs ≤ ")

    # Freeze: hashed, named, and the bytes are what the hash says.
    frozen = told(steering.post("/golden-sets/", {}), 201)
    assert frozen["name"].startswith("support-")
    exported = steering.get(f"/golden-sets/{frozen['name']}/export/")
    data = b"".join(exported.streaming_content)  # type: ignore[attr-defined]
    assert hashlib.sha256(data).hexdigest() == frozen["sha256"]
    cases = [json.loads(line) for line in data.splitlines()]
    assert len(cases) == frozen["cases"] == 72 + stratum["audited"]
    assert {case["id"] for case in cases} >= {row["id"] for row in routed}
    assert "alder-one" not in data.decode()
    assert command("golden", "verify", frozen["name"]).endswith(frozen["sha256"])
    assert "clean" in command("verify_ledger")
