"""How items enter the queue. Whoever calls says everything as plain values; labeling asks nobody why."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import uuid_utils.compat
from django.db import transaction

from labeling.masking import texts_in
from labeling.models import Aggregation, ItemKind, Lane, ReviewItem, Seat
from labeling.services.rubrics import active_rubric
from reviewapp.core.models import Content, Project

# All others are work.
LANES = {ItemKind.GOLD: Lane.GOLD, ItemKind.CALIBRATION: Lane.PRACTICE}


@dataclass(frozen=True, slots=True)
class NewItem:
    """One thing to be judged. `priority`: smaller is sooner; `raters`: how many people must judge it; `aggregation`:
    how their ratings become a verdict."""

    kind: str
    intent: str
    content: Content
    raters: int
    priority: int
    due_at: datetime
    credential: str = ""
    mask_names: tuple[str, ...] = ()
    aggregation: str = Aggregation.MAJORITY


@transaction.atomic
def enqueue_items(*, project: Project, items: Sequence[NewItem], now: datetime) -> list[ReviewItem]:
    """Create the items with their open seats, in order. Raises RubricRefused without a rubric in force."""
    rubrics = {kind: active_rubric(project, kind) for kind in {item.content.task_kind for item in items}}
    rows = ReviewItem.objects.bulk_create(
        ReviewItem(
            project=project,
            public_id=new_public_id(),
            kind=item.kind,
            intent=item.intent,
            content=item.content,
            fingerprint=item.content.fingerprint,
            length=shown_length(item.content),
            aggregation=item.aggregation,
            rubric=rubrics[item.content.task_kind],
            raters_needed=item.raters,
            due_at=item.due_at,
            mask_names=[*item.mask_names, *project.masked_names],
            created_at=now,
        )
        for item in items
    )
    Seat.objects.bulk_create(
        Seat(
            item=row,
            project=project,
            number=number,
            lane=LANES.get(ItemKind(item.kind), Lane.WORK),
            priority=item.priority,
            due_at=item.due_at,
            credential=item.credential,
        )
        for row, item in zip(rows, items, strict=True)
        for number in range(1, item.raters + 1)
    )
    return rows


def shown_length(content: Content) -> int:
    """Characters of all texts of the content that a reviewer reads."""
    return sum(len(text) for _path, text in texts_in([content.prompt, content.context, content.body]))


def new_public_id() -> uuid.UUID:
    """A UUIDv7: what programs call an item or verdict. Reviewers never see it."""
    return uuid_utils.compat.uuid7()
