"""The panel's figures, worked out by hand; and nothing where there is nothing to go by."""

import math
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from labeling.models import Assignment, Rating, RatingWithdrawal, Round, RoundKind, Rubric
from labeling.queries.panel import Panel, Summary, Window, reviewer_panel, reviewer_summaries
from labeling.services.rubrics import draft_rubric
from labeling.stats.intervals import wilson
from labeling.stats.reviewers import acceptance_creep, time_collapse
from labeling.stats.sequential import beta_mixture_sequence
from reviewapp.core.models import Membership
from reviewapp.core.services.people import add_member
from tests.factories import make_noise
from tests.instruments.rows import Archive
from tests.people import NOW, Cast

pytestmark = pytest.mark.django_db

WINDOW = Window.of(NOW + timedelta(hours=12))
MONTH_AGO = NOW - timedelta(days=40)


@pytest.fixture
def archive(cast: Cast) -> Archive:
    return Archive(cast.project)


def panel(member: Membership, window: Window = WINDOW) -> Panel:
    return reviewer_panel(Membership.objects.select_related("project", "person").get(pk=member.pk), window)


def summaries(cast: Cast) -> dict[str, Summary]:
    return {row.rater: row for row in reviewer_summaries(cast.project, WINDOW)}


def test_gold_is_told_apart_with_both_intervals(cast: Cast, archive: Archive) -> None:
    robin = cast.reviewers[0]
    archive.planted(robin, caught=7, missed=2, passed=3, refused=1)
    gold = panel(robin).gold
    assert (gold.accuracy.successes, gold.accuracy.n) == (10, 13)
    assert (gold.sensitivity.successes, gold.sensitivity.n) == (7, 9)
    assert (gold.specificity.successes, gold.specificity.n) == (3, 4)
    assert gold.sensitivity.interval == wilson(7, 9)
    assert gold.sensitivity.always == beta_mixture_sequence(7, 9)
    assert panel(cast.reviewers[1]).gold.sensitivity.reason == "no_planted_failures"


def test_gold_of_rounds_stands_apart(cast: Cast, archive: Archive) -> None:
    robin = cast.reviewers[0]
    round_ = Round.objects.create(
        membership=robin, kind=RoundKind.QUALIFICATION, size=2, pass_mark=0.8, started_by="test", started_at=NOW
    )
    archive.gold(robin, failure=True, right=True, round_=round_)
    archive.gold(robin, failure=True, right=False, round_=round_)
    gold = panel(robin).gold
    assert (gold.accuracy.n, gold.accuracy.rate, gold.accuracy.reason) == (0, None, "no_gold")
    found = {kind: (share.successes, share.n) for kind, share in gold.rounds.items()}
    assert found == {"practice": (0, 0), "qualification": (1, 2), "calibration": (0, 0)}
    # Nor do they speak for or against anybody.
    assert {entry.n for entry in panel(robin).named} == {0}


def test_what_does_not_stand_or_is_older_counts_nowhere(cast: Cast, archive: Archive) -> None:
    robin, sam, _kim = cast.reviewers
    for number in range(4):
        archive.together({robin: "accept", sam: "reject"}, at=NOW if number else NOW - timedelta(days=120))
    undone, extra, _left = Rating.objects.filter(reviewer=robin, submitted_at=NOW).order_by("pk")
    RatingWithdrawal.objects.create(rating=undone)
    late = archive.rating(cast.reviewers[2], archive.item())
    assert panel(robin).ratings == 2
    assert panel(robin).agreement.items == 2
    assert panel(cast.reviewers[2]).ratings == 1
    assert late.reviewer_id != extra.reviewer_id


