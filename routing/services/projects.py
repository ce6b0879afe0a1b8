"""A project from nothing: people, a first rubric and a first policy that reviews everything."""

from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from labeling.services.rubrics import draft_rubric, publish_rubric
from labeling.services.settings import set_gold_rate
from reviewapp.core.models import Membership, Project, Role, TaskKind
from reviewapp.core.services.audit import record
from reviewapp.core.services.people import add_member
from routing.policy.document import review_everything
from routing.services.policies import activate_policy, draft_policy

ACCEPTABILITY: list[dict[str, Any]] = [
    {
        "name": "acceptable",
        "type": "binary",
        "question": "Is this response acceptable as it stands?",
        "required": True,
        "levels": [
            {"value": "yes", "label": "Yes", "description": "It may go out unchanged."},
            {"value": "no", "label": "No", "description": "Somebody would be misled, harmed or annoyed by it."},
        ],
        "fail_values": ["no"],
    },
    {
        "name": "reason",
        "type": "categorical",
        "question": "If not: what is wrong with it?",
        "required": False,
        "levels": [
            {"value": "wrong", "label": "Wrong", "description": "It states something that is not so."},
            {"value": "unsupported", "label": "Unsupported", "description": "The context does not say this."},
            {"value": "incomplete", "label": "Incomplete", "description": "It leaves out what was asked."},
            {"value": "unsafe", "label": "Unsafe", "description": "Acting on it could do harm."},
            {"value": "tone", "label": "Tone", "description": "Rude, confusing or unfit for the reader."},
        ],
        "fail_values": [],
    },
]
STRENGTH: list[dict[str, Any]] = [
    {
        "name": "strength",
        "type": "ordinal",
        "question": "How clear is your preference?",
        "required": False,
        "levels": [
            {"value": 1, "label": "Slight", "description": "I could have gone either way."},
            {"value": 2, "label": "Clear", "description": "One of them is better."},
            {"value": 3, "label": "Strong", "description": "One of them must not go out."},
        ],
        "fail_values": [],
    }
]
FIRST_RUBRICS = (
    ("acceptability", TaskKind.POINTWISE, ACCEPTABILITY, True),
    ("agent-run", TaskKind.TRAJECTORY, ACCEPTABILITY, False),
    ("preference", TaskKind.PAIRWISE, STRENGTH, False),
)


class ProjectRefused(Exception):
    """The project cannot be made; the message says why."""


class ProjectExists(ProjectRefused):
    """Another project has this name."""


@transaction.atomic
def create_project(
    *, slug: str, owner_email: str, actor: str, now: datetime, name: str = "", draw_key: bytes | None = None
) -> tuple[Project, Membership]:
    """The project with its owner, rubrics for every task kind, and a policy that reviews everything.

    `draw_key` is for simulations that must be repeatable; without it the key is random. Raises ProjectRefused.
    """
    if Project.objects.filter(slug=slug).exists():
        raise ProjectExists(f"a project {slug!r} already exists")
    project = Project(slug=slug, name=name or slug)
    if draw_key is not None:
        project.draw_key = draw_key
    try:
        project.full_clean()
    except ValidationError as error:
        raise ProjectRefused(f"{slug!r}: " + "; ".join(error.messages)) from error
    project.save()
    record(project=project, actor=actor, verb="project.created", target=f"project:{slug}")
    owner = add_member(project=project, email=owner_email, role=Role.OWNER, actor=actor)
    set_gold_rate(project=project, gold_rate=0.0)
    for rubric_name, task_kind, criteria, corrections in FIRST_RUBRICS:
        rubric = draft_rubric(
            project=project,
            name=rubric_name,
            task_kind=task_kind,
            criteria=criteria,
            corrections=corrections,
            actor=actor,
        )
        publish_rubric(rubric=rubric, actor=actor, now=now)
    policy = draft_policy(
        project=project, document=review_everything().model_dump(mode="json"), actor=actor, note="Reviews everything."
    )
    activate_policy(policy=policy, actor=actor, now=now, reason="first policy")
    return project, owner
