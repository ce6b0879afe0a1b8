"""`manage.py simulate`."""

import json
import re
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from reviewapp.core.models import Project
from reviewapp.simulation.cast import free_slug

SMALL = ("--n", "40", "--warmup", "50", "--seed", "2")


def run(*options: str) -> str:
    out = StringIO()
    call_command("simulate", *SMALL, *options, stdout=out)
    return out.getvalue()


@pytest.mark.django_db
def test_it_prints_the_table_and_writes_figures_and_a_page(tmp_path: Path) -> None:
    page, figures = tmp_path / "out.html", tmp_path / "out.json"
    printed = run("--report", str(page), "--json", str(figures))
    for title in (
        "Undetected errors, of all outputs",
        "Errors caught per review hour",
        "Error rate by predicted risk",
        "Reviewers",
        "Moment of a shift",
    ):
        assert title in printed
        assert title in page.read_text()
    content = json.loads(figures.read_text())
    assert content["plan"]["outputs"] == 40
    assert content["process"]["project"] == "sim-2"
    assert content["figures"]["undetected"][0]["outputs"] == 40
    assert Project.objects.filter(slug="sim-2").exists()


@pytest.mark.django_db
def test_the_page_loads_nothing_and_runs_nothing(tmp_path: Path) -> None:
    page = tmp_path / "out.html"
    run("--pure", "--report", str(page))
    text = page.read_text()
    assert text.count("<svg") >= 3
    assert not re.search(r"<script|<link|<img|https?://|url\(|@import", text)


@pytest.mark.django_db
def test_every_run_makes_a_project_of_its_own() -> None:
    for slug in ("sim-2", "sim-22", "sim-2-2"):
        assert free_slug(3) == "sim-3"
        Project.objects.create(slug=slug, name=slug)
    assert free_slug(2) == "sim-2-3"
    with pytest.raises(CommandError, match="sim-22"):
        run("--project", "sim-22")


@pytest.mark.django_db
def test_a_pure_run_touches_no_table() -> None:
    assert "Undetected errors" in run("--pure")
    assert not Project.objects.exists()


def test_many_worlds_give_a_coverage_with_its_bounds(tmp_path: Path) -> None:
    figures = tmp_path / "out.json"
    printed = run("--pure", "--worlds", "3", "--reviewers", "perfect", "--json", str(figures))
    assert "Coverage of the 95 % interval" in printed
    overall = json.loads(figures.read_text())["study"]["slices"][0]
    assert overall["worlds"] == 3
    assert overall["low"] <= overall["share"] <= overall["high"]


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (("--review-share", "0.02", "--audit-rate", "0.05"), "--audit-rate"),
        (("--audit-rate", "0"), "--audit-rate"),
        (("--gold-rate", "0.6"), "--gold-rate"),
        (("--warmup", "10"), "--warmup"),
        (("--worlds", "3"), "--pure"),
        (("--pure", "--worlds", "3", "--report", "x.html"), "--report"),
        (("--data", "/nowhere"), "is not there"),
    ],
)
def test_it_refuses_what_makes_no_sense(options: tuple[str, ...], complaint: str) -> None:
    with pytest.raises(CommandError, match=complaint):
        run(*options)
