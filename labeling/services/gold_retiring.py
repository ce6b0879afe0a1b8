"""Which gold cases are used up or have become known. The sweep retires them; what was measured with them stays."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Exists, OuterRef, QuerySet

from labeling.models import Alarm, Criterion, GoldCase, Rating, Seat, SeatState
from labeling.queries.gold import planted_cases
from labeling.queries.onboarding import planted_results
from labeling.services.alarms import clear_alarms, raise_alarm
from labeling.services.gold import retire_gold_case
from labeling.services.rubrics import excerpt
from labeling.stats.leaks import LEAST_ANSWERS, haste
from reviewapp.core.models import Content, Project
from reviewapp.core.services.audit import SYSTEM

GOLD_LEAKED = "gold_leaked"
# How long the owner is told of a leak.
TOLD = timedelta(days=7)
# An example that quotes fewer characters of a response than these may resemble it by chance.
QUOTED = 40


@dataclass(frozen=True, slots=True)
class Leak:
    """How a case became known: `cause` is live, haste or example; `data` are the numbers for its sentence."""

    case: GoldCase
    cause: str
    reason: str
    data: dict[str, Any]


def retire_used_up(*, project: Project, now: datetime) -> int:
    """Retire cases of which every exposure was used, once none of the answers can be taken back; how many."""
    unused = Seat.objects.filter(item=OuterRef("item_id"), state__in=[SeatState.OPEN, SeatState.LEASED])
    undoable = Rating.objects.standing().filter(item=OuterRef("item_id"), undo_until__gte=now)
    used = planted_cases(project).filter(~Exists(unused), ~Exists(undoable)).select_related("item", "project")
    retired = 0
    for case in used:
        reason = f"Shown {case.item.ratings_counted} times."
        retired += retire_gold_case(case=case, actor=SYSTEM, now=now, reason=reason)
    return retired


def retire_leaked(*, project: Project, now: datetime) -> int:
    """Retire cases whose words or whose answer became known, and tell the owner of each; how many."""
    retired = 0
    for leak in (*_came_in_live(project), *_quoted(project), *_answered_in_haste(project)):
        if retire_gold_case(case=leak.case, actor=SYSTEM, now=now, reason=leak.reason):
            data = {"case": leak.case.pk, "reference": leak.case.reference, "cause": leak.cause} | leak.data
            raise_alarm(project=project, kind=GOLD_LEAKED, subject=str(leak.case.pk), data=data, now=now)
            retired += 1
    recent = Alarm.objects.filter(project=project, kind=GOLD_LEAKED, cleared_at=None, raised_at__gt=now - TOLD)
    clear_alarms(project=project, kind=GOLD_LEAKED, now=now, but=list(recent.values_list("subject", flat=True)))
    return retired


def _came_in_live(project: Project) -> Iterator[Leak]:
    """Content that came after the case's own, with the same words, and is no case itself: live traffic."""
    of_a_case = GoldCase.objects.filter(item__content=OuterRef("pk"))
    later = Content.objects.filter(
        ~Exists(of_a_case),
        project=project,
        fingerprint=OuterRef("item__fingerprint"),
        pk__gt=OuterRef("item__content_id"),
    )
    for case in planted_cases(project).filter(Exists(later)).select_related("project"):
        yield Leak(case, "live", "Its words came in as live output.", {})


def _quoted(project: Project) -> Iterator[Leak]:
    """Cases that an example of a published rubric shows, as drafts from disputes write them or by hand."""
    examples = [text for text in _published_examples(project) if text.strip()]
    if not examples:
        return
    for case in planted_cases(project).select_related("item__content", "project"):
        if _is_quoted(case, examples):
            yield Leak(case, "example", "Its words are an example in a published rubric.", {})


def _published_examples(project: Project) -> Iterator[str]:
    criteria = Criterion.objects.filter(rubric__project=project, rubric__published_at__isnull=False)
    for levels in criteria.values_list("levels", flat=True):
        for level in levels:
            yield " ".join(str(level.get("example") or "").split())


def _is_quoted(case: GoldCase, examples: Iterable[str]) -> bool:
    content = case.item.content
    marks = {excerpt(content, case.item.mask_names), excerpt(content, [])}
    response = " ".join(str(content.body.get("response", "")).split())
    if len(response) >= QUOTED:
        marks.add(response)
    return any(mark in example for example in examples for mark in marks)


def _answered_in_haste(project: Project) -> Iterator[Leak]:
    answered = _answers(project).values("gold_case").annotate(answers=Count("pk")).filter(answers__gte=LEAST_ANSWERS)
    cases = planted_cases(project).filter(pk__in=answered.values("gold_case")).select_related("project")
    for case in cases:
        rows = _answers(project).filter(gold_case=case).order_by("at", "id")
        answers = [
            (max(0.1, server if client is None else client), right)
            for client, server, right in rows.values_list("rating__client_seconds", "rating__server_seconds", "correct")
        ]
        found = haste([seconds for seconds, _right in answers], [right for _seconds, right in answers])
        if found.suspicious and found.ratio is not None and found.p_one_sided is not None:
            data = {"answers": found.answers, "ratio": round(found.ratio, 3), "p": found.p_one_sided}
            reason = f"Its later answers took {found.ratio:.0%} of the earlier ones' time and were no worse."
            yield Leak(case, "haste", reason, data)


def _answers(project: Project) -> QuerySet[Any]:
    return planted_results(project).filter(rating__extra=False).order_by()
