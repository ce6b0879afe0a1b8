"""A project with onboarding, somebody new in it, and what they do."""

from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from labeling.models import Assignment, GoldCase, Rating, Round
from labeling.queries.onboarding import stage_of
from labeling.services.onboarding import change_onboarding
from labeling.services.rounds import confirm_instructions
from reviewapp.core.models import Membership, Role
from reviewapp.core.services.people import add_member
from tests.factories import ACCEPT, REJECT, claim, output_body, plant_gold, route, submit
from tests.people import NOW, Cast

# Later than any undo window.
LATER = timedelta(minutes=1)
SIZES = {"onboarding": True, "practice_size": 5, "qualification_size": 10, "qualification_mark": 0.8}


def open_school(cast: Cast, *, now: datetime = NOW, practice: int = 5, gold: int = 12) -> Cast:
    """Every other case is a failure, so that whoever always says the same fails."""
    for number in range(practice):
        plant_practice(cast, f"practice-{number}", acceptable=number % 2 == 0)
    for number in range(gold):
        plant_gold(cast.project, acceptable=number % 2 == 0)
    route(cast.project, *(output_body() for _number in range(6)), now=now)
    change_onboarding(project=cast.project, actor="test", now=now, **SIZES)
    return cast


def plant_practice(cast: Cast, reference: str, **fields: Any) -> GoldCase:
    return plant_gold(
        cast.project, reference, practice=True, explanation=f"The handbook says so: {reference}.", **fields
    )


def newcomer(cast: Cast, name: str = "nia") -> Membership:
    slug = cast.project.slug
    return add_member(project=cast.project, email=f"{name}@{slug}.example", role=Role.REVIEWER, actor="test")


def answer_to(assignment: Assignment, *, right: bool = True) -> dict[str, Any]:
    """What to hand in for a case with a known answer, right or wrong; anything else is accepted."""
    case = GoldCase.objects.filter(item=assignment.item_id).first()
    if case is None:
        return ACCEPT
    return ACCEPT if case.acceptable == right else REJECT


def judge_next(member: Membership, *, now: datetime, right: bool = True) -> Rating:
    assignment = claim(fresh(member), now=now)
    return submit(assignment, now=now, **answer_to(assignment, right=right))


def work_through(member: Membership, count: int, *, now: datetime, wrong: int = 0) -> datetime:
    """Judge the next `count` items, the first `wrong` of them wrongly; returns a moment after the last undo window."""
    for number in range(count):
        judge_next(member, now=now, right=number >= wrong)
        now += timedelta(seconds=20)
    return now + LATER


def begin_practice(member: Membership, now: datetime = NOW) -> None:
    confirm_instructions(reviewer=member, now=now)


def to_qualification(member: Membership, now: datetime = NOW) -> datetime:
    """Instructions read and practice done; returns the moment to go on at."""
    begin_practice(member, now)
    return work_through(member, 5, now=now)


def fresh(member: Membership) -> Membership:
    return Membership.objects.select_related("project", "person").get(pk=member.pk)


def rounds_of(member: Membership) -> list[Round]:
    return list(Round.objects.filter(membership=member).order_by("pk"))


def lanes_of(member: Membership) -> list[str]:
    """The lanes of everything that this person was given, in order."""
    return list(Assignment.objects.filter(reviewer=member).order_by("pk").values_list("seat__lane", flat=True))


def standing(member: Membership) -> tuple[str, bool]:
    """Stage, and whether they are paused."""
    return str(stage_of(member)), fresh(member).paused_at is not None


def present() -> datetime:
    """Tests over HTTP live in the present."""
    return timezone.now()
