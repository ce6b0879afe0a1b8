"""Rounds of shared items in the console and over the API, and what becomes of a calibrated rubric there."""

from datetime import timedelta

import pytest
from django.core.cache import cache
from django.utils import timezone

from labeling.models import OverlapRound, ReviewItem, Rubric, Seat
from labeling.services.rubrics import draft_from_dispute, draft_next, publish_rubric
from labeling.services.settings import change_queue_settings
from reviewapp.core.models import Project
from tests.browser.visiting import queries, signed_in, text_of
from tests.factories import ACCEPT, REJECT, judge, output_body, route
from tests.overlap.figures import ended_figures
from tests.overlap.sharing import finish, in_force, start
from tests.people import Cast, person

PAGE = "/projects/shop/overlap-rounds/"
API = "/projects/shop/overlap-rounds/"
RUBRIC = "/projects/shop/rubrics/acceptability"


@pytest.fixture(autouse=True)
def _empty_cache() -> None:
    cache.clear()


def ended(project: Project, rubric: Rubric, rater: str, *, percent: float = 0.9) -> OverlapRound:
    now = timezone.now()
    return OverlapRound.objects.create(
        project=project,
        purpose="reblind",
        rubric=rubric,
        started_by="test",
        started_at=now - timedelta(days=20),
        closes_at=now - timedelta(days=6),
        ended_at=now - timedelta(days=7),
        figures=ended_figures(rater, percent=percent),
    )


def test_the_owner_starts_a_round_and_sees_it_run_and_end(cast: Cast) -> None:
    client, now = signed_in(cast.owner), timezone.now()
    assert "No round has ended yet." in text_of(client.get(PAGE))
    assert client.post(f"{PAGE}start/", {"task_kind": "pointwise"}).status_code == 302
    page = text_of(client.get(PAGE))
    assert "0 of 24 judgements are in." in page
    assert "Start a round now" not in page
    refused = client.post(f"{PAGE}start/", {"task_kind": "pointwise"})
    assert (refused.status_code, "open already" in text_of(refused)) == (400, True)
    round_ = finish(cast, now=now)
    assert f"{PAGE}{round_.pk}/" in text_of(client.get(PAGE))
    page = text_of(client.get(f"{PAGE}{round_.pk}/"))
    assert "n = 12" in page
    assert all(member.rater_code in page for member in cast.reviewers)


def test_a_round_is_shown_beside_the_one_before(cast: Cast) -> None:
    rater = cast.reviewers[0].rater_code
    before = ended(cast.project, in_force(cast), rater)
    round_ = ended(cast.project, in_force(cast), rater, percent=0.5)
    round_.figures["before"] |= {"round": before.pk, "differences": [fell(-0.45)]}
    round_.save()
    client = signed_in(cast.owner)
    page = text_of(client.get(f"{PAGE}{round_.pk}/"))
    assert "the round before" in page
    assert "−45" in page
    assert "worse" in page
    assert "below the floor" in page
    assert "fell" in text_of(client.get(PAGE))


def fell(difference: float) -> dict[str, object]:
    return {"criterion": "·outcome", "difference": difference, "interval": [difference - 0.2, difference + 0.2]}


def test_programs_start_and_read_rounds(cast: Cast) -> None:
    api = cast.program
    made = api.post(API, {"task_kind": "pointwise"})
    assert (made.status_code, made.json()["state"], made.json()["seats"]["left"]) == (201, "open", 24)
    again = api.post(API, {})
    assert (again.status_code, again.json()["code"]) == (409, "round_refused")
    assert api.get(f"{API}{made.json()['id']}/").json() == made.json()
    assert [row["id"] for row in api.get(API).json()["results"]] == [made.json()["id"]]
    assert api.post(API, {"task_kind": "poem"}).status_code == 400
    assert api.get(f"{API}0/").status_code == 404
    assert cast.key_with("read").post(API, {}).status_code == 403
    assert person(cast.reviewers[0]).get(API).status_code == 404


def test_a_version_is_calibrated_and_put_in_force_in_the_console(cast: Cast) -> None:
    client, now = signed_in(cast.owner), timezone.now()
    draft_next(rubric=in_force(cast), actor="test")
    change_queue_settings(project=cast.project, actor="test", calibrate_rubrics=True, repeat_after_days=0)
    page = text_of(client.get(f"{RUBRIC}/2/"))
    assert "Calibrate first" in page
    assert ">Publish<" not in page
    client.post(f"{RUBRIC}/2/publish/")
    assert in_force(cast).version == 1
    client.post(f"{RUBRIC}/2/calibrate/")
    assert "It is being calibrated and not in force" in text_of(client.get(f"{RUBRIC}/2/"))
    assert "calibrating" in text_of(client.get("/projects/shop/rubrics/"))
    robin = cast.reviewers[0].pk
    finish(cast, now=now, answer=lambda work: ACCEPT if work.reviewer_id == robin else REJECT)
    page = text_of(client.get(f"{RUBRIC}/2/"))
    assert "Before: work by acceptability v1 on the same intents." in page
    assert "Put in force" in page
    assert "agreed less than the floor" in text_of(client.get(f"{RUBRIC}/2/put-in-force/"))
    assert client.post(f"{RUBRIC}/2/put-in-force/", {"reason": ""}).status_code == 400
    assert client.post(f"{RUBRIC}/2/put-in-force/", {"reason": "It asks for more."}).status_code == 302
    assert in_force(cast).version == 2
    assert "It asks for more." in text_of(client.get(f"{RUBRIC}/2/"))


