"""Two people who judge the same items and agree on so many of them."""

from datetime import timedelta
from typing import Any

from tests.factories import ACCEPT, REJECT, judge, output_body, route
from tests.people import NOW, Cast

# After every undo window.
AFTER = NOW + timedelta(hours=1)


def judged_by_two(cast: Cast, *, items: int, same: int, now: Any = NOW, intent: str = "billing") -> None:
    """`items` outputs of the intent, judged by the first two reviewers, who agree on the first `same`."""
    route(cast.project, *(output_body(intent=intent) for _number in range(items)), now=now)
    for number in range(items):
        judge(cast.reviewers[0], now=now, **ACCEPT)
        judge(cast.reviewers[1], now=now, **(ACCEPT if number < same else REJECT))
