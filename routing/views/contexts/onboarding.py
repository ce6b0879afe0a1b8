"""Where the project's reviewers stand on the way to live work, and what there is to give them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from labeling.models import RoundKind, Stage
from labeling.queries.onboarding import OnboardingRow, RoundRow, onboarding_rows
from reviewapp.core.models import Project
from reviewapp.core.reading import label
from routing.views.figures import percent

IN_ONBOARDING = (Stage.INSTRUCTIONS, Stage.PRACTICE, Stage.QUALIFICATION)


@dataclass(frozen=True, slots=True)
class RoundLine:
    """One round: `state` is running, passed, failed or broken off; `mark` is "" where nothing has to be passed."""

    pk: int
    kind: str
    state: str
    done: int
    size: int
    right: int
    mark: str
    started_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class PersonLine:
    """One reviewer. `may_get_round` and `may_go_live` say which buttons stand beside them."""

    pk: int
    person: str
    rater: str
    stage: str
    paused: bool
    pause_reason: str
    may_get_round: bool
    may_go_live: bool
    rounds: Sequence[RoundLine]


def person_lines(project: Project) -> list[PersonLine]:
    return [_person(row) for row in onboarding_rows(project)]


def _person(row: OnboardingRow) -> PersonLine:
    member = row.membership
    paused = member.paused_at is not None
    running = any(round_.ended_at is None for round_ in row.rounds)
    # A qualification comes by itself until it was failed.
    waiting = row.stage in (Stage.INSTRUCTIONS, Stage.PRACTICE) or (row.stage == Stage.QUALIFICATION and not paused)
    return PersonLine(
        pk=member.pk,
        person=str(member.person),
        rater=member.rater_code,
        stage=label(Stage(row.stage)),
        paused=paused,
        pause_reason=member.pause_reason,
        may_get_round=not running and not waiting,
        may_go_live=paused or row.stage in IN_ONBOARDING,
        rounds=[_round(round_) for round_ in row.rounds],
    )


def _round(row: RoundRow) -> RoundLine:
    ended = {True: "passed", False: "failed", None: "broken_off"}[row.passed]
    return RoundLine(
        pk=row.pk,
        kind=label(RoundKind(row.kind)),
        state="running" if row.ended_at is None else ended,
        done=row.done,
        size=row.size,
        right=row.right,
        mark="" if row.kind == RoundKind.PRACTICE else percent(row.pass_mark, 0),
        started_at=row.started_at,
        ended_at=row.ended_at,
    )
