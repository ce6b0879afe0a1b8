"""The feed of verdicts: published once they are final, in an order that never changes afterwards."""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from labeling.models import ReviewItem, Verdict
from labeling.services.notices import has_news, projects_with_news, take_notices
from reviewapp.core.models import Project
from routing.models import FeedCounter, Output, OutputReview, VerdictEvent, WebhookDelivery, WebhookEndpoint

AT_ONCE = 500


def publish_everywhere(*, now: datetime) -> int:
    """Publish what is due in every project; how many verdicts that were."""
    projects = Project.objects.filter(pk__in=projects_with_news(now=now))
    return sum(publish_verdicts(project=project, now=now) for project in projects.order_by("pk"))


def publish_verdicts(*, project: Project, now: datetime) -> int:
    """Append the project's final verdicts to its feed and queue them for its webhooks; how many that were.

    Safe to call at any time, by anybody, as often as they like.
    """
    published = 0
    while has_news(project=project, now=now):
        taken, appended = _publish_some(project, now)
        published += appended
        if taken < AT_ONCE:
            break
    return published


@transaction.atomic
def _publish_some(project: Project, now: datetime) -> tuple[int, int]:
    """How many notices were taken, and how many of them became events."""
    FeedCounter.objects.get_or_create(project=project)
    # From here to the commit nobody else publishes for this project.
    counter = FeedCounter.objects.select_for_update().get(project=project)
    verdicts = take_notices(project=project, now=now, most=AT_ONCE)
    events = _append(counter, verdicts, now)
    endpoints = WebhookEndpoint.objects.active().filter(project=project)
    WebhookDelivery.objects.bulk_create(
        WebhookDelivery(endpoint=endpoint, event=event, position=event.position, next_attempt_at=now)
        for endpoint in endpoints.order_by("pk")
        for event in events
    )
    return len(verdicts), len(events)


def _append(counter: FeedCounter, verdicts: list[Verdict], now: datetime) -> list[VerdictEvent]:
    """Events of those verdicts that are in force and about an output; what people learn or are tested on is not."""
    items = ReviewItem.objects.judged_live().filter(pk__in=[verdict.item_id for verdict in verdicts])
    in_force = dict(items.values_list("pk", "verdict_id"))
    outputs = dict(OutputReview.objects.filter(item__in=in_force).values_list("item_id", "output_id"))
    told = [
        verdict for verdict in verdicts if verdict.item_id in outputs and in_force.get(verdict.item_id) == verdict.pk
    ]
    events = VerdictEvent.objects.bulk_create(
        VerdictEvent(
            project_id=counter.project_id,
            position=position,
            verdict=verdict,
            output_id=outputs[verdict.item_id],
            published_at=now,
        )
        for position, verdict in enumerate(told, start=counter.last_position + 1)
    )
    counter.last_position += len(events)
    counter.save(update_fields=["last_position"])
    return events


def verdict_body(verdict: Verdict, output: Output) -> dict[str, Any]:
    """A verdict as the AI application reads it, in the feed, in webhooks and with its output."""
    return {
        "id": str(verdict.public_id),
        "output": {"id": str(output.pk), "external_id": output.external_id},
        "verdict": verdict.value,
        "corrected_response": verdict.corrected_response or None,
        "preferred": verdict.preferred or None,
        "criteria": verdict.criteria,
        "reached_by": verdict.reached_by,
        "raters": verdict.raters,
        "aggregation": aggregation_body(verdict.basis),
        "rubric": {"name": verdict.rubric.name, "version": verdict.rubric.version},
        "decided_at": verdict.decided_at,
    }


# What of a verdict's basis says how sure it is. Who said what, and how well they judge, is the project's own affair.
TOLD = ("needed", "prior", "posterior", "items", "known", "fallback")


def aggregation_body(basis: Mapping[str, Any]) -> dict[str, Any] | None:
    """How the ratings became the verdict: the method, the one that the policy chose, and how many said what; with
    nothing in it that names a rater or a rating. None for a verdict of which that was not written down."""
    if not basis:
        return None
    votes = Counter(vote["preferred"] or vote["verdict"] for vote in basis["votes"] if not vote.get("adjudication"))
    return {"method": basis["method"], "chosen": basis["chosen"], "asked": basis["asked"], "votes": dict(votes)} | {
        name: basis.get(name) for name in TOLD
    }


def event_body(event: VerdictEvent) -> dict[str, Any]:
    """The verdict, and where in the feed it stands: who has read it goes on with `since=<cursor>`."""
    return verdict_body(event.verdict, event.output) | {"cursor": str(event.position)}
