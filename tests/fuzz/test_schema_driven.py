"""schemathesis with all checks, in small: a few examples of every view, always the same ones.

`python -m tests.fuzz` is the same in large: every address, every caller, thousands of examples, bounds and all.
"""

import copy
import json
import time
from typing import Any

import pytest
from django.test import Client

from tests.fuzz.estate import build_grounds
from tests.fuzz.exclusions import excused
from tests.fuzz.plan import KEY, OWNER, REVIEWER, Errand, errands, lightened
from tests.fuzz.running import Run, Tally

EXAMPLES = 6
SEED = 20_261_121


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    answer = Client().get("/api/v1/schema/", headers={"Accept": "application/vnd.oai.openapi+json"})
    found: dict[str, Any] = lightened(json.loads(answer.content))
    return found


@pytest.fixture
def run(live_server: Any, document: dict[str, Any], settings: Any) -> Run:
    settings.PRIVATE_TARGETS = ["127.0.0.0/8"]
    grounds = build_grounds(assignments=8)
    return Run(
        live_server.url, document, grounds.values, grounds.callers, EXAMPLES, SEED, ("fuzzing",), deterministic=True
    )


def once_per_view(planned: list[Errand]) -> list[Errand]:
    """By whom each operation is made for; not again at the root what is below a project too."""
    first = [errand for errand in planned if errand.share == 1]
    paths = {errand.path for errand in first}
    return [errand for errand in first if errand.path.replace("/v1/", "/v1/projects/{slug}/", 1) not in paths]


def told(tallies: list[Tally]) -> str:
    return "\n".join(
        f"{tally.errand.label} ({tally.errand.caller}): {finding.check}: {finding.title}\n{finding.detail}\n"
        f"{finding.request}"
        for tally in tallies
        for finding in tally.findings
    )


def test_every_view_answers_as_the_document_says(run: Run) -> None:
    planned = once_per_view(errands(run.document))
    assert len(planned) > 40
    tallies = [run.errand(errand, deadline=time.monotonic() + 60) for errand in planned]
    assert not any(tally.failures for tally in tallies), told(tallies)
    assert [tally.errand.label for tally in tallies if not tally.cases] == []
    # Behind the refusals something was reached: nearly every view answered what was asked for at least once.
    silent = [tally.errand.label for tally in tallies if not tally.successes]
    assert len(silent) < len(tallies) / 4, silent


def test_it_finds_a_status_that_is_not_documented(run: Run) -> None:
    document = copy.deepcopy(dict(run.document))
    path = "/api/v1/outputs/{output_id}/"
    del document["paths"][path]["get"]["responses"]["404"]
    narrower = Run(run.base_url, document, {}, run.callers, 20, SEED, ("fuzzing",), deterministic=True)
    tally = narrower.errand(Errand(path, "get", KEY, 1.0), deadline=time.monotonic() + 60)
    assert ("status_code_conformance", "Undocumented status code") in tally.failures


def test_it_finds_bad_data_that_is_taken(run: Run) -> None:
    document = copy.deepcopy(dict(run.document))
    document["components"]["schemas"]["FreezeIn"]["properties"]["size"]["maximum"] = 5
    narrower = Run(run.base_url, document, run.values, run.callers, 1, SEED, ("coverage",), deterministic=True)
    tally = narrower.errand(Errand("/api/v1/golden-sets/", "post", KEY, 1.0), deadline=time.monotonic() + 60)
    assert {check for check, _title in tally.failures} == {"negative_data_rejection"}


def test_every_operation_is_tried_by_whom_it_is_made_for(document: dict[str, Any]) -> None:
    planned = errands(document)
    operations = {f"{method.upper()} {path}" for path, entry in document["paths"].items() for method in entry}
    assert {errand.label for errand in planned if errand.share == 1} == operations
    callers = {errand.path: errand.caller for errand in planned if errand.share == 1}
    assert callers["/api/v1/outputs/"] == KEY
    assert callers["/api/v1/projects/{slug}/policies/"] == OWNER
    assert callers["/api/v1/projects/{slug}/queue/claim/"] == REVIEWER


@pytest.mark.parametrize(
    ("check", "status", "errors", "is_excused"),
    [
        # A relation between fields, which no schema says.
        ("positive_data_acceptance", 400, [{"pointer": "/signals/0", "code": "value_error"}], True),
        # A limit that a schema could have told.
        ("positive_data_acceptance", 400, [{"pointer": "/limit", "code": "max_value"}], False),
        # Both.
        (
            "positive_data_acceptance",
            400,
            [{"pointer": "/a", "code": "value_error"}, {"pointer": "/limit", "code": "max_value"}],
            False,
        ),
        ("positive_data_acceptance", 400, [], False),
        ("status_code_conformance", 400, [{"pointer": "/a", "code": "value_error"}], False),
        ("not_a_server_error", 500, [{"pointer": "/a", "code": "value_error"}], False),
    ],
)
def test_only_what_no_schema_can_say_is_excused(
    check: str, status: int, errors: list[dict[str, str]], is_excused: bool
) -> None:
    assert bool(excused(check, "POST /api/v1/outputs/", status, {"errors": errors})) is is_excused
