"""Policies: drafted as new versions, put in force by a person, never edited once published."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from django.db import transaction
from django.db.models import Max
from pydantic import ValidationError

from labeling.services.settings import set_gold_rate
from reviewapp.core.models import Project
from reviewapp.core.problems import pointer_token
from reviewapp.core.services.audit import record
from routing.models import ActivePolicy, Calibrator, Policy, PolicyActivation, Recalibration, RecalibrationStatus
from routing.policy.document import PolicyDocument


class PolicyRefused(Exception):
    """The document is not a policy; `errors` are {pointer, code, detail}."""

    def __init__(self, errors: list[dict[str, str]]) -> None:
        super().__init__("; ".join(f"{error['pointer']}: {error['detail']}" for error in errors))
        self.errors = errors


class ActivationRefused(Exception):
    """The policy cannot be put in force now; the message says why."""


@dataclass(frozen=True, slots=True)
class Ruling:
    """What a decision is made by: one policy version with its calibrator, ready to use."""

    policy_id: int
    name: str
    version: int
    document: PolicyDocument
    calibrator_id: int | None
    calibrator_version: int | None
    calibrator: Mapping[str, Any] | None


def parse_document(document: Any) -> PolicyDocument:
    """Raises PolicyRefused with a pointer to every fault."""
    try:
        return PolicyDocument.model_validate(document)
    except ValidationError as error:
        raise PolicyRefused(
            [
                {
                    "pointer": "".join(f"/{pointer_token(part)}" for part in fault["loc"]),
                    "code": fault["type"],
                    "detail": fault["msg"],
                }
                for fault in error.errors(include_url=False, include_context=False, include_input=False)
            ]
        ) from None


@transaction.atomic
def draft_policy(
    *,
    project: Project,
    document: Any,
    actor: str,
    calibrator: Calibrator | None = None,
    note: str = "",
) -> Policy:
    """A new version, not in force, whose parent is the policy in force now. Raises PolicyRefused."""
    parsed = parse_document(document)
    # Two drafts at once must not race for a version number.
    Project.objects.select_for_update().get(pk=project.pk)
    latest = Policy.objects.filter(project=project).aggregate(latest=Max("version"))["latest"] or 0
    active = ActivePolicy.objects.filter(project=project).first()
    policy = Policy.objects.create(
        project=project,
        version=latest + 1,
        parent=active.policy if active else None,
        document=parsed.model_dump(mode="json"),
        calibrator=calibrator,
        note=note,
        created_by=actor,
    )
    record(project=project, actor=actor, verb="policy.drafted", target=f"policy:{policy.pk}", version=policy.version)
    return policy


@transaction.atomic
def activate_policy(*, policy: Policy, actor: str, now: datetime, reason: str = "") -> PolicyActivation:
    """Publish the policy if need be and put it in force; activating an older one rolls back.

    Raises ActivationRefused for the draft of a recalibration that nobody has decided on.
    """
    project = Project.objects.select_for_update().get(pk=policy.project_id)
    undecided = Recalibration.objects.filter(policy=policy, status=RecalibrationStatus.PROPOSED).first()
    if undecided:
        raise ActivationRefused(f"This draft belongs to recalibration {undecided.pk}; approve or reject that.")
    if policy.published_at is None:
        Policy.objects.filter(pk=policy.pk, published_at__isnull=True).update(published_at=now)
        policy.published_at = now
    ActivePolicy.objects.update_or_create(project=project, defaults={"policy": policy})
    set_gold_rate(project=project, gold_rate=parse_document(policy.document).gold_rate)
    record(
        project=project,
        actor=actor,
        verb="policy.activated",
        target=f"policy:{policy.pk}",
        version=policy.version,
        reason=reason,
    )
    return PolicyActivation.objects.create(policy=policy, actor=actor, reason=reason, at=now)


def ruling_in_force(project: Project) -> Ruling:
    """The active policy of the project, parsed. Published policies never change, so parsing is kept."""
    active = ActivePolicy.objects.select_related("policy").defer("policy__document").get(project=project)
    return _ruling(active.policy_id, active.policy.created_at)


@lru_cache(maxsize=64)
def _ruling(policy_id: int, created_at: datetime) -> Ruling:
    """`created_at` is part of the key only: a re-created database may give an id to another policy."""
    return ruling_of(Policy.objects.select_related("calibrator").get(pk=policy_id))


def ruling_of(policy: Policy) -> Ruling:
    """Any policy version, drafts too, ready to decide with."""
    calibrator = policy.calibrator
    return Ruling(
        policy_id=policy.pk,
        name=policy.name,
        version=policy.version,
        document=parse_document(policy.document),
        calibrator_id=calibrator.pk if calibrator else None,
        calibrator_version=calibrator.version if calibrator else None,
        calibrator=calibrator.parameters if calibrator else None,
    )
