"""Rubrics: edited without losing anything, looked at, compared, published, measured again, taken elsewhere."""

import io
import json
import re
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from labeling.models import ActiveRubric, Rubric
from labeling.queries.comparing import compare_versions
from labeling.services.rubrics import (
    RubricRefused,
    draft_next,
    draft_rubric,
    edit_rubric,
    publish_rubric,
    revision_of,
    rubric_document,
)
from routing.forms_rubrics import document_of_text, pressed, text_of_document, typed_text
from tests.browser.visiting import signed_in, text_of
from tests.factories import judge, output_body, route
from tests.people import NOW, Cast

LEVELS = [
    {"value": 1, "label": "Bad", "description": "It misleads.", "example": "“Yes.”"},
    {"value": 2, "label": "Fair"},
    {"value": 3, "label": "Good"},
]
QUALITY = {"name": "quality", "type": "ordinal", "question": "How good is it?", "levels": LEVELS, "fail_values": [1]}
SCORE = {"name": "score", "type": "numeric", "question": "Score?", "minimum": 0.0, "maximum": 100.0, "fail_below": 50.0}


@pytest.fixture
def draft(cast: Cast) -> Rubric:
    return draft_rubric(
        project=cast.project,
        name="answers",
        task_kind="pointwise",
        criteria=[QUALITY, SCORE],
        actor="test",
        instructions="Read twice.",
        span_categories=["wrong fact", "rude"],
    )


@pytest.fixture
def owner(cast: Cast) -> Client:
    return signed_in(cast.owner)


def form_on(page: str) -> dict[str, str]:
    """What a browser would post from the editor untouched, buttons left out."""
    form = page[page.index('id="editor"') : page.index('id="preview"')]
    fields: dict[str, str] = {}
    for tag in re.findall(r"<input [^>]*>", form):
        given = dict(re.findall(r'([a-z]+)="([^"]*)"', tag))
        if given["name"] == "csrfmiddlewaretoken":
            continue
        if given.get("type") != "checkbox":
            fields[given["name"]] = unescape(given.get("value", ""))
        elif " checked" in tag:
            fields[given["name"]] = "on"
    for name, text in re.findall(r'<textarea[^>]* name="([^"]+)"[^>]*>\n(.*?)</textarea>', form, re.DOTALL):
        fields[name] = unescape(text)
    for name, options in re.findall(r'<select[^>]* name="([^"]+)">(.*?)</select>', form, re.DOTALL):
        fields[name] = re.findall(r'<option value="([^"]*)" selected', options)[0]
    return fields


# The editor ------------------------------------------------------------------------------------------


def test_the_form_stored_untouched_changes_nothing(owner: Client, draft: Rubric) -> None:
    before = rubric_document(draft)
    page = text_of(owner.get("/projects/shop/rubrics/answers/1/edit/"))
    answer = owner.post("/projects/shop/rubrics/answers/1/edit/", form_on(page) | {"do": "save"})
    assert (answer.status_code, answer["Location"]) == (302, "/projects/shop/rubrics/answers/1/")
    assert rubric_document(Rubric.objects.get(pk=draft.pk)) == before


def test_buttons_change_the_form_and_store_nothing(owner: Client, draft: Rubric) -> None:
    before = rubric_document(draft)
    address = "/projects/shop/rubrics/answers/1/edit/"
    fields = form_on(text_of(owner.get(address))) | {"c0-question": "Half <typed>"}
    page = text_of(owner.post(address, fields | {"do": "add-criterion"}))
    fields = form_on(page)
    assert (fields["c0-question"], fields["c2-name"]) == ("Half <typed>", "criterion-3")
    fields = form_on(text_of(owner.post(address, fields | {"do": "up-c0-l2"})))
    assert [fields[f"c0-l{place}-label"] for place in range(3)] == ["Bad", "Good", "Fair"]
    fields = form_on(text_of(owner.post(address, fields | {"do": "remove-c1"})))
    assert (fields["c1-name"], "c2-name" in fields) == ("criterion-3", False)
    fields = form_on(text_of(owner.post(address, fields | {"do": "down-c0"})))
    assert (fields["c0-name"], fields["c1-name"]) == ("criterion-3", "quality")
    assert rubric_document(Rubric.objects.get(pk=draft.pk)) == before
    fields |= {"do": "save", "c0-question": "Is it short?"}
    assert owner.post(address, fields).status_code == 302
    stored = Rubric.objects.get(pk=draft.pk).criteria.all()
    assert [criterion.name for criterion in stored] == ["criterion-3", "quality"]
    assert [level["value"] for level in stored[1].levels] == [1, 3, 2]


