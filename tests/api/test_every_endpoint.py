"""Whatever is sent to whichever endpoint: an answer or a problem, never a 500, never HTML."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from tests.addresses import Address, addresses
from tests.api.problems import check_shape
from tests.factories import output_body
from tests.people import make_cast, person
from tests.promises.estate import Estate, build_estate

pytestmark = pytest.mark.django_db

CRITERION = {"name": "tone", "type": "ordinal", "question": "Tone?", "levels": [{"value": 1}, {"value": 2}]}
# One body per POST endpoint, with every field it knows; a new endpoint fails the test until it has one.
BODIES: dict[str, dict[str, Any]] = {
    "outputs/": output_body(stakes="mid", flags=[], metadata={}, occurred_at="2026-11-20T09:00:00Z", source={}),
    "outputs/batch/": {"outputs": [output_body()]},
    "queue/claim/": {},
    "assignments/submit/": {
        "idempotency_key": "k",
        "values": {"acceptable": "yes"},
        "preferred": "a",
        "verdict": "accept",
        "correction": "",
        "rationale": "",
        "cause": "reviewer_slip",
        "spans": [{"part": "response", "start": 0, "end": 2, "category": "x", "severity": "minor"}],
        "client_seconds": 1.0,
    },
    "assignments/undo/": {},
    "assignments/heartbeat/": {},
    "assignments/open/": {},
    "assignments/draft/": {"values": {}},
    "assignments/release/": {"reason": "x"},
    "assignments/escalate/": {"reason": "x"},
    "policies/": {"document": {"tiers": {}, "gold_rate": 0.1}, "note": ""},
    "policies/replay/": {"since": "2026-11-20T09:00:00Z"},
    "policies/activate/": {"reason": "", "effective_at": None, "revision": 1},
    "recalibrations/": {"review_share": 0.3, "tiers": ["mid"], "audit_rate": 0.1, "since": "2026-11-20T09:00:00Z"},
    "recalibrations/approve/": {"reason": ""},
    "recalibrations/reject/": {"reason": "x"},
    "certificates/": {"stakes": "mid", "since": "2026-11-20T09:00:00Z", "level": 0.9},
    "golden-sets/": {"size": 3, "seed": "x"},
    "gold-cases/": {
        "reference": "g",
        "task_kind": "pointwise",
        "intent": "x",
        "prompt": "x",
        "context": [{"id": "1", "text": "x"}],
        "response": "x",
        "candidates": ["x", "y"],
        "acceptable": True,
        "preferred": "",
        "origin": "planted_failure",
        "explanation": "x",
        "exposures": 2,
        "practice": False,
    },
    "gold-cases/promotions/": {"item": "00000000-0000-7000-8000-000000000000", "reference": "g", "exposures": 2},
    "gold-cases/retire/": {"reason": "x"},
    "rubrics/": {
        "name": "r",
        "task_kind": "pointwise",
        "instructions": "",
        "corrections": True,
        "span_categories": ["x"],
        "criteria": [CRITERION],
    },
    "rubrics/publish/": {},
    "rounds/": {"rater": "r-00000000"},
    "webhooks/": {"url": "https://8.8.8.8/hook", "description": "By number: no name has to be resolved."},
    "webhooks/rotate/": {},
    "absences/": {"rater": "r-0", "first_day": "2027-11-20", "last_day": "2027-11-21", "note": ""},
    "absences/cancel/": {},
    "alarms/seen/": {},
    "slices/pauses/": {"intent": "x", "rubric": "acceptability v1", "reason": "x"},
    "slices/pauses/lift/": {"reason": "x"},
    "overlap-rounds/": {"task_kind": "pointwise"},
    "rubrics/calibrate/": {},
    "rubrics/put-in-force/": {"reason": "x"},
    "rubrics/withdraw/": {"reason": "x"},
    "suspicions/": {"rater": "r-0", "since": "2026-11-20T09:00:00Z", "reason": "x"},
    "suspicions/overrule/": {"reason": "x"},
    "judges/": {
        "name": "other",
        "family": "x",
        "base_url": "https://8.8.8.8/v1",
        "model": "x",
        "instructions": "",
        "max_tokens": 512,
        "active": True,
        "key": "sk-x",
        "key_env": "",
        "timeout_seconds": 5,
        "runs": 2,
        "requests_per_minute": 60,
        "monthly_budget": "5.00",
        "currency": "EUR",
        "price_input": "0.1",
        "price_output": "0.1",
        "max_characters": 5000,
    },
    "judges/try/": {
        "prompt": "x",
        "context": [{"id": "1", "text": "x"}],
        "response": "x",
        "candidates": ["x", "y"],
    },
    "detectors/": {},
    "otlp/v1/traces": {"resourceSpans": []},
    "webhooks/test/": {},
    "webhooks/redeliver/": {},
    "webhooks/deliveries/redeliver/": {},
}
DEEP: Any = "core"
for _ in range(70):
    DEEP = {"d": DEEP}
HOSTILE: tuple[Any, ...] = (
    None,
    True,
    -1,
    2**70,
    1e308,
    "",
    " ",
    "a\x00b",
    "\ud800",
    "x" * 3000,
    "'; DROP TABLE core_project; --",
    [],
    [None],
    [{}],
    ["\x00"],
    {},
    {"value": {}},
    {"a\x00": 1},
    DEEP,
)
# Deeper down, where serializers look less closely.
RUBRICS: tuple[Any, ...] = (
    *({"criteria": [CRITERION | {name: value}]} for name in CRITERION for value in HOSTILE),
    *({"criteria": [CRITERION | {"levels": [{"value": value}, {"value": 1}]}]} for value in HOSTILE),
    *(
        {"criteria": [CRITERION | {"levels": [{"value": 1}, {"value": 2}], "fail_values": [value]}]}
        for value in HOSTILE
    ),
    *(
        {"criteria": [{"name": "n", "type": "numeric", "question": "?", "minimum": low, "maximum": 5}]}
        for low in HOSTILE
    ),
)
# Their errors come in the formats that they are written in.
DOCUMENTATION = {"api/v1/schema/", "api/v1/docs/"}
PATH_WORDS = ("a\x00b", "-1", "9" * 40, "é\u202e", "a/../b", "'; --", "x" * 3000, "%00")
QUERIES = (
    {"limit": "x"},
    {"limit": "-1"},
    {"limit": "9" * 40},
    {"cursor": "x"},
    {"cursor": "b2xkZXI6OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk"},  # older:999…
    {"since": "x"},
    {"since": "0001-01-01T00:00:00Z"},
    {"until": "9999-12-31T23:59:59Z"},
    {"criterion": "a\x00"},
    {"rubric": "x" * 3000},
    {"by": "moon"},
    {"format": "xml"},
    {"\x00": "\x00"},
    {"stakes": "\x00", "intent": "\x00"},
    {"page": "x", "after": "\x00", "tab": "<script>"},
)


@pytest.fixture
def estate(db: None) -> Estate:
    return build_estate(make_cast())


def program(estate: Estate) -> Client:
    return Client(headers={"Authorization": f"Api-Key {estate.cast.key}"}, raise_request_exception=False)


def reviewer(estate: Estate) -> Client:
    return Client(headers=person(estate.cast.reviewers[0]).headers, raise_request_exception=False)


def session(member: Any) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(member.person)
    return client


def short(address: Address) -> str:
    """The route without prefix and parameters: the key of BODIES."""
    parts = [part for part in address.route.removeprefix("api/v1/").split("/") if not part.startswith("<")]
    return "/".join(parts[1:] if parts[0] == "projects" else parts)


def posts() -> Iterator[Address]:
    """Every POST endpoint once; those below a project stand for the same ones at the root."""
    seen = set()
    for address in addresses():
        if address.is_api and "post" in address.methods and short(address) not in seen:
            seen.add(short(address))
            yield address


def complaint(response: HttpResponse, *, api: bool) -> str | None:
    if response.status_code >= 500:
        return str(response.status_code)
    if api and response.status_code >= 400:
        if response["Content-Type"] != "application/problem+json":
            return f"{response.status_code} as {response['Content-Type']}"
        check_shape(response.json(), response.status_code)
    return None


def variants(key: str) -> Iterator[Any]:
    body = BODIES[key]
    yield body
    yield from HOSTILE
    yield body | {"unknown": 1}
    for name in body:
        yield {field: value for field, value in body.items() if field != name}
        for value in HOSTILE:
            yield body | {name: value}
    if key == "rubrics/":
        yield from (body | change for change in RUBRICS)


def test_it_knows_a_body_for_every_endpoint() -> None:
    assert {short(address) for address in posts()} == set(BODIES)


@pytest.mark.parametrize("key", BODIES)
def test_it_answers_hostile_bodies_with_problems(key: str, estate: Estate) -> None:
    [address] = [entry for entry in posts() if short(entry) == key]
    by_person = key.startswith(("assignments", "queue"))
    client = reviewer(estate) if by_person else program(estate)
    path = address.path(estate.address_values)
    known = client.post(path, json.dumps(BODIES[key]), content_type="application/json")
    assert known.status_code not in (401, 403, 404), "the test does not reach the endpoint"
    faults = {}
    for body in variants(key):
        response = client.post(path, json.dumps(body), content_type="application/json")
        if fault := complaint(response, api=True):
            faults[json.dumps(body)[:300]] = fault
    assert not faults, json.dumps(faults, indent=1)


def test_it_answers_hostile_paths_with_problems(estate: Estate) -> None:
    faults = {}
    programs = [program(estate), reviewer(estate)]
    people = [session(estate.cast.owner), session(estate.cast.reviewers[0])]
    for address in addresses():
        clients = programs if address.is_api else people
        for name in dict.fromkeys(address.parameters):
            for word in PATH_WORDS:
                path = address.path(estate.address_values | {name: word})
                for client in clients:
                    for method in address.methods:
                        response = getattr(client, method)(path)
                        if fault := complaint(response, api=address.is_api):
                            faults[f"{method} {address.route} {name}={word[:20]!r}"] = fault
    assert not faults, json.dumps(faults, indent=1)


def test_it_answers_hostile_queries_with_problems(estate: Estate) -> None:
    faults = {}
    programs = [program(estate)]
    people = [session(estate.cast.owner), session(estate.cast.reviewers[0])]
    for address in addresses():
        if "get" not in address.methods:
            continue
        clients = programs if address.is_api else people
        for query in QUERIES:
            for client in clients:
                response = client.get(address.path(estate.address_values), query)
                if fault := complaint(response, api=address.is_api and address.route not in DOCUMENTATION):
                    faults[f"{address.route} {query}"[:200]] = fault
                if response.status_code != 404:
                    # Whom the address is meant for; the others would only be told so again.
                    break
    assert not faults, json.dumps(faults, indent=1)


def test_it_answers_hostile_headers_with_problems(estate: Estate) -> None:
    faults = {}
    for word in ("\x00", "a\x00.b", "é", "." * 50, "x" * 5000):
        for scheme in ("Api-Key", "Token"):
            client = Client(headers={"Authorization": f"{scheme} {word}"}, raise_request_exception=False)
            if fault := complaint(client.get("/api/v1/policies/"), api=True):
                faults[f"{scheme} {word!r}"[:100]] = fault
    assert not faults, faults
