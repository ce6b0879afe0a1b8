"""Policies: drafted as new versions, put in force by a person now or from a moment on, never edited once published."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from django.db import transaction
from django.db.models import Exists, Max, OuterRef
from django.utils.translation import gettext as _
from pydantic import ValidationError

from labeling.services.settings import set_gold_rate
from reviewapp.core.models import Project
from reviewapp.core.problems import pointer_token
from reviewapp.core.services.audit import record
from routing.models import (
    ActivePolicy,
    Calibrator,
    Policy,
    PolicyActivation,
    Recalibration,
    RecalibrationStatus,
    ScheduledActivation,
)
from routing.policy.document import STAKES_RANK, PolicyDocument
from routing.services.judges import check_judges
from routing.services.two_persons import ActivationRefused, check_second_person

# A moment further away than this is a slip of the pen.
FURTHEST = timedelta(days=366)


class PolicyRefused(Exception):
    """The document is not a policy; `errors` are {pointer, code, detail}."""

    def __init__(self, errors: list[dict[str, str]]) -> None:
        super().__init__("; ".join(f"{error['pointer']}: {error['detail']}" for error in errors))
        self.errors = errors


class EditRefused(Exception):
    """The version cannot be edited, or not like this; the message says why, and `code` says it to programs."""

    def __init__(self, message: str, *, code: str) -> None:
        super().__init__(message)
        self.code = code


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
                    "pointer": _pointer(fault["loc"]),
                    "code": fault["type"],
                    "detail": fault["msg"],
                }
                for fault in error.errors(include_url=False, include_context=False, include_input=False)
            ]
        ) from None


# Names that pydantic adds to a path for the branch of a union it tried: no part of the document.
UNION_BRANCHES = {"dict[str,any]", "bool"}


def _pointer(location: tuple[int | str, ...]) -> str:
    """RFC 6901; without the tag of a check's kind, which pydantic puts behind the check's number."""
    parts = [*location[:2], *location[3:]] if location[:1] == ("checks",) else [*location]
    if location[:1] == ("checks",) and parts[-1] in UNION_BRANCHES:
        parts.pop()
    return "".join(f"/{pointer_token(part)}" for part in parts)


def check_signals_named(document: PolicyDocument, calibrator: Calibrator | None) -> None:
    """Raises PolicyRefused where nobody says which signals an output must have before it may ship.

    A calibrator knows which signals it learnt with. Without one, a caller who leaves out the signal
    that speaks against an output would be left with those that speak for it.
    """
    if calibrator is not None:
        return
    unnamed = [name for name in ("", *document.intents) if _ships_unnamed(document, name)]
    if unnamed:
        detail = _(
            "This policy ships by threshold and has no calibrator, so nobody knows which signals to expect. Name those "
            'without which an output goes to a person, such as ["judge:strict", "grounding"], or [] to ship on '
            "whatever the caller sends, at your own risk."
        )
        if "" not in unnamed:
            detail = _(
                "This policy ships by threshold for the intent(s) %(intents)s and has no calibrator, so nobody knows "
                "which signals to expect. Name those without which an output goes to a person, such as "
                '["judge:strict", "grounding"], or [] to ship on whatever the caller sends, at your own risk.'
            ) % {"intents": ", ".join(unnamed)}
        raise PolicyRefused([{"pointer": "/required_signals", "code": "signals_unnamed", "detail": detail}])


def _ships_unnamed(document: PolicyDocument, intent: str) -> bool:
    tiers = [document.tier_for(intent, stakes) for stakes in STAKES_RANK]
    return document.required_for(intent) is None and any(tier.mode == "below_threshold" for tier in tiers)


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
    check_signals_named(parsed, calibrator)
    # Two drafts at once must not race for a version number.
    _lock(project)
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
        authors=[actor],
    )
    record(project=project, actor=actor, verb="policy.drafted", target=f"policy:{policy.pk}", version=policy.version)
    return policy


@transaction.atomic
def edit_draft(
    *, policy: Policy, actor: str, revision: int, document: Any | None = None, note: str | None = None
) -> Policy:
    """The draft with another document, another note, or both; what is None stays.

    `revision` is the one that the editor read: with another one stored by now, nothing is overwritten.
    Raises PolicyRefused, and EditRefused for a conflict, a published version or a recalibration's draft.
    """
    changes: dict[str, Any] = {} if note is None else {"note": note}
    if document is not None:
        parsed = parse_document(document)
        check_signals_named(parsed, policy.calibrator)
        changes["document"] = parsed.model_dump(mode="json")
    # Reading the authors and writing them back is one step, and so is looking whether it is published.
    _lock(policy.project)
    policy = Policy.objects.select_related("project", "parent", "calibrator").get(pk=policy.pk)
    _check_editable(policy, revision)
    authors = policy.authors if actor in policy.authors else [*policy.authors, actor]
    for name, value in (changes | {"authors": authors, "revision": revision + 1}).items():
        setattr(policy, name, value)
    policy.save(update_fields=[*changes, "authors", "revision"])
    record(
        project=policy.project,
        actor=actor,
        verb="policy.edited",
        target=f"policy:{policy.pk}",
        version=policy.version,
        revision=policy.revision,
        changed=sorted(changes),
    )
    return policy


def _check_editable(policy: Policy, revision: int) -> None:
    if policy.published_at is not None:
        raise EditRefused(
            _("Version %(version)s is published, so it never changes; draft another one.")
            % {"version": policy.version},
            code="published",
        )
    if proposal := Recalibration.objects.filter(policy=policy).first():
        raise EditRefused(
            _("This draft was measured as recalibration %(number)s; draft another version instead.")
            % {"number": proposal.pk},
            code="proposed",
        )
    if policy.revision != revision:
        raise EditRefused(
            _(
                "Somebody stored revision %(revision)s of this draft since you read revision %(read)s; nothing was "
                "overwritten. Read it again, then send your changes with its revision."
            )
            % {"revision": policy.revision, "read": revision},
            code="edit_conflict",
        )


@transaction.atomic
def activate_policy(
    *, policy: Policy, actor: str, now: datetime, reason: str = "", revision: int | None = None
) -> PolicyActivation:
    """Publish the policy if need be and put it in force; activating an older one rolls back.

    Whatever was scheduled is dropped: it was planned for what is in force no longer, and a person may
    schedule it again. Raises ActivationRefused for the draft of a recalibration that nobody has decided on,
    for a draft that is not at `revision` any more, and SecondPersonNeeded under the two-person rule.
    """
    project = _lock(policy.project)
    # What was due before this moment was in force until now, and the log says so.
    apply_due_activation(project=project, now=now)
    _publish(policy, actor=actor, now=now, revision=revision)
    _drop_schedule(project, actor=actor, reason=f"version {policy.version} was put in force")
    return _put_in_force(policy, actor=actor, reason=reason, ordered_at=now, effective_at=now)


@transaction.atomic
def schedule_policy(
    *,
    policy: Policy,
    actor: str,
    now: datetime,
    effective_at: datetime,
    reason: str = "",
    revision: int | None = None,
) -> ScheduledActivation:
    """Publish the policy if need be, and put it in force from `effective_at` on, in place of any earlier plan.

    Raises as `activate_policy`, and ActivationRefused for a moment that has passed or is over a year away.
    """
    if not now < effective_at <= now + FURTHEST:
        raise ActivationRefused(
            _("A policy takes effect at a later moment, at most a year ahead; leave it out for now."),
            code="effective_at",
        )
    project = _lock(policy.project)
    apply_due_activation(project=project, now=now)
    if ActivePolicy.objects.filter(project=project, policy=policy).exists():
        raise ActivationRefused(
            _("Version %(version)s is in force already.") % {"version": policy.version}, code="in_force"
        )
    _publish(policy, actor=actor, now=now, revision=revision)
    _drop_schedule(project, actor=actor, reason=f"version {policy.version} was scheduled instead")
    record(
        project=project,
        actor=actor,
        verb="policy.scheduled",
        target=f"policy:{policy.pk}",
        version=policy.version,
        effective_at=effective_at.isoformat(),
        reason=reason,
    )
    return ScheduledActivation.objects.create(
        project=project, policy=policy, actor=actor, reason=reason, effective_at=effective_at, created_at=now
    )


@transaction.atomic
def cancel_schedule(*, project: Project, actor: str, now: datetime, reason: str = "") -> bool:
    """Take back what is scheduled for later; whether there was anything. Its policy stays published, not in force."""
    apply_due_activation(project=project, now=now)
    return _drop_schedule(_lock(project), actor=actor, reason=reason or "cancelled")


@transaction.atomic
def apply_due_activation(*, project: Project, now: datetime) -> PolicyActivation | None:
    """Put in force what was scheduled for a moment that has come. Safe to call by many at once, and again."""
    project = _lock(project)
    scheduled = (
        ScheduledActivation.objects.select_related("policy__project")
        .filter(project=project, effective_at__lte=now)
        .first()
    )
    if scheduled is None:
        return None
    scheduled.delete()
    return _put_in_force(
        scheduled.policy,
        actor=scheduled.actor,
        reason=scheduled.reason,
        ordered_at=scheduled.created_at,
        effective_at=scheduled.effective_at,
    )


def _lock(project: Project) -> Project:
    """One change of a project's policies at a time. Intake, which only refers to the project, need not wait."""
    return Project.objects.select_for_update(no_key=True).get(pk=project.pk)


