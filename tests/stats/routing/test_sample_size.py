"""How many audit labels a certificate needs."""

from typing import Any

import pytest

from labeling.stats.intervals import clopper_pearson_upper
from routing.policy.sample_size import labels_needed, plan
from tests.stats.fixtures import assert_matches, load_cases


@pytest.mark.parametrize("case", load_cases("audit_sample_size"))
def test_fixture_audit_sample_size(case: dict[str, Any]) -> None:
    inputs = dict(case["inputs"])
    if "errors_seen" in inputs:
        seen = inputs.pop("errors_seen")
        actual: dict[str, Any] = {"labels_needed": [labels_needed(errors, **inputs) for errors in seen]}
    else:
        found = plan(**inputs)
        actual = {"labels": found.labels, "allowed_errors": found.allowed_errors}
    assert_matches(actual, case["expected"], case["tolerance"])


@pytest.mark.parametrize(("errors", "target"), [(0, 0.02), (3, 0.05), (12, 0.01)])
def test_it_needs_exactly_as_many_labels_as_bring_the_bound_down_to_the_target(errors: int, target: float) -> None:
    n = labels_needed(errors, max_error_rate=target, delta=0.05)
    enough, one_short = clopper_pearson_upper(errors, n, 0.95), clopper_pearson_upper(errors, n - 1, 0.95)
    assert enough is not None
    assert one_short is not None
    assert enough <= target < one_short


def test_it_has_no_plan_for_a_process_that_is_not_better_than_the_target() -> None:
    found = plan(max_error_rate=0.02, delta=0.05, assumed_true_rate=0.02)
    assert (found.labels, found.allowed_errors) == (None, None)
    assert "not below" in found.reason


def test_it_gives_up_where_nobody_could_label_enough() -> None:
    found = plan(max_error_rate=1e-6, delta=0.05, assumed_true_rate=1e-7)
    assert found.labels is None
    assert found.reason.startswith("more than 1000000 labels")


@pytest.mark.parametrize(("target", "delta"), [(0.0, 0.05), (1.0, 0.05), (0.02, 0.0), (0.02, 1.0)])
def test_it_refuses_targets_and_levels_that_mean_nothing(target: float, delta: float) -> None:
    with pytest.raises(ValueError, match="strictly between"):
        labels_needed(0, max_error_rate=target, delta=delta)