def test_severity_is_the_difference_on_shared_items_only(cast: Cast, archive: Archive) -> None:
    robin, sam, kim = cast.reviewers
    # Robin refuses 6 of 8; the two others 2 and 4 of the same.
    for number in range(8):
        archive.together(
            {
                robin: "reject" if number < 6 else "accept",
                sam: "reject" if number < 2 else "accept",
                kim: "correct" if number < 4 else "accept",
            }
        )
    for _alone in range(5):
        archive.together({robin: "reject"})
    found = panel(robin).severity
    assert (found.n, found.own, found.peers, found.difference) == (8, 0.75, 0.375, 0.375)
    assert found.interval is not None
    assert found.interval.low <= 0.375 <= found.interval.high
    assert found.interval.low > 0
    lenient = panel(sam).severity
    assert lenient.difference == pytest.approx(0.25 - (6 + 4) / 16)
    assert summaries(cast)[robin.rater_code].severity == found


def test_agreement_counts_pairs_and_takes_the_item_as_its_unit(cast: Cast, archive: Archive) -> None:
    robin, sam, kim = cast.reviewers
    archive.together({robin: "accept", sam: "accept", kim: "reject"})
    archive.together({robin: "reject", sam: "reject", kim: "correct"})
    archive.together({robin: "accept"})
    found = panel(robin).agreement
    # A correction refuses the output as it is.
    assert (found.same, found.pairs, found.items, found.rate) == (3, 4, 2, 0.75)
    assert found.interval == wilson(2, 2)


def test_pairs_without_a_shared_item_are_undefined(cast: Cast, archive: Archive) -> None:
    robin, sam, kim = cast.reviewers
    for number in range(4):
        archive.together({robin: "accept" if number else "reject", sam: "accept"})
    peers = {peer.rater: peer.result for peer in panel(robin).peers}
    assert set(peers) == {sam.rater_code, kim.rater_code}
    assert (peers[sam.rater_code].percent, peers[sam.rater_code].n) == (0.75, 4)
    nothing = peers[kim.rater_code]
    assert (nothing.percent, nothing.kappa, nothing.n, nothing.reason) == (None, None, 0, "no_shared_items")


def test_ordinal_criteria_are_compared_in_levels(cast: Cast, archive: Archive) -> None:
    robin, sam, kim = cast.reviewers
    levels = [{"value": value} for value in ("none", "minor", "major")]
    criteria = [
        {"name": "accuracy", "type": "ordinal", "question": "How bad?", "levels": levels},
        {"name": "topic", "type": "categorical", "question": "What?", "levels": [{"value": "a"}, {"value": "b"}]},
    ]
    archive.rubric = draft_rubric(
        project=cast.project, name="severities", task_kind="pointwise", criteria=criteria, actor="test"
    )
    for mine, theirs, others in (("major", "none", "minor"), ("minor", "none", "none"), ("none", "none", "none")):
        item = archive.item()
        for member, value in ((robin, mine), (sam, theirs), (kim, others)):
            archive.rating(member, item, values={"accuracy": value, "topic": "a"})
    found = {entry.criterion: entry for entry in panel(robin).criteria}
    accuracy, topic = found["accuracy"], found["topic"]
    assert accuracy.level is not None
    assert (accuracy.level.n, accuracy.level.own) == (3, 1.0)
    assert accuracy.level.difference == pytest.approx((1.5 + 1 + 0) / 3)
    assert (accuracy.agreement.same, accuracy.agreement.pairs) == (2, 6)
    assert topic.level is None
    assert (topic.agreement.rate, topic.repeats.reason) == (1.0, "no_repeats")


