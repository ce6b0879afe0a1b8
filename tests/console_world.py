"""A project with at least one row of everything that the owner's pages show, and more of the same on demand."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np
from django.urls import reverse
from django.utils import timezone

from labeling.models import (
    Absence,
    Alarm,
    EscalationStep,
    GoldCase,
    GoldenSet,
    OverlapPurpose,
    OverlapRound,
    PauseCause,
    Rating,
    RepeatResult,
    ReviewerStage,
    ReviewItem,
    Round,
    RoundKind,
    Rubric,
    Seat,
    SetAside,
    SlicePause,
    Stage,
    Suspicion,
    SuspicionKind,
)
from labeling.services.absences import add_absence
from labeling.services.alarms import clear_alarms, raise_alarm
from labeling.services.holding import escalate
from labeling.services.pauses import lift_pause, pause_slice
from labeling.services.rubrics import active_rubric, draft_rubric
from labeling.services.submitting import undo_rating
from labeling.services.watching import watch_queue
from reviewapp.core.models import ApiKey, Invitation, Project
from reviewapp.core.sealing import seal
from reviewapp.core.services.invitations import invite
from reviewapp.core.services.keys import create_api_key
from reviewapp.core.services.people import add_member, pause_member
from routing.models import Calibrator, Certificate, Judge, Output, Policy, Recalibration, WebhookEndpoint
from routing.services.feed import publish_verdicts
from routing.services.golden import freeze_from_verdicts
from routing.services.policies import draft_policy, schedule_policy
from routing.services.projects import ACCEPTABILITY
from routing.services.recalibration import propose_recalibration
from routing.services.traffic import look_at_traffic
from routing.services.two_persons import ask_for_two_persons, end_two_persons
from routing.services.webhooks import new_secret
from tests.factories import (
    ACCEPT,
    REJECT,
    claim,
    item_of,
    judge,
    output_body,
    pair_body,
    plant_gold,
    route,
    run_body,
    submit,
)
from tests.judges.standing import stand_judge
from tests.learning.history import SHIPPING, hand_in, judge_open
from tests.overlap.figures import ended_figures
from tests.people import Cast, make_cast, policy_document

TWICE = {"mode": "always", "overlap_share": 1.0, "overlap_raters": 2}


@dataclass(frozen=True)
class World:
    cast: Cast

    def address(self, name: str, *args: Any) -> str:
        return reverse(name, args=[self.cast.project.slug, *args])

    def reading(self) -> dict[str, str]:
        """Every page that owners and auditors read, with the ids of this project's rows, by its name."""
        project = self.cast.project
        policy = Policy.objects.filter(project=project).order_by("-pk")[0]
        rubric = Rubric.objects.filter(project=project).order_by("pk")[0]
        disputed = ReviewItem.objects.filter(project=project, seats__number=0).order_by("pk")[0]
        golden_set = GoldenSet.objects.filter(project=project)[0]
        of_one: dict[str, list[Any]] = {
            "console-output": [Output.objects.filter(project=project, reviews__isnull=False)[0].pk],
            "console-output-explain": [Output.objects.filter(project=project, reviews__isnull=False)[0].pk],
            "console-policy": [policy.version],
            "console-policy-replay": [policy.version],
            "console-recalibration": [Recalibration.objects.filter(project=project)[0].pk],
            "console-calibrator": [Calibrator.objects.filter(project=project).order_by("-pk")[0].version],
            "console-certificate": [Certificate.objects.filter(project=project)[0].pk],
            "console-golden-set": [golden_set.name],
            "console-golden-set-download": [golden_set.name],
            "console-gold-case": [GoldCase.objects.filter(project=project)[0].pk],
            "console-rubric": [rubric.name, rubric.version],
            "console-rubric-preview": [rubric.name, rubric.version],
            "console-rubric-export": [rubric.name, rubric.version],
            "console-dispute": [disputed.public_id],
            "console-overlap-round": [OverlapRound.objects.filter(project=project).order_by("pk")[0].pk],
            "console-webhook": [webhook_of(project).pk],
            "console-reviewer": [self.cast.reviewers[0].rater_code],
            "console-reviewer-ratings": [self.cast.reviewers[0].rater_code],
            "console-judge": [f"{project.slug}-judge"],
        }
        lists = (
            "console",
            "console-outputs",
            "console-agreement",
            "console-disputes",
            "console-slices",
            "console-overlap",
            "console-reviewers",
            "console-suspicions",
            "console-rubrics",
            "console-policies",
            "console-detectors",
            "console-recalibrations",
            "console-certificates",
            "console-golden-sets",
            "console-gold-cases",
            "console-gold-answers",
            "console-gold-supply",
            "console-gold-adjudicated",
            "console-onboarding",
            "console-staffing",
            "console-settings",
            "console-webhooks",
            "console-judges",
        )
        return {name: self.address(name, *of_one.get(name, [])) for name in (*lists, *of_one)}

    def draft(self) -> Policy:
        """The newest draft that nobody measured, so that it can be edited."""
        drafts = Policy.objects.filter(project=self.cast.project, published_at=None, proposed_by=None)
        return drafts.order_by("-pk")[0]

    def acting(self) -> dict[str, str]:
        """Every address that only owners may use."""
        project = self.cast.project
        policy = Policy.objects.filter(project=project).order_by("-pk")[0]
        case = GoldCase.objects.filter(project=project)[0]
        reviewer = self.cast.reviewers[0].pk
        rubric = Rubric.objects.filter(project=project).order_by("-pk")[0]
        disputed = ReviewItem.objects.filter(project=project, seats__number=0).order_by("pk")[0]
        of_one: dict[str, list[Any]] = {
            "console-policy-activate": [policy.version],
            "console-policy-edit": [self.draft().version],
            "console-recalibration-decide": [Recalibration.objects.filter(project=project)[0].pk],
            "console-gold-case-retire": [case.pk],
            "console-gold-promote": [disputed.public_id],
            "console-rubric-edit": [rubric.name, rubric.version],
            "console-rubric-next": [rubric.name, rubric.version],
            "console-rubric-publish": [rubric.name, rubric.version],
            "console-rubric-calibrate": [rubric.name, rubric.version],
            "console-rubric-force": [rubric.name, rubric.version],
            "console-rubric-withdraw": [rubric.name, rubric.version],
            "console-slice-lift": [SlicePause.objects.filter(project=project, lifted_at=None)[0].pk],
            "console-dispute-draft": [disputed.public_id],
            "console-password": [reviewer],
            "console-pause": [reviewer],
            "console-resume": [reviewer],
            "console-round-start": [reviewer],
            "console-staffing-person": [reviewer],
            "console-absence-cancel": [Absence.objects.filter(membership__project=project)[0].pk],
            "console-step-drop": [EscalationStep.objects.filter(project=project)[0].pk],
            "console-alarm-seen": [Alarm.objects.filter(project=project)[0].pk],
            "console-go-live": [reviewer],
            "console-suspicion-overrule": [Suspicion.objects.filter(membership__project=project)[0].pk],
            "console-invitation-revoke": [Invitation.objects.filter(project=project, revoked_at=None)[0].pk],
            "console-key-revoke": [ApiKey.objects.filter(project=project)[0].pk],
            "console-judge-change": [f"{project.slug}-judge"],
            "console-judge-try": [f"{project.slug}-judge"],
            "console-webhook-switch": [webhook_of(project).pk],
            "console-webhook-rotate": [webhook_of(project).pk],
            "console-webhook-test": [webhook_of(project).pk],
            "console-webhook-redeliver": [webhook_of(project).pk],
            "console-delivery-redeliver": [webhook_of(project).deliveries.order_by("pk")[0].pk],
        }
        forms = (
            "console-policy-draft",
            "console-policy-cancel",
            "console-two-persons",
            "console-recalibration-propose",
            "console-certificate-issue",
            "console-golden-set-freeze",
            "console-gold-case-add",
            "console-queue",
            "console-agreement-floor",
            "console-slice-pause",
            "console-overlap-start",
            "console-rubric-new",
            "console-rubric-import",
            "console-onboarding-change",
            "console-suspect",
            "console-absence-add",
            "console-step-add",
            "console-people",
            "console-invitations",
            "console-second-factor",
            "console-keys",
            "console-webhook-add",
            "console-judge-add",
        )
        return {name: self.address(name, *of_one.get(name, [])) for name in (*forms, *of_one)}


