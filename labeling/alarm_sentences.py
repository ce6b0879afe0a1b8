"""What an alarm says, in the language and the zone of whoever reads it; the same on pages, in mails and in the API."""

from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as later
from django.utils.translation import ngettext

from labeling.models import Alarm
from reviewapp.core.models import Role
from reviewapp.core.reading import day, moment, word

STAKES = ("high", "mid", "low")
TITLES = {
    "pool_empty": later("Nobody is here for work that waits"),
    "pool_will_be_empty": later("Nobody will be here"),
    "sla_near": later("Time is running out"),
    "sla_overdue": later("Overdue"),
    "gold_short": later("Too few gold cases for a round"),
    "qualification_failed": later("Qualification not passed"),
    "calibration_failed": later("Calibration not passed"),
    "reviewer_suspect": later("A reviewer is suspect"),
}
Data = Mapping[str, Any]


def title(kind: str) -> str:
    """The kind of an alarm as a heading."""
    return str(TITLES.get(kind, kind.replace("_", " ")))


def sentence(alarm: Alarm) -> str:
    """The alarm in one or a few sentences. A kind that is not known here says its title."""
    make = SENTENCES.get(alarm.kind)
    return make(alarm.subject, alarm.data) if make else title(alarm.kind)


def tier(priority: int | None) -> str:
    """A seat's priority as the stakes it stands for."""
    if priority is None:
        return _("all")
    return word(STAKES[priority]) if priority < len(STAKES) else str(priority)


def pool_name(role: str, credential: str) -> str:
    """Who is in a pool, at the beginning of a line."""
    if role == Role.ADJUDICATOR:
        return _("Adjudicators")
    return _("Reviewers with “%(credential)s”") % {"credential": credential} if credential else _("Reviewers")


def tier_due(priority: int | None, items: int, first_due: datetime, *, overdue: bool) -> str:
    """How many items of a tier are due soon or overdue, and since or until when the first of them."""
    if overdue:
        text = ngettext(
            "%(items)d item is overdue and not judged (stakes: %(tier)s); the first was due %(due)s.",
            "%(items)d items are overdue and not judged (stakes: %(tier)s); the first was due %(due)s.",
            items,
        )
    else:
        text = ngettext(
            "%(items)d item is due soon and not judged (stakes: %(tier)s); the first is due %(due)s.",
            "%(items)d items are due soon and not judged (stakes: %(tier)s); the first is due %(due)s.",
            items,
        )
    return text % {"items": items, "tier": tier(priority), "due": moment(first_due)}


def calendar_day(value: date) -> str:
    return day(datetime.combine(value, time.min))


def stretch_of_days(first: date, last: date) -> str:
    """Both days, or the one."""
    return calendar_day(first) if first == last else f"{calendar_day(first)} – {calendar_day(last)}"


def _pool_empty(_subject: str, data: Data) -> str:
    seats, credential = data["seats"], data["credential"]
    if data["role"] == Role.ADJUDICATOR:
        text = ngettext(
            "%(seats)d dispute waits, and no adjudicator who is here may decide it.",
            "%(seats)d disputes wait, and no adjudicator who is here may decide them.",
            seats,
        )
    elif credential:
        text = ngettext(
            "%(seats)d judgement that takes “%(credential)s” waits, and nobody who is here may give it.",
            "%(seats)d judgements that take “%(credential)s” wait, and nobody who is here may give them.",
            seats,
        )
    else:
        text = ngettext(
            "%(seats)d judgement waits, and nobody who is here may give it.",
            "%(seats)d judgements wait, and nobody who is here may give them.",
            seats,
        )
    return text % {"seats": seats, "credential": credential}


def _pool_will_be_empty(_subject: str, data: Data) -> str:
    pool = pool_name(data["role"], data["credential"])
    return " ".join(_gap(pool, gap) for gap in data["gaps"])


def _gap(pool: str, gap: Data) -> str:
    if gap["first_day"] is None:
        return _("%(pool)s: there is nobody who is not paused or still learning.") % {"pool": pool}
    first = calendar_day(date.fromisoformat(gap["first_day"]))
    words = {"pool": pool, "first": first, "away": ", ".join(gap["away"])}
    if gap["last_day"] is None:
        return _("%(pool)s: nobody from %(first)s on. Away: %(away)s.") % words
    if gap["last_day"] == gap["first_day"]:
        return _("%(pool)s: nobody on %(first)s. Away: %(away)s.") % words
    words["last"] = calendar_day(date.fromisoformat(gap["last_day"]))
    return _("%(pool)s: nobody from %(first)s to %(last)s. Away: %(away)s.") % words


def _sla_near(_subject: str, data: Data) -> str:
    return tier_due(data["priority"], data["items"], datetime.fromisoformat(data["first_due"]), overdue=False)


def _sla_overdue(_subject: str, data: Data) -> str:
    due = tier_due(data["priority"], data["items"], datetime.fromisoformat(data["first_due"]), overdue=True)
    return due + " " + _("Nothing ships by waiting: each stays back until somebody has judged it.")


def _gold_short(rater: str, data: Data) -> str:
    return _(
        "%(rater)s waits for a round: it takes %(needed)d cases with known answers,"
        " and %(available)d are left for them."
    ) % {"rater": rater, "needed": data["needed"], "available": data["available"]}


def _round_failed(rater: str, data: Data) -> str:
    return _("%(rater)s was right on %(right)d of %(size)d and is paused until you decide.") % {
        "rater": rater,
        "right": data["right"],
        "size": data["size"],
    }


def _reviewer_suspect(rater: str, data: Data) -> str:
    since = moment(datetime.fromisoformat(data["since"]))
    return ngettext(
        "%(count)d rating of %(rater)s since %(since)s was set aside and is judged anew; you may overrule it.",
        "%(count)d ratings of %(rater)s since %(since)s were set aside and are judged anew; you may overrule it.",
        data["set_aside"],
    ) % {"count": data["set_aside"], "rater": rater, "since": since}


# Whoever raises a new kind of alarm says here what it means.
SENTENCES: dict[str, Callable[[str, Data], str]] = {
    "pool_empty": _pool_empty,
    "pool_will_be_empty": _pool_will_be_empty,
    "sla_near": _sla_near,
    "sla_overdue": _sla_overdue,
    "gold_short": _gold_short,
    "qualification_failed": _round_failed,
    "calibration_failed": _round_failed,
    "reviewer_suspect": _reviewer_suspect,
}
