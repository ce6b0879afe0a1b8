"""The ledger: the promises about decisions, seats and ratings, recounted from the rows themselves.

Every check is a function of a project (None: all of them) that returns the rows at fault as plain
values. The database does the counting, in one statement per check, so that a million outputs stay a
matter of seconds; only golden sets are read line by line, because a digest needs every byte.
"""

from datetime import timedelta
from typing import Any

from django.apps import apps
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.models import Count, Exists, F, IntegerField, Model, OuterRef, Q, Subquery
from django.db.models.expressions import RawSQL
from django.utils import timezone

from labeling.models import (
    Assignment,
    AssignmentState,
    GoldenSet,
    ItemStatus,
    Lane,
    Rating,
    ReviewItem,
    Seat,
    SeatState,
    Verdict,
)
from labeling.queries.wanted import wants_raters
from labeling.services.golden import file_digest
from reviewapp.core.models import Project
from reviewapp.core.triggers import RefuseTrigger, trigger_names
from routing.ledger.checks import Check, Rows, more_than_one, rows_of
from routing.models import Action, Decision, JudgeRequest, Output, OutputReview, RequestState, ReviewOrigin

APPS = ("core", "labeling", "routing")
# A judge's request is decided by the sweep after its deadline.
JUDGING_GRACE = timedelta(minutes=5)
# A decision asks for one item; reviews of another origin may come on top.
ASKED = (ReviewOrigin.DECISION, ReviewOrigin.AUDIT)
RATERS = Q(number__gte=1)
STILL_TO_DO = Q(state__in=[SeatState.OPEN, SeatState.LEASED])
STANDING = Q(ratings__withdrawal__isnull=True) & ~Q(ratings__assignment__state=AssignmentState.SET_ASIDE)


# Promise 1: one decision per output, one item per decision to review, every rating kept -----------------


def outputs_without_decision(project: Project | None) -> Rows:
    """Every output has a decision, or waits for a judge of ours until its deadline."""
    decision = Decision.objects.filter(output=OuterRef("pk"))
    waiting = JudgeRequest.objects.filter(
        output=OuterRef("pk"), state=RequestState.PENDING, deadline_at__gt=timezone.now() - JUDGING_GRACE
    )
    return rows_of(project, Output.objects.filter(~Exists(decision), ~Exists(waiting))).values("id", "external_id")


def answered_requests_without_decision(project: Project | None) -> Rows:
    """Whatever a judge of ours was asked about and is done with has its decision."""
    decision = Decision.objects.filter(output=OuterRef("output_id"))
    answered = JudgeRequest.objects.filter(~Exists(decision), state=RequestState.DECIDED)
    return rows_of(project, answered).values("output_id", "state")


def outputs_with_several_decisions(project: Project | None) -> Rows:
    """No output has more than one decision."""
    return more_than_one(rows_of(project, Decision.objects.all()), "output_id", counted="decisions")


def reviews_without_item(project: Project | None) -> Rows:
    """Every decision to review and every audited shipment has its review item."""
    asking = Decision.objects.filter(Q(action=Action.REVIEW) | Q(audited=True))
    item = OutputReview.objects.filter(output=OuterRef("output_id"), origin__in=ASKED)
    return rows_of(project, asking.filter(~Exists(item))).values("output_id", "action", "audited")


def reviews_with_several_items(project: Project | None) -> Rows:
    """No decision has more than one review item."""
    reviews = OutputReview.objects.filter(origin__in=ASKED)
    return more_than_one(rows_of(project, reviews, "output__project"), "output_id", counted="items")


def reviews_nobody_asked_for(project: Project | None) -> Rows:
    """A review item of a decision rests on a decision to review, one of an audit on an audit."""
    decision = Decision.objects.filter(output=OuterRef("output_id"))
    asked = Q(Exists(decision.filter(action=Action.REVIEW)), origin=ReviewOrigin.DECISION) | Q(
        Exists(decision.filter(audited=True)), origin=ReviewOrigin.AUDIT
    )
    reviews = OutputReview.objects.filter(origin__in=ASKED).exclude(asked)
    return rows_of(project, reviews, "output__project").values("output_id", "item_id", "origin")


def items_of_no_output(project: Project | None) -> Rows:
    """Every item that stands for real traffic belongs to an output."""
    review = OutputReview.objects.filter(item=OuterRef("pk"))
    return rows_of(project, ReviewItem.objects.judged_live().filter(~Exists(review))).values("id", "kind")


def items_with_wrong_seats(project: Project | None) -> Rows:
    """Every item has exactly `raters_needed` seats for raters."""
    items = rows_of(project, ReviewItem.objects.all()).values("id", "raters_needed")
    return items.annotate(rater_seats=Count("seats", filter=Q(seats__number__gte=1))).exclude(
        rater_seats=F("raters_needed")
    )


