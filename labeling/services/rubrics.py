"""Rubrics: drafted, published once, then put in force."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Exists, Max, OuterRef, Q
from django.utils.translation import gettext as _

from labeling.masking import apply_masks, find_masks, texts_in
from labeling.models import (
    ActiveRubric,
    Criterion,
    ItemKind,
    ItemStatus,
    OverlapPurpose,
    QueueSettings,
    ReviewItem,
    Rubric,
    Seat,
    SeatState,
)
from labeling.services.pauses import lift_for_successor
from labeling.services.rubric_checks import (
    CRITERION_FIELDS,
    LEVEL_TEXT_LENGTH,
    RubricRefused,
    check_criteria,
    check_span_categories,
)
from reviewapp.core.fingerprints import fingerprint
from reviewapp.core.models import Content, Project, TaskKind
from reviewapp.core.services.audit import record

__all__ = ["CRITERION_FIELDS", "RubricRefused", "check_criteria", "check_span_categories"]

# How much of a case stands in an example.
PROMPT_EXCERPT, RESPONSE_EXCERPT = 240, 400
SCALE_FIELDS = {"numeric": ("minimum", "maximum", "fail_below")}


@transaction.atomic
def draft_rubric(
    *,
    project: Project,
    name: str,
    task_kind: str,
    criteria: Sequence[Mapping[str, Any]],
    actor: str,
    instructions: str = "",
    corrections: bool = True,
    span_categories: Sequence[str] = (),
    parent: Rubric | None = None,
) -> Rubric:
    """A new, unpublished version of the rubric called `name`, made from `parent` (else the newest). RubricRefused."""
    if task_kind not in TaskKind.values:
        raise RubricRefused("/task_kind", _("task_kind is one of %(names)s") % {"names": ", ".join(TaskKind.values)})
    if "/" in name or not name.strip():
        raise RubricRefused("/name", _("a rubric's name is some text without slashes"))
    check_criteria(criteria, pairwise=task_kind == TaskKind.PAIRWISE)
    check_span_categories(span_categories)
    parent = parent or Rubric.objects.filter(project=project, name=name).order_by("-version").first()
    latest = Rubric.objects.filter(project=project, name=name).aggregate(latest=Max("version"))["latest"] or 0
    rubric = Rubric.objects.create(
        project=project,
        name=name,
        version=latest + 1,
        parent=parent,
        task_kind=task_kind,
        instructions=instructions,
        corrections=corrections,
        span_categories=list(span_categories),
    )
    _write_criteria(rubric, criteria)
    record(project=project, actor=actor, verb="rubric.drafted", target=f"rubric:{rubric.pk}", name=str(rubric))
    return rubric


def _write_criteria(rubric: Rubric, criteria: Sequence[Mapping[str, Any]]) -> None:
    Criterion.objects.bulk_create(
        Criterion(rubric=rubric, order=order, **criterion) for order, criterion in enumerate(criteria)
    )


def rubric_document(rubric: Rubric) -> dict[str, Any]:
    """Everything that a rubric asks, as `draft_rubric` takes it: for export, copies and comparisons."""
    return {
        "name": rubric.name,
        "task_kind": rubric.task_kind,
        "instructions": rubric.instructions,
        "corrections": rubric.corrections,
        "span_categories": list(rubric.span_categories),
        "criteria": [_criterion_document(criterion) for criterion in rubric.criteria.all()],
    }


def _criterion_document(criterion: Criterion) -> dict[str, Any]:
    fields = ("name", "type", "question", "required", *SCALE_FIELDS.get(criterion.type, ("levels", "fail_values")))
    return {name: getattr(criterion, name) for name in fields}


def revision_of(rubric: Rubric) -> str:
    """Names the state of a draft, so that an edit can say which one it started from."""
    return fingerprint(rubric_document(rubric))


@transaction.atomic
def edit_rubric(*, rubric: Rubric, document: Mapping[str, Any], revision: str, actor: str) -> Rubric:
    """Replace what a draft asks. `document` is as `rubric_document`; its name and kind stay the draft's own.

    Raises RubricRefused: for a published version, a rubric that nobody could answer, and with pointer "/revision"
    where somebody else has stored the draft since `revision`.
    """
    draft = Rubric.objects.select_for_update().get(pk=rubric.pk)
    if draft.published_at is not None:
        raise RubricRefused("", _("%(rubric)s is published already; draft a new version instead") % {"rubric": draft})
    if revision_of(draft) != revision:
        raise RubricRefused("/revision", _("somebody stored this draft while you were writing"))
    check_criteria(document["criteria"], pairwise=draft.pairwise)
    check_span_categories(document["span_categories"])
    for name in ("instructions", "corrections", "span_categories"):
        setattr(draft, name, document[name])
    draft.save(update_fields=["instructions", "corrections", "span_categories"])
    draft.criteria.all().delete()
    _write_criteria(draft, document["criteria"])
    record(project=draft.project, actor=actor, verb="rubric.edited", target=f"rubric:{draft.pk}", name=str(draft))
    return draft


@transaction.atomic
def draft_next(*, rubric: Rubric, actor: str) -> Rubric:
    """A draft that begins as a copy of `rubric`, as the next version of its name."""
    return draft_rubric(project=rubric.project, actor=actor, parent=rubric, **rubric_document(rubric))


@transaction.atomic
def draft_from_dispute(
    *, item: ReviewItem, criterion: str, level: str, actor: str, into: Rubric | None = None
) -> Rubric:
    """A draft of the next version of the rubric in force, with the case as an example of `level`.

    The example is an excerpt of prompt and response, names of the source masked as for reviewers. With `into`, a draft
    of the same rubric, it is added there instead. `level` is the value, as text. Raises RubricRefused.
    """
    content = item.content
    draft = into or draft_next(rubric=active_rubric(item.project, content.task_kind), actor=actor)
    document = rubric_document(draft)
    chosen = next((entry for entry in document["criteria"] if entry["name"] == criterion), None)
    if chosen is None or not chosen.get("levels"):
        raise RubricRefused("/criterion", _("%(rubric)s has no criterion with levels of that name") % {"rubric": draft})
    place = next((place for place, entry in enumerate(chosen["levels"]) if str(entry["value"]) == level), None)
    if place is None:
        raise RubricRefused("/level", _("the criterion has no such level"))
    before = chosen["levels"][place].get("example", "")
    example = "\n".join(text for text in (before, excerpt(content, item.mask_names)) if text)
    if len(example) > LEVEL_TEXT_LENGTH:
        raise RubricRefused("/level", _("this level has as many examples as fit"))
    chosen["levels"][place] = chosen["levels"][place] | {"example": example}
    draft = edit_rubric(rubric=draft, document=document, revision=revision_of(draft), actor=actor)
    record(
        project=item.project,
        actor=actor,
        verb="rubric.example_added",
        target=f"rubric:{draft.pk}",
        item=str(item.public_id),
        criterion=criterion,
        level=level,
    )
    return draft


def excerpt(content: Content, mask_names: Sequence[str]) -> str:
    """The beginnings of prompt and response(s), names masked: “…” → “…”."""
    visible = {"prompt": content.prompt, **content.body}
    masks = [mask.as_list() for mask in find_masks(texts_in(visible), mask_names)]
    shown = apply_masks(visible, masks)
    prompt = _cut(_last_text(shown.pop("prompt")), PROMPT_EXCERPT)
    if "steps" in shown:
        return f"“{prompt}” → “{_cut(_last_text(shown['steps']), RESPONSE_EXCERPT)}”"
    if "response" in shown:
        return f"“{prompt}” → “{_cut(str(shown['response']), RESPONSE_EXCERPT)}”"
    sides = (f"{side.upper()}: “{_cut(str(shown[side]), RESPONSE_EXCERPT // 2)}”" for side in ("a", "b"))
    return f"“{prompt}” → {'; '.join(sides)}"


def _last_text(value: Any) -> str:
    """A text, or that of the last turn or step with one."""
    if isinstance(value, str):
        return value
    texts = [part["content"] for part in value if isinstance(part.get("content"), str) and part["content"].strip()]
    return texts[-1] if texts else ""


def _cut(text: str, most: int) -> str:
    words = " ".join(text.split())
    return words if len(words) <= most else f"{words[:most].rstrip()} …"


@transaction.atomic
def publish_rubric(*, rubric: Rubric, actor: str, now: datetime) -> None:
    """Freeze the rubric and put it in force for its task kind, at once.

    Raises RubricRefused for one that is published already, and where the project calibrates new versions first
    (`labeling.services.calibrating`): only the first of a task kind goes into force without.
    """
    if calibration_needed(rubric):
        raise RubricRefused(
            "", _("%(rubric)s goes into force after a calibration round; begin one.") % {"rubric": rubric}
        )
    freeze_rubric(rubric=rubric, now=now)
    take_over(rubric=rubric, now=now)
    record(project=rubric.project, actor=actor, verb="rubric.published", target=f"rubric:{rubric.pk}", name=str(rubric))


def calibration_needed(rubric: Rubric) -> bool:
    """Whether the project wants new versions calibrated, and there is one in force that this one would replace."""
    wanted = QueueSettings.objects.filter(project=rubric.project_id, calibrate_rubrics=True)
    return (
        wanted.exists() and ActiveRubric.objects.filter(project=rubric.project_id, task_kind=rubric.task_kind).exists()
    )


def freeze_rubric(*, rubric: Rubric, now: datetime) -> None:
    """From now on nobody changes this version; in force it is not by that. In the caller's transaction.

    Raises RubricRefused for one that is frozen already.
    """
    changed = Rubric.objects.filter(pk=rubric.pk, published_at__isnull=True).update(published_at=now)
    if not changed:
        raise RubricRefused("", _("%(rubric)s is published already; draft a new version instead") % {"rubric": rubric})
    rubric.published_at = now


def take_over(*, rubric: Rubric, now: datetime) -> None:
    """Judge by this frozen version what nobody has begun yet; in the caller's transaction.

    Items that somebody has touched keep the version they were begun with. Gold items always move, or an old version
    on the page would tell them from live work; practice cases with them. Of a re-blind round by the version before,
    what nobody has begun is left out. Pauses under earlier versions end: the new one is measured anew.
    """
    ActiveRubric.objects.update_or_create(
        project=rubric.project, task_kind=rubric.task_kind, defaults={"rubric": rubric}
    )
    # An agent run without a rubric of its own kind was pinned to the pointwise one, and follows that.
    concerned = Q(content__task_kind=rubric.task_kind) | Q(rubric__task_kind=rubric.task_kind)
    open_items = ReviewItem.objects.filter(concerned, project=rubric.project, status=ItemStatus.OPEN)
    begun = Seat.objects.filter(item=OuterRef("pk"), state__in=[SeatState.LEASED, SeatState.SUBMITTED])
    known = Q(kind__in=[ItemKind.GOLD, ItemKind.CALIBRATION])
    open_items.filter(known | (~Q(kind=ItemKind.OVERLAP) & ~Exists(begun))).update(rubric=rubric)
    left = Seat.objects.filter(
        item__project=rubric.project,
        item__rubric__task_kind=rubric.task_kind,
        item__overlap_round__purpose=OverlapPurpose.REBLIND,
        state=SeatState.OPEN,
    ).exclude(item__rubric=rubric)
    ids = list(left.values_list("pk", flat=True))
    Seat.objects.filter(pk__in=ids, state=SeatState.OPEN).update(state=SeatState.CLOSED)
    lift_for_successor(rubric=rubric, now=now)


def active_rubric(project: Project, task_kind: str) -> Rubric:
    """The rubric in force; an agent run without one of its own is judged by the pointwise rubric."""
    kinds = [task_kind, TaskKind.POINTWISE] if task_kind == TaskKind.TRAJECTORY else [task_kind]
    rows = {row.task_kind: row.rubric for row in ActiveRubric.objects.filter(project=project, task_kind__in=kinds)}
    for kind in kinds:
        if kind in rows:
            return rows[kind]
    raise RubricRefused(
        "",
        _("%(project)s has no rubric for %(task_kind)s items; publish one first")
        % {"project": project, "task_kind": task_kind},
    )
