"""Time ships nothing: an output that waits for a person waits however late it is, and whatever sweeps pass over it."""

from datetime import timedelta

import pytest
import time_machine
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from labeling.models import Escalation
from labeling.services.settings import Step, set_escalation_steps
from labeling.tasks import return_expired_leases_everywhere, watch_queues
from routing.services.feed import publish_everywhere
from routing.tasks import pass_verdicts_on, put_due_policies_in_force
from tests.factories import item_of, output_body, route
from tests.people import NOW, Cast
from tests.queue.shifts import take

pytestmark = pytest.mark.django_db
STAKES = ("high", "mid", "low")


@settings(
    derandomize=True,
    deadline=None,
    max_examples=40,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    late=st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=3650)),
    stakes=st.sampled_from(STAKES),
    held=st.booleans(),
)
def test_an_overdue_output_stays_unshipped_however_late(cast: Cast, late: timedelta, stakes: str, held: bool) -> None:
    set_escalation_steps(
        project=cast.project, steps=[Step(None, 0, cast.owner.pk), Step(0, 60, cast.adjudicator.pk)], actor="test"
    )
    [output] = route(cast.project, output_body(stakes=stakes))
    item = item_of(output)
    if held:
        take(cast.reviewers[0], NOW)
    with time_machine.travel(item.due_at + late, tick=False):
        for sweep in (watch_queues, return_expired_leases_everywhere, put_due_policies_in_force, watch_queues):
            sweep()
        publish_everywhere(now=item.due_at + late)
        found = cast.program.get(f"/outputs/{output.pk}/").json()
        feed = cast.program.get("/verdicts/").json()
    assert (found["decision"]["action"], found["verdict"]) == ("review", None)
    assert str(output.pk) not in str(feed)
    item.refresh_from_db()
    assert (item.status, item.verdict) == ("open", None)
    # Not in silence: the owner was told.
    assert Escalation.objects.filter(item=item, step__membership=cast.owner).count() == 1


def test_the_sweep_that_passes_verdicts_on_finds_none(cast: Cast) -> None:
    route(cast.project, output_body(stakes="high"))
    with time_machine.travel(NOW + timedelta(days=100), tick=False):
        watch_queues()
        # Three accepting ratings of the noise are passed on; none of ours is.
        pass_verdicts_on()
        assert cast.program.get("/verdicts/").json()["results"] == []
