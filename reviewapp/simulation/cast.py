"""The project of a run, with its people, key and gold cases, made through the services."""

from dataclasses import dataclass
from datetime import datetime
from itertools import count

from labeling.models import GoldOrigin
from labeling.services.gold import add_gold_case
from labeling.services.settings import change_queue_settings
from reviewapp.core.models import Membership, Project, Role, Scope, TaskKind
from reviewapp.core.services.keys import create_api_key
from reviewapp.core.services.people import add_member
from reviewapp.simulation.plan import Plan, first_policy
from reviewapp.simulation.pool import Pool, PoolRow
from reviewapp.simulation.pure import gold_in_order, gold_reference
from reviewapp.simulation.reviewers import ADJUDICATOR, Reviewer, eight_reviewers
from routing.policy.document import PolicyDocument
from routing.services.policies import activate_policy, draft_policy
from routing.services.projects import create_project

ACTOR = "command"
# Nobody is held back by caps or leases: they are not what is measured here.
QUEUE = {"daily_cap": 1_000_000, "lease_seconds": 6 * 3600, "undo_seconds": 0}
DOMAIN = "simulation.example"


@dataclass(frozen=True, slots=True)
class Cast:
    """`gold` is the truth of the planted cases by item, which the database knows as well, being gold."""

    project: Project
    owner: Membership
    members: dict[str, Membership]
    people: tuple[Reviewer, ...]
    api_key: str
    gold: dict[int, PoolRow]

    @property
    def owner_actor(self) -> str:
        return f"person:{self.owner.person_id}"


def make_cast(plan: Plan, pool: Pool, *, slug: str, now: datetime) -> Cast:
    """A new project under the first policy. Raises ProjectRefused for a slug that is taken or malformed."""
    project, owner = create_project(
        slug=slug,
        owner_email=f"owner@{DOMAIN}",
        actor=ACTOR,
        now=now,
        name=f"Simulation {plan.seed}",
        draw_key=plan.draw_key,
    )
    change_queue_settings(project=project, actor=ACTOR, **QUEUE)
    people = eight_reviewers(sleeper=plan.sleeper, copier=plan.copier)
    members = {person.name: _member(project, person.name, Role.REVIEWER) for person in people}
    members[ADJUDICATOR.name] = _member(project, ADJUDICATOR.name, Role.ADJUDICATOR)
    put_in_force(project, first_policy(plan, pool), reason="first policy of the simulation", actor=ACTOR, now=now)
    _key, secret = create_api_key(project=project, scopes=[Scope.ROUTE, Scope.READ], actor=ACTOR, name="simulation")
    gold = _plant_gold(project, plan, pool, now)
    return Cast(project, owner, members, people, secret, gold)


def put_in_force(project: Project, document: PolicyDocument, *, reason: str, actor: str, now: datetime) -> None:
    policy = draft_policy(project=project, document=document.model_dump(mode="json"), actor=actor, note=reason)
    activate_policy(policy=policy, actor=actor, now=now, reason=reason)


def free_slug(seed: int) -> str:
    """The first of sim-1, sim-1-2, sim-1-3 … that no project has."""
    taken = set(Project.objects.filter(slug__startswith=f"sim-{seed}").values_list("slug", flat=True))
    names = (f"sim-{seed}" if number == 1 else f"sim-{seed}-{number}" for number in count(1))
    return next(name for name in names if name not in taken)


def _member(project: Project, name: str, role: str) -> Membership:
    return add_member(project=project, email=f"{name}@{DOMAIN}", role=role, actor=ACTOR, name=name)


def _plant_gold(project: Project, plan: Plan, pool: Pool, now: datetime) -> dict[int, PoolRow]:
    if not plan.gold_rate:
        return {}
    planted = {}
    for row in gold_in_order(plan.seed, pool.gold):
        case = add_gold_case(
            project=project,
            reference=gold_reference(row),
            task_kind=TaskKind.POINTWISE,
            intent=row.intent,
            prompt=row.prompt,
            context=[dict(passage) for passage in row.context],
            body={"response": row.response},
            acceptable=not row.error,
            origin=GoldOrigin.PLANTED_FAILURE if row.error else GoldOrigin.HUMAN_REFERENCE,
            # Each person meets a case once.
            exposures=len(eight_reviewers()),
            mask_names=tuple(row.source.values()),
            actor=ACTOR,
            now=now,
        )
        planted[case.item_id] = row
    return planted
