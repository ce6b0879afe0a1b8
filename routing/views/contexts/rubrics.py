"""Rubrics in the console: versions, what differs between them, how they did, and how they look at the desk."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from labeling.blinding import failing_answers, shown_rubric
from labeling.forms import Typed
from labeling.models import ActiveRubric, Criterion, Rubric
from labeling.queries.comparing import (
    ENOUGH_ITEMS,
    IntentChange,
    Measured,
    Share,
    VersionChange,
    compare_by_intent,
    compare_versions,
    published_ancestor,
)
from labeling.queries.overlap import pending_or_withdrawn
from labeling.rendering.differences import word_diff
from labeling.serializers.rubrics import rubric_changes
from labeling.services.rubrics import rubric_document
from labeling.views.review_page import ReviewPage, review_page
from reviewapp.core.models import Project, TaskKind
from routing.views.contexts.agreement import coefficient, reason, while_nobody_rates
from routing.views.contexts.words import criterion_label
from routing.views.figures import Estimate, compact, percent, percent_range, points, shortest

# Stands for an assignment's token in a preview, where nothing can be handed in.
NO_TOKEN = "preview"


@dataclass(frozen=True, slots=True)
class RubricRow:
    pk: int
    name: str
    version: int
    task_kind: str
    status: str
    criteria: int
    published_at: datetime | None


@dataclass(frozen=True, slots=True)
class LevelLine:
    value: str
    label: str
    description: str
    example: str
    fails: bool


@dataclass(frozen=True, slots=True)
class CriterionLine:
    name: str
    type: str
    question: str
    required: bool
    levels: Sequence[LevelLine]
    scale: str


@dataclass(frozen=True, slots=True)
class RubricDetail:
    row: RubricRow
    instructions: str
    corrections: bool
    span_categories: Sequence[str]
    criteria: Sequence[CriterionLine]


def active_rubric_ids(project: Project) -> set[int]:
    return set(ActiveRubric.objects.filter(project=project).values_list("rubric_id", flat=True))


def rubric_row(rubric: Rubric, active_ids: set[int], pending: Mapping[int, str]) -> RubricRow:
    """`pending` are the frozen versions that were never in force: see `pending_or_withdrawn`."""
    published = pending.get(rubric.pk, "published") if rubric.published_at else "draft"
    return RubricRow(
        pk=rubric.pk,
        name=rubric.name,
        version=rubric.version,
        task_kind=rubric.task_kind,
        status="in force" if rubric.pk in active_ids else published,
        criteria=len(rubric.criteria.all()),
        published_at=rubric.published_at,
    )


def rubric_detail(rubric: Rubric) -> RubricDetail:
    return RubricDetail(
        row=rubric_row(rubric, active_rubric_ids(rubric.project), pending_or_withdrawn(rubric.project)),
        instructions=rubric.instructions,
        corrections=rubric.corrections,
        span_categories=rubric.span_categories,
        criteria=[_criterion(criterion) for criterion in rubric.criteria.all()],
    )


def _criterion(criterion: Criterion) -> CriterionLine:
    scale = ""
    if criterion.minimum is not None and criterion.maximum is not None:
        ends = {"low": shortest(criterion.minimum), "high": shortest(criterion.maximum)}
        scale = _("%(low)s to %(high)s") % ends
        if criterion.fail_below is not None:
            scale = _("%(scale)s; fails below %(bound)s") % {
                "scale": scale,
                "bound": shortest(criterion.fail_below),
            }
    return CriterionLine(
        name=criterion.name,
        type=criterion.type,
        question=criterion.question,
        required=criterion.required,
        levels=[
            LevelLine(
                value=compact(level["value"]),
                label=level.get("label", ""),
                description=level.get("description", ""),
                example=level.get("example", ""),
                fails=level["value"] in criterion.fail_values,
            )
            for level in criterion.levels
        ],
        scale=scale,
    )


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that differs between two versions; `html` shows it word by word."""

    where: str
    html: SafeString


@dataclass(frozen=True, slots=True)
class MeasuredLine:
    """One criterion before and after. `difference` says nothing where either side is undefined."""

    criterion: str
    before: Estimate
    before_percent: str
    after: Estimate
    after_percent: str
    difference: Estimate
    reading: str


@dataclass(frozen=True, slots=True)
class IntentLine:
    """One criterion in one intent before and after; without enough items either says how many there are."""

    intent: str
    criterion: str
    before: Estimate
    after: Estimate
    difference: Estimate
    reading: str


def changes_between(before: Rubric, after: Rubric) -> list[Change]:
    """Every difference, criteria and levels told by their names."""
    return [
        Change(found["pointer"], word_diff(_told(found["before"]), _told(found["after"])))
        for found in rubric_changes(rubric_document(before), rubric_document(after))
    ]


def _told(value: Any) -> str:
    """A value as a text that words can be compared in."""
    if value is None:
        return ""
    if isinstance(value, list):
        return "\n".join(compact(part) for part in value)
    return value if isinstance(value, str) else compact(value)


