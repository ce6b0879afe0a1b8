"""From adjudication to gold: only by a person, only what was decided for good, and only once."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from labeling.models import Assignment, GoldOrigin, ReviewItem
from labeling.queries.gold import adjudicated_not_gold
from labeling.services.claiming import claim_seat
from labeling.services.gold import GoldRefused
from labeling.services.gold_watch import watch_gold
from labeling.services.promoting import promote_to_gold
from reviewapp.core.models import AuditEntry
from tests.browser.visiting import signed_in, text_of
from tests.factories import ACCEPT, REJECT, claim, item_of, judge, output_body, pair_body, plant_gold, route, submit
from tests.people import NOW, Cast, make_cast

pytestmark = pytest.mark.django_db
LATER = NOW + timedelta(minutes=1)
SLIP = {"cause": "reviewer_slip", "rationale": "The handbook says five days."}


def adjudicated(cast: Cast, body: dict[str, Any] | None = None, **decision: Any) -> ReviewItem:
    """An item on which two people differed and that the adjudicator decided: accepted, unless told otherwise."""
    cast.put_in_force(tier={"raters": 2})
    [output] = route(cast.project, body or output_body())
    if output.task_kind == "pairwise":
        answers: tuple[dict[str, Any], ...] = ({"values": {}, "preferred": "a"}, {"values": {}, "preferred": "b"})
    else:
        answers = (ACCEPT, REJECT)
    for reviewer, answer in zip(cast.reviewers[:2], answers, strict=True):
        judge(reviewer, **answer)
    judge(cast.adjudicator, **(SLIP | (decision or ACCEPT)))
    return item_of(output)


def promote(item: ReviewItem, reference: str = "adjudicated-1", **fields: Any) -> Any:
    return promote_to_gold(item=item, actor="person:1", reference=reference, now=LATER, **fields)


@pytest.mark.parametrize(
    ("decision", "acceptable"),
    [(ACCEPT, True), (REJECT, False), (REJECT | {"correction": "Within five days.", "verdict": "correct"}, False)],
)
def test_the_adjudicated_answer_is_the_known_one(cast: Cast, decision: dict[str, Any], acceptable: bool) -> None:
    item = adjudicated(cast, **decision)
    case = promote(item, exposures=7)
    assert (case.origin, case.acceptable, case.preferred) == (GoldOrigin.ADJUDICATION, acceptable, "")
    assert (case.promoted_from, case.explanation) == (item, "The handbook says five days.")
    # As it was shown: of a corrected one the faulty response.
    assert case.item.content.body == item.content.body
    assert (case.item.intent, case.item.fingerprint, case.item.length) == (item.intent, item.fingerprint, item.length)
    assert (case.item.raters_needed, case.item.mask_names) == (7, item.mask_names)
    entry = AuditEntry.objects.get(project=cast.project, verb="gold.added")
    assert (entry.actor, entry.data) == ("person:1", {"reference": "adjudicated-1", "item": str(item.public_id)})


def test_of_a_pair_the_better_side_is_known(cast: Cast) -> None:
    item = adjudicated(cast, pair_body(), values={}, preferred="b")
    verdict = ReviewItem.objects.get(pk=item.pk).verdict
    assert verdict is not None
    case = promote(item)
    assert (case.preferred, case.acceptable) == (verdict.preferred, None)
    assert case.preferred in ("a", "b")


def test_it_keeps_the_credential_that_the_words_take(cast: Cast) -> None:
    item = adjudicated(cast)
    item.seats.filter(number=1).update(credential="medical")
    assert set(promote(item).item.seats.values_list("credential", flat=True)) == {"medical"}


def test_only_what_was_adjudicated_for_good_becomes_gold(cast: Cast) -> None:
    [output] = route(cast.project, output_body())
    refused(item_of(output), "adjudicator")
    judge(cast.reviewers[0])
    refused(item_of(output), "adjudicator")
    item = adjudicated(cast)
    with pytest.raises(GoldRefused, match="taken back"):
        promote_to_gold(item=item, actor="test", reference="x", now=NOW)
    assert promote(item)


def test_what_the_adjudicator_found_broken_has_no_right_answer(cast: Cast) -> None:
    item = adjudicated(cast, **(REJECT | {"cause": "item_broken"}))
    refused(item, "broken")
    assert not adjudicated_not_gold(cast.project).exists()


def test_the_same_words_become_gold_once(cast: Cast, noise: Cast) -> None:
    item = adjudicated(cast)
    assert list(adjudicated_not_gold(cast.project)) == [item]
    promote(item)
    refused(item, "already")
    assert not adjudicated_not_gold(cast.project).exists()
    words = output_body()
    body = {"prompt": words["prompt"], "context": words["context"], "body": {"response": words["response"]}}
    plant_gold(cast.project, **body)
    refused(adjudicated(cast, words), "already")


def refused(item: ReviewItem, why: str) -> None:
    with pytest.raises(GoldRefused, match=why) as caught:
        promote(item, "another")
    assert caught.value.pointer == "/item"


@pytest.fixture
def noise(cast: Cast) -> Cast:
    """Something adjudicated elsewhere."""
    other = make_cast("beyond")
    adjudicated(other)
    return other


def test_who_met_the_words_never_meets_the_case_and_the_words_are_no_leak(cast: Cast) -> None:
    case = promote(adjudicated(cast))
    watch_gold(now=LATER)
    case.refresh_from_db()
    assert case.retired_at is None
    cast.put_in_force(gold_rate=0.5)
    route(cast.project, *(output_body() for _number in range(12)))
    for seed in range(4):
        assert submit(claim(cast.reviewers[0], seed=seed)).item.kind == "live"
    assert claim(cast.reviewers[2], seed=1).item == case.item
    assert Assignment.objects.filter(item=case.item).count() == 1
    assert claim_seat(reviewer=cast.adjudicator, now=NOW) is None


# Pages and API ---------------------------------------------------------------------------------------


def test_the_owner_makes_gold_from_the_dispute_page(cast: Cast) -> None:
    item = adjudicated(cast)
    client, slug = signed_in(cast.owner), cast.project.slug
    address = f"/projects/{slug}/gold-cases/promote/{item.public_id}/"
    dispute = f"/projects/{slug}/disputes/{item.public_id}/"
    assert address in text_of(client.get(dispute))
    assert address in text_of(client.get(f"/projects/{slug}/gold-cases/adjudicated/"))
    assert address not in text_of(signed_in(cast.auditor).get(f"/projects/{slug}/gold-cases/adjudicated/"))
    page = text_of(client.get(address))
    assert f'value="{item.content.output.external_id}"' in page
    assert "The handbook says five days." in page
    answer = client.post(address, {"reference": "from-page", "exposures": "3"})
    case = item.promoted_to.get()
    assert (answer.status_code, answer["Location"]) == (302, f"/projects/{slug}/gold-cases/{case.pk}/")
    assert (case.reference, case.item.raters_needed) == ("from-page", 3)
    assert dispute in text_of(client.get(answer["Location"]))
    assert address not in text_of(client.get(dispute))
    again = client.post(address, {"reference": "again", "exposures": "3"})
    assert again.status_code == 400
    assert "already" in text_of(again)


def test_a_program_makes_gold_reads_the_supply_and_retires(cast: Cast) -> None:
    item = adjudicated(cast)
    api, base = cast.program, f"/projects/{cast.project.slug}/gold-cases"
    listed = api.get(f"{base}/promotions/").json()["results"]
    assert [row["item"] for row in listed] == [str(item.public_id)]
    made = api.post(f"{base}/promotions/", {"item": str(item.public_id), "reference": "g-1"})
    assert made.status_code == 201, made.json()
    case = made.json()
    assert (case["origin"], case["promoted_from"], case["acceptable"]) == ("adjudication", str(item.public_id), True)
    again = api.post(f"{base}/promotions/", {"item": str(item.public_id), "reference": "g-2"})
    assert (again.status_code, again.json()["errors"][0]["pointer"]) == (400, "/item")
    supply = api.get(f"{base}/supply/").json()
    [row] = [row for row in supply["intents"] if row["intent"] == item.intent]
    assert (row["cases"], row["exposures"], supply["without_gold"]) == (1, 30, [])
    retired = api.post(f"{base}/{case['id']}/retire/", {"reason": "The handbook changed."})
    assert retired.json()["retired_because"] == "The handbook changed."
    assert (
        api.post(f"{base}/{case['id']}/retire/", {"reason": "x"}).json()["retired_because"] == "The handbook changed."
    )
    assert api.post(f"{base}/0/retire/", {"reason": "x"}).status_code == 404
    assert cast.key_with("read").post(f"{base}/promotions/", {}).status_code == 403


def test_the_supply_page_tells_share_mixes_and_what_is_missing(cast: Cast) -> None:
    cast.put_in_force(gold_rate=0.5)
    # Over HTTP it is today.
    now = timezone.now()
    route(cast.project, *(output_body() for _number in range(9)), output_body(intent="refunds"), now=now)
    case = plant_gold(cast.project)
    for seed in range(6):
        submit(claim(cast.reviewers[0], seed=seed, now=now), now=now)
    watch_gold(now=now)
    page = text_of(signed_in(cast.auditor).get(f"/projects/{cast.project.slug}/gold-cases/supply/"))
    for words in ("1 of 6", "asked for: 50.0%", "refunds", "no case", cast.reviewers[0].rater_code):
        assert words in page, words
    assert case.item.intent in page
    assert cast.reviewers[0].rater_code in text_of(
        signed_in(cast.owner).get(f"/projects/{cast.project.slug}/gold-cases/")
    )