def test_every_criterion_is_followed_through_the_weeks(cast: Cast, archive: Archive) -> None:
    robin, sam, _kim = cast.reviewers
    week = timedelta(days=7)
    for at, mine in ((MONTH_AGO, "yes"), (MONTH_AGO, "no"), (MONTH_AGO + week, "no"), (NOW, "no"), (NOW, "no")):
        item = archive.item()
        archive.rating(robin, item, "accept" if mine == "yes" else "reject", at=at, values={"acceptable": mine})
        archive.rating(sam, item, at=at, values={"acceptable": "yes"})
    alone = archive.item()
    archive.rating(robin, alone, at=NOW, values={"acceptable": "yes"})
    [criterion] = panel(robin).criteria
    assert criterion.failing is not None
    # Four of five shared ones fail by Robin, none by Sam.
    assert (criterion.failing.n, criterion.failing.own, criterion.failing.peers) == (5, 0.8, 0.0)
    assert [(entry.agreement.rate, entry.agreement.items) for entry in criterion.weeks] == [
        (0.5, 2),
        (0.0, 1),
        (0.0, 2),
    ]
    assert [entry.failing.difference for entry in criterion.weeks if entry.failing] == [0.5, 1.0, 1.0]
    assert [entry.week for entry in criterion.weeks] == sorted({entry.week for entry in criterion.weeks})


def test_a_criterion_that_fails_nothing_has_no_failing_answers(cast: Cast, archive: Archive) -> None:
    robin, sam, _kim = cast.reviewers
    criteria = [
        {"name": "topic", "type": "categorical", "question": "What?", "levels": [{"value": "a"}, {"value": "b"}]},
        {"name": "score", "type": "numeric", "question": "Points?", "minimum": 0, "maximum": 10, "fail_below": 4},
    ]
    archive.rubric = draft_rubric(
        project=cast.project, name="scores", task_kind="pointwise", criteria=criteria, actor="test"
    )
    for mine, theirs in ((3.5, 4), (4, 4), (0, 3)):
        item = archive.item()
        archive.rating(robin, item, values={"topic": "a", "score": mine})
        archive.rating(sam, item, values={"topic": "a", "score": theirs})
    found = {entry.criterion: entry for entry in panel(robin).criteria}
    assert found["topic"].failing is None
    assert found["score"].failing is not None
    assert found["score"].failing.own == pytest.approx(2 / 3)
    assert found["score"].failing.peers == pytest.approx(1 / 3)


def test_every_week_has_its_own_figures(cast: Cast, archive: Archive) -> None:
    robin, sam, _kim = cast.reviewers
    archive.gold(robin, failure=True, right=False, at=MONTH_AGO)
    archive.gold(robin, failure=False, right=True, at=MONTH_AGO)
    archive.repeat(robin, "accept", "reject", at=MONTH_AGO)
    archive.together({robin: "reject", sam: "accept"}, at=NOW)
    archive.rating(robin, archive.item(), preferred="a", at=NOW)
    earlier, late = panel(robin).weeks
    assert (earlier.sensitivity.rate, earlier.specificity.rate, earlier.gold.rate) == (0.0, 1.0, 0.5)
    assert (earlier.repeats.rate, earlier.repeats.n) == (0.0, 1)
    assert (earlier.severity.difference, earlier.severity.reason) == (None, "no_shared_items")
    assert (late.severity.difference, late.severity.n, late.severity.interval) == (1.0, 1, None)
    assert (late.first_side.rate, late.first_side.n) == (1.0, 1)
    assert [late.sensitivity.reason, late.specificity.reason, late.repeats.reason] == [
        "no_planted_failures",
        "no_good_cases",
        "no_repeats",
    ]
    assert earlier.first_side.reason == "no_pairs"


def test_repeats_are_compared_by_outcome_and_by_criterion(cast: Cast, archive: Archive) -> None:
    robin = cast.reviewers[0]
    for first, again in (("accept", "accept"), ("reject", "reject"), ("reject", "accept"), ("accept", "accept")):
        archive.repeat(robin, first, again, values=({"acceptable": "yes"}, {"acceptable": "yes"}))
    found = panel(robin)
    assert (found.repeats.same, found.repeats.n, found.repeats.percent) == (3, 4, 0.75)
    # Chance: (2·3 + 2·1)/16.
    assert found.repeats.kappa == pytest.approx((0.75 - 0.5) / (1 - 0.5))
    [criterion] = found.criteria
    assert (criterion.repeats.percent, criterion.repeats.kappa) == (1.0, None)
    assert criterion.repeats.kappa_reason == "no_variation"
    # A repeat is no work: only the first ones count.
    assert found.ratings == 4
    assert panel(cast.reviewers[1]).repeats.reason == "no_repeats"


