"""A project with at least one of everything that an address can name."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from unittest import mock

from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.utils import timezone

from labeling.models import (
    Absence,
    Alarm,
    Assignment,
    EscalationStep,
    GoldCase,
    GoldenSet,
    OverlapPurpose,
    OverlapRound,
    PauseCause,
    ReviewItem,
    Rubric,
    SlicePause,
    Suspicion,
    SuspicionKind,
)
from labeling.services.absences import add_absence
from labeling.services.alarms import raise_alarm
from labeling.services.rubrics import active_rubric, draft_rubric
from labeling.services.settings import Step, set_escalation_steps
from reviewapp.core.models import ApiKey
from reviewapp.core.sealing import seal
from reviewapp.core.services.invitations import Invited, invite
from routing.models import (
    Calibrator,
    Certificate,
    Judge,
    Output,
    Policy,
    Recalibration,
    WebhookDelivery,
    WebhookEndpoint,
)
from routing.services import recalibration
from routing.services.feed import publish_verdicts
from routing.services.golden import freeze_from_verdicts
from routing.services.webhooks import new_secret
from tests.factories import claim, judge, output_body, pair_body, plant_gold, route
from tests.judges.standing import stand_judge
from tests.overlap.figures import ended_figures
from tests.people import NOW, Cast


@dataclass(frozen=True)
class Estate:
    """What `build_estate` made. Every text in it holds the project's slug."""

    cast: Cast
    output: Output
    assignment: Assignment
    policy: Policy
    rubric: Rubric
    disputed: ReviewItem
    calibrator: Calibrator
    recalibration: Recalibration
    certificate: Certificate
    golden_set: GoldenSet
    gold_case: GoldCase
    api_key: ApiKey
    webhook: WebhookEndpoint
    delivery: WebhookDelivery
    judge: Judge
    invited: Invited
    absence: Absence
    alarm: Alarm
    step: EscalationStep
    suspicion: Suspicion
    pause: SlicePause
    overlap_round: OverlapRound

    @property
    def address_values(self) -> dict[str, Any]:
        """A value for every parameter of every address: an object of this project."""
        return {
            "outputs/output_id": self.output.pk,
            "projects/slug": self.cast.project.slug,
            "assignments/token": self.assignment.token,
            "review/token": self.assignment.token,
            "policies/version": self.policy.version,
            "disputes/public_id": self.disputed.public_id,
            "rubrics/name": self.rubric.name,
            "rubrics/version": self.rubric.version,
            "calibrators/version": self.calibrator.version,
            "recalibrations/pk": self.recalibration.pk,
            "certificates/pk": self.certificate.pk,
            "golden-sets/name": self.golden_set.name,
            "gold-cases/pk": self.gold_case.pk,
            "promote/public_id": self.disputed.public_id,
            "people/pk": self.cast.reviewers[2].pk,
            "invitations/pk": self.invited.invitation.pk,
            "invitations/token": self.invited.token,
            "keys/pk": self.api_key.pk,
            # Of no project: what these name is a person's own, or nobody's.
            "service/provider_id": "sso",
            "new/uidb36": "1",
            "new/key": "no-key",
            "webhooks/pk": self.webhook.pk,
            "deliveries/pk": self.delivery.pk,
            "judges/name": self.judge.name,
            "reviewers/rater_code": self.cast.reviewers[0].rater_code,
            "absences/pk": self.absence.pk,
            "alarms/pk": self.alarm.pk,
            "suspicions/pk": self.suspicion.pk,
            "pauses/pk": self.pause.pk,
            "slices/pk": self.pause.pk,
            "overlap-rounds/pk": self.overlap_round.pk,
            "steps/pk": self.step.pk,
        }


