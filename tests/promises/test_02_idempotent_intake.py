"""Promise 2: the same output handed in again changes nothing, whichever way it comes."""

import random

import pytest

from reviewapp.core.models import Content
from routing.models import Decision, Output, Signal
from tests.factories import output_body, pair_body, run_body
from tests.people import Cast
from tests.promises.books import faults
from tests.threads import in_threads

pytestmark = pytest.mark.django_db


def test_it_stores_each_output_once_however_it_is_sent(cast: Cast) -> None:
    """Alone and in batches, again and again, under changing policies: first come, first decided."""
    rng = random.Random(7)
    bodies = [rng.choice([output_body, pair_body, run_body])(f"case-{number}") for number in range(20)]
    decided: dict[str, object] = {}
    for turn in range(12):
        cast.put_in_force(tier=rng.choice([{"mode": "always"}, {"mode": "sampled", "audit_rate": 0.5}]))
        some = rng.sample(bodies, rng.randrange(1, 8))
        if turn % 3 == 0:
            response = cast.program.post("/outputs/", some[0])
            answers = [response.json() | {"status": response.status_code}]
        else:
            answers = cast.program.post("/outputs/batch/", {"outputs": some}).json()["results"]
        for answer in answers:
            known = decided.setdefault(answer["external_id"], (answer["id"], answer["decision"]))
            assert known == (answer["id"], answer["decision"])
    outputs = Output.objects.filter(project=cast.project)
    assert outputs.count() == len(decided)
    assert Decision.objects.filter(project=cast.project).count() == len(decided)
    assert Content.objects.filter(project=cast.project).count() == len(decided)
    assert faults() == {}


def test_it_changes_nothing_on_a_conflict(cast: Cast) -> None:
    bodies = [output_body(f"case-{number}", prompt="Well?") for number in range(5)]
    cast.program.post("/outputs/batch/", {"outputs": bodies})

    def stored() -> list[list[dict[str, object]]]:
        own = {"project": cast.project}
        signals = Signal.objects.filter(output__project=cast.project)
        tables = (Output.objects.filter(**own), Decision.objects.filter(**own), Content.objects.filter(**own), signals)
        return [list(rows.order_by("pk").values()) for rows in tables]

    before = stored()
    changed = [body | {"response": "Something else.", "stakes": "high"} for body in bodies]
    results = cast.program.post("/outputs/batch/", {"outputs": changed}).json()["results"]
    assert {row["status"] for row in results} == {409}
    assert stored() == before


@pytest.mark.django_db(transaction=True)
def test_it_stores_each_output_once_when_many_send_the_same_ones_at_once(cast: Cast) -> None:
    bodies = [output_body(f"case-{number}") for number in range(30)]

    def send(number: int) -> list[tuple[str, str, str]]:
        """All of them, in an order of one's own, some alone and some in batches."""
        rng = random.Random(number)
        order = rng.sample(bodies, len(bodies))
        answers = [cast.program.post("/outputs/", body).json() for body in order[:5]]
        answers += cast.program.post("/outputs/batch/", {"outputs": order[5:]}).json()["results"]
        return sorted((row["external_id"], row["id"], str(row["decision"])) for row in answers)

    first, *others = in_threads(6, send)
    assert all(other == first for other in others)
    assert Output.objects.filter(project=cast.project).count() == len(bodies)
    assert faults() == {}