def test_what_nobody_could_answer_comes_back_as_it_was_typed(owner: Client, draft: Rubric) -> None:
    address = "/projects/shop/rubrics/answers/1/edit/"
    fields = form_on(text_of(owner.get(address))) | {"do": "save", "c1-maximum": "-5", "instructions": "Mine <b>"}
    answer = owner.post(address, fields)
    page = text_of(answer)
    assert answer.status_code == 400
    assert '<a href="#c1">a numeric criterion needs minimum &lt; maximum</a>' in page
    assert form_on(page) | {"do": "save"} == fields
    assert Rubric.objects.get(pk=draft.pk).instructions == "Read twice."


def test_two_editors_do_not_overwrite_each_other(owner: Client, draft: Rubric) -> None:
    address = "/projects/shop/rubrics/answers/1/edit/"
    mine = form_on(text_of(owner.get(address))) | {"do": "save", "instructions": "Mine."}
    theirs = rubric_document(draft) | {"instructions": "Theirs."}
    edit_rubric(rubric=draft, document=theirs, revision=revision_of(draft), actor="test")
    answer = owner.post(address, mine)
    page = text_of(answer)
    assert answer.status_code == 400
    assert "Somebody stored this draft while you were writing" in page
    assert Rubric.objects.get(pk=draft.pk).instructions == "Theirs."
    # Whoever stores once more means it.
    assert owner.post(address, form_on(page) | {"do": "save"}).status_code == 302
    assert Rubric.objects.get(pk=draft.pk).instructions == "Mine."


def test_a_published_version_is_never_edited(owner: Client, cast: Cast, draft: Rubric) -> None:
    fields = form_on(text_of(owner.get("/projects/shop/rubrics/answers/1/edit/")))
    publish_rubric(rubric=draft, actor="test", now=NOW)
    before = rubric_document(Rubric.objects.get(pk=draft.pk))
    owner.post("/projects/shop/rubrics/answers/1/edit/", fields | {"do": "save", "instructions": "Late."})
    with pytest.raises(RubricRefused, match="published already"):
        edit_rubric(rubric=draft, document=before, revision=revision_of(draft), actor="test")
    change = reverse("admin:labeling_rubric_change", args=[draft.pk])
    cast.owner.person.is_staff = True
    cast.owner.person.save(update_fields=["is_staff"])
    owner.post(change, {"instructions": "By the admin."})
    assert rubric_document(Rubric.objects.get(pk=draft.pk)) == before


def test_values_keep_their_types_through_the_form() -> None:
    levels = [{"value": True}, {"value": 2}, {"value": 2.5}, {"value": "3"}]
    criterion = QUALITY | {"levels": levels, "fail_values": [True], "required": True}
    document = {"instructions": "", "corrections": True, "span_categories": [], "criteria": [criterion]}
    (made,) = document_of_text(text_of_document(document))["criteria"]
    assert [(level["value"], type(level["value"])) for level in made["levels"]] == [
        (True, bool),
        (2, int),
        (2.5, float),
        ("3", str),
    ]
    assert made["fail_values"] == [True]


@pytest.mark.parametrize("button", ["", "remove-c9", "up-c0-l99", "add-c77", "remove-cx", "x" * 4000, "save\x00"])
def test_a_button_that_is_not_there_does_nothing(button: str) -> None:
    text = typed_text({"c0-name": "a", "c0-l0-value": "1", "c0-l1-value": "2"})
    assert pressed(text, button) == text


# Looking at it --------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["pointwise", "pairwise", "trajectory"])
def test_the_preview_is_the_desk_and_hands_in_nothing(owner: Client, cast: Cast, kind: str) -> None:
    draft_rubric(project=cast.project, name=kind, task_kind=kind, criteria=[QUALITY, SCORE], actor="test")
    page = text_of(owner.get(f"/projects/shop/rubrics/{kind}/1/preview/"))
    for words in ("How good is it?", "It misleads.", "Score?", '<form class="answer"', "<fieldset disabled>"):
        assert words in page, words
    assert 'name="do"' not in page
    assert 'id="submit"' not in page


