"""Requests about policies, and policies as the API answers them."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from reviewapp.core.fingerprints import fingerprint
from reviewapp.core.openapi import inlined
from reviewapp.core.serializers import StrictSerializer
from routing.models import Policy, RoutingSettings, ScheduledActivation
from routing.policy.difference import differences
from routing.policy.document import PolicyDocument

MOST = 2**31 - 1


@extend_schema_field(inlined(PolicyDocument.model_json_schema()))
class DocumentField(serializers.JSONField):
    """A policy document; the service says what does not fit it."""


class PolicyIn(StrictSerializer):
    document = DocumentField()
    note = serializers.CharField(required=False, allow_blank=True, max_length=1000, default="")


class DraftChangeIn(StrictSerializer):
    """`revision` is the one that was read: a draft that somebody else changed since is left alone."""

    revision = serializers.IntegerField(min_value=1, max_value=MOST)
    document = DocumentField(required=False)
    note = serializers.CharField(required=False, allow_blank=True, max_length=1000)

    def validate(self, data: dict[str, Any]) -> dict[str, Any]:
        if not {"document", "note"} & data.keys():
            raise serializers.ValidationError({"document": "Send a document, a note, or both."})
        return data


class DraftIn(DraftChangeIn):
    """The whole draft."""

    document = DocumentField()
    note = serializers.CharField(required=False, allow_blank=True, max_length=1000, default="")


class PolicyActivationIn(StrictSerializer):
    """Without `effective_at`, now. With `revision`, only if the draft is still what was read."""

    reason = serializers.CharField(required=False, allow_blank=True, max_length=1000, default="")
    effective_at = serializers.DateTimeField(required=False, allow_null=True, default=None)
    revision = serializers.IntegerField(required=False, min_value=1, max_value=MOST)


class AgainstIn(StrictSerializer):
    against = serializers.IntegerField(required=False, min_value=1, max_value=MOST, help_text="Version to compare with")


class ReplayIn(StrictSerializer):
    since = serializers.DateTimeField(required=False)


class TwoPersonsIn(StrictSerializer):
    on = serializers.BooleanField()


def shown_policy(
    policy: Policy, *, active_id: int | None, scheduled: ScheduledActivation | None = None
) -> dict[str, Any]:
    coming = scheduled if scheduled and scheduled.policy_id == policy.pk else None
    return {
        "name": policy.name,
        "version": policy.version,
        "status": status_of(policy, active_id=active_id, scheduled=scheduled),
        "effective_at": coming.effective_at if coming else None,
        "parent": policy.parent.version if policy.parent else None,
        "calibrator": f"v{policy.calibrator.version}" if policy.calibrator else None,
        "note": policy.note,
        "revision": policy.revision,
        "created_by": policy.created_by,
        "authors": policy.authors,
        "created_at": policy.created_at,
        "published_at": policy.published_at,
    }


def status_of(policy: Policy, *, active_id: int | None, scheduled: ScheduledActivation | None) -> str:
    """One word; the active policy may be scheduled again too, and is active all the same."""
    if policy.pk == active_id:
        return "active"
    if scheduled and scheduled.policy_id == policy.pk:
        return "scheduled"
    return "published" if policy.published_at else "draft"


def shown_policy_in_full(
    policy: Policy,
    *,
    active_id: int | None,
    scheduled: ScheduledActivation | None = None,
    against: Policy | None = None,
) -> dict[str, Any]:
    """With its document, and how it differs from `against` (its parent unless told otherwise)."""
    other = against or policy.parent
    return shown_policy(policy, active_id=active_id, scheduled=scheduled) | {
        "document": policy.document,
        "sha256": fingerprint(policy.document),
        "compared_with": other.version if other else None,
        "diff": list(differences(other.document if other else {}, policy.document)),
        "calibrator_differs": other is not None and other.calibrator_id != policy.calibrator_id,
    }


def shown_schedule(scheduled: ScheduledActivation) -> dict[str, Any]:
    return {
        "policy": scheduled.policy.version,
        "effective_at": scheduled.effective_at,
        "reason": scheduled.reason,
        "actor": scheduled.actor,
        "created_at": scheduled.created_at,
    }


def shown_two_persons(settings: RoutingSettings) -> dict[str, Any]:
    return {
        "on": settings.two_persons,
        "ending_asked_by": settings.ending_asked_by or None,
        "ending_asked_at": settings.ending_asked_at,
    }
