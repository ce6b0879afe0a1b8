"""Figures of judges: in a fixed number of queries, however many judges there are."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, F, Q

from reviewapp.core.models import Project
from routing.models import ActivePolicy, CallOutcome, JudgeRequest, JudgeVerdict, RequestState

VERDICT = "output__reviews__item__verdict"


@dataclass(frozen=True, slots=True)
class JudgeFigures:
    """Counts by judge. `agreed` are (runs that agree with the person's verdict, runs with such a verdict)."""

    calls: Mapping[int, Mapping[str, int]]
    agreed: Mapping[int, tuple[int, int]]
    waiting_by_name: Mapping[str, int]
    asked_now: frozenset[str]

    def outcomes(self, judge_id: int) -> Mapping[str, int]:
        return self.calls.get(judge_id, {})

    def waiting(self, name: str) -> int:
        return self.waiting_by_name.get(name, 0)

    def agreement(self, judge_id: int) -> dict[str, Any]:
        """Of the runs on judged outputs; as counted, not weighed for what was never judged."""
        agree, of = self.agreed.get(judge_id, (0, 0))
        return {"rate": agree / of if of else None, "agree": agree, "of": of, "reason": None if of else "no_verdicts"}


def judge_figures(project: Project) -> JudgeFigures:
    """All judges of the project, over all of their versions."""
    own = JudgeVerdict.objects.filter(version__judge__project=project)
    calls: dict[int, Counter[str]] = {}
    for judge_id, outcome, count in own.values_list("version__judge_id", "outcome").annotate(Count("pk")):
        calls.setdefault(judge_id, Counter())[outcome] += count
    waiting: Counter[str] = Counter()
    pending = JudgeRequest.objects.filter(project=project, state=RequestState.PENDING)
    # Most projects have a few sets of judges at most; the policy tells the set.
    for judges, count in pending.values_list("policy__document__judges__names").annotate(Count("pk")):
        waiting.update(dict.fromkeys(judges or [], count))
    active = ActivePolicy.objects.filter(project=project).values_list("policy__document__judges__names", flat=True)
    return JudgeFigures(
        calls=calls,
        agreed=_agreed(project),
        waiting_by_name=waiting,
        asked_now=frozenset(active.first() or ()),
    )


def _agreed(project: Project) -> dict[int, tuple[int, int]]:
    judged = JudgeVerdict.objects.filter(
        version__judge__project=project,
        outcome=CallOutcome.ANSWERED,
        **{f"{VERDICT}__isnull": False},
    )
    same = (
        Q(verdict="pass", **{f"{VERDICT}__value": "accept"})
        | Q(verdict="fail", **{f"{VERDICT}__value__in": ["correct", "reject"]})
        | Q(verdict=F(f"{VERDICT}__preferred"))
    )
    rows = judged.values_list("version__judge_id").annotate(of=Count("pk"), agree=Count("pk", filter=same))
    return {judge_id: (agree, of) for judge_id, of, agree in rows}
