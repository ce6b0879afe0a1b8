"""The warning of easy items: on the real mix, and not on sets whose items are all alike."""

import json
from pathlib import Path

import numpy as np
import pytest

from labeling.stats.easy_items import easy_items
from labeling.stats.units import UnitRatings


def summaries(folder: Path, *, people: bool) -> UnitRatings:
    rows = [json.loads(line) for line in (folder / "squality.jsonl").read_text().splitlines()]
    values = [
        [rating["value"] for rating in row["ratings"] if rating["criterion"] == "correctness"]
        for row in rows
        if people or row["source"] != "human"
    ]
    return UnitRatings.from_lists(values, range(101))


@pytest.mark.needs_data
def test_it_warns_of_the_human_references_among_the_summaries(review_data: Path) -> None:
    found = easy_items(summaries(review_data, people=True), "ordinal", rng=np.random.default_rng(1))
    assert found.mixed
    assert found.share == pytest.approx(0.2367, abs=1e-3)
    assert found.alpha_rest is not None
    assert found.expected_rest is not None
    assert found.alpha_rest < 0.25 < 0.3 < found.expected_rest


@pytest.mark.needs_data
def test_it_does_not_warn_once_they_are_left_out(review_data: Path) -> None:
    assert not easy_items(summaries(review_data, people=False), "ordinal", rng=np.random.default_rng(1)).mixed


def alike(seed: int, values: int, quality: float = 0.75) -> UnitRatings:
    """200 items of one kind, three raters each."""
    rng = np.random.default_rng(seed)
    latent = quality * rng.standard_normal((200, 1)) + np.sqrt(1 - quality**2) * rng.standard_normal((200, 3))
    cuts = np.quantile(latent, np.linspace(0, 1, values + 1)[1:-1])
    return UnitRatings.from_lists(np.searchsorted(cuts, latent).tolist(), range(values))


@pytest.mark.parametrize("values", [2, 5])
def test_it_hardly_ever_warns_of_items_that_are_all_alike(values: int) -> None:
    level = "ordinal" if values > 2 else "nominal"
    warned = [easy_items(alike(seed, values), level, rng=np.random.default_rng(seed)).mixed for seed in range(30)]
    assert sum(warned) <= 2


def test_it_warns_of_a_mix_that_raters_only_guess_at() -> None:
    rng = np.random.default_rng(4)
    easy, hard = np.full((80, 3), 4), rng.integers(0, 5, size=(120, 3))
    found = easy_items(UnitRatings.from_lists([*easy.tolist(), *hard.tolist()], range(5)), "ordinal", rng=rng)
    assert found.mixed
    assert abs(found.alpha_rest or 0.0) < 0.1


def test_it_says_why_it_cannot_tell() -> None:
    rng = np.random.default_rng(0)
    words = UnitRatings.from_lists([["a", "b"], ["c", "c"]], ["a", "b", "c"])
    assert easy_items(words, "nominal", rng=rng).reason == "no_ends"
    few = UnitRatings.from_lists([[0, 0], [0, 1]], range(5))
    assert easy_items(few, "ordinal", rng=rng).reason == "too_few_items"
    nobody = easy_items(UnitRatings.from_lists([[1], [2]], range(5)), "ordinal", rng=rng)
    assert (nobody.share, nobody.mixed, nobody.reason) == (None, False, "too_few_items")