def test_the_preview_in_the_editor_follows_what_is_typed(owner: Client, draft: Rubric) -> None:
    address = "/projects/shop/rubrics/answers/1/edit/"
    fields = form_on(text_of(owner.get(address))) | {
        "do": "show",
        "c0-question": "Is it <i>kind</i>?",
        "c1-minimum": "x",
    }
    page = text_of(owner.post(address, fields))
    assert "Is it &lt;i&gt;kind&lt;/i&gt;?" in page[page.index('id="preview"') :]


# Versions -------------------------------------------------------------------------------------------


def test_versions_are_compared_word_by_word(owner: Client, draft: Rubric) -> None:
    further = draft_next(rubric=draft, actor="test")
    document = rubric_document(further)
    document["criteria"][0]["levels"][0] |= {"description": "It misleads badly."}
    document["criteria"] = document["criteria"][:1]
    edit_rubric(rubric=further, document=document, revision=revision_of(further), actor="test")
    page = text_of(owner.get("/projects/shop/rubrics/answers/2/"))
    assert "What differs from version 1" in page
    assert "/criteria/quality/levels/1/description" in page
    assert re.search(r"It misleads<ins>[^<]*badly", page)
    assert "<del>Score?</del>" in page
    copy = draft_next(rubric=draft, actor="test")
    assert "Nothing differs." in text_of(owner.get(f"/projects/shop/rubrics/answers/{copy.version}/?against=1"))
    assert owner.get("/projects/shop/rubrics/answers/2/?against=99").status_code == 400


def test_publishing_on_the_page_puts_it_in_force(owner: Client, cast: Cast, draft: Rubric) -> None:
    owner.get("/projects/shop/rubrics/answers/1/publish/")
    assert Rubric.objects.get(pk=draft.pk).published_at is None
    owner.post("/projects/shop/rubrics/answers/1/publish/")
    assert ActiveRubric.objects.get(project=cast.project, task_kind="pointwise").rubric == draft
    answer = owner.post("/projects/shop/rubrics/answers/1/next/")
    assert answer["Location"] == "/projects/shop/rubrics/answers/2/edit/"
    assert Rubric.objects.get(project=cast.project, name="answers", version=2).parent == draft


def test_a_new_rubric_begins_with_one_question(owner: Client, cast: Cast) -> None:
    answer = owner.post("/projects/shop/rubrics/new/", {"name": "fresh", "task_kind": "pointwise"})
    assert answer["Location"] == "/projects/shop/rubrics/fresh/1/edit/"
    assert owner.post("/projects/shop/rubrics/new/", {"name": "a/b", "task_kind": "pointwise"}).status_code == 400
    owner.post("/projects/shop/rubrics/new/", {"name": "pairs", "task_kind": "pairwise"})
    assert not Rubric.objects.get(project=cast.project, name="pairs").criteria.exists()


def test_agreement_is_measured_again_under_the_new_version(owner: Client, cast: Cast) -> None:
    def rate_by(version: Rubric, robin: list[int], sam: list[int]) -> None:
        publish_rubric(rubric=version, actor="test", now=NOW)
        cast.put_in_force(tier={"mode": "always", "raters": 2})
        route(cast.project, *(output_body() for _value in robin))
        for reviewer, values in zip(cast.reviewers, (robin, sam), strict=False):
            for value in values:
                judge(reviewer, values={"quality": value})

    before = draft_rubric(project=cast.project, name="answers", task_kind="pointwise", criteria=[QUALITY], actor="test")
    rate_by(before, [1, 2, 3, 1, 2, 3] * 3, [3, 1, 2, 2, 3, 1] * 3)
    after = draft_next(rubric=before, actor="test")
    assert "Measured again" not in text_of(owner.get("/projects/shop/rubrics/answers/2/"))
    rate_by(after, [1, 2, 3, 1, 2, 3] * 3, [1, 2, 3, 1, 2, 2] * 3)
    rows = {row.criterion: row for row in compare_versions(before, after)}
    quality = rows["quality"]
    assert quality.before is not None
    assert quality.after is not None
    assert (quality.before.items, quality.after.items, quality.reading) == (18, 18, "better")
    assert quality.before.alpha is not None
    assert quality.after.alpha is not None
    assert quality.difference == pytest.approx(quality.after.alpha - quality.before.alpha)
    assert quality.interval is not None
    assert 0 < quality.interval[0] < quality.difference < quality.interval[1]
    assert quality.after.percent == pytest.approx(15 / 18)
    page = text_of(owner.get("/projects/shop/rubrics/answers/2/"))
    assert "Measured again" in page
    assert ">better<" in page
    answer = cast.program.get("/rubrics/answers/2/").json()
    assert {row["criterion"]: row["reading"] for row in answer["measured"]}["quality"] == "better"


