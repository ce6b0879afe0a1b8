"""Ratings as if handed in over weeks, written in bulk: claiming and submitting are tested elsewhere."""

import itertools
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from labeling.models import (
    Assignment,
    AssignmentState,
    GoldCase,
    GoldOrigin,
    GoldResult,
    ItemKind,
    Lane,
    Rating,
    RepeatResult,
    ReviewItem,
    Round,
    Rubric,
    Seat,
    SeatState,
)
from reviewapp.core.models import Content, Membership, Project, TaskKind
from tests.people import NOW

_numbers = itertools.count(1)


@dataclass
class Archive:
    """Writes rows of one project. Every rating is of one rubric, the project's first unless told otherwise."""

    project: Project
    rubric: Rubric | None = None
    _seats: dict[int, int] = field(default_factory=dict)

    def item(self, kind: str = ItemKind.LIVE, **fields: Any) -> ReviewItem:
        number = next(_numbers)
        rubric = self.rubric or Rubric.objects.filter(project=self.project).order_by("pk")[0]
        content = Content.objects.create(
            project=self.project,
            task_kind=TaskKind.POINTWISE,
            prompt=f"Question {number}?",
            body={"response": f"Answer {number}."},
            fingerprint=fields.pop("fingerprint", f"{number:064d}"),
        )
        values = {"intent": "billing", "raters_needed": 20, "due_at": NOW, "created_at": NOW, "rubric": rubric}
        return ReviewItem.objects.create(
            project=self.project,
            public_id=uuid.uuid4(),
            kind=kind,
            content=content,
            fingerprint=content.fingerprint,
            **(values | fields),
        )

    def rating(
        self,
        reviewer: Membership,
        item: ReviewItem,
        verdict: str = "accept",
        *,
        at: datetime = NOW,
        seconds: float = 40.0,
        preferred: str = "",
        swapped: bool = False,
        values: Mapping[str, Any] | None = None,
        round_: Round | None = None,
    ) -> Rating:
        self._seats[item.pk] = number = self._seats.get(item.pk, 0) + 1
        seat = Seat.objects.create(
            item=item,
            project=self.project,
            number=number,
            lane=Lane.WORK,
            state=SeatState.SUBMITTED,
            holder=reviewer,
            due_at=NOW,
        )
        assignment = Assignment.objects.create(
            rubric=item.rubric,
            seat=seat,
            item=item,
            reviewer=reviewer,
            state=AssignmentState.SUBMITTED,
            claimed_at=at,
            opened_at=at,
            lease_expires_at=at,
            ended_at=at,
            swapped=swapped,
            fingerprint=item.fingerprint,
            round=round_,
        )
        return Rating.objects.create(
            assignment=assignment,
            item=item,
            reviewer=reviewer,
            rubric=item.rubric,
            values=dict(values or {}),
            verdict=verdict,
            preferred=preferred,
            server_seconds=seconds,
            idempotency_key="archive",
            submitted_at=at,
            undo_until=at,
        )

    def together(self, answers: Mapping[Membership, str], **fields: Any) -> ReviewItem:
        """One item, and the verdict of each of these people on it."""
        item = self.item()
        for reviewer, verdict in answers.items():
            self.rating(reviewer, item, verdict, **fields)
        return item

    def gold(
        self, reviewer: Membership, *, failure: bool, right: bool, at: datetime = NOW, round_: Round | None = None
    ) -> GoldResult:
        item = self.item(ItemKind.GOLD)
        case = GoldCase.objects.create(
            project=self.project,
            reference=f"gold-{item.pk}",
            item=item,
            acceptable=not failure,
            origin=GoldOrigin.PLANTED_FAILURE if failure else GoldOrigin.HUMAN_REFERENCE,
        )
        rating = self.rating(reviewer, item, "reject" if failure == right else "accept", at=at, round_=round_)
        return GoldResult.objects.create(rating=rating, gold_case=case, reviewer=reviewer, correct=right, at=at)

    def planted(self, reviewer: Membership, caught: int, missed: int, passed: int = 0, refused: int = 0) -> None:
        """So many planted failures caught and missed, and good cases passed and refused."""
        for failure, right, count in (
            (True, True, caught),
            (True, False, missed),
            (False, True, passed),
            (False, False, refused),
        ):
            for _number in range(count):
                self.gold(reviewer, failure=failure, right=right)

    def repeat(
        self,
        reviewer: Membership,
        first: str,
        again: str,
        values: Sequence[Mapping[str, Any]] = ({}, {}),
        at: datetime = NOW,
    ) -> None:
        one = self.rating(reviewer, self.item(), first, values=values[0], at=at)
        other = self.rating(reviewer, self.item(ItemKind.REPEAT), again, values=values[1], at=at)
        RepeatResult.objects.create(rating=other, first=one, reviewer=reviewer, same=first == again, at=at)
