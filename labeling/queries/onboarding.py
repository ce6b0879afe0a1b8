"""On the way to live work: where people stand, the rounds they went through, and the cases that there are for more."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Exists, F, Max, OuterRef, Prefetch, Q, QuerySet

from labeling.models import (
    ActiveRubric,
    Assignment,
    AssignmentState,
    GoldCase,
    GoldResult,
    Lane,
    Rating,
    ReviewerStage,
    Round,
    RoundKind,
    Seat,
    SeatState,
    Stage,
)
from reviewapp.core.models import Membership, Project, Role

# What a person is done with: handed in, skipped or passed up.
ENDED = (AssignmentState.SUBMITTED, AssignmentState.RELEASED, AssignmentState.ESCALATED)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a round has come: of the cases `given` so many are `done`, and `right` were judged as is known.

    `undo_until` is the moment until which one of the answers can still be taken back.
    """

    given: int
    done: int
    right: int
    undo_until: datetime | None


@dataclass(frozen=True, slots=True)
class RoundRow:
    """One round as the owner sees it. `passed` is None while it runs, and for one that was broken off."""

    pk: int
    kind: str
    size: int
    pass_mark: float
    done: int
    right: int
    passed: bool | None
    started_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class OnboardingRow:
    """One reviewer: where they stand, and their rounds, newest first."""

    membership: Membership
    stage: str
    rounds: Sequence[RoundRow]


def live_reviewers(project: Project) -> QuerySet[Membership]:
    """Reviewers who take live work: active, not paused, through with onboarding."""
    return Membership.objects.filter(
        Q(stage__isnull=True) | Q(stage__stage=Stage.LIVE),
        project=project,
        role=Role.REVIEWER,
        paused_at__isnull=True,
        person__is_active=True,
    )


def stage_of(membership: Membership) -> str:
    """Who has no row is live."""
    return ReviewerStage.objects.filter(membership=membership).values_list("stage", flat=True).first() or Stage.LIVE


def open_round(membership: Membership) -> Round | None:
    return Round.objects.filter(membership=membership, ended_at__isnull=True).first()


def untold_result(membership: Membership) -> Round | None:
    """The newest round if it has a result that the person has not been told."""
    newest = Round.objects.filter(membership=membership).order_by("-pk").first()
    return newest if newest and newest.passed is not None and newest.told_at is None else None


def progress_of(round_: Round) -> Progress:
    """Counted from the rows, so that an undo takes back what a submit counted."""
    counts = round_.assignments.aggregate(given=Count("pk"), done=Count("pk", filter=Q(state__in=ENDED)))
    ratings = Rating.objects.standing().filter(assignment__round=round_)
    last = ratings.aggregate(last=Max("undo_until"))["last"]
    return Progress(counts["given"], counts["done"], right_in(round_), last)


def right_in(round_: Round) -> int:
    return standing_results().filter(rating__assignment__round=round_, correct=True).count()


def standing_results() -> QuerySet[GoldResult]:
    """Results whose rating was not taken back."""
    return GoldResult.objects.filter(rating__withdrawal__isnull=True)


def planted_results(project: Project) -> QuerySet[GoldResult]:
    """Answers to cases that were planted among live work: what people do when they do not know of a test.

    Answers given in rounds are kept apart, and so are those to practice cases.
    """
    return standing_results().filter(gold_case__project=project, rating__assignment__round__isnull=True)


def unmet_cases(reviewer: Membership, *, practice: bool) -> QuerySet[GoldCase]:
    """Cases in force whose words this person has never been given, by the rubric in force.

    A planted case needs a seat besides: an exposure that nobody else has taken. A practice case always has room.
    """
    met = Assignment.objects.filter(reviewer=reviewer, fingerprint=OuterRef("item__fingerprint"))
    cases = GoldCase.objects.filter(
        ~Exists(met),
        project_id=reviewer.project_id,
        practice=practice,
        retired_at__isnull=True,
        item__rubric__in=ActiveRubric.objects.filter(project_id=reviewer.project_id).values("rubric"),
    )
    if practice:
        return cases
    seats = Seat.objects.filter(
        item=OuterRef("item_id"),
        lane=Lane.GOLD,
        state=SeatState.OPEN,
        credential__in=["", *reviewer.credentials],
    )
    return cases.filter(Exists(seats))


def available_cases(reviewer: Membership, *, practice: bool) -> int:
    """For how many cases a round could be begun. Two cases with the same words are one."""
    return unmet_cases(reviewer, practice=practice).values("item__fingerprint").distinct().count()


def cases_in_force(project: Project) -> dict[str, int]:
    """The project's cases that somebody new could still be given, {"practice": n, "gold": n}."""
    cases = GoldCase.objects.filter(
        project=project,
        retired_at__isnull=True,
        item__rubric__in=ActiveRubric.objects.filter(project=project).values("rubric"),
    )
    open_seat = Exists(Seat.objects.filter(item=OuterRef("item_id"), lane=Lane.GOLD, state=SeatState.OPEN))
    return {
        "practice": cases.filter(practice=True).values("item__fingerprint").distinct().count(),
        "gold": cases.filter(open_seat, practice=False).values("item__fingerprint").distinct().count(),
    }


def onboarding_rows(project: Project) -> list[OnboardingRow]:
    """Every reviewer by address, with all their rounds; so many queries, however many people."""
    rounds = Prefetch("rounds", queryset=_counted_rounds(project))
    members = Membership.objects.filter(project=project, role=Role.REVIEWER).select_related("person", "stage")
    return [
        OnboardingRow(
            membership=member,
            stage=member.stage.stage if hasattr(member, "stage") else Stage.LIVE,
            rounds=[_round_row(round_) for round_ in member.rounds.all()],
        )
        for member in members.prefetch_related(rounds).order_by("person__email")
    ]


def _counted_rounds(project: Project) -> QuerySet[Round]:
    """With what is counted when they end, as of now."""
    done = Count("assignments", filter=Q(assignments__state__in=ENDED), distinct=True)
    standing = Q(
        assignments__ratings__withdrawal__isnull=True,
        assignments__ratings__gold_result__correct=True,
    )
    right = Count("assignments", filter=standing, distinct=True)
    return Round.objects.filter(membership__project=project).annotate(done_now=done, right_now=right).order_by("-pk")


def _round_row(round_: Round) -> RoundRow:
    running = round_.ended_at is None
    return RoundRow(
        pk=round_.pk,
        kind=round_.kind,
        size=round_.size,
        pass_mark=round_.pass_mark,
        done=round_.done_now if running else round_.done,  # type: ignore[attr-defined]
        right=round_.right_now if running else round_.right,  # type: ignore[attr-defined]
        passed=round_.passed,
        started_at=round_.started_at,
        ended_at=round_.ended_at,
    )


def unfinished_rounds() -> QuerySet[Round]:
    """Rounds of which every case is done, and calibrations of people who are not paused any more."""
    done = Count("assignments", filter=Q(assignments__state__in=ENDED))
    rounds = Round.objects.filter(ended_at__isnull=True).annotate(done_now=done)
    back = Q(kind=RoundKind.CALIBRATION, membership__paused_at__isnull=True)
    return rounds.filter(Q(done_now__gte=F("size")) | back)
