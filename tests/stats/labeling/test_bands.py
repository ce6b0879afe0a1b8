"""Words for coefficients."""

from typing import Any

import pytest

from labeling.stats.bands import judge_tier, krippendorff_band, landis_koch_band
from tests.stats.fixtures import assert_matches, load_cases


@pytest.mark.parametrize("case", load_cases("interpretation_bands"))
def test_fixture_interpretation_bands(case: dict[str, Any]) -> None:
    values = case["inputs"]["values"]
    actual = {
        "krippendorff": [krippendorff_band(value) for value in values],
        "landis_koch": [landis_koch_band(value) for value in values],
        "judge_tier": [judge_tier(value) for value in values],
    }
    assert_matches(actual, case["expected"], case["tolerance"])