def unfinished_items_without_seat(project: Project | None) -> Rows:
    """Whatever stands for real traffic and is not settled has a seat in which somebody can still settle it."""
    seat = Seat.objects.filter(STILL_TO_DO, item=OuterRef("pk"))
    stuck = Q(~Exists(seat.filter(RATERS)), status=ItemStatus.OPEN) | Q(
        ~Exists(seat.filter(number=0)), status=ItemStatus.DISPUTED
    )
    items = ReviewItem.objects.judged_live().filter(stuck)
    return rows_of(project, items).values("id", "status", "raters_needed", "ratings_counted")


def submitted_seats_without_rating(project: Project | None) -> Rows:
    """Every submitted seat has exactly one standing rating of its holder that is not an extra one."""
    ratings = Count(
        "assignments__ratings",
        filter=Q(
            assignments__reviewer=F("holder"),
            assignments__ratings__extra=False,
            assignments__ratings__withdrawal__isnull=True,
        ),
    )
    seats = rows_of(project, Seat.objects.filter(state=SeatState.SUBMITTED)).values("id", "item_id", "holder_id")
    return seats.annotate(standing_ratings=ratings).exclude(standing_ratings=1)


def submitted_work_without_rating(project: Project | None) -> Rows:
    """Every assignment that was handed in has exactly one standing rating."""
    handed_in = Assignment.objects.filter(state=AssignmentState.SUBMITTED)
    work = rows_of(project, handed_in, "item__project").values("id", "item_id", "reviewer_id")
    return work.annotate(standing_ratings=Count("ratings", filter=STANDING)).exclude(standing_ratings=1)


def ratings_of_unfinished_work(project: Project | None) -> Rows:
    """Every standing rating belongs to an assignment that counts as handed in."""
    ratings = Rating.objects.standing().exclude(assignment__state=AssignmentState.SUBMITTED)
    return rows_of(project, ratings, "item__project").values("id", "assignment_id", "assignment__state")


def ratings_without_seat(project: Project | None) -> Rows:
    """Every standing rating that is not an extra one fills the seat of its reviewer."""
    ratings = (
        Rating.objects.standing()
        .filter(extra=False)
        .exclude(assignment__seat__state=SeatState.SUBMITTED, assignment__seat__holder=F("reviewer"))
    )
    return rows_of(project, ratings, "item__project").values("id", "item_id", "reviewer_id", "assignment__seat_id")


def miscounted_items(project: Project | None) -> Rows:
    """Every item's kept count of ratings is the number of its standing raters' ratings."""
    counted = STANDING & Q(ratings__extra=False, ratings__adjudication=False)
    items = rows_of(project, ReviewItem.objects.all()).values("id", "ratings_counted")
    return items.annotate(recounted=Count("ratings", filter=counted)).exclude(recounted=F("ratings_counted"))


def settled_items_with_stale_verdict(project: Project | None) -> Rows:
    """Every settled item shows the newest of its own verdicts."""
    newest = Verdict.objects.filter(item=OuterRef("pk")).order_by("-sequence").values("pk")[:1]
    items = ReviewItem.objects.filter(status=ItemStatus.SETTLED).annotate(newest=Subquery(newest))
    return rows_of(project, items.exclude(verdict_id=F("newest"))).values("id", "verdict_id", "newest")


def verdicts_without_ratings(project: Project | None) -> Rows:
    """Every rating that a verdict rests on exists and judges the same item."""
    inputs = (
        "jsonb_array_elements_text(labeling_verdict.rating_ids) AS input(id)"
        if connection.vendor == "postgresql"
        else "(SELECT value AS id FROM json_each(labeling_verdict.rating_ids)) AS input"
    )
    found = (
        f"(SELECT COUNT(*) FROM {inputs} JOIN labeling_rating AS rating"
        " ON rating.id = CAST(input.id AS bigint) AND rating.item_id = labeling_verdict.item_id)"
    )
    verdicts = Verdict.objects.annotate(ratings_found=RawSQL(found, [], output_field=IntegerField()))
    # `raters` is the number of ratings, and at least 1.
    verdicts = verdicts.exclude(ratings_found=F("raters"))
    return rows_of(project, verdicts, "item__project").values("id", "item_id", "raters", "ratings_found")


# Promise 2: idempotent intake ------------------------------------------------------------------------------


def external_ids_used_twice(project: Project | None) -> Rows:
    """An external id names one output of its project."""
    return more_than_one(rows_of(project, Output.objects.all()), "project_id", "external_id", counted="outputs")


# Promise 3: no double work ---------------------------------------------------------------------------------


def people_with_several_seats(project: Project | None) -> Rows:
    """Nobody holds or has filled more than one seat of an item."""
    seats = Seat.objects.filter(holder__isnull=False)
    return more_than_one(rows_of(project, seats), "item_id", "holder_id", counted="seats")


