import pytest

from labeling.services.settings import change_queue_settings
from tests.factories import REJECT, judge, output_body, route
from tests.overlap.sharing import LATER, SIZE
from tests.people import NOW, Cast, make_cast


@pytest.fixture
def cast(db: None) -> Cast:
    """A project with two dozen judged items of two intents, eight by each of three reviewers, and new work."""
    made = make_cast()
    change_queue_settings(project=made.project, actor="test", reblind_size=SIZE, repeat_after_days=7)
    for number in range(24):
        route(made.project, output_body(intent="billing" if number % 3 else "returns"), now=NOW)
        judge(made.reviewers[number % 3], **(REJECT if number % 5 == 0 else {}))
    route(made.project, *(output_body() for _number in range(60)), now=LATER)
    return made
