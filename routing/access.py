"""A project's policies, proposals and golden sets: found within the project, or not at all."""

import uuid

from django.http import Http404

from labeling.models import GoldenSet
from reviewapp.core.models import Project
from routing.models import Judge, Output, Policy, Recalibration, WebhookDelivery, WebhookEndpoint
from routing.queries import explained_outputs


def policy_of(project: Project, version: int) -> Policy:
    policy = (
        Policy.objects.select_related("project", "parent", "calibrator")
        .filter(project=project, version=version)
        .first()
    )
    if policy is None:
        raise Http404("no such policy")
    return policy


def explained_output_of(project: Project, output_id: uuid.UUID) -> Output:
    output = explained_outputs(project).filter(pk=output_id).first()
    if output is None:
        raise Http404("no such output")
    return output


def recalibration_of(project: Project, pk: int) -> Recalibration:
    proposal = (
        Recalibration.objects.select_related("policy", "calibrator", "certificate", "project")
        .filter(project=project, pk=pk)
        .first()
    )
    if proposal is None:
        raise Http404("no such recalibration")
    return proposal


def golden_set_of(project: Project, name: str) -> GoldenSet:
    golden_set = GoldenSet.objects.select_related("parent").filter(project=project, name=name).first()
    if golden_set is None:
        raise Http404("no such golden set")
    return golden_set


def endpoint_of(project: Project, pk: int) -> WebhookEndpoint:
    endpoint = WebhookEndpoint.objects.with_counts().select_related("project").filter(project=project, pk=pk).first()
    if endpoint is None:
        raise Http404("no such webhook")
    return endpoint


def delivery_of(project: Project, pk: int) -> WebhookDelivery:
    deliveries = WebhookDelivery.objects.with_events().select_related("endpoint__project")
    delivery = deliveries.filter(endpoint__project=project, pk=pk).first()
    if delivery is None:
        raise Http404("no such delivery")
    return delivery


def judge_of(project: Project, name: str) -> Judge:
    judge = Judge.objects.select_related("project", "current", "state").filter(project=project, name=name).first()
    if judge is None:
        raise Http404("no such judge")
    return judge
