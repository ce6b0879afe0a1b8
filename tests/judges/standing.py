"""A judge with a row of everything that hangs on it, for tests of pages and addresses; it is never asked."""

from datetime import datetime
from typing import Any

from reviewapp.core.models import Project
from routing.models import ActivePolicy, Judge, JudgeRequest, JudgeState, JudgeVerdict, JudgeVersion, Output
from routing.services.judge_keys import sealed_for

# On loopback, which is not asked without leave: nothing of a test goes out.
ADDRESS = "https://127.0.0.1/v1"


def stand_judge(project: Project, name: str, *, now: datetime, output: Output | None = None, **version: Any) -> Judge:
    """With a key, a call in its log and, given an output, a request on it that was decided."""
    judge = Judge.objects.create(project=project, name=name, sealed_key=sealed_for("sk-standing", ADDRESS))
    JudgeState.objects.create(judge=judge)
    fields: dict[str, Any] = {"base_url": ADDRESS, "model": f"{name}-model", "digest": "0", "created_by": "test"}
    judge.current = JudgeVersion.objects.create(judge=judge, number=1, **(fields | version))
    judge.save()
    JudgeVerdict.objects.create(
        version=judge.current, request_sha256="0", run=0, outcome="timeout", raw="Too slow.", at=now, output=output
    )
    if output is not None:
        JudgeRequest.objects.create(
            output=output,
            project=project,
            policy=ActivePolicy.objects.get(project=project).policy,
            stakes="mid",
            given={"stakes": None, "flags": [], "screening": {"flags": [], "trace": {}}},
            judges=[{"name": name, "version": judge.current.pk}],
            state="decided",
            asked_at=now,
            deadline_at=now,
            due_at=now,
            silent={name: "timeout"},
            decided_at=now,
        )
    return judge
