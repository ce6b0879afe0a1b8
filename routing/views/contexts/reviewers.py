"""One reviewer after the other in a list, and one with everything that is measured."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.http import urlencode
from django.utils.translation import gettext as _

from labeling.queries.panel import Panel, Summary
from labeling.queries.panel.figures import Coefficient, CriterionFigures, Named, PeerFigures, Week
from routing.automation import Automation
from routing.views.contexts.reviewer_figures import (
    Chart,
    agreement,
    always,
    change,
    chart,
    equal,
    kappa,
    p_value,
    points,
    ranged,
    share,
    signed,
    steps,
    why,
)
from routing.views.figures import Estimate, decimal, duration, part_of, percent, undefined

# A table of criteria by week has at most so many columns, the newest.
MOST_WEEKS = 13


@dataclass(frozen=True, slots=True)
class Flag:
    """What the reviewer is named for: in a word, and by what test."""

    label: str
    test: str


@dataclass(frozen=True, slots=True)
class SummaryLine:
    rater: str
    person: str
    paused: bool
    ratings: int
    median: str
    accuracy: Estimate
    sensitivity: Estimate
    specificity: Estimate
    acceptance: Estimate
    agreement: Estimate
    severity: Estimate
    flags: Sequence[Flag]


@dataclass(frozen=True, slots=True)
class Fact:
    """One figure with its name; `rows` is the query of the list behind it, "" where there is none."""

    name: str
    figure: Estimate
    note: str = ""
    rows: str = ""


@dataclass(frozen=True, slots=True)
class WeekLine:
    week: str
    ratings: int
    gold: Estimate
    sensitivity: Estimate
    specificity: Estimate
    repeats: Estimate
    agreement: Estimate
    severity: Estimate
    acceptance: Estimate
    first_side: Estimate
    median: str


@dataclass(frozen=True, slots=True)
class CriterionLine:
    """`weeks` are the agreement and the failing answers in each week of the page's table, None where it was not
    answered."""

    criterion: str
    agreement: Estimate
    repeats: Estimate
    kappa: str
    level: Estimate | None
    failing: Estimate | None
    weeks: Sequence[tuple[Estimate, Estimate | None] | None]


@dataclass(frozen=True, slots=True)
class PeerLine:
    rater: str
    same: Estimate
    kappa: str
    rows: str


@dataclass(frozen=True, slots=True)
class Person:
    """Everything of one reviewer's page."""

    rater: str
    person: str
    paused: bool
    ratings: int
    flags: Sequence[Flag]
    questions: Sequence[Flag]
    gold: Sequence[Fact]
    rounds: Sequence[Fact]
    others: Sequence[Fact]
    pace: Sequence[Fact]
    weeks: Sequence[WeekLine]
    week_names: Sequence[str]
    gold_chart: Chart
    agreement_chart: Chart
    positions: Sequence[tuple[str, Estimate]]
    position_chart: Chart
    criteria: Sequence[CriterionLine]
    peers: Sequence[PeerLine]


def summary_line(row: Summary) -> SummaryLine:
    return SummaryLine(
        rater=row.rater,
        person=row.person,
        paused=row.paused,
        ratings=row.ratings,
        median="–" if row.median_seconds is None else duration(row.median_seconds),
        accuracy=share(row.accuracy),
        sensitivity=share(row.sensitivity),
        specificity=share(row.specificity),
        acceptance=share(row.acceptance),
        agreement=agreement(row.agreement),
        severity=points(row.severity),
        flags=flags_of(row.named),
    )


def person_shown(panel: Panel, automation: Automation) -> Person:
    answered = sorted({week.week for entry in panel.criteria for week in entry.weeks})[-MOST_WEEKS:]
    return Person(
        rater=panel.rater,
        person=panel.person,
        paused=panel.paused,
        ratings=panel.ratings,
        flags=flags_of(panel.named),
        questions=[Flag(_question(entry), _test(entry)) for entry in panel.named],
        gold=[
            Fact(_("Right on planted cases"), share(panel.gold.accuracy), always(panel.gold.accuracy), "of=gold"),
            Fact(
                _("Planted failures caught"),
                share(panel.gold.sensitivity),
                always(panel.gold.sensitivity),
                "of=failures",
            ),
            Fact(_("Good cases passed"), share(panel.gold.specificity), always(panel.gold.specificity), "of=good"),
        ],
        rounds=[Fact(_round_name(kind), share(found), rows="of=rounds") for kind, found in panel.gold.rounds.items()],
        others=_others(panel, automation),
        pace=_pace(panel),
        weeks=[_week(week) for week in panel.weeks],
        week_names=answered,
        gold_chart=chart(_("Right on gold, week by week"), [(week.week, week.gold) for week in panel.weeks]),
        agreement_chart=chart(
            _("Agreement with others, week by week"), [(week.week, week.agreement) for week in panel.weeks]
        ),
        positions=[(name, share(found)) for name, found in panel.fatigue.positions],
        position_chart=chart(_("Right on gold by position in the shift"), panel.fatigue.positions),
        criteria=[_criterion(entry, answered) for entry in panel.criteria],
        peers=[_peer(entry) for entry in panel.peers],
    )


# Whom the rules name -----------------------------------------------------------------------------------


def flags_of(named: Sequence[Named]) -> list[Flag]:
    return [Flag(_question(entry), _test(entry)) for entry in named if entry.named]


def _question(entry: Named) -> str:
    if entry.kind == "weak_on_gold":
        return _("weak on gold")
    if entry.kind == "asleep":
        return _("passes everything in seconds")
    return _("copies %(peer)s") % {"peer": entry.peer} if entry.peer else _("copies somebody")


