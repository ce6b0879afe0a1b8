"""The ledger of what measures people: planted gold, practice, repeats and rounds never mix with real traffic."""

from django.db.models import Count, Exists, F, OuterRef, Q

from labeling.models import (
    Assignment,
    AssignmentState,
    GoldCase,
    ItemKind,
    ItemStatus,
    Lane,
    Rating,
    ReviewItem,
    Round,
    RoundKind,
    Seat,
    Verdict,
)
from reviewapp.core.models import Project
from routing.ledger.checks import Check, Rows, rows_of

LANES = {
    ItemKind.LIVE: (Lane.WORK, Lane.ADJUDICATION),
    ItemKind.AUDIT: (Lane.WORK, Lane.ADJUDICATION),
    ItemKind.GOLD: (Lane.GOLD,),
    ItemKind.CALIBRATION: (Lane.PRACTICE,),
    ItemKind.REPEAT: (Lane.REPEAT,),
    ItemKind.OVERLAP: (Lane.OVERLAP,),
}
REAL = (ItemKind.LIVE, ItemKind.AUDIT)
DONE = (AssignmentState.SUBMITTED, AssignmentState.RELEASED, AssignmentState.ESCALATED)


def seats_in_the_wrong_lane(project: Project | None) -> Rows:
    """Every seat is in a lane of its item's kind."""
    right = Q()
    for kind, lanes in LANES.items():
        right |= Q(item__kind=kind, lane__in=lanes)
    return rows_of(project, Seat.objects.exclude(right)).values("id", "item_id", "item__kind", "lane")


def measured_items_with_consequences(project: Project | None) -> Rows:
    """No verdict, dispute or adjudication ever follows from what was planted, practised, repeated or shared."""
    verdict = Verdict.objects.filter(item=OuterRef("pk"))
    adjudicator = Seat.objects.filter(item=OuterRef("pk"), number=0)
    followed = ~Q(status=ItemStatus.OPEN) | Exists(verdict) | Exists(adjudicator)
    items = ReviewItem.objects.exclude(kind__in=REAL).filter(followed)
    return rows_of(project, items).values("id", "kind", "status", "verdict_id")


def repeats_not_reserved(project: Project | None) -> Rows:
    """Every repeat is one seat, kept for somebody who judged the very words before."""
    before = Rating.objects.standing().filter(
        reviewer=OuterRef("reserved_for"), assignment__fingerprint=OuterRef("item__fingerprint")
    )
    astray = ~Q(item__raters_needed=1) | ~Exists(before.exclude(item=OuterRef("item_id")))
    seats = Seat.objects.filter(astray, item__kind=ItemKind.REPEAT)
    return rows_of(project, seats).values("id", "item_id", "reserved_for_id", "item__raters_needed")


def words_repeated_twice(project: Project | None) -> Rows:
    """Nobody is given the same words to repeat more than once."""
    repeats = rows_of(project, Seat.objects.filter(lane=Lane.REPEAT))
    grouped = repeats.values("reserved_for_id", "item__fingerprint").annotate(repeats=Count("pk"))
    return grouped.filter(repeats__gt=1)


def cases_without_known_answer(project: Project | None) -> Rows:
    """Every planted or practised item is a gold case, and a practice case is practised, never planted."""
    case = GoldCase.objects.filter(item=OuterRef("pk"))
    right = Q(Exists(case.filter(practice=False)), kind=ItemKind.GOLD)
    right |= Q(Exists(case.filter(practice=True)), kind=ItemKind.CALIBRATION)
    wrong = ReviewItem.objects.filter(~right, Q(kind__in=[ItemKind.GOLD, ItemKind.CALIBRATION]) | Exists(case))
    return rows_of(project, wrong).values("id", "kind")


def words_practised_and_planted(project: Project | None) -> Rows:
    """No words are both practised, with their answer told, and planted."""
    planted = GoldCase.objects.filter(
        project=OuterRef("project"), practice=False, item__fingerprint=OuterRef("item__fingerprint")
    )
    return rows_of(project, GoldCase.objects.filter(Exists(planted), practice=True)).values("id", "reference")


def work_in_the_wrong_round(project: Project | None) -> Rows:
    """A round holds cases of its kind given to its own person, and practice cases are given in rounds only."""
    practising = Q(round__kind=RoundKind.PRACTICE)
    in_round = Q(round__membership=F("reviewer")) & (
        (practising & Q(item__kind=ItemKind.CALIBRATION)) | (~practising & Q(item__kind=ItemKind.GOLD))
    )
    outside = Q(round__isnull=True) & ~Q(item__kind=ItemKind.CALIBRATION)
    work = Assignment.objects.exclude(in_round | outside)
    return rows_of(project, work, "item__project").values("id", "round_id", "reviewer_id", "item__kind")


def overfull_rounds(project: Project | None) -> Rows:
    """No round was given more cases than its size."""
    rounds = rows_of(project, Round.objects.all(), "membership__project").values("id", "kind", "size")
    return rounds.annotate(given=Count("assignments")).filter(given__gt=F("size"))


def miscounted_rounds(project: Project | None) -> Rows:
    """Every round with a result shows what its standing answers come to."""
    ended = Round.objects.filter(passed__isnull=False)
    right = Q(
        assignments__ratings__withdrawal__isnull=True,
        assignments__ratings__gold_result__correct=True,
    )
    counted = rows_of(project, ended, "membership__project").annotate(
        done_recounted=Count("assignments", filter=Q(assignments__state__in=DONE), distinct=True),
        right_recounted=Count("assignments", filter=right, distinct=True),
    )
    wrong = ~Q(done=F("done_recounted")) | ~Q(right=F("right_recounted")) | ~Q(done=F("size"))
    return counted.filter(wrong).values("id", "size", "done", "done_recounted", "right", "right_recounted")


CHECKS_OF_KNOWN: tuple[Check, ...] = (
    Check(1, seats_in_the_wrong_lane),
    Check(1, measured_items_with_consequences),
    Check(1, miscounted_rounds),
    Check(3, overfull_rounds),
    Check(3, words_repeated_twice),
    Check(5, repeats_not_reserved),
    Check(5, cases_without_known_answer),
    Check(5, words_practised_and_planted),
    Check(5, work_in_the_wrong_round),
)
