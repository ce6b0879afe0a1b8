"""All awkward strings and injected instructions go in, come out inert, and survive export unchanged."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone
from django.utils.html import escape

from labeling.models import Assignment
from labeling.services.golden import jsonl
from labeling.services.settings import change_queue_settings
from labeling.services.submitting import Submission, submit_rating
from routing.services.golden import freeze_from_verdicts
from tests.factories import output_body
from tests.people import Caller, make_cast, person

pytestmark = [pytest.mark.needs_data, pytest.mark.django_db]


@pytest.fixture
def texts(review_data: Path) -> list[str]:
    with (review_data / "hostile.jsonl").open(encoding="utf-8") as file:
        rows = [json.loads(line)["text"] for line in file]
    assert len(rows) == 715
    return rows


def hand_in(program: Caller, texts: list[str]) -> None:
    """Each text as prompt, context and response of one output."""
    bodies: list[dict[str, Any]] = [
        output_body(f"hostile-{index:03}", prompt=text, context=[{"id": "h", "text": text}], response=text)
        for index, text in enumerate(texts)
    ]
    answer = program.post("/outputs/batch/", {"outputs": bodies})
    assert answer.status_code == 200
    assert [row["status"] for row in answer.json()["results"]] == [201] * len(texts)


def test_every_hostile_text_goes_in_stands_inert_in_the_page_and_survives_export(texts: list[str]) -> None:
    cast = make_cast()
    change_queue_settings(project=cast.project, actor="test", daily_cap=10_000)
    hand_in(cast.program, texts)
    reviewer, browser, seen = person(cast.reviewers[0]), Client(), []
    browser.force_login(cast.reviewers[0].person)
    while (answer := reviewer.post(f"/projects/{cast.project.slug}/queue/claim/")).status_code == 200:
        claimed = answer.json()
        task = claimed["task"]
        assert task["prompt"] == task["context"][0]["text"] == task["response"]
        seen.append(task["response"])
        check_inert(browser.get(f"/review/{claimed['assignment']}/"), task["response"])
        # The one character more makes it a correction.
        submit(Assignment.objects.get(token=claimed["assignment"]), correction=f"{task['response']} ")
    assert answer.status_code == 204
    assert sorted(seen) == sorted(texts)
    golden_set = freeze_from_verdicts(project=cast.project, actor="test", now=timezone.now())
    cases = [json.loads(line) for line in jsonl(golden_set)]
    assert sorted(case["response"] for case in cases) == sorted(texts)
    assert sorted(case["reference"] for case in cases) == sorted(f"{text} " for text in texts)
    assert all(case["prompt"] == case["response"] == case["context"][0]["text"] for case in cases)


def check_inert(page: HttpResponse, text: str) -> None:
    assert page.status_code == 200
    markup = page.content.decode()
    assert escape(text) in markup
    # Whatever could be markup stands only in its escaped form.
    if "<" in text:
        assert text not in markup


def submit(assignment: Assignment, *, correction: str) -> None:
    submission = Submission(
        idempotency_key="once",
        values={"acceptable": "no"},
        verdict="correct",
        correction=correction,
        rationale=correction[:500],
    )
    submit_rating(assignment=assignment, submission=submission, now=timezone.now())
