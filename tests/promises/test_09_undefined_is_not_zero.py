"""Promise 9: without enough data a statistic is null, with the reason and the count it had."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from tests.addresses import addresses
from tests.factories import judge, output_body, plant_gold, route
from tests.people import Cast, make_cast
from tests.promises.estate import Estate, build_estate

pytestmark = pytest.mark.django_db

# Words that a page shows when a number was not looked at before it was printed.
ACCIDENTS = re.compile(r"(?<![\w-])(nan|NaN|None(?! [a-z])|inf|Infinity|null)(?![\w-])")


def strict(response: HttpResponse) -> Any:
    """The body as JSON; NaN and Infinity, which are not JSON, fail the test."""

    def refuse(word: str) -> float:
        raise AssertionError(f"{word} in {response.content[:500]!r}")

    return json.loads(response.content, parse_constant=refuse)


@pytest.fixture
def estate(cast: Cast) -> Estate:
    """A project that has one of everything, and so too little of anything; the cast's own is empty."""
    return build_estate(make_cast("third"))


def rates(value: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every object in an answer that states a rate or an estimate."""
    if isinstance(value, dict):
        if value.keys() & {"rate", "alpha", "error_rate"}:
            yield path, value
        for key, inner in value.items():
            yield from rates(inner, f"{path}/{key}")
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from rates(inner, f"{path}/{index}")


def test_it_never_answers_with_something_that_is_no_number(cast: Cast, estate: Estate) -> None:
    for own in (cast, estate.cast):
        values = estate.address_values | {"projects/slug": own.project.slug}
        for address in addresses():
            if address.is_api and "get" in address.methods and address.route not in ("api/v1/schema/", "api/v1/docs/"):
                response = own.program.client.get(address.path(values), headers=own.program.headers)
                if response.status_code == 200 and not response.streaming:
                    strict(response)


def test_it_shows_no_accident_on_any_page(cast: Cast, estate: Estate) -> None:
    for own in (cast, estate.cast):
        client = Client()
        client.force_login(own.owner.person)
        values = estate.address_values | {"projects/slug": own.project.slug}
        for address in addresses():
            if not address.is_api and "projects/slug" in address.parameters:
                response = client.get(address.path(values))
                if response.status_code == 200 and not response.streaming:
                    main = response.content.decode().partition("<main")[2].partition("</main>")[0]
                    text = re.sub(r"<pre.*?</pre>|<textarea.*?</textarea>|<[^>]*>", " ", main, flags=re.DOTALL)
                    found = ACCIDENTS.findall(text)
                    assert not found, f"{address.route} shows {found}"


def test_it_says_why_an_agreement_is_undefined(cast: Cast) -> None:
    route(cast.project)
    judge(cast.reviewers[0])
    rows = strict(cast.program.get("/agreement/"))["results"]
    assert rows
    for row in rows:
        assert (row["alpha"], row["alpha_interval"], row["band"]) == (None, None, None)
        assert row["reason"]
        assert (row["ratings"], row["pairable_items"]) == (1, 0)


def test_it_says_how_few_trials_a_reviewers_rate_rests_on(cast: Cast) -> None:
    for row in strict(cast.program.get("/reviewers/"))["results"]:
        for name in ("gold_accuracy", "gold_sensitivity", "gold_specificity", "acceptance", "agreement_with_others"):
            assert row[name]["rate"] is None, name
            assert row[name]["trials"] == 0, name
        assert row["median_seconds"] is None
        assert row["ratings"] == 0


def test_it_tells_accuracy_on_no_failures_from_accuracy_on_all(cast: Cast) -> None:
    """One good gold case, rated right: specificity 1 of 1, sensitivity unknown, not 0."""
    cast.put_in_force(gold_rate=0.5)
    plant_gold(cast.project, acceptable=True)
    route(cast.project, *(output_body() for _ in range(30)))
    for _ in range(25):
        judge(cast.reviewers[0])
    [row] = [row for row in strict(cast.program.get("/reviewers/"))["results"] if row["ratings"]]
    assert (row["gold_sensitivity"]["rate"], row["gold_sensitivity"]["trials"]) == (None, 0)


def test_it_certifies_nothing_about_nothing(cast: Cast) -> None:
    body = strict(cast.program.post("/certificates/", {}))
    result = body["result"]
    for name in ("upper", "interval", "hajek", "poststratified", "horvitz_thompson", "expected_unseen"):
        assert result[name] is None, name
    assert (result["status"], result["shipped"], result["audited"]) == ("nothing_shipped", 0, 0)
    assert result["reason"]
    assert "not estimable" in body["statement"]
    assert body["inputs"]["outputs"] == 0


def test_it_knows_no_calibration_before_there_is_one(cast: Cast) -> None:
    body = strict(cast.program.get("/calibration/"))
    assert body["calibrator"] is None
    assert body["reason"]
    assert body["labels"] == 0


def test_it_replays_no_traffic_without_inventing_an_error_rate(cast: Cast) -> None:
    body = strict(cast.program.post("/policies/2/replay/", {}))
    assert (body["outputs"], body["shipped"], body["verdicts_used"]) == (0, 0, 0)
    assert (body["error_rate"], body["error_interval"], body["review_hours"]) == (None, None, None)
    assert body["error_status"]


def test_it_keeps_an_unknown_confidence_unknown(cast: Cast) -> None:
    decision = cast.program.post("/outputs/", output_body(signals=[])).json()["decision"]
    assert decision["confidence"] is None


def test_it_gives_a_count_with_every_rate(cast: Cast, estate: Estate) -> None:
    seen = 0
    for own in (cast, estate.cast):
        for path in ("/agreement/", "/reviewers/", "/certificates/", "/recalibrations/"):
            for where, value in rates(strict(own.program.get(path))):
                seen += 1
                counts = [number for number in value.values() if isinstance(number, int)]
                assert counts, f"{path}{where} has no count: {value}"
    assert seen > 10