def people_who_judged_twice(project: Project | None) -> Rows:
    """Nobody has more than one standing rating of an item, adjudications included."""
    return more_than_one(
        rows_of(project, Rating.objects.standing(), "item__project"), "item_id", "reviewer_id", counted="ratings"
    )


def seats_filled_twice(project: Project | None) -> Rows:
    """No seat has the standing ratings of several people."""
    ratings = Rating.objects.standing().filter(extra=False)
    return more_than_one(rows_of(project, ratings, "item__project"), "assignment__seat_id", counted="ratings")


def seats_held_twice(project: Project | None) -> Rows:
    """Whoever has an item on their desk holds its seat.

    Left out is who took an extra rating back: that seat was lost before, and the desk is theirs to finish.
    """
    extra = Rating.objects.filter(assignment=OuterRef("pk"), extra=True)
    work = (
        Assignment.objects.filter(~Exists(extra), state=AssignmentState.LEASED)
        .exclude(seat__state=SeatState.LEASED, seat__holder=F("reviewer"))
        .values("id", "seat_id", "reviewer_id", "seat__state", "seat__holder_id")
    )
    return rows_of(project, work, "item__project")


def leased_seats_without_lease(project: Project | None) -> Rows:
    """Every leased seat is on the desk of its holder."""
    work = Assignment.objects.filter(
        seat=OuterRef("pk"), reviewer=OuterRef("holder"), state=AssignmentState.LEASED, item=OuterRef("item_id")
    )
    seats = Seat.objects.filter(~Exists(work), state=SeatState.LEASED)
    return rows_of(project, seats).values("id", "item_id", "holder_id")


def seats_open_for_nothing(project: Project | None) -> Rows:
    """No rater's seat stays open on an item that is disputed or settled, but where the first rating settles it."""
    seats = Seat.objects.filter(state=SeatState.OPEN, lane=Lane.WORK)
    idle = seats.exclude(pk__in=seats.filter(wants_raters()))
    return rows_of(project, idle).values("id", "item_id", "item__status")


def missing_constraints(project: Project | None) -> Rows:
    """Every constraint that the models name is in force in the database."""
    return [
        {"table": model._meta.db_table, "constraint": name}
        for label in APPS
        for model in apps.get_app_config(label).get_models()
        for name in _missing_constraints(model)
    ]


def _missing_constraints(model: type[Model]) -> list[str]:
    with connection.cursor() as cursor:
        in_force = connection.introspection.get_constraints(cursor, model._meta.db_table)
    return sorted({constraint.name for constraint in model._meta.constraints} - in_force.keys())


# Promise 7: immutable versions, on which the recounts above rest -----------------------------------------


def missing_triggers(project: Project | None) -> Rows:
    """Every trigger that makes rows permanent is in force in the database."""
    migrations = MigrationLoader(None).disk_migrations.values()
    wanted = {
        operation.name: operation.table
        for migration in migrations
        for operation in migration.operations
        if isinstance(operation, RefuseTrigger)
    }
    return [{"table": wanted[name], "trigger": name} for name in sorted(wanted.keys() - set(trigger_names()))]


def altered_golden_sets(project: Project | None) -> Rows:
    """Every golden set has the number of cases and the digest it was frozen with."""
    sets = rows_of(project, GoldenSet.objects.order_by("pk"))
    return [fault for golden_set in sets.iterator() if (fault := _alteration(golden_set))]


def _alteration(golden_set: GoldenSet) -> dict[str, Any] | None:
    cases = golden_set.cases.count()
    lines = golden_set.cases.order_by("position").values_list("line", flat=True)
    intact = file_digest(lines.iterator()) == golden_set.sha256
    if intact and cases == golden_set.case_count:
        return None
    return {"name": golden_set.name, "case_count": golden_set.case_count, "cases": cases, "sha256_matches": intact}


CHECKS_OF_BOOKS: tuple[Check, ...] = (
    Check(1, outputs_without_decision),
    Check(1, answered_requests_without_decision),
    Check(1, outputs_with_several_decisions),
    Check(1, reviews_without_item),
    Check(1, reviews_with_several_items),
    Check(1, reviews_nobody_asked_for),
    Check(1, items_of_no_output),
    Check(1, items_with_wrong_seats),
    Check(1, unfinished_items_without_seat),
    Check(1, submitted_seats_without_rating),
    Check(1, submitted_work_without_rating),
    Check(1, ratings_of_unfinished_work),
    Check(1, ratings_without_seat),
    Check(1, miscounted_items),
    Check(1, settled_items_with_stale_verdict),
    Check(1, verdicts_without_ratings),
    Check(2, external_ids_used_twice),
    Check(3, people_with_several_seats),
    Check(3, people_who_judged_twice),
    Check(3, seats_filled_twice),
    Check(3, seats_held_twice),
    Check(3, leased_seats_without_lease),
    Check(3, seats_open_for_nothing),
    Check(3, missing_constraints),
    Check(7, missing_triggers),
    Check(7, altered_golden_sets),
)