# To and fro -----------------------------------------------------------------------------------------


def test_an_export_comes_back_as_the_same_rubric(owner: Client, cast: Cast, draft: Rubric) -> None:
    exported = owner.get("/projects/shop/rubrics/answers/1/export/")
    assert exported["Content-Disposition"] == 'attachment; filename="answers-v1.json"'
    document = json.loads(exported.content)
    assert document == rubric_document(draft)
    upload = io.BytesIO(exported.content)
    upload.name = "answers.json"
    assert owner.post("/projects/shop/rubrics/import/", {"file": upload}).status_code == 302
    again = cast.program.post("/rubrics/", document)
    assert again.status_code == 201
    by_api = cast.program.get("/rubrics/answers/3/").json()
    assert (by_api["version"], by_api["status"], by_api["document"], by_api["changes"]) == (3, "draft", document, [])
    assert cast.program.get("/rubrics/answers/9/").status_code == 404
    for version in (2, 3):
        assert rubric_document(Rubric.objects.get(project=cast.project, name="answers", version=version)) == document


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "not valid JSON"),
        ("[]", "JSON object"),
        ('{"name": "x"}', "/criteria"),
        ('{"name": 1}', "/name"),
        ('{"name": "x", "criteria": [], "surprise": 1}', "/surprise"),
        ('{"name": "x\\u0000", "criteria": []}', "/name"),
        ('{"name": "x", "criteria": [{"name": "n", "type": "numeric", "question": "?"}]}', "/criteria/0/minimum"),
    ],
)
def test_what_is_no_rubric_is_not_imported(owner: Client, cast: Cast, text: str, words: str) -> None:
    answer = owner.post("/projects/shop/rubrics/import/", {"document": text})
    assert answer.status_code == 400
    assert words in unescape(text_of(answer))
    assert not Rubric.objects.filter(project=cast.project, name="x").exists()


def test_the_command_takes_a_rubric_from_one_project_to_another(
    cast: Cast, noise: Cast, draft: Rubric, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    publish_rubric(rubric=draft, actor="test", now=NOW)
    file = tmp_path / "rubric.json"
    call_command("rubric", "export", "answers", "--project", "shop", "--out", str(file))
    call_command("rubric", "import", str(file), "--project", noise.project.slug, "--publish", "--json")
    assert json.loads(capsys.readouterr().out.splitlines()[-1]) == {"name": "answers", "version": 1, "published": True}
    taken = ActiveRubric.objects.get(project=noise.project, task_kind="pointwise").rubric
    assert rubric_document(taken) == rubric_document(draft)
    file.write_text('{"name": "answers", "criteria": []}')
    with pytest.raises(CommandError, match="/criteria: a rubric needs"):
        call_command("rubric", "import", str(file), "--project", "shop")
    for arguments in (["export", "nothing"], ["export", "answers", "--number", "7"], ["import", str(tmp_path / "no")]):
        with pytest.raises(CommandError):
            call_command("rubric", *arguments, "--project", "shop")


def test_the_admin_takes_span_categories_and_copies_them(owner: Client, cast: Cast, draft: Rubric) -> None:
    listing = reverse("admin:labeling_rubric_changelist")
    page = text_of(owner.get(reverse("admin:labeling_rubric_change", args=[draft.pk])))
    assert "span_categories" in page
    owner.post(listing, {"action": "draft_next", "_selected_action": [draft.pk]})
    further = Rubric.objects.get(project=cast.project, name="answers", version=2)
    assert (further.span_categories, further.parent) == (["wrong fact", "rude"], draft)


@pytest.mark.parametrize("field", ["label", "description", "example"])
def test_texts_of_levels_are_texts_of_a_sensible_length(cast: Cast, field: str) -> None:
    for wrong in ({"a": 1}, 5, "x" * 4001):
        levels: list[dict[str, Any]] = [{"value": 1, field: wrong}, {"value": 2}]
        with pytest.raises(RubricRefused) as refused:
            draft_rubric(
                project=cast.project,
                name="texts",
                task_kind="pointwise",
                criteria=[QUALITY | {"levels": levels}],
                actor="test",
            )
        assert refused.value.pointer == f"/criteria/0/levels/0/{field}"
