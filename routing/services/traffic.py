"""Looks at a project's recent traffic: what its inputs usually are, and how often the detectors cry wolf."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from reviewapp.core.models import Project
from reviewapp.core.services.audit import record
from routing.models import ActivePolicy, TrafficReference
from routing.policy.adversarial import Screen
from routing.policy.cut import Cut, FalseAlarms, cut_for, false_alarms
from routing.policy.document import PolicyDocument
from routing.policy.novelty import FEWEST, Reference
from routing.queries import Flagged, flagged_since, ordinary_contents
from routing.services.policies import parse_document
from routing.services.screening import compared_text, novelty_cut, signs_of, stored_signs

# How many of the newest outputs a look takes in.
LOOK = 2_000
FLAGGED_WINDOW = timedelta(days=30)


class LookRefused(Exception):
    """There is nothing to look at yet; the message says so."""


@dataclass(frozen=True, slots=True)
class DetectorReport:
    """One detector of a project. `threshold` is null, with `reason`, on too little traffic: then the adversarial one
    falls back to a fixed threshold, and the novelty one flags everything. `measured`: the false-alarm rate on the
    half of the ordinary traffic to which a threshold was not fitted. `flagged`: what it flagged lately."""

    name: str
    wanted_rate: float
    threshold: float | None
    reason: str
    measured: FalseAlarms
    flagged: Flagged


def look_at_traffic(*, project: Project, actor: str, now: datetime) -> TrafficReference:
    """Take in the newest ordinary outputs, from now on what the detectors measure against.

    Left out is what people have not cleared: outputs that were flagged and not accepted, so that an
    attack does not become ordinary by being repeated. Raises LookRefused where nothing is left.
    """
    contents = ordinary_contents(project, most=LOOK)
    if not contents:
        raise LookRefused(_("There is no ordinary traffic to look at yet: route outputs first."))
    index = Reference.from_texts([compared_text(content.prompt, content.context) for content in contents])
    distances: list[float] = index.own_distances().tolist() if index.texts >= FEWEST else []
    signs = [
        [[sign.kind, sign.weight, sign.hard] for sign in signs_of(content.prompt, content.context, content.body)]
        for content in contents
    ]
    ids = [content.pk for content in contents]
    # All of that takes seconds, so it is done before anything is locked.
    with transaction.atomic():
        return _store(project, ids, signs, [round(distance, 6) for distance in distances], actor=actor, now=now)


def _store(
    project: Project, content_ids: list[int], signs: Any, distances: list[float], *, actor: str, now: datetime
) -> TrafficReference:
    Project.objects.select_for_update().get(pk=project.pk)
    latest = TrafficReference.objects.filter(project=project).aggregate(latest=Max("version"))["latest"] or 0
    reference = TrafficReference.objects.create(
        project=project,
        version=latest + 1,
        content_ids=content_ids,
        signs=signs,
        distances=distances,
        created_by=actor,
        created_at=now,
    )
    record(project=project, actor=actor, verb="traffic.looked_at", target=f"traffic_reference:{reference.version}")
    return reference


def detector_reports(project: Project, *, now: datetime) -> tuple[TrafficReference | None, list[DetectorReport]]:
    """The newest look, and what each detector of the policy in force makes of it."""
    document = parse_document(ActivePolicy.objects.select_related("policy").get(project=project).policy.document)
    reference = TrafficReference.objects.filter(project=project).order_by("-version").first()
    return reference, [
        report
        for report in (_adversarial(project, document, reference, now), _novelty(project, document, reference, now))
        if report
    ]


def _adversarial(
    project: Project, document: PolicyDocument, reference: TrafficReference | None, now: datetime
) -> DetectorReport | None:
    detector = document.detectors.adversarial
    if detector is None:
        return None
    rate = detector.false_alarm_rate
    found = [stored_signs(row) for row in reference.signs] if reference else []
    fitted, half = Screen.fit(found, rate), Screen.fit(found[::2], rate)
    flagged = flagged_since(project, "adversarial", now - FLAGGED_WINDOW)
    measured = half.measured(found[1::2])
    return DetectorReport("adversarial", rate, fitted.threshold, fitted.cut.reason, measured, flagged)


def _novelty(
    project: Project, document: PolicyDocument, reference: TrafficReference | None, now: datetime
) -> DetectorReport | None:
    detector = document.detectors.novelty
    if detector is None:
        return None
    rate = detector.false_alarm_rate
    distances = reference.distances if reference else []
    cut, half = novelty_cut(reference, rate), cut_for(distances[::2], rate)
    flagged = flagged_since(project, "novel", now - FLAGGED_WINDOW)
    return DetectorReport("novelty", rate, cut.threshold, cut.reason, _measured(half, distances[1::2]), flagged)


def _measured(half: Cut, others: list[float]) -> FalseAlarms:
    return false_alarms(others, half.threshold) if half.threshold is not None else false_alarms([], 0.0)
