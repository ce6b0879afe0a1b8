"""The panel as the owner reads it, and as programs do."""

import json
import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from reviewapp.core.services.people import add_member
from tests.browser.visiting import signed_in, text_of
from tests.instruments.rows import Archive
from tests.people import Cast, person

pytestmark = pytest.mark.django_db


@pytest.fixture
def measured(cast: Cast) -> Cast:
    """A weak one, a good one and one who did nothing; as of now."""
    archive, now = Archive(cast.project), timezone.now() - timedelta(hours=1)
    robin, sam, _kim = cast.reviewers
    for member, caught, missed in ((robin, 15, 15), (sam, 29, 1)):
        for number in range(caught + missed):
            archive.gold(member, failure=True, right=number < caught, at=now)
        archive.gold(member, failure=False, right=True, at=now)
    for number in range(6):
        archive.together({robin: "accept", sam: "accept" if number else "reject"}, at=now)
    archive.repeat(robin, "accept", "reject", at=now)
    return cast


def page(cast: Cast, address: str) -> str:
    response = signed_in(cast.owner).get(f"/projects/shop/{address}")
    assert response.status_code == 200
    return text_of(response)


def test_the_list_marks_the_weak_with_test_and_count(measured: Cast) -> None:
    found = page(measured, "reviewers/")
    robin = measured.reviewers[0]
    [row] = [row for row in re.findall(r"<tr>.*?</tr>", found, re.DOTALL) if robin.rater_code in row]
    assert '<span class="tag wrong">weak on gold</span>' in row
    assert "15 of 30 planted failures missed; evidence" in row
    assert found.count('class="tag wrong"') == 1
    assert "undefined: no gold yet (n = 0)" in found


def test_a_persons_page_has_every_figure_with_its_count(measured: Cast) -> None:
    robin, sam, kim = measured.reviewers
    found = page(measured, f"reviewers/{robin.rater_code}/")
    for words in ("15 of 30", "however often looked at", "5 of 6", "0 of 1", "weak on gold", "<svg", "n = 6"):
        assert words in found, words
    # With Kim nothing is shared, and nothing is claimed.
    [line] = [row for row in re.findall(r"<tr>.*?</tr>", found, re.DOTALL) if kim.rater_code in row]
    assert "undefined: 0 shared" in line
    assert sam.rater_code in found
    for words in ("no preferences yet", "no judge is known to be wrong", "too few ratings, before or lately"):
        assert words in found, words


def test_an_untested_person_has_reasons_and_no_numbers(measured: Cast) -> None:
    found = page(measured, f"reviewers/{measured.reviewers[2].rater_code}/")
    assert found.count("undefined: ") > 15
    assert not re.search(r"<b class=\"num\">", found)


def test_every_figure_opens_to_as_many_rows_as_it_counts(measured: Cast) -> None:
    robin, sam, _kim = measured.reviewers
    code = robin.rater_code
    for query, count in {
        "of=gold": 31,
        "of=failures": 30,
        "of=good": 1,
        "of=ratings": 7,
        "of=shared": 6,
        f"of=shared&peer={sam.rater_code}": 6,
        "of=shared&peer=nobody": 0,
        "of=repeats": 1,
        "of=pairs": 0,
        "of=rounds": 0,
        "of=judged": 0,
        "of=nonsense": 7,
    }.items():
        assert page(measured, f"reviewers/{code}/ratings/?{query}").count('<td class="when">') == count, query
    wrong = page(measured, f"reviewers/{code}/ratings/?of=failures")
    assert wrong.count("tag wrong") == 15


def test_the_filter_travels_with_the_links(measured: Cast) -> None:
    code = measured.reviewers[0].rater_code
    later = f"{timezone.now() + timedelta(days=1):%Y-%m-%dT%H:%M}"
    found = page(measured, f"reviewers/{code}/?since={later}")
    assert f"of=gold&amp;since={later.replace(':', '%3A')}" in found
    assert page(measured, f"reviewers/{code}/ratings/?of=gold&since={later}").count('<td class="when">') == 0
    refused = signed_in(measured.owner).get(f"/projects/shop/reviewers/{code}/?since=yesterday")
    assert refused.status_code == 400


def test_only_reviewers_of_the_project_have_a_page(measured: Cast, noise: Cast) -> None:
    client = signed_in(measured.owner)
    for code in (measured.adjudicator.rater_code, noise.reviewers[0].rater_code, "r-nobody"):
        for path in (f"reviewers/{code}/", f"reviewers/{code}/ratings/"):
            assert client.get(f"/projects/shop/{path}").status_code == 404, path
    own = f"/projects/shop/reviewers/{measured.reviewers[0].rater_code}/"
    for member in (measured.reviewers[0], measured.adjudicator, noise.owner):
        assert signed_in(member).get(own).status_code == 404
    assert Client().get(own).status_code == 302


def test_programs_get_the_whole_panel(measured: Cast) -> None:
    robin = measured.reviewers[0]
    body = json.loads(measured.program.get(f"/reviewers/{robin.rater_code}/").content)
    assert body["gold"]["sensitivity"]["n"] == 30
    assert body["gold"]["sensitivity"]["rate"] == 0.5
    assert len(body["gold"]["sensitivity"]["always"]) == 2
    assert body["automation"] == {
        "followed": 0,
        "n": 0,
        "rate": None,
        "interval": None,
        "others": {"successes": 0, "trials": 0, "rate": None, "interval": None},
        "difference": None,
        "difference_interval": None,
        "reason": "judge_never_known_wrong",
    }
    assert [entry["kind"] for entry in body["named"] if entry["named"]] == ["weak_on_gold"]
    by_person = person(measured.owner).get(f"/projects/shop/reviewers/{robin.rater_code}/").json()
    assert by_person == body | {"window": by_person["window"]}


def test_the_list_for_programs_says_who_is_named(measured: Cast, noise: Cast) -> None:
    body = measured.program.get("/reviewers/").json()
    named = {row["rater"]: [entry["kind"] for entry in row["named"] if entry["named"]] for row in body["results"]}
    robin, sam, kim = measured.reviewers
    assert named == {robin.rater_code: ["weak_on_gold"], sam.rater_code: [], kim.rater_code: []}
    assert {"since", "until"} == set(body["window"])


def test_programs_find_reviewers_of_their_project_only(measured: Cast, noise: Cast) -> None:
    for code in (noise.reviewers[0].rater_code, measured.owner.rater_code, "r-0"):
        assert measured.program.get(f"/reviewers/{code}/").status_code == 404
    own = f"/projects/shop/reviewers/{measured.reviewers[0].rater_code}/"
    assert person(measured.reviewers[0]).get(own).status_code == 404
    assert measured.key_with("route").get(f"/reviewers/{measured.reviewers[0].rater_code}/").status_code == 403
    for query in ({"since": "x"}, {"until": "0001-01-01T00:00:00Z"}, {"since": "9999-12-31T23:59:59Z"}, {"moon": "1"}):
        assert measured.program.get(f"/reviewers/{measured.reviewers[0].rater_code}/", **query).status_code in (
            200,
            400,
        )


def test_names_are_text(measured: Cast) -> None:
    hostile = add_member(
        project=measured.project,
        email="x@shop.example",
        role="reviewer",
        actor="test",
        name="<script>alert(1)</script>",
    )
    for path in ("reviewers/", f"reviewers/{hostile.rater_code}/", f"reviewers/{hostile.rater_code}/ratings/"):
        assert "<script>alert" not in page(measured, path)
