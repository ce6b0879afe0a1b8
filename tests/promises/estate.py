"""A project with at least one of everything that an address can name."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from unittest import mock

from labeling.models import Assignment, GoldCase, GoldenSet, Rubric
from labeling.services.rubrics import draft_rubric
from reviewapp.core.models import ApiKey
from reviewapp.core.sealing import seal
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
from tests.people import NOW, Cast


@dataclass(frozen=True)
class Estate:
    """What `build_estate` made. Every text in it holds the project's slug."""

    cast: Cast
    output: Output
    assignment: Assignment
    policy: Policy
    rubric: Rubric
    calibrator: Calibrator
    recalibration: Recalibration
    certificate: Certificate
    golden_set: GoldenSet
    gold_case: GoldCase
    api_key: ApiKey
    webhook: WebhookEndpoint
    delivery: WebhookDelivery
    judge: Judge

    @property
    def address_values(self) -> dict[str, Any]:
        """A value for every parameter of every address: an object of this project."""
        return {
            "outputs/output_id": self.output.pk,
            "projects/slug": self.cast.project.slug,
            "assignments/token": self.assignment.token,
            "review/token": self.assignment.token,
            "policies/version": self.policy.version,
            "rubrics/name": self.rubric.name,
            "rubrics/version": self.rubric.version,
            "calibrators/version": self.calibrator.version,
            "recalibrations/pk": self.recalibration.pk,
            "certificates/pk": self.certificate.pk,
            "golden-sets/name": self.golden_set.name,
            "gold-cases/pk": self.gold_case.pk,
            "people/pk": self.cast.reviewers[2].pk,
            "keys/pk": self.api_key.pk,
            "webhooks/pk": self.webhook.pk,
            "deliveries/pk": self.delivery.pk,
            "judges/name": self.judge.name,
        }


def build_estate(cast: Cast) -> Estate:
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
    criterion = {"name": "tone", "type": "numeric", "question": f"{mark}?", "minimum": 0.0, "maximum": 1.0}
    return Estate(
        cast=cast,
        output=output,
        assignment=assignment,
        policy=proposal.policy,
        rubric=draft_rubric(
            project=project, name=f"{mark}-rubric", task_kind="pointwise", criteria=[criterion], actor=mark
        ),
        calibrator=proposal.calibrator,
        recalibration=proposal,
        certificate=proposal.certificate,
        golden_set=golden_set,
        gold_case=plant_gold(project, f"{mark}-gold", explanation=f"{mark} explained"),
        api_key=ApiKey.objects.get(project=project),
        webhook=webhook,
        delivery=delivery,
        judge=stand_judge(project, f"{mark}-judge", now=NOW, output=output),
    )