def measured_lines(rubric: Rubric, *, intent: str = "") -> tuple[Rubric | None, list[MeasuredLine]]:
    """The version that this one is measured against, and agreement on every criterion before and after."""
    ancestor = published_ancestor(rubric)
    if ancestor is None or rubric.published_at is None:
        return ancestor, []
    key = {"before": ancestor.pk, "after": rubric.pk, "intent": intent}
    rows = while_nobody_rates(
        rubric.project, "versions", key, lambda: compare_versions(ancestor, rubric, intent=intent)
    )
    return ancestor, [_measured_line(row) for row in rows]


def intent_lines(before: Rubric, after: Rubric) -> list[IntentLine]:
    """Agreement before and after, intent by intent; empty while nobody rated by `after`."""
    key = {"before": before.pk, "after": after.pk}
    rows = while_nobody_rates(after.project, "versions-by-intent", key, lambda: compare_by_intent(before, after))
    return [_intent_line(row) for row in rows]


def _intent_line(row: IntentChange) -> IntentLine:
    difference, reading = Estimate("", "", "", "–"), ""
    if row.difference is not None and row.interval is not None:
        between_points = {"low": points(row.interval.low), "high": points(row.interval.high)}
        difference = Estimate(points(row.difference), _("%(low)s to %(high)s") % between_points, "")
        reading = _("better") if row.interval.low > 0 else _("worse") if row.interval.high < 0 else _("not told apart")
    return IntentLine(
        row.intent, criterion_label(row.criterion), _enough(row.before), _enough(row.after), difference, reading
    )


def _enough(share: Share) -> Estimate:
    if share.percent is None or share.items < ENOUGH_ITEMS:
        why = _("not enough yet: %(items)d of %(needed)d") % {"items": share.items, "needed": ENOUGH_ITEMS}
        return Estimate("", "", f"n = {share.items}", why)
    interval = percent_range(*share.interval, 0) if share.interval else ""
    return Estimate(percent(share.percent, 0), interval, f"n = {share.items}")


def _measured_line(row: VersionChange) -> MeasuredLine:
    words = {"better": _("better"), "worse": _("worse"), "open": _("not told apart")}
    return MeasuredLine(
        criterion=criterion_label(row.criterion),
        before=_side(row.before),
        before_percent=_percent(row.before),
        after=_side(row.after),
        after_percent=_percent(row.after),
        difference=coefficient(row.difference, row.interval, "–"),
        reading="" if row.difference is None else words[row.reading],
    )


def _side(measured: Measured | None) -> Estimate:
    if measured is None:
        return Estimate("", "", "n = 0", _("not rated yet"))
    return coefficient(measured.alpha, measured.interval, reason(measured.reason), f"n = {measured.items}")


def _percent(measured: Measured | None) -> str:
    return "–" if measured is None or measured.percent is None else percent(measured.percent, 0)


def sample_task(task_kind: str) -> dict[str, Any]:
    """A made-up task, as `blinding.blinded_task` shows real ones."""
    task: dict[str, Any] = {
        "kind": task_kind,
        "prompt": _("Can I still return the kettle that I bought five weeks ago?"),
        "context": [{"id": _("returns"), "text": _("Unused goods can be returned within 30 days of delivery.")}],
    }
    answer = _("I am afraid not: returns are possible within 30 days of delivery, and that was five weeks ago.")
    other = _("Yes, of course! You can return anything at any time.")
    if task_kind == TaskKind.PAIRWISE:
        return task | {"a": answer, "b": other}
    if task_kind == TaskKind.TRAJECTORY:
        steps = [
            {"type": "tool_call", "name": "find_order", "content": {"item": "kettle"}},
            {"type": "tool_result", "name": "find_order", "content": {"delivered": "2026-10-16"}},
            {"type": "message", "name": "", "content": answer},
        ]
        return task | {"steps": steps}
    return task | {"response": answer}


def sample_page(rubric: Rubric) -> ReviewPage:
    """The desk's page for a made-up task under this rubric, stored or not, with nothing typed yet."""
    now = timezone.now()
    body = {
        "assignment": NO_TOKEN,
        "lease_expires_at": now + timedelta(minutes=30),
        "task": sample_task(rubric.task_kind),
        "rubric": shown_rubric(rubric),
    }
    return review_page(body, Typed(), now=now, failing=failing_answers(rubric))


def unstored(rubric: Rubric, document: Mapping[str, Any]) -> Rubric:
    """A rubric as it would be with this document; nothing is stored, and it need not be usable."""
    made = Rubric(
        pk=rubric.pk,
        name=rubric.name,
        version=rubric.version,
        task_kind=rubric.task_kind,
        **{name: document[name] for name in ("instructions", "corrections", "span_categories")},
    )
    criteria = [Criterion(rubric=made, **_showable(criterion)) for criterion in document["criteria"]]
    # What `criteria.all()` reads instead of the database.
    made._prefetched_objects_cache = {"criteria": criteria}  # type: ignore[attr-defined]
    return made


def _showable(criterion: Mapping[str, Any]) -> dict[str, Any]:
    """Bounds that are no numbers yet are shown as if they were not there."""
    bounds = ("minimum", "maximum", "fail_below")
    return {
        name: None if name in bounds and not isinstance(value, int | float) else value
        for name, value in criterion.items()
    }
