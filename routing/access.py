"""A project's policies, proposals and golden sets: found within the project, or not at all."""

from django.http import Http404

from labeling.models import GoldenSet
from reviewapp.core.models import Project
from routing.models import Policy, Recalibration


def policy_of(project: Project, version: int) -> Policy:
    policy = (
        Policy.objects.select_related("project", "parent", "calibrator")
        .filter(project=project, version=version)
        .first()
    )
    if policy is None:
        raise Http404("no such policy")
    return policy


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
