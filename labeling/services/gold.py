"""Gold cases: items with a known answer, which enter the queue like any other.

A practice case is one that people learn from: its answer is told after theirs, so it is never planted, nor are its
words. It has no number of exposures. Whoever practises gets a seat of their own when they claim (see
`labeling.services.round_seats`), so that any number of people may learn from it and its item has exactly as many seats
as people met it.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from labeling.models import GoldCase, GoldOrigin, ItemKind, Preference, ReviewItem, Seat, SeatState
from labeling.services.enqueue import NewItem, enqueue_items
from reviewapp.core.fingerprints import content_fingerprint
from reviewapp.core.models import Content, Project, TaskKind
from reviewapp.core.services.audit import record

DEFAULT_EXPOSURES = 30
REASON_LENGTH = 1000


class GoldRefused(Exception):
    """The case cannot be used; `pointer` says where, the message says why."""

    def __init__(self, pointer: str, message: str) -> None:
        super().__init__(message)
        self.pointer = pointer


@transaction.atomic
def add_gold_case(
    *,
    project: Project,
    reference: str,
    task_kind: str,
    intent: str,
    prompt: Any,
    body: Mapping[str, Any],
    origin: str,
    actor: str,
    now: datetime,
    context: list[dict[str, str]] | None = None,
    acceptable: bool | None = None,
    preferred: str = "",
    explanation: str = "",
    exposures: int = DEFAULT_EXPOSURES,
    practice: bool = False,
    mask_names: tuple[str, ...] = (),
    credential: str = "",
    promoted_from: ReviewItem | None = None,
) -> GoldCase:
    """Plant a case: it may be shown `exposures` times, never twice to one person. Raises GoldRefused.

    With `practice` it is no planted case but one to learn from, and `exposures` means nothing. Only people with the
    `credential`, if any, meet it. `promoted_from` is the adjudicated item that the case was made of.
    """
    _check(project, reference, task_kind, origin, acceptable, preferred, exposures)
    content = Content.objects.create(
        project=project,
        task_kind=task_kind,
        prompt=prompt,
        context=context or [],
        body=dict(body),
        fingerprint=content_fingerprint(prompt, context or [], body),
    )
    _check_words(content, practice=practice)
    _check_answer(content, acceptable, preferred)
    planned = NewItem(
        kind=ItemKind.CALIBRATION if practice else ItemKind.GOLD,
        intent=intent,
        content=content,
        raters=1 if practice else exposures,
        priority=0,
        due_at=now,
        credential=credential,
        mask_names=mask_names,
    )
    item = enqueue_items(project=project, items=[planned], now=now)[0]
    case = GoldCase.objects.create(
        project=project,
        reference=reference,
        item=item,
        acceptable=acceptable,
        preferred=preferred,
        origin=origin,
        explanation=explanation,
        practice=practice,
        created_at=now,
        promoted_from=promoted_from,
    )
    details: dict[str, Any] = {"reference": reference, **({"practice": True} if practice else {})}
    if promoted_from is not None:
        details["item"] = str(promoted_from.public_id)
    record(project=project, actor=actor, verb="gold.added", target=f"gold:{case.pk}", **details)
    return case


@transaction.atomic
def retire_gold_case(*, case: GoldCase, actor: str, now: datetime, reason: str) -> bool:
    """Show the case to nobody any more; what was measured with it stays. False when it was retired before."""
    reason = reason[:REASON_LENGTH]
    open_ = GoldCase.objects.filter(pk=case.pk, retired_at__isnull=True)
    if not open_.update(retired_at=now, retired_because=reason):
        return False
    Seat.objects.filter(item_id=case.item_id, state=SeatState.OPEN).update(state=SeatState.CLOSED)
    record(project=case.project, actor=actor, verb="gold.retired", target=f"gold:{case.pk}", reason=reason)
    return True


def _check(
    project: Project,
    reference: str,
    task_kind: str,
    origin: str,
    acceptable: bool | None,
    preferred: str,
    exposures: int,
) -> None:
    pairwise = task_kind == TaskKind.PAIRWISE
    if origin not in GoldOrigin.values:
        raise GoldRefused("/origin", _("origin is one of %(names)s") % {"names": ", ".join(GoldOrigin.values)})
    if pairwise and (preferred not in Preference.values or acceptable is not None):
        raise GoldRefused("/preferred", _("a pairwise case needs preferred (a, b or tie), and no acceptable"))
    if not pairwise and (acceptable is None or preferred):
        raise GoldRefused("/acceptable", _("a case of one response needs acceptable (true or false), and no preferred"))
    if not 1 <= exposures <= 1000:
        raise GoldRefused("/exposures", _("exposures is between 1 and 1000"))
    if GoldCase.objects.filter(project=project, reference=reference).exists():
        raise GoldRefused(
            "/reference", _("there is a gold case %(reference)s already") % {"reference": repr(reference)}
        )


def _check_words(content: Content, *, practice: bool) -> None:
    """Words whose answer is told in practice measure nobody, not even after either case was retired."""
    same = GoldCase.objects.filter(project_id=content.project_id, item__fingerprint=content.fingerprint)
    known = same.exclude(practice=practice).first()
    if known is not None:
        refusal = _("the same words are a practice case already: %(reference)s")
        if practice:
            refusal = _("the same words are a planted case already: %(reference)s")
        raise GoldRefused("/practice", refusal % {"reference": repr(known.reference)})


def _check_answer(content: Content, acceptable: bool | None, preferred: str) -> None:
    """The same words have one right answer, whatever they are called."""
    same = GoldCase.objects.filter(
        project_id=content.project_id, item__fingerprint=content.fingerprint, retired_at__isnull=True
    )
    known = same.exclude(acceptable=acceptable, preferred=preferred).first()
    if known is not None:
        refusal = _("the same words have another right answer in the case %(reference)s; retire that one first")
        raise GoldRefused("/preferred" if preferred else "/acceptable", refusal % {"reference": repr(known.reference)})
