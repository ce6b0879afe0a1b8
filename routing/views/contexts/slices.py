"""Paused slices for the owner: what was measured, and where to look."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.http import urlencode
from django.utils.translation import gettext as _

from labeling.models import PauseCause, SlicePause
from reviewapp.core.reading import moment
from routing.services.told import told
from routing.views.contexts.words import criterion_label
from routing.views.figures import percent, percent_range, share_range


@dataclass(frozen=True, slots=True)
class PauseLine:
    """One pause. `evidence` is a sentence, "" for none; `disputes` is the query of the slice's disputes."""

    pk: int
    intent: str
    rubric: str
    rubric_name: str
    rubric_version: int
    cause: str
    evidence: str
    paused_by: str
    paused_at: datetime
    lifted_by: str
    lifted_at: datetime | None
    reason: str
    disputes: str


def pause_line(pause: SlicePause, names: Mapping[str, str]) -> PauseLine:
    """`names` are the audit log's names for people."""
    return PauseLine(
        pk=pause.pk,
        intent=pause.intent,
        rubric=str(pause.rubric),
        rubric_name=pause.rubric.name,
        rubric_version=pause.rubric.version,
        cause=str(PauseCause(pause.cause).label),
        evidence=evidence_sentence(pause.cause, pause.evidence),
        paused_by=names.get(pause.paused_by, pause.paused_by),
        paused_at=pause.paused_at,
        lifted_by=names.get(pause.lifted_by, pause.lifted_by),
        lifted_at=pause.lifted_at,
        reason=told(pause.reason),
        disputes=f"?{urlencode({'intent': pause.intent, 'rubric': str(pause.rubric)})}",
    )


def evidence_sentence(cause: str, evidence: Mapping[str, Any]) -> str:
    """What was measured when the slice was paused; the owner's own reason as it was written."""
    if cause == PauseCause.AGREEMENT and evidence.get("percent") is not None:
        words = {
            "criterion": criterion_label(evidence["criterion"]),
            "share": percent(evidence["percent"], 0),
            "interval": share_range(evidence.get("interval")) or "–",
            "items": evidence["items"],
            "floor": percent(evidence["floor"], 0),
            "since": moment(datetime.fromisoformat(evidence["since"])),
        }
        return (
            _(
                "People gave the same answer to “%(criterion)s” on %(share)s of pairs (%(interval)s, n = %(items)s)"
                " since %(since)s; the floor is %(floor)s."
            )
            % words
        )
    if cause == PauseCause.REFERENCES and evidence.get("answers"):
        words = {
            "right": evidence["right"],
            "answers": evidence["answers"],
            "interval": percent_range(evidence["low"], evidence["high"], 0),
            "bar": percent(evidence["bar"], 0),
        }
        return _("%(right)s of %(answers)s planted references judged right (%(interval)s); the bar is %(bar)s.") % words
    return str(evidence.get("reason", ""))
