"""The people as instruments: everything that is measured about each reviewer of a project."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from statistics import median

from labeling.queries.panel.alone import (
    acceptance_of,
    fatigue_of,
    gold_of,
    pace_of,
    recent_count,
    repeats_of,
    side_of,
)
from labeling.queries.panel.figures import Named, Panel, Share, Summary, Week
from labeling.queries.panel.rows import GoldAnswer, LiveRating, Repeat, Rows, Window, by_reviewer, rows_of, week_of
from labeling.queries.panel.together import (
    Items,
    Together,
    agreement_of,
    copying_of,
    criteria_of,
    outcomes,
    peers_of,
    severity_of,
)
from labeling.stats.naming import Finding, Record, naming
from reviewapp.core.models import Membership, Project

__all__ = ["Panel", "Summary", "Window", "reviewer_panel", "reviewer_summaries"]


def reviewer_summaries(project: Project, window: Window) -> list[Summary]:
    """Every reviewer with the headline figures and what they are named for; best on gold first, the untested last."""
    rows = rows_of(project, window)
    items, ratings, gold = Items(rows.ratings), by_reviewer(rows.ratings), by_reviewer(rows.gold)
    named = _named(rows)
    found = []
    for member in rows.members:
        own = ratings[member.pk]
        together, planted = items.shared(own), gold_of(gold[member.pk])
        found.append(
            Summary(
                rater=member.rater_code,
                person=str(member.person),
                paused=member.paused_at is not None,
                ratings=len(own),
                accuracy=planted.accuracy,
                sensitivity=planted.sensitivity,
                specificity=planted.specificity,
                acceptance=acceptance_of(own, window.recent_since).share,
                agreement=agreement_of(outcomes(together)),
                severity=severity_of(together),
                median_seconds=median(rating.seconds for rating in own) if own else None,
                named=_told(named[member.pk], rows),
            )
        )
    return sorted(found, key=lambda row: -1.0 if row.accuracy.rate is None else row.accuracy.rate, reverse=True)


def reviewer_panel(member: Membership, window: Window) -> Panel:
    """Everything about one reviewer of the project; the others are read as well, to compare with."""
    rows = rows_of(member.project, window)
    items, own = Items(rows.ratings), by_reviewer(rows.ratings)[member.pk]
    gold, repeats = by_reviewer(rows.gold)[member.pk], by_reviewer(rows.repeats)[member.pk]
    together = items.shared(own)
    findings = _named(rows)[member.pk]
    follows = next((finding for finding in findings if finding.kind == "copies"), None)
    return Panel(
        rater=member.rater_code,
        person=str(member.person),
        paused=member.paused_at is not None,
        window=window,
        ratings=len(own),
        gold=gold_of(gold),
        repeats=repeats_of(repeats),
        agreement=agreement_of(outcomes(together)),
        severity=severity_of(together),
        criteria=criteria_of(own, together, repeats, rows.scales),
        peers=peers_of(member, together, rows),
        copying=copying_of(follows, together, _codes(rows)),
        pace=pace_of(own, window.recent_since),
        acceptance=acceptance_of(own, window.recent_since),
        side=side_of(own),
        fatigue=fatigue_of(own, repeats, gold),
        weeks=_weeks(own, gold, repeats, together),
        named=_told(findings, rows),
    )


def _named(rows: Rows) -> Mapping[int, list[Finding]]:
    """Everybody's findings: who is named depends on all of them."""
    ratings, gold = by_reviewer(rows.ratings), by_reviewer(rows.gold)
    line = rows.window.recent_since
    records = {member.pk: _record(ratings[member.pk], gold[member.pk], line) for member in rows.members}
    found: dict[int, list[Finding]] = defaultdict(list)
    for finding in naming(records):
        found[int(str(finding.reviewer))].append(finding)
    return found


def _record(ratings: Sequence[LiveRating], gold: Sequence[GoldAnswer], recent_since: datetime) -> Record:
    failures = [answer.correct for answer in gold if answer.failure is True and not answer.round]
    single = [rating for rating in ratings if rating.accepted is not None]
    return Record(
        caught=sum(failures),
        failures=len(failures),
        seconds=[rating.seconds for rating in single],
        accepted=[rating.accepted is True for rating in single],
        answers={rating.item: (rating.outcome, rating.at.timestamp()) for rating in ratings},
        recent=recent_count(single, recent_since),
    )


def _told(findings: Sequence[Finding], rows: Rows) -> list[Named]:
    codes = _codes(rows)
    return [
        Named(
            kind=finding.kind,
            peer=codes.get(finding.peer),
            evidence=finding.evidence,
            needed=finding.needed,
            named=finding.named,
            n=finding.n,
            events=finding.events,
            reason=finding.reason,
        )
        for finding in findings
    ]


def _codes(rows: Rows) -> dict[object, str]:
    return {member.pk: member.rater_code for member in rows.members}


def _weeks(
    own: Sequence[LiveRating], gold: Sequence[GoldAnswer], repeats: Sequence[Repeat], together: Together
) -> list[Week]:
    """The weeks in which anything was handed in, oldest first."""
    ratings: dict[str, list[LiveRating]] = defaultdict(list)
    planted: dict[str, list[GoldAnswer]] = defaultdict(list)
    again: dict[str, list[Repeat]] = defaultdict(list)
    shared: dict[str, list[tuple[LiveRating, list[LiveRating]]]] = defaultdict(list)
    for rating in own:
        ratings[week_of(rating.at)].append(rating)
    for answer in gold:
        if not answer.round:
            planted[week_of(answer.at)].append(answer)
    for repeat in repeats:
        again[week_of(repeat.at)].append(repeat)
    for rating, others in together:
        shared[week_of(rating.at)].append((rating, others))
    weeks = sorted({*ratings, *planted, *again})
    return [_week(week, ratings[week], planted[week], again[week], shared[week]) for week in weeks]


def _week(
    week: str,
    ratings: Sequence[LiveRating],
    gold: Sequence[GoldAnswer],
    repeats: Sequence[Repeat],
    together: Together,
) -> Week:
    agreed = agreement_of(outcomes(together))
    single = [rating.accepted for rating in ratings if rating.accepted is not None]
    sides = [rating.seen_first for rating in ratings if rating.seen_first is not None]
    failures = [answer.correct for answer in gold if answer.failure is True]
    good = [answer.correct for answer in gold if answer.failure is False]
    same = [repeat.first[0] == repeat.again[0] for repeat in repeats]
    return Week(
        week=week,
        ratings=len(ratings),
        gold=Share.of(sum(answer.correct for answer in gold), len(gold), without="no_gold"),
        sensitivity=Share.of(sum(failures), len(failures), without="no_planted_failures"),
        specificity=Share.of(sum(good), len(good), without="no_good_cases"),
        repeats=Share.of(sum(same), len(same), without="no_repeats"),
        agreement=Share.of(agreed.same, agreed.pairs, without="no_shared_items"),
        severity=severity_of(together),
        acceptance=Share.of(sum(single), len(single), without="no_ratings"),
        first_side=Share.of(sum(sides), len(sides), without="no_pairs"),
        median_seconds=median(rating.seconds for rating in ratings) if ratings else None,
    )
