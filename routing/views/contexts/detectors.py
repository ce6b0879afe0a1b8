"""One detector as the owner reads about it."""

from dataclasses import dataclass

from django.utils.translation import gettext_lazy as later

from routing.services.told import told
from routing.services.traffic import DetectorReport
from routing.views.figures import fixed, percent, percent_range

TITLES = {"adversarial": later("Adversarial inputs"), "novelty": later("Novel inputs")}
FLAGS = {"adversarial": "adversarial", "novelty": "novel"}
SCALES = {
    "adversarial": later(
        "Signs of an attack (hidden characters, injected instructions, encoded payloads, code) add up to a "
        "score from 0 to 1; hidden and reordering characters flag whatever the threshold."
    ),
    "novelty": later("The mean distance of an input to its ten nearest in recent traffic, from 0 to 1."),
}


@dataclass(frozen=True, slots=True)
class DetectorRow:
    """`measured` is "" where there is nothing to measure on; `flag` names the outputs' filter."""

    title: str
    scale: str
    flag: str
    wanted: str
    threshold: str
    reason: str
    measured: str
    interval: str
    ordinary: int
    over: bool
    outputs: int
    flagged: int
    judged: int
    accepted: int


def detector_row(report: DetectorReport) -> DetectorRow:
    measured = report.measured
    interval = measured.interval
    return DetectorRow(
        title=str(TITLES[report.name]),
        scale=str(SCALES[report.name]),
        flag=FLAGS[report.name],
        wanted=percent(report.wanted_rate),
        threshold="" if report.threshold is None else fixed(report.threshold, 3),
        reason=told(report.reason),
        measured="" if measured.rate is None else percent(measured.rate),
        interval="" if interval is None else percent_range(interval.low, interval.high),
        ordinary=measured.ordinary,
        # Only what the interval rules out is said to be over.
        over=interval is not None and interval.low > report.wanted_rate,
        outputs=report.flagged.outputs,
        flagged=report.flagged.flagged,
        judged=report.flagged.judged,
        accepted=report.flagged.accepted,
    )
