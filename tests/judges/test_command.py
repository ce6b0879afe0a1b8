"""`manage.py test_judge`: whether a judge works, for whoever sits at a shell."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from tests.judges.bench import KEY, make_judge
from tests.judges.server import Model, status, verdict
from tests.people import Cast

pytestmark = pytest.mark.django_db


def run(cast: Cast, name: str = "strict", **options: object) -> str:
    out = StringIO()
    call_command("test_judge", name, project=cast.project.slug, stdout=out, **options)
    return out.getvalue()


def test_it_prints_the_verdict(cast: Cast, model: Model) -> None:
    make_judge(cast, model)
    model.will(verdict("fail", "It is not Paris."))
    assert run(cast) == "answered: fail\nIt is not Paris.\n"
    assert json.loads(run(cast, as_json=True))["verdict"] == "fail"


def test_it_fails_where_the_judge_does(cast: Cast, model: Model) -> None:
    make_judge(cast, model)
    model.will(status(401))
    with pytest.raises(CommandError, match="key_refused") as failed:
        run(cast)
    assert (failed.value.returncode, KEY in str(failed.value)) == (1, False)


def test_it_says_when_there_is_no_such_judge(cast: Cast) -> None:
    with pytest.raises(CommandError, match="no judge") as failed:
        run(cast, "nobody")
    assert failed.value.returncode == 2
