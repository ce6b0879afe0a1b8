"""Golden sets: judged cases, frozen under a name, with a digest of every byte."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from labeling.models import GoldenCase, GoldenSet, ReviewItem
from reviewapp.core.models import Project
from reviewapp.core.services.audit import record


class FreezeRefused(Exception):
    """There is nothing to freeze; the message says why."""


@dataclass(frozen=True, slots=True)
class Nominee:
    """One settled item for a golden set, with the stratum it was drawn from and its weight.

    Both are plain values from whoever calls: labeling does not know why an item was routed.
    """

    item_id: int
    case_id: str
    stratum: str
    weight: float


@transaction.atomic
def freeze_golden_set(
    *,
    project: Project,
    nominees: Sequence[Nominee],
    actor: str,
    now: datetime,
    seed: str,
) -> GoldenSet:
    """Freeze the nominees' verdicts as the project's next version of this ISO week.

    Cases are ordered by SHA-256 of seed, stratum and id, so the same cases always give the same file.
    Raises FreezeRefused without a settled nominee.
    """
    # Two freezes at once must not take the same number.
    project = Project.objects.select_for_update().get(pk=project.pk)
    lines = _lines(nominees, seed)
    if not lines:
        raise FreezeRefused(_("No case has a verdict yet; a golden set is made of judged outputs."))
    iso_year, week, _day = now.isocalendar()
    own_week = GoldenSet.objects.filter(project=project, iso_year=iso_year, week=week)
    number = (own_week.aggregate(latest=Max("number"))["latest"] or 0) + 1
    golden_set = GoldenSet.objects.create(
        project=project,
        name=f"{project.slug}-{iso_year}-w{week:02d}-v{number}",
        iso_year=iso_year,
        week=week,
        number=number,
        parent=GoldenSet.objects.filter(project=project).order_by("-id").first(),
        seed=seed,
        case_count=len(lines),
        composition=_composition(lines),
        sha256=file_digest(line for _nominee, line in lines),
        created_by=actor,
        created_at=now,
    )
    GoldenCase.objects.bulk_create(
        GoldenCase(
            golden_set=golden_set,
            position=position,
            case_id=nominee.case_id,
            stratum=nominee.stratum,
            weight=nominee.weight,
            line=line,
        )
        for position, (nominee, line) in enumerate(lines)
    )
    record(project=project, actor=actor, verb="golden_set.frozen", target=golden_set.name, sha256=golden_set.sha256)
    return golden_set


def file_digest(lines: Iterable[str]) -> str:
    """SHA-256 of the JSONL file these lines make, a newline after each."""
    digest = hashlib.sha256()
    for line in lines:
        digest.update(line.encode() + b"\n")
    return digest.hexdigest()


def jsonl(golden_set: GoldenSet) -> Iterable[str]:
    """The file, line by line, as it was frozen."""
    for line in golden_set.cases.order_by("position").values_list("line", flat=True).iterator():
        yield line + "\n"


def intact(golden_set: GoldenSet) -> bool:
    """Whether the stored lines still are the ones that were frozen."""
    lines = golden_set.cases.order_by("position").values_list("line", flat=True)
    return len(lines) == golden_set.case_count and file_digest(lines) == golden_set.sha256


def _lines(nominees: Sequence[Nominee], seed: str) -> list[tuple[Nominee, str]]:
    items = {
        item.pk: item
        for item in ReviewItem.objects.filter(
            pk__in=[nominee.item_id for nominee in nominees], verdict__isnull=False
        ).select_related("content", "verdict", "rubric")
    }
    ordered = sorted(
        (nominee for nominee in nominees if nominee.item_id in items),
        key=lambda nominee: hashlib.sha256(f"{seed}|{nominee.stratum}|{nominee.case_id}".encode()).hexdigest(),
    )
    return [(nominee, _line(nominee, items[nominee.item_id])) for nominee in ordered]


def _line(nominee: Nominee, item: ReviewItem) -> str:
    verdict = item.verdict
    if verdict is None:
        raise ValueError("a nominee without a verdict was not left out")
    response = item.content.body.get("response")
    case: dict[str, Any] = {
        "id": nominee.case_id,
        "task_kind": item.content.task_kind,
        "intent": item.intent,
        "prompt": item.content.prompt,
        "context": item.content.context,
        **item.content.body,
        "verdict": verdict.value,
        "reference": verdict.corrected_response or (response if verdict.value == "accept" else None),
        "preferred": verdict.preferred or None,
        "criteria": verdict.criteria,
        "reached_by": verdict.reached_by,
        "raters": verdict.raters,
        # "dawid_skene" is a model's word on whom to believe: no yardstick for whoever wants people's alone.
        "aggregation": verdict.basis.get("method"),
        "rubric": {"name": item.rubric.name, "version": item.rubric.version},
        "stratum": nominee.stratum,
        "weight": nominee.weight,
    }
    return json.dumps(case, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def _composition(lines: Sequence[tuple[Nominee, str]]) -> dict[str, Any]:
    cases = [json.loads(line) for _nominee, line in lines]
    return {
        "intents": dict(sorted(Counter(case["intent"] for case in cases).items())),
        "strata": dict(sorted(Counter(case["stratum"] for case in cases).items())),
        "verdicts": dict(sorted(Counter(case["verdict"] for case in cases).items())),
        "corrected": sum(case["verdict"] == "correct" for case in cases),
    }