def test_a_version_is_withdrawn_in_the_console(cast: Cast) -> None:
    client = signed_in(cast.owner)
    draft_next(rubric=in_force(cast), actor="test")
    client.post(f"{RUBRIC}/2/calibrate/")
    assert client.post(f"{RUBRIC}/2/withdraw/", {"reason": ""}).status_code == 400
    client.post(f"{RUBRIC}/2/withdraw/", {"reason": "Too long."})
    page = text_of(client.get(f"{RUBRIC}/2/"))
    assert "It was withdrawn and never in force." in page
    assert "Too long." in page
    assert client.get(f"{RUBRIC}/2/calibrate/").status_code == 302


def test_programs_calibrate_put_in_force_and_withdraw(cast: Cast) -> None:
    api, now = cast.program, timezone.now()
    path = "/projects/shop/rubrics/acceptability/2"
    draft_next(rubric=in_force(cast), actor="test")
    assert api.post(f"{path}/put-in-force/", {}).status_code == 400
    assert api.post(f"{path}/calibrate/").status_code == 201
    assert api.get(f"{path}/").json()["status"] == "calibrating"
    early = api.post(f"{path}/put-in-force/", {})
    assert "not ended" in early.json()["errors"][0]["detail"]
    finish(cast, now=now)
    assert api.get(f"{path}/").json()["status"] == "calibrated"
    assert api.post(f"{path}/put-in-force/", {}).json()["status"] == "active"
    assert api.post(f"{path}/withdraw/", {"reason": "x"}).status_code == 400
    assert api.post("/projects/shop/rubrics/acceptability/9/calibrate/").status_code == 404


def test_a_new_version_is_measured_again_intent_by_intent(cast: Cast) -> None:
    client = signed_in(cast.owner)
    cast.put_in_force(tier={"raters": 2})
    judge_pairs(cast, 21, same=12, intent="refunds")
    item = ReviewItem.objects.filter(intent="refunds").order_by("pk")[0]
    following = draft_from_dispute(item=item, criterion="acceptable", level="no", actor="test")
    dispute = f"/projects/shop/disputes/{item.public_id}/"
    assert f'It is an example in the draft <a href="{RUBRIC}/2/">' in text_of(client.get(dispute))
    publish_rubric(rubric=following, actor="test", now=timezone.now())
    judge_pairs(cast, 7, same=7, intent="refunds")
    page = text_of(client.get(f"{RUBRIC}/2/"))
    assert "not enough yet: 7 of 20" in page
    judge_pairs(cast, 14, same=14, intent="refunds")
    page = text_of(client.get(f"{RUBRIC}/2/"))
    assert "not enough yet: 7 of 20" not in page
    assert "+43" in page
    assert f"{RUBRIC}/2/#measured" in text_of(client.get(dispute))
    [row, *_rest] = cast.program.get("/projects/shop/rubrics/acceptability/2/").json()["measured_by_intent"]
    assert (row["intent"], row["after"]["items"], row["after"]["percent"]) == ("refunds", 21, 1.0)


def judge_pairs(cast: Cast, count: int, *, same: int, intent: str) -> None:
    """Due before everything else, and so judged first, by two people each."""
    route(cast.project, *(output_body(intent=intent, stakes="high") for _number in range(count)))
    Seat.objects.filter(item__intent=intent, state="open").update(priority=0)
    for number in range(count):
        judge(cast.reviewers[0])
        judge(cast.reviewers[1], **(ACCEPT if number < same else REJECT))


def test_the_pages_cost_the_same_with_more_rounds(cast: Cast) -> None:
    client = signed_in(cast.owner)
    ended(cast.project, in_force(cast), cast.reviewers[0].rater_code)
    assert client.get(PAGE).status_code == 200
    before = queries(lambda: client.get(PAGE))
    for _number in range(4):
        ended(cast.project, in_force(cast), cast.reviewers[0].rater_code)
    after = queries(lambda: client.get(PAGE))
    assert after == before


def test_a_due_round_waits_and_says_when(cast: Cast) -> None:
    start(cast, now=timezone.now())
    page = text_of(signed_in(cast.owner).get(PAGE))
    due = timezone.now() + timedelta(days=30)
    assert f"{due.day} {due:%b %Y}" in page