def build_estate(cast: Cast) -> Estate:
    # So that the pages about a second factor have something to show.
    TOTP.activate(cast.owner.person, generate_totp_secret())
    RecoveryCodes.activate(cast.owner.person)
    project, mark = cast.project, cast.project.slug
    texts = {"prompt": f"{mark} asked", "response": f"{mark} answered", "intent": f"{mark}-intent"}
    [output] = route(project, output_body(f"{mark}-1", **texts, source={"model": f"{mark}-model"}))
    judge(cast.reviewers[0], rationale=f"{mark} reasoned", correction=f"{mark} corrected")
    golden_set = freeze_from_verdicts(project=project, actor=f"{mark}-actor", now=NOW)
    cast.put_in_force(tier={"raters": 2})
    route(project, pair_body(f"{mark}-2", prompt=f"{mark} asked for two"))
    judge(cast.reviewers[0], values={}, preferred="a", rationale=f"{mark} likes the left")
    judge(cast.reviewers[1], values={}, preferred="tie", rationale=f"{mark} likes both")
    route(project, output_body(f"{mark}-3", **texts))
    assignment = claim(cast.reviewers[0])
    with mock.patch.object(recalibration, "MIN_LABELS", 1):
        proposal = recalibration.propose_recalibration(project=project, actor=mark, now=NOW)
    assert proposal.certificate is not None
    # On loopback, which is never asked: nothing of a test goes out.
    webhook = WebhookEndpoint.objects.create(
        project=project, url=f"https://127.0.0.1/{mark}", description=f"{mark} listens", secret=seal(new_secret())
    )
    publish_verdicts(project=project, now=NOW + timedelta(hours=1))
    delivery = WebhookDelivery.objects.filter(endpoint=webhook)[0]
    now = timezone.now()
    steps = [Step(priority=0, minutes_before=60, membership_id=cast.adjudicator.pk)]
    set_escalation_steps(project=project, steps=steps, actor=mark)
    criterion = {"name": "tone", "type": "numeric", "question": f"{mark}?", "minimum": 0.0, "maximum": 1.0}
    return Estate(
        cast=cast,
        output=output,
        assignment=assignment,
        policy=proposal.policy,
        rubric=draft_rubric(
            project=project, name=f"{mark}-rubric", task_kind="pointwise", criteria=[criterion], actor=mark
        ),
        disputed=ReviewItem.objects.filter(project=project, seats__number=0)[0],
        calibrator=proposal.calibrator,
        recalibration=proposal,
        certificate=proposal.certificate,
        golden_set=golden_set,
        gold_case=plant_gold(project, f"{mark}-gold", explanation=f"{mark} explained"),
        api_key=ApiKey.objects.get(project=project),
        webhook=webhook,
        delivery=delivery,
        judge=stand_judge(project, f"{mark}-judge", now=NOW, output=output),
        invited=invite(project=project, email=f"asked@{mark}.example", role="reviewer", actor=mark, now=now),
        absence=add_absence(
            membership=cast.reviewers[0],
            # Begun, so that cancelling it shortens it and leaves it there.
            first_day=now.date() - timedelta(days=10),
            last_day=now.date() + timedelta(days=40),
            note=f"{mark} away",
            actor=mark,
            now=now,
        ),
        alarm=raise_alarm(project=project, kind="drift", subject=mark, data={"words": f"{mark} drifts"}, now=now),
        step=EscalationStep.objects.get(project=project),
        suspicion=Suspicion.objects.create(
            membership=cast.reviewers[2], kind=SuspicionKind.OWNER, since=now, raised_by=mark, reason=f"{mark} falls"
        ),
        pause=SlicePause.objects.create(
            project=project,
            intent=f"{mark}-quiet",
            rubric=active_rubric(project, "pointwise"),
            cause=PauseCause.OWNER,
            evidence={"reason": f"{mark} is unclear"},
            paused_by=mark,
            paused_at=now,
        ),
        overlap_round=OverlapRound.objects.create(
            project=project,
            purpose=OverlapPurpose.REBLIND,
            rubric=active_rubric(project, "pointwise"),
            started_by=mark,
            started_at=now,
            closes_at=now + timedelta(days=14),
            ended_at=now,
            figures=ended_figures(cast.reviewers[0].rater_code),
        ),
    )