def test_sides_are_counted_as_they_were_seen(cast: Cast, archive: Archive) -> None:
    robin = cast.reviewers[0]
    for preferred, swapped in (("a", False), ("b", True), ("a", True), ("b", True), ("tie", False)):
        archive.rating(robin, archive.item(), preferred=preferred, swapped=swapped)
    side = panel(robin).side
    assert (side.first, side.n, side.rate) == (3, 4, 0.75)
    # P(at least 3 of 4) twice: 2 · 5/16.
    assert side.p == pytest.approx(0.625)
    # Pairs are neither accepted nor refused.
    assert panel(robin).acceptance.share.reason == "no_ratings"
    assert panel(cast.reviewers[1]).side.reason == "no_pairs"


def test_pace_and_acceptance_are_compared_with_the_time_before(cast: Cast, archive: Archive) -> None:
    robin = cast.reviewers[0]
    before, after = [50.0 + number for number in range(12)], [20.0 + number for number in range(10)]
    for number, seconds in enumerate(before):
        archive.rating(robin, archive.item(), "reject" if number < 6 else "accept", at=MONTH_AGO, seconds=seconds)
    for seconds in after:
        archive.rating(robin, archive.item(), seconds=seconds)
    found = panel(robin)
    expected = time_collapse(after, before)
    assert (found.pace.collapse.change, found.pace.collapse.p) == (expected.ratio, expected.p_one_sided)
    assert (found.pace.n, found.pace.median) == (22, 50.5)
    creep = acceptance_creep(6, 12, 10, 10)
    assert found.acceptance.creep.change == creep.difference == 0.5
    assert found.acceptance.creep.p == creep.p_one_sided
    assert [week.ratings for week in found.weeks] == [12, 10]
    few = panel(robin, Window(NOW - timedelta(days=1), NOW + timedelta(days=1)))
    assert (few.pace.collapse.change, few.pace.collapse.reason) == (None, "too_few_ratings")
    assert (few.pace.collapse.n_recent, few.pace.collapse.n_before) == (10, 0)


def test_a_pause_begins_a_new_shift(cast: Cast, archive: Archive) -> None:
    robin = cast.reviewers[0]
    start = NOW - timedelta(days=2)
    # Eleven in a row, the last of them gold; after 31 minutes one more, gold as well.
    for number in range(10):
        archive.rating(robin, archive.item(), at=start + timedelta(minutes=29 * number))
    archive.gold(robin, failure=True, right=False, at=start + timedelta(minutes=29 * 10))
    archive.gold(robin, failure=True, right=True, at=start + timedelta(minutes=29 * 10 + 31))
    positions = dict(panel(robin).fatigue.positions)
    assert (positions["11–20"].successes, positions["11–20"].n) == (0, 1)
    assert (positions["1–10"].successes, positions["1–10"].n) == (1, 1)
    assert (positions["41+"].rate, positions["41+"].reason) == (None, "no_gold")
    fatigue = panel(robin).fatigue
    assert (fatigue.slope, fatigue.reason, fatigue.n) == (None, "too_few_gold", 2)


def test_fatigue_is_a_falling_slope(cast: Cast, archive: Archive) -> None:
    robin = cast.reviewers[0]
    for number in range(60):
        right = number < 30 or number % 3 == 0 if number != 5 else False
        archive.gold(robin, failure=True, right=right, at=NOW - timedelta(days=1) + timedelta(minutes=number))
    fatigue = panel(robin).fatigue
    assert fatigue.slope is not None
    assert fatigue.interval is not None
    assert fatigue.p is not None
    assert fatigue.interval.high < 0
    assert fatigue.p < 0.01


