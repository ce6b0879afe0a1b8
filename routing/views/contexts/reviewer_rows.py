"""The ratings behind a figure of one reviewer, with what each was compared with."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Exists, OuterRef, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as later

from labeling.models import Rating
from labeling.queries.panel import Window
from labeling.queries.panel.rows import REAL
from reviewapp.core.models import Membership
from reviewapp.core.reading import word
from routing.models import OutputReview, Signal
from routing.views.contexts.measuring import known_answer
from routing.views.contexts.words import preference_label
from routing.views.figures import duration

KINDS = {
    "ratings": later("Ratings"),
    "shared": later("Ratings of shared items"),
    "pairs": later("Preferences"),
    "judged": later("Ratings of what judges spoke about"),
    "gold": later("Answers to planted cases"),
    "failures": later("Answers to planted failures"),
    "good": later("Answers to planted good cases"),
    "rounds": later("Answers in rounds"),
    "repeats": later("Repeats"),
}
GOLD_KINDS: dict[str, dict[str, bool]] = {
    "gold": {"assignment__round__isnull": True},
    "failures": {"assignment__round__isnull": True, "gold_result__gold_case__acceptable": False},
    "good": {"assignment__round__isnull": True, "gold_result__gold_case__acceptable": True},
    "rounds": {"assignment__round__isnull": False},
}


@dataclass(frozen=True, slots=True)
class RatingBehind:
    """`compared` is the known answer, one's own first one or those of the others; `same` is None without any."""

    at: datetime
    output_id: str
    case_pk: int | None
    name: str
    said: str
    compared: str
    same: bool | None
    seconds: str


def behind(member: Membership, kind: str, window: Window, *, peer: str = "") -> QuerySet[Rating]:
    """The standing ratings that figures of this kind count, newest first."""
    rows: QuerySet[Rating] = Rating.objects.counted().filter(reviewer=member, item__project=member.project)
    rows = rows.filter(submitted_at__gte=window.since, submitted_at__lt=window.until)
    if kind in GOLD_KINDS:
        rows = rows.filter(gold_result__isnull=False, **GOLD_KINDS[kind])
    elif kind == "repeats":
        rows = rows.filter(repeat_result__isnull=False, repeat_result__first__withdrawal__isnull=True)
    else:
        rows = _narrowed(rows.filter(item__kind__in=REAL, assignment__round__isnull=True), kind, window, peer)
    related = ("gold_result__gold_case", "repeat_result__first")
    return rows.select_related(*related).order_by("-pk")


def _narrowed(rows: QuerySet[Rating], kind: str, window: Window, peer: str) -> QuerySet[Rating]:
    others = Rating.objects.counted().filter(item=OuterRef("item"), assignment__round__isnull=True)
    others = others.filter(submitted_at__gte=window.since, submitted_at__lt=window.until)
    if kind == "shared":
        others = others.exclude(reviewer=OuterRef("reviewer"))
        return rows.filter(Exists(others.filter(reviewer__rater_code=peer) if peer else others))
    if kind == "pairs":
        return rows.filter(preferred__in=["a", "b"])
    if kind == "judged":
        reviews = OutputReview.objects.filter(item=OuterRef(OuterRef("item")), output=OuterRef("output"))
        return rows.filter(Exists(Signal.objects.filter(Exists(reviews), kind="judge")))
    return rows


def rows_shown(ratings: Sequence[Rating]) -> list[RatingBehind]:
    """A page of rows in two queries more: the outputs, and what the others said."""
    items = [rating.item_id for rating in ratings]
    reviews = OutputReview.objects.filter(item__in=items).values_list("item_id", "output_id", "output__external_id")
    outputs = {item: (str(output), name) for item, output, name in reviews}
    others: dict[int, list[tuple[int, str]]] = defaultdict(list)
    rest = Rating.objects.counted().filter(item__in=items, item__kind__in=REAL).select_related("reviewer")
    for rating in rest.order_by("pk"):
        others[rating.item_id].append((rating.pk, f"{rating.reviewer.rater_code}: {_said(rating)}"))
    return [_row(rating, outputs.get(rating.item_id, ("", "")), others[rating.item_id]) for rating in ratings]


def _row(rating: Rating, output: tuple[str, str], others: Sequence[tuple[int, str]]) -> RatingBehind:
    result, repeat = getattr(rating, "gold_result", None), getattr(rating, "repeat_result", None)
    compared, same = "; ".join(text for pk, text in others if pk != rating.pk), None
    if result is not None:
        compared, same = known_answer(result.gold_case.acceptable, result.gold_case.preferred), result.correct
    elif repeat is not None:
        compared, same = _said(repeat.first), repeat.same
    return RatingBehind(
        at=rating.submitted_at,
        output_id=output[0],
        case_pk=result.gold_case_id if result is not None else None,
        name=result.gold_case.reference if result is not None else output[1] or _("a repeat"),
        said=_said(rating),
        compared=compared or "–",
        same=same,
        seconds=duration(rating.server_seconds if rating.client_seconds is None else rating.client_seconds),
    )


def _said(rating: Rating) -> str:
    return preference_label(rating.preferred) or word(rating.verdict)