def _publish(policy: Policy, *, actor: str, now: datetime, revision: int | None) -> None:
    """From here on the policy never changes. Raises ActivationRefused where it may not come into force."""
    policy.refresh_from_db(fields=["published_at", "revision", "authors", "document"])
    if undecided := Recalibration.objects.filter(policy=policy, status=RecalibrationStatus.PROPOSED).first():
        raise ActivationRefused(
            _("This draft belongs to recalibration %(number)s; approve or reject that.") % {"number": undecided.pk}
        )
    if revision is not None and revision != policy.revision:
        raise ActivationRefused(
            _("The draft is at revision %(revision)s and you read revision %(read)s; read it again first.")
            % {"revision": policy.revision, "read": revision},
            code="edit_conflict",
        )
    check_second_person(policy=policy, actor=actor)
    check_judges(policy.project, parse_document(policy.document))
    if policy.published_at is None:
        Policy.objects.filter(pk=policy.pk, published_at__isnull=True).update(published_at=now)
        policy.published_at = now


def _drop_schedule(project: Project, *, actor: str, reason: str) -> bool:
    scheduled = ScheduledActivation.objects.select_related("policy").filter(project=project).first()
    if scheduled is None:
        return False
    scheduled.delete()
    record(
        project=project,
        actor=actor,
        verb="policy.schedule_dropped",
        target=f"policy:{scheduled.policy_id}",
        version=scheduled.policy.version,
        reason=reason,
    )
    return True


