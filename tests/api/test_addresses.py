"""What the API says about addresses and moments at the edge."""

import pytest

from routing.models import Output
from tests.factories import output_body
from tests.people import Caller


@pytest.mark.parametrize("path", ["/nope/", "/outputs", "/outputs/not-a-uuid/", "/assignments/a%2fb/submit/"])
@pytest.mark.parametrize("verb", ["get", "post"])
def test_an_unknown_address_is_a_problem_and_never_a_page(program: Caller, path: str, verb: str) -> None:
    client = program.client.__class__(enforce_csrf_checks=True)
    answer = getattr(client, verb)(f"/api/v1{path}", headers=program.headers)
    assert answer.status_code in (404, 405)
    assert answer["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("path", ["/api/", "/api/v2/outputs/", "/api/etc/"])
def test_the_whole_of_api_answers_in_problems(program: Caller, path: str) -> None:
    assert program.client.post(path)["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+23:00", "9999-12-31T23:59:59-23:00", "1969-12-31T23:59:59Z"])
def test_a_moment_outside_the_calendar_spoils_only_its_own_row(program: Caller, moment: str) -> None:
    good, bad = output_body("good"), output_body("bad", occurred_at=moment)
    assert program.post("/outputs/", bad).json()["errors"][0]["pointer"] == "/occurred_at"
    rows = program.post("/outputs/batch/", {"outputs": [bad, good]}).json()["results"]
    assert [row["status"] for row in rows] == [400, 201]
    assert Output.objects.filter(external_id__in=["good", "bad"]).count() == 1
