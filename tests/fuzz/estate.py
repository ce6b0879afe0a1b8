"""The project that requests are made up for: something real behind every address, and callers who may reach it."""

import base64
from dataclasses import asdict, dataclass
from typing import Any

from django.utils import timezone

from labeling.models import Assignment, QueueSettings
from labeling.services.rubrics import draft_rubric
from reviewapp.core.models import Membership, Project
from routing.services.judges import create_judge
from routing.services.policies import draft_policy
from routing.services.webhooks import create_endpoint
from tests.factories import claim, output_body, pair_body, route, run_body
from tests.people import make_cast, person, policy_document
from tests.promises.estate import build_estate

# What an assignment can be used for is used up by the first that does.
ASSIGNMENTS = 40
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
    values["outputs/output_id"] += [str(output.pk) for output in _outputs(project, assignments)]
    tokens = [held.token for held in _held(reviewer, assignments)]
    values["assignments/token"] = [*tokens, *values["assignments/token"]]
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


def _outputs(project: Project, count: int) -> list[Any]:
    bodies = [make(f"fuzz-{make.__name__}-{n}") for n in range(count) for make in (output_body, pair_body, run_body)]
    return route(project, *bodies, now=timezone.now())


def _held(reviewer: Membership, count: int) -> list[Assignment]:
    """Taken now, so that none has run out."""
    QueueSettings.objects.filter(project=reviewer.project).update(daily_cap=100_000)
    return [claim(reviewer, now=timezone.now(), seed=number) for number in range(count)]


def _policies(project: Project) -> list[int]:
    return [
        draft_policy(project=project, document=policy_document(gold_rate=rate), actor="test").version
        for rate in (0.1, 0.2, 0.3)
    ]