def _put_in_force(
    policy: Policy, *, actor: str, reason: str, ordered_at: datetime, effective_at: datetime
) -> PolicyActivation:
    """The pointer, the share of gold and the log, under the caller's lock."""
    project = policy.project
    ActivePolicy.objects.update_or_create(project=project, defaults={"policy": policy})
    set_gold_rate(project=project, gold_rate=parse_document(policy.document).gold_rate)
    record(
        project=project,
        actor=actor,
        verb="policy.activated",
        target=f"policy:{policy.pk}",
        version=policy.version,
        authors=policy.authors,
        reason=reason,
        effective_at=effective_at.isoformat(),
    )
    return PolicyActivation.objects.create(
        policy=policy, actor=actor, authors=policy.authors, reason=reason, at=ordered_at, effective_at=effective_at
    )


def ruling_in_force(project: Project, *, now: datetime) -> Ruling:
    """The active policy of the project at `now`, parsed. Published policies never change, so parsing is kept.

    A policy whose scheduled moment has come is put in force here, before anything is decided.
    """
    active = _active(project, now)
    if active.due:
        apply_due_activation(project=project, now=now)
        active = _active(project, now)
    return _ruling(active.policy_id, active.policy.created_at)


def _active(project: Project, now: datetime) -> Any:
    """The pointer in one query, with `due`: whether another policy should have taken its place by now."""
    due = ScheduledActivation.objects.filter(project=OuterRef("project"), effective_at__lte=now)
    rows = ActivePolicy.objects.select_related("policy").defer("policy__document")
    return rows.annotate(due=Exists(due)).get(project=project)


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
