"""The ledger of the way back: every final verdict is told once, and the feed has no gap."""

from django.db.models import Count, Exists, F, Max, Min, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce

from labeling.models import ItemKind, ItemStatus, ReviewItem, SetAside, VerdictNotice
from reviewapp.core.models import Project
from routing.ledger.checks import Check, Rows, more_than_one, rows_of
from routing.models import FeedCounter, OutputReview, VerdictEvent, WebhookDelivery

# The verdict of an event rested on a rating whose rater became suspect.
SET_ASIDE = SetAside.objects.filter(verdict=OuterRef("verdict"))


def verdicts_told_to_nobody(project: Project | None) -> Rows:
    """Every verdict in force about an output is in the feed, or waits for its undo window to end."""
    event = VerdictEvent.objects.filter(verdict=OuterRef("verdict"))
    notice = VerdictNotice.objects.filter(verdict=OuterRef("verdict"))
    review = OutputReview.objects.filter(item=OuterRef("pk"))
    settled = ReviewItem.objects.judged_live().filter(Exists(review), status=ItemStatus.SETTLED)
    return rows_of(project, settled.filter(~Exists(event), ~Exists(notice))).values("id", "verdict_id")


def verdicts_told_and_waiting(project: Project | None) -> Rows:
    """No verdict that is in the feed waits to be published again."""
    event = VerdictEvent.objects.filter(verdict=OuterRef("verdict"))
    return rows_of(project, VerdictNotice.objects.filter(Exists(event))).values("verdict_id", "final_at")


def verdicts_told_too_early(project: Project | None) -> Rows:
    """Every event tells a verdict about an output of its own that was final and is in force, or was set aside since."""
    wrong = (
        (~Q(verdict__item__verdict=F("verdict")) & ~Exists(SET_ASIDE))
        | Q(published_at__lt=F("verdict__final_at"))
        | ~Q(verdict__item__kind__in=[ItemKind.LIVE, ItemKind.AUDIT])
        | ~Exists(OutputReview.objects.filter(item=OuterRef("verdict__item"), output=OuterRef("output")))
    )
    return rows_of(project, VerdictEvent.objects.filter(wrong)).values("id", "position", "verdict_id", "output_id")


def verdicts_told_twice(project: Project | None) -> Rows:
    """No review item has several events, unless the verdicts before the last rested on ratings that were set aside."""
    events = VerdictEvent.objects.filter(~Exists(SET_ASIDE))
    return more_than_one(rows_of(project, events), "verdict__item_id", counted="events")


def feeds_with_gaps(project: Project | None) -> Rows:
    """The positions of every feed are 1, 2, 3, … up to its counter."""
    feeds = rows_of(project, VerdictEvent.objects.all()).values("project_id")
    counter = FeedCounter.objects.filter(project=OuterRef("project_id")).values("last_position")
    feeds = feeds.annotate(
        first=Min("position"),
        last=Max("position"),
        events=Count("pk"),
        counter=Coalesce(Subquery(counter), 0),
    )
    return feeds.exclude(first=1, last=F("events"), counter=F("events"))


def deliveries_of_another_project(project: Project | None) -> Rows:
    """Every delivery carries an event of its endpoint's own project, at that event's place."""
    astray = ~Q(event__project=F("endpoint__project")) | ~Q(position=F("event__position"))
    return rows_of(project, WebhookDelivery.objects.filter(astray), "endpoint__project").values(
        "id", "endpoint_id", "event_id"
    )


CHECKS_OF_DELIVERY: tuple[Check, ...] = (
    Check(1, verdicts_told_to_nobody),
    Check(1, verdicts_told_and_waiting),
    Check(1, verdicts_told_too_early),
    Check(1, verdicts_told_twice),
    Check(1, feeds_with_gaps),
    Check(10, deliveries_of_another_project),
)
