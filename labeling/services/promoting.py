"""From adjudication to gold: a person makes a case of what an adjudicator decided. Nothing becomes one by itself."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from labeling.models import (
    Cause,
    GoldCase,
    GoldOrigin,
    ItemKind,
    ItemStatus,
    Rating,
    ReachedBy,
    ReviewItem,
    Seat,
    VerdictValue,
)
from labeling.services.gold import DEFAULT_EXPOSURES, GoldRefused, add_gold_case

TRAFFIC = (ItemKind.LIVE, ItemKind.AUDIT)


@transaction.atomic
def promote_to_gold(
    *, item: ReviewItem, actor: str, reference: str, now: datetime, exposures: int = DEFAULT_EXPOSURES
) -> GoldCase:
    """A case of origin `adjudication` with the words of the item, the adjudicated answer and the rationale.

    Of a corrected item the response as it was shown is the case, and so not acceptable. Who met the words as live work
    never meets the case. Raises GoldRefused with pointer "/item" for what was not adjudicated for good, for what the
    adjudicator found broken, and where the words are a case already.
    """
    item = ReviewItem.objects.select_for_update(of=("self",), no_key=True).get(pk=item.pk)
    adjudication = _adjudication(item, now)
    if GoldCase.objects.filter(project_id=item.project_id, item__fingerprint=item.fingerprint).exists():
        raise GoldRefused("/item", _("these words are a gold case already"))
    content, verdict = item.content, item.verdict
    assert verdict is not None
    return add_gold_case(
        project=item.project,
        reference=reference,
        task_kind=content.task_kind,
        intent=item.intent,
        prompt=content.prompt,
        context=content.context,
        body=content.body,
        acceptable=None if verdict.preferred else verdict.value == VerdictValue.ACCEPT,
        preferred=verdict.preferred,
        origin=GoldOrigin.ADJUDICATION,
        explanation=adjudication.rationale,
        exposures=exposures,
        # The project's own are added when it enters the queue.
        mask_names=tuple(name for name in item.mask_names if name not in item.project.masked_names),
        credential=Seat.objects.filter(item=item, number=1).values_list("credential", flat=True).get(),
        promoted_from=item,
        actor=actor,
        now=now,
    )


def _adjudication(item: ReviewItem, now: datetime) -> Rating:
    """The rating that the verdict in force rests on."""
    verdict = item.verdict if item.kind in TRAFFIC and item.status == ItemStatus.SETTLED else None
    if verdict is None or verdict.reached_by != ReachedBy.ADJUDICATION:
        raise GoldRefused("/item", _("only what an adjudicator has decided can become a gold case"))
    if verdict.final_at > now:
        raise GoldRefused("/item", _("the decision may still be taken back; try again in a moment"))
    rating = item.ratings.standing().filter(adjudication=True).order_by("submitted_at", "id").last()
    if rating is None or rating.cause == Cause.ITEM_BROKEN:
        raise GoldRefused("/item", _("the adjudicator found the item broken: it has no right answer"))
    return rating