def webhook_of(project: Project) -> WebhookEndpoint:
    return WebhookEndpoint.objects.filter(project=project).order_by("pk")[0]


def make_world(slug: str = "shop", seed: int = 1) -> World:
    """Sixty judged outputs, some shipped, disputes, gold answers, and what follows from them; as of now."""
    cast = make_cast(slug)
    rng = np.random.default_rng(seed)
    now = timezone.now()
    cast.put_in_force()
    judge_open(cast.project, cast.reviewers[0], hand_in(cast.project, 70, rng, now=now), now=now)
    grow(cast, rng)
    return World(cast)


def grow(cast: Cast, rng: np.random.Generator) -> None:
    """One more of everything."""
    project, now = cast.project, timezone.now()
    cast.put_in_force(tier=SHIPPING)
    wrong = hand_in(project, 40, rng, now=now)
    judge_open(project, cast.reviewers[0], dict(list(wrong.items())[:32]), now=now)
    route(project, pair_body(flags=["adversarial"]), run_body(stakes="high", flags=["incident"]), now=now)
    disagree(cast)
    escalate(assignment=claim(cast.reviewers[1], now=now), reason="I know this customer.", now=now)
    plant_gold(project)
    look_at_traffic(project=project, actor="command", now=now)
    cast.put_in_force(tier=SHIPPING, gold_rate=0.5)
    judge(cast.reviewers[2], now=now)
    draft_policy(project=project, document=policy_document(tier=SHIPPING), actor="test", note="A draft.")
    coming = draft_policy(project=project, document=policy_document(), actor="test", note="For later.")
    ask_for_two_persons(project=project, actor=f"person:{cast.owner.person_id}")
    end_two_persons(project=project, actor=f"person:{cast.owner.person_id}", now=now)
    end_two_persons(project=project, actor="person:0", now=now)
    schedule_policy(policy=coming, actor="test", now=now, effective_at=now + timedelta(days=30), reason="Next month.")
    propose_recalibration(project=project, actor=f"person:{cast.owner.person_id}", now=now, review_share=0.5)
    freeze_from_verdicts(project=project, actor="command", now=now, size=20)
    draft_rubric(project=project, name="later", task_kind="pointwise", criteria=ACCEPTABILITY, actor="test")
    create_api_key(project=project, scopes=["read"], actor="test", name="A reader")
    # On loopback, which is never asked: nothing of a test goes out.
    WebhookEndpoint.objects.create(project=project, url="https://127.0.0.1/hook", secret=seal(new_secret()))
    publish_verdicts(project=project, now=now)
    output = Output.objects.filter(project=project, judge_request=None).order_by("pk")[0]
    further = Judge.objects.filter(project=project).count()
    stand_judge(project, f"{project.slug}-judge{further or ''}", now=now, output=output)
    count = project.memberships.count()
    extra = add_member(project=project, email=f"more{count}@{project.slug}.example", role="reviewer", actor="test")
    pause_member(membership=extra, actor="test", reason="On leave.", now=now)
    suspicion = Suspicion.objects.create(membership=extra, kind=SuspicionKind.OWNER, since=now, raised_by="test")
    first, second = Rating.objects.filter(item__project=project, repeats=None, repeat_result=None).order_by("-pk")[:2]
    SetAside.objects.create(suspicion=suspicion, rating=first, at=now, restored_at=now)
    RepeatResult.objects.create(rating=second, first=first, reviewer=second.reviewer, same=True, at=now)
    ReviewerStage.objects.create(membership=extra, stage=Stage.LIVE)
    Round.objects.create(
        membership=extra,
        kind=RoundKind.CALIBRATION,
        size=5,
        pass_mark=0.8,
        started_by="test",
        started_at=now,
        ended_at=now,
    )
    add_absence(
        membership=extra, first_day=now.date(), last_day=now.date() + timedelta(days=count), actor="test", now=now
    )
    EscalationStep.objects.create(project=project, priority=0, minutes_before=count, membership=extra)
    for kind in ("drift", "pool_empty"):
        data = {"role": "reviewer", "credential": f"c{count}", "seats": 1}
        raise_alarm(project=project, kind=kind, subject=f"{kind}-{count}", data=data, now=now)
    clear_alarms(project=project, kind="drift", now=now)
    # Of intents that nobody works on, so that the rest of the world goes on.
    pauses = [pause(project, f"quiet-{count}-{number}") for number in range(2)]
    lift_pause(pause=pauses[0], actor="test", reason="Looked at.", now=now)
    OverlapRound.objects.create(
        project=project,
        purpose=OverlapPurpose.REBLIND,
        rubric=active_rubric(project, "pointwise"),
        started_by="test",
        started_at=now,
        closes_at=now + timedelta(days=14),
        ended_at=now,
        figures=ended_figures(cast.reviewers[0].rater_code),
    )
    watch_queue(project=project, now=now + timedelta(days=365))
    invite(project=project, email=f"asked{count}@{project.slug}.example", role="reviewer", actor="test", now=now)


