"""Compound reads of routing."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Any
from uuid import UUID

from django.db.models import Count, Prefetch, Q, QuerySet, TextField
from django.db.models.functions import Cast, Coalesce

from labeling.models import Aggregation, Rating, Verdict, VerdictValue
from reviewapp.core.models import Content, Project, TaskKind
from routing.models import (
    Action,
    Decision,
    Output,
    OutputReview,
    Recalibration,
    RecalibrationStatus,
    TrafficReference,
)
from routing.policy.error_rate import Stratum

# The action of an output that waits for judges: it has no decision yet.
PENDING = "pending"


def outputs_with_decisions(project: Project) -> QuerySet[Output]:
    """Outputs with their decision, review item and verdict in a fixed number of queries; no payloads.

    Where there is no decision yet there is a judge request.
    """
    reviews = OutputReview.objects.select_related("item", "item__verdict", "item__verdict__rubric").order_by("id")
    return (
        Output.objects.filter(project=project)
        .select_related(
            "decision", "decision__policy", "decision__calibrator", "judge_request", "judge_request__policy__calibrator"
        )
        .defer(
            "metadata",
            "decision__policy__document",
            "decision__calibrator__parameters",
            "judge_request__given",
            "judge_request__policy__document",
            "judge_request__policy__calibrator__parameters",
        )
        .prefetch_related(Prefetch("reviews", queryset=reviews))
    )


def explained_outputs(project: Project) -> QuerySet[Output]:
    """Outputs with everything that their decisions rest on, payloads too: for one at a time."""
    reviews = OutputReview.objects.select_related("item__rubric", "item__verdict__rubric").order_by("id")
    return (
        Output.objects.filter(project=project)
        .select_related(
            "project",
            "content",
            "decision__project",
            "decision__policy",
            "decision__calibrator",
            "judge_request__policy__calibrator",
        )
        .prefetch_related(Prefetch("reviews", queryset=reviews))
    )


def outputs_by_ids(project: Project, ids: list[UUID]) -> Mapping[UUID, Output]:
    return {output.pk: output for output in outputs_with_decisions(project).filter(pk__in=ids)}


def filtered_outputs(
    project: Project,
    *,
    external_id: str = "",
    intent: str = "",
    action: str = "",
    stakes: str = "",
    flag: str = "",
    since: datetime | None = None,
    until: datetime | None = None,
) -> QuerySet[Output]:
    """The outputs that match every filter given, newest first. `since` is included, `until` is not.

    `action` may be "pending"; the stakes and flags of what is pending are those it will be decided with.
    """
    conditions: dict[str, Any] = {
        "external_id": external_id,
        "intent": intent,
        "decision__action": "" if action == PENDING else action,
        "received_at__gte": since,
        "received_at__lt": until,
    }
    outputs = outputs_with_decisions(project).filter(**{name: value for name, value in conditions.items() if value})
    if action == PENDING:
        outputs = outputs.filter(decision__isnull=True)
    if stakes:
        waiting = Q(decision__isnull=True, judge_request__stakes=stakes)
        outputs = outputs.filter(Q(decision__stakes=stakes) | waiting)
    if flag:
        # JSON containment exists on one engine only; flags are plain words, so their quoted text will do.
        flags = Coalesce(Cast("decision__flags", TextField()), Cast("judge_request__flags", TextField()))
        outputs = outputs.alias(flag_words=flags).filter(flag_words__contains=f'"{flag}"')
    return outputs.order_by("-id")


def decided(project: Project, **window: Any) -> QuerySet[Decision]:
    """Decisions in a window: `since` ≤ decided_at < `until`, of one `stakes` tier and `intent` where given."""
    conditions = {
        "decided_at__gte": window.get("since"),
        "decided_at__lt": window.get("until"),
        "stakes": window.get("stakes"),
        "output__intent": window.get("intent"),
    }
    return Decision.objects.filter(project=project, **{name: value for name, value in conditions.items() if value})


def right_or_wrong(project: Project, **window: Any) -> QuerySet[Decision]:
    """As `decided`, pairs left out: a preference between two candidates is not an error of the output."""
    return decided(project, **window).exclude(output__task_kind=TaskKind.PAIRWISE)


# Of items whose tier has raters weighed by a model. All their verdicts are left out wherever labels are learnt from or
# vouch for something, the adjudicated ones too: which items a person still had to decide hangs on what the model
# found doubtful, so they stand for nothing but themselves.
BY_MODEL = Q(output__reviews__item__aggregation=Aggregation.DAWID_SKENE)
BY_PEOPLE = Q(output__reviews__item__aggregation__in=set(Aggregation.values) - {Aggregation.DAWID_SKENE})


def left_out_count(project: Project, **window: Any) -> int:
    """How many verdicts on what shipped are left out of error rates, because a model weighed the raters."""
    audited = right_or_wrong(project, **window).filter(action=Action.SHIP, audited=True)
    return audited.filter(BY_MODEL, output__reviews__item__verdict__isnull=False).count()


def decided_count(project: Project, **window: Any) -> int:
    """How many outputs an error rate is a rate of."""
    return right_or_wrong(project, **window).count()


def audit_strata(project: Project, **window: Any) -> list[Stratum]:
    """Shipped outputs by tier and inclusion probability: how many, how many judged, how many of those wrong."""
    rows = (
        right_or_wrong(project, **window)
        .filter(action=Action.SHIP)
        .values("stakes", "inclusion_probability")
        .annotate(
            shipped=Count("pk"),
            judged=Count("pk", filter=BY_PEOPLE & Q(audited=True, output__reviews__item__verdict__isnull=False)),
            errors=Count(
                "pk",
                filter=BY_PEOPLE
                & Q(audited=True, output__reviews__item__verdict__isnull=False)
                & ~Q(output__reviews__item__verdict__value=VerdictValue.ACCEPT),
            ),
        )
        .order_by("stakes", "inclusion_probability")
    )
    return [
        Stratum(
            shipped=row["shipped"],
            audited=row["judged"],
            errors=row["errors"],
            audit_rate=row["inclusion_probability"] or None,
            name=f"{row['stakes']} at {row['inclusion_probability']:g}",
        )
        for row in rows
    ]


def logged_outputs(project: Project, *, since: datetime | None = None, most: int = 100_000) -> list[dict[str, Any]]:
    """The newest decided outputs but pairs, as plain rows: facts, inclusion probability and verdict, if any."""
    rows: Iterable[Mapping[str, Any]] = (
        right_or_wrong(project, since=since)
        .order_by("-output_id")
        .values(
            "output__external_id",
            "output__intent",
            "output__metadata",
            "output__prompt_fingerprint",
            "output__task_kind",
            "output__content_id",
            "policy_id",
            "stakes",
            "flags",
            "trace",
            "inclusion_probability",
            "output__reviews__item__verdict__value",
            "output__reviews__item__aggregation",
        )[:most]
    )
    return [dict(row) for row in rows]


def median_seconds_per_rating(project: Project) -> float | None:
    """What a rating takes people, from the newest thousand; None before the first."""
    seconds = list(
        Rating.objects.standing()
        .filter(item__project=project)
        .order_by("-id")
        .values_list(Coalesce("client_seconds", "server_seconds"), flat=True)[:1000]
    )
    return float(median(seconds)) if seconds else None


def judged_outputs(project: Project) -> list[dict[str, Any]]:
    """Outputs with a verdict in force, with what nominating them for a golden set takes."""
    rows: Iterable[Mapping[str, Any]] = (
        Decision.objects.filter(
            project=project,
            inclusion_probability__gt=0,
            output__reviews__item__verdict__isnull=False,
        )
        .order_by("output_id")
        .values(
            "output_id",
            "output__intent",
            "output__reviews__item_id",
            "output__reviews__item__verdict__value",
            "flags",
            "inclusion_probability",
        )
    )
    return [dict(row) for row in rows]


def projects_due_for_policy(now: datetime) -> list[Project]:
    """Projects whose scheduled policy should be in force by now."""
    return list(Project.objects.filter(scheduled_activation__effective_at__lte=now).order_by("pk"))


@dataclass(frozen=True, slots=True)
class Flagged:
    """How many of the `outputs` of a window carry a flag, and what people said of those they judged."""

    outputs: int
    flagged: int
    judged: int
    accepted: int


def flagged_since(project: Project, flag: str, since: datetime) -> Flagged:
    """Counts of outputs decided since then, and of those that carry `flag`."""
    rows = Decision.objects.filter(project=project, decided_at__gte=since)
    flagged = rows.alias(flag_words=Cast("flags", TextField())).filter(flag_words__contains=f'"{flag}"')
    judged = Q(output__reviews__item__verdict__isnull=False)
    counts = flagged.aggregate(
        flagged=Count("pk", distinct=True),
        judged=Count("pk", filter=judged, distinct=True),
        accepted=Count("pk", filter=Q(output__reviews__item__verdict__value=VerdictValue.ACCEPT), distinct=True),
    )
    return Flagged(outputs=rows.count(), **counts)


def ordinary_contents(project: Project, *, most: int) -> list[Content]:
    """The newest contents that are ordinary: not flagged, or flagged and accepted by people all the same.

    What was flagged as novel only for want of anything to compare it with is as ordinary as the rest.
    """
    cleared = Q(flags=[]) | Q(output__reviews__item__verdict__value=VerdictValue.ACCEPT)
    cleared |= Q(flags=["novel"], trace__screening__novel__distance=None)
    rows = Decision.objects.filter(cleared, project=project).order_by("-output_id")
    ids = list(rows.values_list("output__content_id", flat=True)[:most])
    return list(Content.objects.filter(pk__in=ids).order_by("pk"))


# A look at the traffic is worth renewing after a day and this many further outputs.
LOOK_EVERY = timedelta(days=1)
LOOK_OUTPUTS = 200


def projects_due_for_a_look(now: datetime) -> list[Project]:
    """Projects with enough outputs since the last look at their traffic, and the last look a day ago; or still
    too small a look, and a tenth more to see."""
    due = []
    for project in Project.objects.order_by("pk"):
        last = TrafficReference.objects.filter(project=project).order_by("-version").first()
        if last is None:
            if Output.objects.filter(project=project).exists():
                due.append(project)
            continue
        seen = len(last.content_ids)
        growing = seen < LOOK_OUTPUTS
        if not growing and last.created_at > now - LOOK_EVERY:
            continue
        enough = max(10, seen // 10) if growing else LOOK_OUTPUTS
        newer = Output.objects.filter(project=project, received_at__gt=last.created_at)
        if newer.order_by()[:enough].count() >= enough:
            due.append(project)
    return due


# A proposal is worth a person's time again after a week and this many further verdicts.
PROPOSAL_EVERY = timedelta(days=7)
PROPOSAL_VERDICTS = 200


def projects_due_for_recalibration(now: datetime) -> list[Project]:
    """Projects whose last proposal is decided and a week old, with enough verdicts since (or ever)."""
    due = []
    for project in Project.objects.order_by("pk"):
        last = Recalibration.objects.filter(project=project).order_by("-pk").first()
        if last and (last.status == RecalibrationStatus.PROPOSED or last.created_at > now - PROPOSAL_EVERY):
            continue
        verdicts = Verdict.objects.filter(item__project=project).exclude(item__aggregation=Aggregation.DAWID_SKENE)
        if last:
            verdicts = verdicts.filter(decided_at__gt=last.created_at)
        if verdicts.order_by()[:PROPOSAL_VERDICTS].count() >= PROPOSAL_VERDICTS:
            due.append(project)
    return due
