"""The pools: the demo world's, and the real outputs' where they are at hand."""

from collections import Counter
from pathlib import Path

import pytest

from reviewapp.simulation.pool import COSTS, Pool, PoolUnusable, demo_pool, real_pool
from routing.serializers.outputs import parse_output
from tests.simulation.worlds import MONDAY


def test_the_demo_world_has_errors_and_good_answers_for_every_intent() -> None:
    pool = demo_pool()
    assert sum(group.share for group in pool.groups) == pytest.approx(1.0)
    assert all((group.name, error) in pool.cells for group in pool.groups for error in (True, False))
    assert set(pool.stakes_by_intent.values()) <= set(COSTS)
    assert set(pool.stakes_by_intent) <= {group.name for group in pool.groups}


def test_the_demo_worlds_gold_is_apart_from_its_outputs() -> None:
    pool = demo_pool()
    assert Counter(row.error for row in pool.gold)[True] > 5
    assert not {row.key for row in pool.gold} & {row.key for row in pool.rows}


def test_a_folder_without_outputs_is_named(tmp_path: Path) -> None:
    with pytest.raises(PoolUnusable, match="evouna_nq"):
        real_pool(tmp_path, judges=True)


@pytest.fixture(scope="module")
def pool(review_data: Path) -> Pool:
    return real_pool(review_data, judges=True)


@pytest.mark.needs_data
def test_all_real_outputs_with_a_known_truth_are_in_the_pool(pool: Pool) -> None:
    assert len(pool.rows) == 7802
    errors = {
        group.name: len(pool.cells[group.name, True]) / sum(len(pool.cells[group.name, e]) for e in (True, False))
        for group in pool.groups
    }
    assert errors == pytest.approx(
        {"question": 0.274, "checked question": 0.452, "translation": 0.353, "summary": 0.544}, abs=0.001
    )


@pytest.mark.needs_data
def test_the_reference_is_never_a_signal_and_judges_only_on_request(pool: Pool, review_data: Path) -> None:
    names = Counter(signal["name"] for row in pool.rows for signal in row.signals)
    assert set(names) == {"peer_overlap", "bem", "peer_chrf4", "known_token_rate", "gpt-4", "text-davinci-003"}
    assert names["bem"] == 1489
    plain = real_pool(review_data, judges=False)
    assert {signal["kind"] for row in plain.rows for signal in row.signals} == {"score"}


@pytest.mark.needs_data
def test_ratings_of_people_are_read_as_catches(pool: Pool) -> None:
    asked = [row for row in pool.rows if row.group == "checked question"]
    assert {len(row.ratings) for row in asked} == {2, 3}
    # The first annotators' rates, counted in the files.
    assert sum(row.ratings[0] for row in asked if row.error) / 674 == pytest.approx(0.941, abs=0.001)
    assert sum(row.ratings[0] for row in asked if not row.error) / 816 == pytest.approx(0.032, abs=0.001)


@pytest.mark.needs_data
def test_every_real_output_fits_the_api(pool: Pool) -> None:
    from reviewapp.simulation.stream import Arrival

    for row in pool.rows[::50]:
        parse_output(Arrival("sim-1-1", row, row.signals, MONDAY).body())


@pytest.mark.needs_data
def test_better_models_answers_give_way_to_the_weaker_ones_on_the_same_question(pool: Pool) -> None:
    replaced = pool.replacements
    assert len(replaced) == 1800
    before = sum(pool.rows[position].error for position in replaced) / 1800
    behind = sum(pool.rows[position].error for position in replaced.values()) / 1800
    assert before == pytest.approx(0.21, abs=0.01)
    assert behind == pytest.approx(0.36, abs=0.01)
