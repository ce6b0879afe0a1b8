"""A new version of a rubric is tried out before it goes live: frozen, judged by in a round, then put in force by hand.

Nothing goes live by itself. What the owner decides stands with the round: `figures["decision"]`.
"""

import random
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from labeling.models import ActiveRubric, OverlapPurpose, OverlapRound, Rubric
from labeling.queries.overlap import calibration_of
from labeling.services.overlap import close_open_seats, settle_overlap_round, start_overlap_round
from labeling.services.overlap_figures import doubtful
from labeling.services.rubric_checks import RubricRefused
from labeling.services.rubrics import freeze_rubric, take_over
from reviewapp.core.services.audit import record

IN_FORCE, WITHDRAWN = "in_force", "withdrawn"
VERBS = {IN_FORCE: "rubric.put_in_force", WITHDRAWN: "rubric.withdrawn"}


@transaction.atomic
def calibrate_rubric(*, rubric: Rubric, actor: str, now: datetime, rng: random.Random) -> OverlapRound:
    """Freeze the version and begin a round by it; again, for one whose round has ended.

    Raises OverlapRefused where no round can begin (the draft then stays one), and RubricRefused for a version that is
    or was in force, or was withdrawn.
    """
    if rubric.published_at is None:
        freeze_rubric(rubric=rubric, now=now)
    else:
        _undecided(rubric)
    round_ = start_overlap_round(
        project=rubric.project, purpose=OverlapPurpose.RUBRIC, rubric=rubric, actor=actor, now=now, rng=rng
    )
    record(
        project=rubric.project, actor=actor, verb="rubric.calibrating", target=f"rubric:{rubric.pk}", name=str(rubric)
    )
    return round_


@transaction.atomic
def put_in_force(*, rubric: Rubric, actor: str, now: datetime, reason: str = "") -> None:
    """Judge by the calibrated version from now on.

    Raises RubricRefused while its round runs, and without a `reason` where people agreed less than the owner's floor
    or on too few items to say.
    """
    round_ = _undecided(rubric)
    if round_.ended_at is None:
        raise RubricRefused("", _("The calibration round of %(rubric)s has not ended.") % {"rubric": rubric})
    if (doubts := doubtful(round_.figures)) and not reason.strip():
        text = (
            _("People agreed less than the floor by %(rubric)s; say why it is put in force all the same.")
            if "below_floor" in doubts
            else _("Too few items were judged by %(rubric)s to tell; say why it is put in force all the same.")
        )
        raise RubricRefused("/reason", text % {"rubric": rubric})
    take_over(rubric=rubric, now=now)
    _decide(rubric, round_, IN_FORCE, actor=actor, reason=reason, now=now)


@transaction.atomic
def withdraw_rubric(*, rubric: Rubric, actor: str, reason: str, now: datetime) -> None:
    """The version never goes into force; it stays as history. A round that still runs by it hands out nothing more.

    Raises RubricRefused without a reason, and for a version that is not being calibrated.
    """
    round_ = _undecided(rubric)
    if not reason.strip():
        raise RubricRefused("/reason", _("Say why; the reason is kept with the version."))
    if round_.ended_at is None:
        close_open_seats(round_)
        settle_overlap_round(round_id=round_.pk, now=now)
        round_.refresh_from_db()
    _decide(rubric, round_, WITHDRAWN, actor=actor, reason=reason, now=now)


def _undecided(rubric: Rubric) -> OverlapRound:
    """The version's newest calibration round, locked. Raises RubricRefused where there is nothing to decide."""
    found = calibration_of(rubric)
    if found is None:
        in_force = ActiveRubric.objects.filter(rubric=rubric).exists()
        told = _("%(rubric)s is in force already.") if in_force else _("%(rubric)s has not been calibrated.")
        raise RubricRefused("", told % {"rubric": rubric})
    round_ = OverlapRound.objects.select_for_update().get(pk=found.pk)
    decision = round_.figures.get("decision", {}).get("what")
    if decision == IN_FORCE:
        raise RubricRefused("", _("%(rubric)s has been put in force already.") % {"rubric": rubric})
    if decision == WITHDRAWN:
        raise RubricRefused("", _("%(rubric)s was withdrawn; draft a new version.") % {"rubric": rubric})
    return round_


def _decide(rubric: Rubric, round_: OverlapRound, what: str, *, actor: str, reason: str, now: datetime) -> None:
    decision = {"what": what, "by": actor, "at": now.isoformat(), "reason": reason.strip()}
    round_.figures = round_.figures | {"decision": decision}
    round_.save(update_fields=["figures"])
    record(
        project=rubric.project,
        actor=actor,
        verb=VERBS[what],
        target=f"rubric:{rubric.pk}",
        name=str(rubric),
        reason=reason,
    )
