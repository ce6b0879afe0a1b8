"""Suspicions as owners meet them: the page, the endpoints, and nothing for anybody else."""

import pytest

from labeling.models import Rating, Suspicion
from tests.browser.visiting import signed_in, text_of
from tests.factories import judge, output_body, route
from tests.people import NOW, Cast, make_cast, person

pytestmark = pytest.mark.django_db
SINCE = "2026-11-20T00:00:00Z"


@pytest.fixture
def cast() -> Cast:
    cast = make_cast()
    route(cast.project, output_body(), output_body())
    judge(cast.reviewers[0])
    judge(cast.reviewers[0])
    return cast


def test_an_owner_sets_ratings_aside_and_overrules_it_by_the_api(cast: Cast) -> None:
    rater = cast.reviewers[0].rater_code
    raised = cast.program.post("/suspicions/", {"rater": rater, "since": SINCE, "reason": "Told us so."})
    assert raised.status_code == 201, raised.content
    assert (raised.json()["set_aside"], raised.json()["state"]) == (2, "open")
    again = cast.program.post("/suspicions/", {"rater": rater, "since": SINCE, "reason": "Again."})
    assert (again.status_code, again.json()["code"]) == (409, "suspicion_refused")
    pk = raised.json()["id"]
    overruled = cast.program.post(f"/suspicions/{pk}/overrule/", {"reason": "A mistake."})
    assert (overruled.json()["restored"], overruled.json()["state"]) == (2, "overruled")
    assert [row["id"] for row in cast.program.get("/suspicions/").json()["results"]] == [pk]
    assert Rating.objects.standing().count() == 2


def test_somebody_who_is_no_reviewer_here_is_a_problem(cast: Cast) -> None:
    elsewhere = make_cast("elsewhere").reviewers[0].rater_code
    for rater in ("r-none", elsewhere, cast.auditor.rater_code):
        answer = cast.program.post("/suspicions/", {"rater": rater, "since": SINCE, "reason": "x"})
        assert answer.status_code == 400
        assert answer.json()["errors"][0]["pointer"] == "/rater"


def test_reviewers_auditors_and_other_projects_cannot(cast: Cast) -> None:
    body = {"rater": cast.reviewers[0].rater_code, "since": SINCE, "reason": "x"}
    path = f"/projects/{cast.project.slug}/suspicions/"
    assert person(cast.reviewers[0]).post(path, body).status_code == 404
    assert person(cast.auditor).post(path, body).status_code == 404
    assert person(cast.auditor).get(path).status_code == 200
    assert make_cast("elsewhere").key_with("admin").post("/suspicions/", body).status_code == 400
    assert not Suspicion.objects.exists()


def test_the_page_tells_why_and_takes_the_owners_word(cast: Cast) -> None:
    owner = signed_in(cast.owner)
    base = f"/projects/{cast.project.slug}/suspicions/"
    rater = cast.reviewers[0]
    missing = owner.post(f"{base}new/", {"rater": rater.rater_code, "since": "", "reason": ""})
    assert missing.status_code == 400
    form = {"rater": rater.rater_code, "since": "2026-11-20T00:00", "reason": "Copied <b>from</b> a friend."}
    owner.post(f"{base}new/", form)
    page = text_of(owner.get(base))
    assert "Copied &lt;b&gt;from&lt;/b&gt; a friend." in page
    suspicion = Suspicion.objects.get()
    assert suspicion.set_aside.count() == 2
    owner.post(f"{base}{suspicion.pk}/overrule/", {"reason": "Not so."})
    suspicion.refresh_from_db()
    assert suspicion.overruled_by == f"person:{cast.owner.person_id}"
    assert "overruled" in text_of(owner.get(base))


def test_the_page_of_somebody_named_leads_to_the_form_with_their_name(cast: Cast) -> None:
    owner = signed_in(cast.owner)
    rater = cast.reviewers[1].rater_code
    page = text_of(owner.get(f"/projects/{cast.project.slug}/suspicions/?rater={rater}"))
    assert f'<option value="{rater}" selected>' in page
    # Adjudicators can be chosen, nobody else can.
    assert f'value="{cast.adjudicator.rater_code}"' in page
    assert f'value="{cast.auditor.rater_code}"' not in page


def test_another_projects_suspicion_is_not_found(cast: Cast) -> None:
    other = make_cast("elsewhere")
    suspicion = Suspicion.objects.create(membership=other.reviewers[0], kind="owner", since=NOW, raised_by="test")
    base = f"/projects/{cast.project.slug}/suspicions/"
    assert signed_in(cast.owner).post(f"{base}{suspicion.pk}/overrule/", {"reason": "x"}).status_code == 404
    assert cast.program.post(f"/suspicions/{suspicion.pk}/overrule/", {"reason": "x"}).status_code == 404
