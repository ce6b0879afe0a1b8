"""Trying a judge on a given text: one call, with the same care as in earnest, whose verdict counts for nothing."""

from datetime import timedelta
from typing import Any

from labeling.services.rubrics import active_rubric
from reviewapp.core.models import Content, TaskKind
from reviewapp.core.services.audit import record
from routing.models import Judge
from routing.services.judge_calls import Result, Run, Surroundings, ask, subject_of
from routing.services.judges import current_version

# Somebody waits for the answer.
TRIAL_SECONDS = 20.0


def try_judge(
    *,
    judge: Judge,
    prompt: str,
    body: dict[str, str],
    context: list[dict[str, str]],
    actor: str,
    around: Surroundings,
    seconds: float = TRIAL_SECONDS,
) -> Result:
    """Ask once, first candidate first for a pair. It counts against budget, pace and circuit, and is never reused.

    Raises RubricRefused where the project has no rubric for it.
    """
    kind = TaskKind.PAIRWISE if "a" in body else TaskKind.POINTWISE
    content = Content(project=judge.project, task_kind=kind, prompt=prompt, context=context, body=body)
    rubric = active_rubric(judge.project, kind)
    names = tuple(judge.project.masked_names)
    subject = subject_of(content=content, rubric=rubric, names=names, output=None)
    run = Run(0, "ab" if kind == TaskKind.PAIRWISE else "")
    until = around.clock() + timedelta(seconds=seconds)
    result = ask(judge=judge, version=current_version(judge), subject=subject, run=run, until=until, around=around)
    record(
        project=judge.project, actor=actor, verb="judge.tried", target=f"judge:{judge.pk}", outcome=result.outcome.value
    )
    return result


def shown_trial(result: Result) -> dict[str, Any]:
    """What came of it, for whoever tried."""
    row = result.row
    return {
        "outcome": result.outcome.value,
        "verdict": result.verdict or None,
        "reason": result.reason or None,
        "status": row.status if row else None,
        "answer": row.raw if row else "",
        "input_tokens": row.input_tokens if row else 0,
        "output_tokens": row.output_tokens if row else 0,
        "cost": row.cost / 1_000_000 if row else 0.0,
        "seconds": round(row.seconds, 3) if row else 0.0,
        "again_at": result.later,
    }
