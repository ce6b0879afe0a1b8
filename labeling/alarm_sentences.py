"""What an alarm says, in the language and the zone of whoever reads it; the same on pages, in mails and in the API."""

from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as later
from django.utils.translation import ngettext

from labeling.models import Alarm, PauseCause
from reviewapp.core.models import Role
from reviewapp.core.reading import day, moment, word

STAKES = ("high", "mid", "low")
TITLES = {
    "pool_empty": later("Nobody is here for work that waits"),
    "pool_will_be_empty": later("Nobody will be here"),
    "sla_near": later("Time is running out"),
    "sla_overdue": later("Overdue"),
    "gold_short": later("Too few gold cases"),
    "gold_leaked": later("A gold case has become known"),
    "references_rejected": later("The rubric or the raters have drifted"),
    "qualification_failed": later("Qualification not passed"),
    "calibration_failed": later("Calibration not passed"),
    "reviewer_suspect": later("A reviewer is suspect"),
    "slice_paused": later("A slice is paused"),
    "agreement_fell": later("People agree less than before"),
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


def share(value: float) -> str:
    """A share in [0, 1] in whole percent."""
    return _("%(number)s%%") % {"number": round(100 * value)}


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


def _gold_short(subject: str, data: Data) -> str:
    return _short_for_planting(data) if "people" in data else _short_for_a_round(subject, data)


def _short_for_planting(data: Data) -> str:
    parts = [
        _("%(rater)s can still meet %(available)d, and needs %(needed)d in the next seven days.") % person
        for person in data["people"]
    ]
    if data["exposures"] < data["needed"]:
        counts = {"needed": data["needed"], "exposures": data["exposures"]}
        parts.append(_("All together need %(needed)d exposures; %(exposures)d are left.") % counts)
    if data["intents"]:
        parts.append(
            _("Live intents without a case that could be planted: %(intents)s.")
            % {"intents": ", ".join(data["intents"])}
        )
    return " ".join([*parts, _("Work goes on without what is missing.")])


def _short_for_a_round(rater: str, data: Data) -> str:
    return _(
        "%(rater)s waits for a round: it takes %(needed)d cases with known answers,"
        " and %(available)d are left for them."
    ) % {"rater": rater, "needed": data["needed"], "available": data["available"]}


def _gold_leaked(_case: str, data: Data) -> str:
    reference = {"reference": data["reference"]}
    if data["cause"] == "haste":
        found = {"share": share(data["ratio"]), "answers": data["answers"]}
        why = (
            _("the later half of %(answers)d answers took %(share)s of the earlier half’s time and was no worse")
            % found
        )
    elif data["cause"] == "example":
        why = _("its words are an example in a published rubric")
    else:
        why = _("its words came in as live output")
    return _("“%(reference)s” was retired: %(why)s.") % (reference | {"why": why})


def _references_rejected(intent: str, data: Data) -> str:
    return _(
        "%(intent)s: people were right on %(right)d of %(answers)d planted human references by %(rubric)s, which is"
        " below %(bar)s however one counts. The slice is paused until you have looked at the rubric."
    ) % {
        "intent": intent,
        "right": data["right"],
        "answers": data["answers"],
        "rubric": data["rubric"],
        "bar": share(data["bar"]),
    }


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


def _slice_paused(intent: str, data: Data) -> str:
    words = {"intent": intent, "rubric": data["rubric"]}
    about = data["evidence"]
    if data["cause"] == PauseCause.AGREEMENT and about.get("percent") is not None:
        words |= {
            "share": share(about["percent"]),
            "floor": share(about["floor"]),
            "items": about["items"],
        }
        why = _("People gave the same answer on %(share)s of pairs over %(items)d items; the floor is %(floor)s.")
    else:
        why = f"{PauseCause(data['cause']).label}."
    return " ".join(
        [
            _("“%(intent)s” by %(rubric)s is not handed to reviewers.") % words,
            why % words,
            _("Its outputs wait; review the rubric, then lift the pause."),
        ]
    )


def _agreement_fell(rubric: str, data: Data) -> str:
    low, high = data["interval"]
    return _(
        "In the last re-blind round by %(rubric)s people gave the same answer on %(now)s of pairs, %(before)s in the"
        " round before (difference %(low)+d to %(high)+d points)."
    ) % {
        "rubric": rubric,
        "now": share(data["now"]),
        "before": share(data["before"]),
        "low": round(100 * low),
        "high": round(100 * high),
    }


# Whoever raises a new kind of alarm says here what it means.
SENTENCES: dict[str, Callable[[str, Data], str]] = {
    "pool_empty": _pool_empty,
    "pool_will_be_empty": _pool_will_be_empty,
    "sla_near": _sla_near,
    "sla_overdue": _sla_overdue,
    "gold_short": _gold_short,
    "gold_leaked": _gold_leaked,
    "references_rejected": _references_rejected,
    "qualification_failed": _round_failed,
    "calibration_failed": _round_failed,
    "reviewer_suspect": _reviewer_suspect,
    "slice_paused": _slice_paused,
    "agreement_fell": _agreement_fell,
}
