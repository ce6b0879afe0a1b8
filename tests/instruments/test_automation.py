"""Do reviewers side with a judge that is known to be wrong?"""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from labeling.models import GoldResult, ReviewItem
from labeling.queries.panel import Window
from labeling.stats.intervals import newcombe
from reviewapp.core.models import Content
from routing.automation import automation_bias, verdict_of
from routing.models import Output
from tests.factories import item_of, output_body, pair_body, route
from tests.instruments.rows import Archive
from tests.people import NOW, Cast

pytestmark = pytest.mark.django_db

WINDOW = Window.of(NOW + timedelta(hours=12))


def judged(cast: Cast, *runs: dict[str, Any], body: Any = output_body) -> ReviewItem:
    """The item of an output that a judge spoke about; everybody's seat is free."""
    signal = {"kind": "judge", "name": "gpt", "runs": list(runs)}
    (output,) = route(cast.project, body(signals=[signal]))
    item = item_of(output)
    item.seats.all().delete()
    ReviewItem.objects.filter(pk=item.pk).update(raters_needed=9)
    return item


def test_the_others_know_when_the_judge_is_wrong(cast: Cast) -> None:
    robin, sam, kim = cast.reviewers
    archive = Archive(cast.project)
    wrong = judged(cast, {"verdict": "pass"})
    for member, verdict in ((robin, "accept"), (sam, "reject"), (kim, "correct")):
        archive.rating(member, wrong, verdict)
    right = judged(cast, {"verdict": "fail"})
    for member in (robin, sam, kim):
        archive.rating(member, right, "reject")
    found = automation_bias(cast.project, WINDOW)
    mine = found[robin.pk]
    # Sam and Kim refused it. What Sam thinks is set against Robin and Kim, who do not agree: nothing is known.
    assert (mine.followed, mine.n, mine.rate) == (1, 1, 1.0)
    assert (found[sam.pk].n, found[sam.pk].rate, found[sam.pk].reason) == (0, None, "judge_never_known_wrong")
    assert (mine.others.trials, mine.difference) == (0, None)


def test_two_who_do_not_follow_are_the_measure_of_one_who_does(cast: Cast) -> None:
    robin, sam, kim = cast.reviewers
    archive = Archive(cast.project)
    for number in range(6):
        item = judged(cast, {"verdict": "pass"}, {"verdict": "pass"})
        for member, verdict in ((robin, "accept" if number < 5 else "reject"), (sam, "reject"), (kim, "reject")):
            archive.rating(member, item, verdict)
    found = automation_bias(cast.project, WINDOW)
    assert (found[robin.pk].followed, found[robin.pk].n) == (5, 6)
    # For the two others it is known on the one item where Robin is with them.
    assert (found[sam.pk].followed, found[sam.pk].n) == (0, 1)
    assert (found[robin.pk].others.successes, found[robin.pk].others.trials) == (0, 2)
    assert found[robin.pk].difference_interval == newcombe(5, 6, 0, 2)


def test_gold_knows_it_too(cast: Cast) -> None:
    robin = cast.reviewers[0]
    item = judged(cast, {"score": 0.9})
    words = Content.objects.get(output=Output.objects.get(content=item.content))
    result = Archive(cast.project).gold(robin, failure=True, right=False)
    ReviewItem.objects.filter(gold_case__results=result).update(fingerprint=words.fingerprint)
    assert GoldResult.objects.get().gold_case.item.fingerprint == words.fingerprint
    assert (
        automation_bias(cast.project, WINDOW)[robin.pk].followed,
        automation_bias(cast.project, WINDOW)[robin.pk].n,
    ) == (1, 1)


def test_preferences_are_compared_by_side(cast: Cast) -> None:
    robin, sam, kim = cast.reviewers
    archive = Archive(cast.project)
    item = judged(cast, {"preferred": "a", "order": "ab"}, {"preferred": "a", "order": "ba"}, body=pair_body)
    for member, preferred in ((robin, "a"), (sam, "b"), (kim, "b")):
        archive.rating(member, item, preferred=preferred)
    assert automation_bias(cast.project, WINDOW)[robin.pk].followed == 1


@pytest.mark.parametrize(
    ("signals", "verdict"),
    [
        ([{"runs": [{"verdict": "pass"}]}], "acceptable"),
        ([{"runs": [{"verdict": "pass"}, {"verdict": "fail"}]}], None),
        ([{"runs": [{"verdict": "pass"}]}, {"runs": [{"score": 0.1}, {"score": 0.2}]}], "not acceptable"),
        ([{"runs": [{"score": 0.5}]}], None),
        ([{"runs": [{"preferred": "tie"}]}], "tie"),
        ([], None),
    ],
)
def test_judges_speak_by_the_majority_of_their_runs(signals: list[dict[str, Any]], verdict: str | None) -> None:
    assert verdict_of(signals) == verdict


def test_the_number_of_queries_grows_with_nothing(cast: Cast, noise: Cast) -> None:
    def count() -> int:
        with CaptureQueriesContext(connection) as captured:
            automation_bias(cast.project, WINDOW)
        return len(captured)

    before = count()
    archive = Archive(cast.project)
    for _number in range(3):
        item = judged(cast, {"verdict": "pass"})
        for member in cast.reviewers:
            archive.rating(member, item)
    assert count() == before <= 6
