"""A small project with a few people and items, for the tests of the reviewers' pages."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.utils import timezone

from labeling.models import Assignment, GoldCase, Rating, ReviewItem
from labeling.services.enqueue import NewItem, enqueue_items
from labeling.services.rubrics import draft_rubric, publish_rubric
from labeling.services.settings import change_queue_settings
from reviewapp.core.fingerprints import fingerprint
from reviewapp.core.models import Content, Membership, Project
from reviewapp.core.services.people import add_member
from routing.services.projects import create_project

PASSWORD = "a-long-enough-password"
HOSTILE = (
    '<script>window.hacked = 1</script><img src=x onerror="window.hacked = 2">\n'
    "</textarea><style>body{display:none}</style>{{ 7|add:7 }} {% now %} javascript:alert(1)\n" + "w" * 600
)


def a_project(slug: str = "billing", **queue: Any) -> Project:
    """With the first rubrics; a wide undo window unless the test says otherwise."""
    project, _owner = create_project(
        slug=slug, owner_email=f"owner@{slug}.example", actor="test", now=timezone.now(), name=slug.title()
    )
    change_queue_settings(project=project, actor="test", **({"undo_seconds": 600} | queue))
    return project


def a_member(project: Project, role: str = "reviewer", name: str = "rae", *, password: str | None = None) -> Membership:
    """Give a password only where somebody types it: hashing one takes a third of a second."""
    return add_member(project=project, email=f"{name}@people.example", role=role, actor="test", password=password)


def items(project: Project, responses: Sequence[str] = ("The total is 81 euros.",), **details: Any) -> list[ReviewItem]:
    """Pointwise items, one per response; `details` as for `enqueued`."""
    return enqueued(project, "pointwise", [{"response": response} for response in responses], **details)


def a_pair(project: Project, a: str = "Eighty-one.", b: str = "Ninety.", **details: Any) -> ReviewItem:
    return enqueued(project, "pairwise", [{"a": a, "b": b}], **details)[0]


def a_run(project: Project, steps: Sequence[dict[str, Any]]) -> ReviewItem:
    return enqueued(project, "trajectory", [{"steps": list(steps)}])[0]


def enqueued(
    project: Project,
    task_kind: str,
    bodies: Sequence[dict[str, Any]],
    *,
    kind: str = "live",
    prompt: Any = "What is the total?",
    context: Sequence[dict[str, str]] = (),
    raters: int = 1,
    intent: str = "totals",
) -> list[ReviewItem]:
    now = timezone.now()
    contents = [
        Content.objects.create(
            project=project,
            task_kind=task_kind,
            prompt=prompt,
            context=list(context),
            body=body,
            fingerprint=fingerprint([prompt, list(context), body]),
        )
        for body in bodies
    ]
    made = enqueue_items(
        project=project,
        items=[
            NewItem(kind, intent, content, raters=raters, priority=1, due_at=now + timedelta(hours=4))
            for content in contents
        ],
        now=now,
    )
    if kind == "gold":
        for item in made:
            GoldCase.objects.create(
                project=project, reference=f"case-{item.pk}", item=item, acceptable=True, origin="planted_failure"
            )
    return made


def rubric_in_force(
    project: Project, criteria: list[dict[str, Any]], *, task_kind: str = "pointwise", **fields: Any
) -> None:
    rubric = draft_rubric(
        project=project, name=f"own-{task_kind}", task_kind=task_kind, criteria=criteria, actor="test", **fields
    )
    publish_rubric(rubric=rubric, actor="test", now=timezone.now())


def held(member: Membership) -> Assignment:
    """The one item this person holds."""
    return Assignment.objects.get(reviewer=member, state="leased")


def rating_of(member: Membership) -> Rating:
    """The one standing rating of this person."""
    return Rating.objects.standing().get(reviewer=member)