def test_it_names_a_weak_one_and_nobody_else(cast: Cast, archive: Archive, noise: Cast) -> None:
    robin, sam, kim = cast.reviewers
    archive.planted(robin, caught=28, missed=2)
    archive.planted(sam, caught=15, missed=15)
    archive.planted(kim, caught=29, missed=1)
    named = {
        row.rater: [(entry.kind, entry.n, entry.events) for entry in row.named if entry.named]
        for row in summaries(cast).values()
    }
    assert named == {robin.rater_code: [], sam.rater_code: [("weak_on_gold", 30, 15)], kim.rater_code: []}
    assert [entry.named for entry in panel(sam).named if entry.kind == "weak_on_gold"] == [True]


def test_it_names_who_copies_and_tells_the_agreements(cast: Cast, archive: Archive) -> None:
    robin, sam, kim = cast.reviewers
    other = add_member(project=cast.project, email="lee@shop.example", role="reviewer", actor="test")
    for number in range(60):
        item = archive.item()
        mine = "reject" if number % 4 == 0 else "accept"
        archive.rating(robin, item, mine, at=NOW + timedelta(minutes=number))
        archive.rating(kim, item, "reject" if number % 5 == 1 else "accept", at=NOW + timedelta(minutes=number))
        archive.rating(other, item, "reject" if number % 7 == 2 else "accept", at=NOW + timedelta(minutes=number))
        archive.rating(sam, item, mine, at=NOW + timedelta(minutes=number, seconds=30))
    window = Window.of(NOW + timedelta(days=1))
    found = panel(sam, window)
    [entry] = [entry for entry in found.named if entry.named]
    assert (entry.kind, entry.peer) == ("copies", robin.rater_code)
    assert (found.copying.peer, found.copying.shared, found.copying.with_peer.rate) == (robin.rater_code, 60, 1.0)
    assert found.copying.with_others.rate is not None
    assert found.copying.with_others.rate < 0.75
    assert not [entry for entry in panel(robin, window).named if entry.named]


def test_nothing_is_undefined_without_a_reason_and_a_count(cast: Cast) -> None:
    def check(value: object, path: str) -> None:
        if isinstance(value, dict):
            for key in ("rate", "difference", "percent", "slope", "change", "median", "evidence"):
                if key in value and value[key] is None:
                    assert value.get("reason"), path
            for key, inner in value.items():
                check(inner, f"{path}/{key}")
        elif isinstance(value, list | tuple):
            for inner in value:
                check(inner, path)
        assert not (isinstance(value, float) and not math.isfinite(value)), path

    for member in cast.reviewers:
        check(panel(member).as_json(), member.rater_code)
    for row in summaries(cast).values():
        check(row.as_json(), row.rater)


def test_the_number_of_queries_grows_with_nothing(cast: Cast, archive: Archive) -> None:
    robin = cast.reviewers[0]

    def count() -> list[int]:
        counts = []
        for look in (lambda: summaries(cast), lambda: panel(robin)):
            with CaptureQueriesContext(connection) as captured:
                look()
            counts.append(len(captured))
        return counts

    before = count()
    more = [
        add_member(project=cast.project, email=f"p{number}@shop.example", role="reviewer", actor="test")
        for number in range(5)
    ]
    for _number in range(4):
        archive.together(dict.fromkeys([robin, *more], "accept"))
    for member in more:
        archive.planted(member, caught=2, missed=1)
    make_noise("further")
    assert count() == before
    assert max(before) <= 7


def test_it_counts_only_this_project(cast: Cast, archive: Archive, noise: Cast) -> None:
    other = Archive(noise.project)
    other.together(dict.fromkeys(noise.reviewers, "accept"))
    other.planted(noise.reviewers[0], caught=1, missed=1)
    assert {row.ratings for row in summaries(cast).values()} == {0}
    assert Assignment.objects.exists()
    assert Rubric.objects.filter(project=noise.project).exists()