def _test(entry: Named) -> str:
    if entry.evidence is None or entry.needed is None:
        return undefined(f"{why(entry.reason)} (n = {entry.n})")
    told = {
        "weak_on_gold": _("%(events)s of %(n)s planted failures missed"),
        "asleep": _("%(events)s of %(n)s accepted, and the pace"),
        "copies": _("same answer on %(events)s of the %(n)s items on which not everybody agreed"),
    }[entry.kind] % {"events": entry.events, "n": entry.n}
    odds = _("evidence %(evidence)s to 1, named from %(needed)s") % {
        "evidence": _odds(entry.evidence),
        "needed": _odds(entry.needed),
    }
    return f"{told}; {odds}"


def _odds(value: float) -> str:
    if value >= 1e6:
        return _("over a million")
    return decimal(value, 0 if value >= 10 else 2)


# The page of one -----------------------------------------------------------------------------------------


def _round_name(kind: str) -> str:
    return {"practice": _("Practice"), "qualification": _("Qualification"), "calibration": _("Calibration")}[kind]


def _others(panel: Panel, automation: Automation) -> list[Fact]:
    copying = panel.copying
    follows = Fact(_("Agrees with whom they follow most"), share(copying.with_peer), rows="of=shared")
    if copying.peer:
        told = _(
            "%(peer)s, on %(shared)s items that %(peer)s had handed in before; with all others on these: %(others)s"
        )
        others = share(copying.with_others)
        words = {"peer": copying.peer, "shared": copying.shared, "others": others.value or undefined(others.reason)}
        rows = f"of=shared&{urlencode({'peer': copying.peer})}"
        follows = Fact(_("Agrees with whom they follow most"), share(copying.with_peer), told % words, rows)
    return [
        Fact(_("Agrees with others"), agreement(panel.agreement), rows="of=shared"),
        Fact(
            _("Refuses more than peers, in points"),
            points(panel.severity),
            _("on the same items; above 0 is strict, below is lenient"),
            "of=shared",
        ),
        Fact(_("Same answer on repeats"), equal(panel.repeats), _kappa_note(panel.repeats), "of=repeats"),
        Fact(_("Sides with a judge that is wrong"), _followed(automation), _beside(automation), "of=judged"),
        follows,
    ]


def _kappa_note(found: Coefficient) -> str:
    return _("kappa %(kappa)s") % {"kappa": kappa(found)} if found.n else ""


def _followed(found: Automation) -> Estimate:
    if found.rate is None or found.interval is None:
        return Estimate("", "", f"n = {found.n}", why(found.reason))
    return Estimate(percent(found.rate, 0), ranged(found.interval), part_of(found.followed, found.n))


def _beside(found: Automation) -> str:
    if found.rate is None or found.others.rate is None:
        return ""
    words = {"share": percent(found.others.rate, 0), "count": part_of(found.others.successes, found.others.trials)}
    return _("everybody else: %(share)s (%(count)s)") % words


def _pace(panel: Panel) -> list[Fact]:
    pace, creep, fatigue = panel.pace, panel.acceptance.creep, panel.fatigue
    if pace.median is None or pace.lower is None or pace.upper is None:
        time = Estimate("", "", "n = 0", why(pace.reason))
    else:
        between = _("half of all %(low)s to %(high)s") % {"low": duration(pace.lower), "high": duration(pace.upper)}
        time = Estimate(duration(pace.median), between, f"n = {pace.n}")
    slope = Estimate("", "", f"n = {fatigue.n}", why(fatigue.reason))
    if fatigue.slope is not None and fatigue.interval is not None:
        low, high = signed(fatigue.interval.low, 2), signed(fatigue.interval.high, 2)
        slope = Estimate(
            signed(fatigue.slope, 2), _("%(low)s to %(high)s") % {"low": low, "high": high}, f"n = {fatigue.n}"
        )
    return [
        Fact(_("Time per item, median"), time, rows="of=ratings"),
        Fact(_("Time of late, of the time before"), change(pace.collapse, lambda value: f"× {decimal(value)}")),
        Fact(_("Accepts"), share(panel.acceptance.share), rows="of=ratings"),
        Fact(_("Accepts more of late, in points"), change(creep, lambda value: signed(100 * value, 0))),
        Fact(_("Prefers the side shown first"), share(panel.side), p_value(panel.side.p), "of=pairs"),
        Fact(_("Log-odds of being right, per ten items into a shift"), slope, p_value(fatigue.p), "of=gold"),
    ]


def _week(week: Week) -> WeekLine:
    return WeekLine(
        week=week.week,
        ratings=week.ratings,
        gold=share(week.gold),
        sensitivity=share(week.sensitivity),
        specificity=share(week.specificity),
        repeats=share(week.repeats),
        agreement=share(week.agreement),
        severity=points(week.severity),
        acceptance=share(week.acceptance),
        first_side=share(week.first_side),
        median="–" if week.median_seconds is None else duration(week.median_seconds),
    )


def _criterion(entry: CriterionFigures, weeks: Sequence[str]) -> CriterionLine:
    by_week = {
        week.week: (agreement(week.agreement), None if week.failing is None else points(week.failing))
        for week in entry.weeks
    }
    return CriterionLine(
        criterion=entry.criterion,
        agreement=agreement(entry.agreement),
        repeats=equal(entry.repeats),
        kappa=kappa(entry.repeats),
        level=None if entry.level is None else steps(entry.level),
        failing=None if entry.failing is None else points(entry.failing),
        weeks=[by_week.get(week) for week in weeks],
    )


def _peer(entry: PeerFigures) -> PeerLine:
    rows = f"of=shared&{urlencode({'peer': entry.rater})}"
    return PeerLine(entry.rater, equal(entry.result), kappa(entry.result), rows)
