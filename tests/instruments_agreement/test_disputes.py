"""Disputes: ranked, taken apart, grouped; one dispute's page; and from there to a rubric draft."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from labeling.models import Rubric
from labeling.queries.disputes import dispute_report, grouped, open_disputes, texts_of
from labeling.services.rubrics import RubricRefused, draft_from_dispute, draft_rubric, publish_rubric
from tests.browser.visiting import signed_in, text_of
from tests.factories import ACCEPT, REJECT, claim, item_of, judge, output_body, pair_body, route, submit
from tests.people import NOW, Cast

TWO = {"mode": "always", "raters": 2}
LEVELS = [{"value": value, "label": value.title()} for value in ("warm", "plain", "poor")]
TONE = {"name": "tone", "type": "ordinal", "question": "How is the tone?", "levels": LEVELS, "fail_values": ["poor"]}


def tone_in_force(cast: Cast) -> Rubric:
    rubric = draft_rubric(project=cast.project, name="tone", task_kind="pointwise", criteria=[TONE], actor="test")
    publish_rubric(rubric=rubric, actor="test", now=NOW)
    return rubric


def say(cast: Cast, *pairs: tuple[str, str], bodies: list[dict[str, Any]] | None = None, **when: Any) -> list[Any]:
    """One item per pair of tones, said by Robin and Sam."""
    cast.put_in_force(tier=TWO)
    outputs = route(cast.project, *(bodies or [output_body() for _pair in pairs]), **when)
    for place, reviewer in enumerate(cast.reviewers[:2]):
        for pair in pairs:
            judge(reviewer, values={"tone": pair[place]}, **when)
    return [item_of(output) for output in outputs]


def test_the_farthest_and_newest_come_first(cast: Cast, noise: Cast) -> None:
    tone_in_force(cast)
    old, same = say(cast, ("warm", "poor"), ("plain", "plain"))
    near, far = say(cast, ("warm", "plain"), ("warm", "poor"), now=NOW + timedelta(days=60))
    report = dispute_report(cast.project, now=NOW + timedelta(days=60))
    assert report.ranked[0].item == far.pk
    assert {row.item for row in report.ranked} == {far.pk, old.pk, near.pk}
    by_item = {row.item: row for row in report.ranked}
    assert same.pk not in by_item
    # Two half-lives of thirty days.
    assert by_item[old.pk].rank == pytest.approx(by_item[old.pk].spread / 4)
    assert by_item[far.pk].rank == by_item[far.pk].spread > by_item[near.pk].spread > 0


def test_it_says_which_criterion_and_which_levels_carry_the_disagreement(cast: Cast) -> None:
    tone_in_force(cast)
    say(cast, ("warm", "plain"), ("plain", "warm"), ("warm", "plain"), ("poor", "poor"), ("warm", "warm"))
    report = dispute_report(cast.project, now=NOW)
    (tone,) = [question for question in report.questions if question.criterion == "tone"]
    assert tone.share == pytest.approx(1.0)
    assert tone.levels == ("warm", "plain", "poor")
    assert tone.confusion.pairs.tolist() == [[1, 3, 0], [3, 0, 0], [0, 0, 1]]
    (found,) = report.carrying
    assert (found.first, found.second) == (0, 1)
    assert found.share == pytest.approx(1.0)
    assert len(report.cells[tone.rubric_id, "tone", 0, 1]) == 3


def test_similar_disputes_are_grouped_by_levels_intent_and_words(cast: Cast) -> None:
    tone_in_force(cast)
    kettles = [output_body(prompt=f"May I return the blue kettle after {n} weeks?", response="Yes.") for n in (5, 6)]
    other = output_body(prompt="Where do I see my invoices?", response="Under billing in your account.")
    elsewhere = output_body(prompt="May I return the blue kettle after 7 weeks?", response="Yes.", intent="returns")
    items = say(cast, *[("warm", "plain")] * 4, bodies=[*kettles, other, elsewhere])
    report = dispute_report(cast.project, now=NOW)
    (group,) = grouped(report.ranked, texts_of([row.item for row in report.ranked]))
    assert set(group.items) == {items[0].pk, items[1].pk}
    assert (group.intent, group.alike, group.question.criterion) == ("billing", True, "tone")


def test_a_cell_of_the_matrix_opens_its_items(cast: Cast) -> None:
    tone_in_force(cast)
    near, far = say(cast, ("warm", "plain"), ("warm", "poor"))
    owner: Client = signed_in(cast.owner)
    page = text_of(owner.get("/projects/shop/disputes/"))
    assert "What carries the disagreement" in page
    assert "?rubric=tone+v1&amp;criterion=tone&amp;first=0&amp;second=2" in page
    cell = text_of(owner.get("/projects/shop/disputes/?rubric=tone+v1&criterion=tone&first=0&second=2"))
    assert str(far.public_id) in cell
    assert str(near.public_id) not in cell
    assert "one person said “warm” and another “poor”" in cell
    for query in ("first=0&second=99&rubric=tone+v1&criterion=tone", "first=-1", "rubric=x", "page=99", "open=True"):
        assert owner.get(f"/projects/shop/disputes/?{query}").status_code in (200, 400), query


def test_only_what_waits_for_an_adjudicator_is_open(cast: Cast) -> None:
    cast.put_in_force(tier=TWO)
    first, second = route(cast.project, output_body(), output_body())
    for reviewer, letters in zip(cast.reviewers, ("ar", "ra"), strict=False):
        for letter in letters:
            judge(reviewer, **(ACCEPT if letter == "a" else REJECT))
    settled = judge(cast.adjudicator, **REJECT, cause="reviewer_slip").item
    waiting = {item_of(first).pk, item_of(second).pk} - {settled.pk}
    assert open_disputes(cast.project) == waiting
    page = text_of(signed_in(cast.owner).get("/projects/shop/disputes/?open=True"))
    assert page.count('<tr>\n        <th scope="row">') == 1


def test_a_dispute_is_shown_with_texts_ratings_marks_and_cause_but_without_names(cast: Cast) -> None:
    criterion = {"name": "ok", "type": "binary", "question": "OK?", "levels": LEVELS[:2], "fail_values": ["plain"]}
    rubric = draft_rubric(
        project=cast.project,
        name="marks",
        task_kind="pointwise",
        criteria=[criterion],
        actor="test",
        span_categories=["wrong fact"],
    )
    publish_rubric(rubric=rubric, actor="test", now=NOW)
    cast.put_in_force(tier=TWO)
    (output,) = route(cast.project, output_body(response="It is <b>blue</b>, says GPT-4.", source={"model": "GPT-4"}))
    span = {"part": "response", "start": 6, "end": 17, "category": "wrong fact", "severity": "major"}
    submit(claim(cast.reviewers[0]), values={"ok": "plain"}, spans=[span], rationale="It is green.")
    submit(claim(cast.reviewers[1]), values={"ok": "warm"})
    judge(cast.adjudicator, values={"ok": "plain"}, cause="rubric_ambiguous", rationale="Teal.")
    page = text_of(signed_in(cast.auditor).get(f"/projects/shop/disputes/{item_of(output).public_id}/"))
    for words in (
        "It is &lt;b&gt;blue&lt;/b&gt;, says GPT-4.",
        ">&lt;b&gt;blue&lt;/b&gt;</mark>",
        "wrong fact",
        "It is green.",
        "Teal.",
        "rubric ambiguous",
        cast.reviewers[0].rater_code,
    ):
        assert words in page, words
    assert "robin" not in page
    assert "Draft the rubric" not in page


def test_one_click_makes_a_draft_with_the_case_as_an_example(cast: Cast) -> None:
    rubric = tone_in_force(cast)
    body = output_body(prompt="May I send it back?", response="As GPT-4 I say no.", source={"model": "GPT-4"})
    (item,) = say(cast, ("warm", "poor"), bodies=[body])
    owner: Client = signed_in(cast.owner)
    page = text_of(owner.get(f"/projects/shop/disputes/{item.public_id}/"))
    assert "tone: Warm" in page
    answer = owner.post(f"/projects/shop/disputes/{item.public_id}/draft/", {"place": '["tone", "poor"]'})
    assert (answer.status_code, answer["Location"]) == (302, "/projects/shop/rubrics/tone/2/edit/")
    draft = Rubric.objects.get(project=cast.project, name="tone", version=2)
    assert (draft.parent, draft.published_at) == (rubric, None)
    example = draft.criteria.get().levels[2]["example"]
    assert example == "“May I send it back?” → “As [model] I say no.”"
    assert "example" not in rubric.criteria.get().levels[2]
    # A second case goes into the same draft, if one wants.
    owner.post(f"/projects/shop/disputes/{item.public_id}/draft/", {"place": '["tone", "warm"]', "into": "2"})
    assert Rubric.objects.filter(project=cast.project, name="tone").count() == 2
    assert draft.criteria.get().levels[0]["example"] == example


@pytest.mark.parametrize("place", ['["tone", "loud"]', '["mood", "poor"]', "[1, 2]", "nonsense", ""])
def test_a_level_that_is_not_there_makes_no_draft(cast: Cast, place: str) -> None:
    tone_in_force(cast)
    (item,) = say(cast, ("warm", "poor"))
    answer = signed_in(cast.owner).post(f"/projects/shop/disputes/{item.public_id}/draft/", {"place": place})
    assert (answer.status_code, answer["Location"]) == (302, f"/projects/shop/disputes/{item.public_id}/")
    assert Rubric.objects.filter(project=cast.project, name="tone").count() == 1


def test_pairs_give_both_sides_as_an_example(cast: Cast) -> None:
    criterion = {**TONE, "name": "strength"}
    rubric = draft_rubric(project=cast.project, name="pairs", task_kind="pairwise", criteria=[criterion], actor="test")
    publish_rubric(rubric=rubric, actor="test", now=NOW)
    cast.put_in_force(tier=TWO)
    (output,) = route(cast.project, pair_body(prompt="Which?"))
    draft = draft_from_dispute(item=item_of(output), criterion="strength", level="warm", actor="test")
    assert draft.criteria.get().levels[0]["example"].startswith("“Which?” → A: “First answer")
    with pytest.raises(RubricRefused, match="published already"):
        draft_from_dispute(item=item_of(output), criterion="strength", level="warm", actor="test", into=rubric)


def test_the_summary_tells_programs_the_same(cast: Cast, noise: Cast) -> None:
    tone_in_force(cast)
    (item,) = say(cast, ("warm", "poor"))
    answer = cast.program.get("/disputes/summary/").json()
    assert [row["id"] for row in answer["items"]] == [str(item.public_id)]
    assert answer["level_pairs"][0]["share"] > 0
    assert {row["criterion"] for row in answer["criteria"]} == {"tone", "·outcome"}
