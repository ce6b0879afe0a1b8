"""Replays: a policy version on the project's logged traffic."""

from datetime import datetime

from routing.models import Policy
from routing.policy.decide import Facts
from routing.policy.replay import Past, Replay, replay
from routing.queries import logged_outputs, median_seconds_per_rating
from routing.services.policies import ruling_of


def replay_policy(policy: Policy, *, since: datetime | None = None) -> Replay:
    """What `policy` would have done with the outputs decided since then (at most the newest 100,000)."""
    project, ruling = policy.project, ruling_of(policy)
    return replay(
        [
            Past(facts_of(row), row["inclusion_probability"], acceptable_of(row))
            for row in logged_outputs(project, since=since)
        ],
        policy=ruling.document,
        calibrator=ruling.calibrator,
        key=bytes(project.draw_key),
        seconds_per_rating=median_seconds_per_rating(project),
        level=ruling.document.targets.level,
    )


def facts_of(row: dict[str, object]) -> Facts:
    """A row of `logged_outputs` as the facts it was decided by."""
    trace = row["trace"]
    if not isinstance(trace, dict):
        raise TypeError("a decision's trace is an object")
    return Facts(
        external_id=str(row["output__external_id"]),
        intent=str(row["output__intent"]),
        stakes=trace["stakes_given"],
        flags=tuple(row["flags"]),  # type: ignore[arg-type]
        evidence=trace["evidence"],
        metadata=row["output__metadata"],  # type: ignore[arg-type]
    )


def acceptable_of(row: dict[str, object]) -> bool | None:
    """Whether people accepted the output; None without a verdict."""
    verdict = row["output__reviews__item__verdict__value"]
    return None if verdict is None else verdict == "accept"
