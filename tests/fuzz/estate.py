"""The project that requests are made up for: something real behind every address, and callers who may reach it."""

import base64
import itertools
from dataclasses import asdict, dataclass
from typing import Any

from django.utils import timezone

from labeling.models import Assignment, QueueSettings
from labeling.services.rubrics import draft_rubric, publish_rubric
from reviewapp.core.models import Membership, Project, TaskKind
from routing.services.judges import create_judge
from routing.services.policies import draft_policy
from routing.services.webhooks import create_endpoint
from tests.factories import claim, output_body, pair_body, route, run_body, submit
from tests.people import make_cast, person, policy_document
from tests.promises.estate import build_estate

# What an assignment can be used for is used up by the first that does, so each that does has its own.
ASSIGNMENTS = 40
USED_UP_BY = ("submit", "escalate", "release", "undo")
# Longer than any run.
LONG_SECONDS = 7 * 24 * 3600
# Refuses every connection: nothing listens on the port for discarding.
NOBODY = "http://127.0.0.1:9/v1"


@dataclass(frozen=True)
class Grounds:
    """`values`: what exists, by its place in a path, as "policies/version". `callers`: Authorization headers."""

    values: dict[str, list[str | int]]
    callers: dict[str, str]

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def build_grounds(slug: str = "fuzzed", *, assignments: int = ASSIGNMENTS) -> Grounds:
    cast = make_cast(slug)
    estate = build_estate(cast)
    values: dict[str, list[str | int]] = {
        place: [value if isinstance(value, int) else str(value)] for place, value in estate.address_values.items()
    }
    project, reviewer = cast.project, cast.reviewers[0]
    _ask_for_nothing(project)
    values["outputs/output_id"] += [str(output.pk) for output in _outputs(project, 2 * assignments)]
    values |= _assignments(reviewer, assignments)
    values["policies/version"] += _policies(project)
    for _draft in range(3):
        rubric = draft_rubric(
            project=project, name=str(values["rubrics/name"][0]), task_kind="pointwise", criteria=CRITERIA, actor="test"
        )
        values["rubrics/version"].append(rubric.version)
    values["query.cursor"] = [_cursor("older", 3), _cursor("newer", 1), _cursor("older", estate.output.pk)]
    values |= _closed_doors(project)
    callers = {
        "key": f"Api-Key {cast.key}",
        "owner": person(cast.owner).headers["Authorization"],
        "reviewer": person(reviewer).headers["Authorization"],
    }
    return Grounds(values, callers)


def _closed_doors(project: Project) -> dict[str, list[str | int]]:
    """A judge and a webhook that nobody answers for, at once. Needs PRIVATE_TARGETS to allow this machine."""
    now = timezone.now()
    judge = create_judge(project=project, name="nobody", base_url=NOBODY, model="none", actor="test", now=now)
    endpoint, _secret = create_endpoint(project=project, url=NOBODY, description="", actor="test", now=now)
    return {
        "judges/name": [judge.name],
        "webhooks/pk": [endpoint.pk],
        "body.base_url": [NOBODY],
        "body.url": [NOBODY],
    }


def _cursor(direction: str, key: object) -> str:
    """As `reviewapp.core.pagination` writes it."""
    return base64.urlsafe_b64encode(f"{direction}:{key}".encode()).decode().rstrip("=")


CRITERIA = [{"name": "tone", "type": "numeric", "question": "How kind?", "minimum": 0.0, "maximum": 1.0}]


def _ask_for_nothing(project: Project) -> None:
    """Rubrics that may be left unanswered: whoever makes up a rating does not guess the words of a scale."""
    levels = [{"value": "yes"}, {"value": "no"}]
    question = {"name": "acceptable", "type": "binary", "question": "Well?", "required": False, "levels": levels}
    for kind in TaskKind.values:
        rubric = draft_rubric(project=project, name="open", task_kind=kind, criteria=[question], actor="test")
        publish_rubric(rubric=rubric, actor="test", now=timezone.now())


def _assignments(reviewer: Membership, count: int) -> dict[str, list[str | int]]:
    """Some that stay, and as many again for each errand that uses them up."""
    held = iter(_held(reviewer, count * (1 + len(USED_UP_BY))))
    supplies = {deed: list(itertools.islice(held, count)) for deed in USED_UP_BY}
    for assignment in supplies["undo"]:
        pair = assignment.item.content.task_kind == TaskKind.PAIRWISE
        submit(assignment, now=timezone.now(), values={}, **({"preferred": "a"} if pair else {}))
    stay: list[str | int] = [assignment.token for assignment in held]
    own = {f"assignments/token {deed}": [kept.token for kept in supply] for deed, supply in supplies.items()}
    return {"assignments/token": stay, **own}


def _outputs(project: Project, count: int) -> list[Any]:
    bodies = [make(f"fuzz-{make.__name__}-{n}") for n in range(count) for make in (output_body, pair_body, run_body)]
    return route(project, *bodies, now=timezone.now())


def _held(reviewer: Membership, count: int) -> list[Assignment]:
    """Taken now, so that none has run out."""
    QueueSettings.objects.filter(project=reviewer.project).update(
        daily_cap=100_000, lease_seconds=LONG_SECONDS, undo_seconds=LONG_SECONDS
    )
    return [claim(reviewer, now=timezone.now(), seed=number) for number in range(count)]


def _policies(project: Project) -> list[int]:
    return [
        draft_policy(project=project, document=policy_document(gold_rate=rate), actor="test").version
        for rate in (0.1, 0.2, 0.3)
    ]
