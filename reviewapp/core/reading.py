"""Times and words as the reader has them: in the active time zone and the active language."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db.models import Choices
from django.utils import timezone
from django.utils.dateformat import format as in_format
from django.utils.functional import lazy
from django.utils.translation import gettext, gettext_noop, pgettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

# Words of the data as pages show them. What is not among them is data, and stands as it is.
WORDS = {
    # Verdicts, and what became of an output.
    "accept": pgettext_lazy("verdict", "accept"),
    "correct": pgettext_lazy("verdict", "correct"),
    "reject": pgettext_lazy("verdict", "reject"),
    "a": _("A is better"),
    "b": _("B is better"),
    "tie": _("Tie"),
    "acceptable": _("acceptable"),
    "not acceptable": _("not acceptable"),
    "waiting": _("waiting"),
    "disputed": _("disputed"),
    "settled": _("settled"),
    "open": pgettext_lazy("state", "open"),
    "ship": _("ship"),
    "review": pgettext_lazy("decision", "review"),
    "pending": _("pending"),
    # Where an item comes from, and what it asks.
    "live": pgettext_lazy("item", "live"),
    "audit": pgettext_lazy("item", "audit"),
    "gold": pgettext_lazy("item", "gold"),
    "repeat": pgettext_lazy("item", "repeat"),
    "calibration": pgettext_lazy("item", "calibration"),
    "overlap": pgettext_lazy("item", "shared round"),
    "pointwise": _("pointwise"),
    "pairwise": _("pairwise"),
    "trajectory": _("trajectory"),
    "planted failure": _("planted failure"),
    "human reference": _("human reference"),
    # How a verdict was reached, and how a rating stands.
    "single": pgettext_lazy("verdict", "single"),
    "agreement": pgettext_lazy("verdict", "agreement"),
    "adjudication": _("adjudication"),
    "taken back": _("taken back"),
    "extra, not counted": _("extra, not counted"),
    "rubric ambiguous": _("rubric ambiguous"),
    "reviewer slip": _("reviewer slip"),
    "truly contested": _("truly contested"),
    "item broken": _("item broken"),
    # Policies, rubrics, proposals.
    "in force": _("in force"),
    "scheduled": _("scheduled"),
    "published": _("published"),
    "draft": _("draft"),
    "calibrating": _("calibrating"),
    "calibrated": _("calibrated"),
    "withdrawn": _("withdrawn"),
    "proposed": _("proposed"),
    "approved": _("approved"),
    "rejected": _("rejected"),
    # Stakes.
    "high": pgettext_lazy("stakes", "high"),
    "mid": pgettext_lazy("stakes", "mid"),
    "low": pgettext_lazy("stakes", "low"),
    # Keys, webhooks, deliveries, judges and their circuits.
    "revoked": _("revoked"),
    "expired": _("expired"),
    "working": _("working"),
    "failing": _("failing"),
    "off": pgettext_lazy("state", "off"),
    "new": pgettext_lazy("state", "new"),
    "delivered": _("delivered"),
    "dead": pgettext_lazy("delivery", "dead"),
    "closed": pgettext_lazy("circuit", "closed"),
    "half_open": pgettext_lazy("circuit", "half_open"),
    # Measuring.
    "reliable": _("reliable"),
    "tentative": _("tentative"),
    "unreliable": _("unreliable"),
    "nominal": _("nominal"),
    "ordinal": _("ordinal"),
    "interval": pgettext_lazy("level of measurement", "interval"),
    "ratio": pgettext_lazy("level of measurement", "ratio"),
    "binary": _("binary"),
    "categorical": _("categorical"),
    "numeric": _("numeric"),
}

# The labels of choices, which their classes make of their names.
_LABELS = (
    gettext_noop("Owner"),
    gettext_noop("Reviewer"),
    gettext_noop("Adjudicator"),
    gettext_noop("Auditor"),
    gettext_noop("Route"),
    gettext_noop("Read"),
    gettext_noop("Goldens"),
    gettext_noop("Admin"),
    gettext_noop("Pointwise"),
    gettext_noop("Pairwise"),
    gettext_noop("Trajectory"),
    gettext_noop("High"),
    gettext_noop("Mid"),
    gettext_noop("Low"),
    gettext_noop("Ship"),
    gettext_noop("Review"),
    gettext_noop("Pending"),
    gettext_noop("Delivered"),
    gettext_noop("Dead"),
    gettext_noop("Planted Failure"),
    gettext_noop("Human Reference"),
    gettext_noop("Adjudication"),
)


def word(code: object) -> str:
    """A word of the data in the reader's language; a word that is not known stands as it is."""
    return str(WORDS.get(str(code), code))


def label(choice: Any) -> str:
    """The label of one of a model's choices in the reader's language."""
    return gettext(str(choice.label))


def labelled(choices: Iterable[Any] | type[Choices]) -> list[tuple[str, Any]]:
    """A model's choices for a form, with their labels in the language of whoever reads it."""
    later = lazy(label, str)
    return [(choice.value, later(choice)) for choice in choices]


def zone_name() -> str:
    """The reader's time zone, as beside an input for a time: UTC, Europe/Berlin."""
    return timezone.get_current_timezone_name()


def in_zone(text: Any) -> Any:
    """`text` with the reader's zone in place of its `%(zone)s`; for the labels of inputs."""
    return lazy(lambda: str(text) % {"zone": zone_name()}, str)()


def moment(value: datetime) -> str:
    """A date and time in the reader's zone, with the zone's abbreviation at that time."""
    return in_format(_local(value), pgettext("date and time, in Django's date format", "j M Y H:i T"))


def moment_with_seconds(value: datetime) -> str:
    return in_format(_local(value), pgettext("date and time, in Django's date format", "j M Y H:i:s T"))


def day(value: datetime) -> str:
    """The date that it is in the reader's zone."""
    return in_format(_local(value), pgettext("date, in Django's date format", "j M Y"))


def _local(value: datetime) -> datetime:
    return timezone.localtime(value) if timezone.is_aware(value) else value