def pause(project: Project, intent: str) -> SlicePause:
    evidence = {"criterion": "·outcome", "percent": 0.6, "interval": [0.4, 0.8], "items": 20, "floor": 0.75}
    now = timezone.now()
    return pause_slice(
        project=project,
        intent=intent,
        rubric=active_rubric(project, "pointwise"),
        cause=PauseCause.AGREEMENT,
        evidence=evidence | {"since": now.isoformat()},
        actor="test",
        now=now,
    )


def disagree(cast: Cast) -> None:
    """An output that two people judge differently, one after an undo, and that an adjudicator then decides."""
    now = timezone.now()
    cast.put_in_force(tier=TWICE)
    (output,) = route(cast.project, output_body(), now=now)
    first_in_line = {"due_at": now - timedelta(days=1)}
    ReviewItem.objects.filter(pk=item_of(output).pk).update(**first_in_line)
    Seat.objects.filter(item=item_of(output)).update(priority=0, **first_in_line)
    hasty = judge(cast.reviewers[0], now=now, **REJECT, rationale="Too hasty.")
    again = undo_rating(assignment=hasty.assignment, now=now)
    submit(again, now=now, **ACCEPT, rationale="It is right.")
    judge(cast.reviewers[1], now=now, **REJECT, rationale="It is wrong.")
    decision = {"cause": "reviewer_slip", "correction": "Within five days.", "verdict": "correct"}
    judge(cast.adjudicator, now=now, **REJECT, **decision)
