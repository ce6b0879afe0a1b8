"""Making and changing judges: versions, keys, and policies that name them."""

import json
from typing import Any

import pytest
from django.db import DatabaseError, transaction

from reviewapp.core.models import AuditEntry
from routing.models import ActivePolicy, Judge, JudgeVerdict, JudgeVersion
from routing.services.judge_keys import KeyUnavailable, Secret, key_for
from routing.services.judges import JudgeRefused, change_judge, current_version
from routing.services.policies import ActivationRefused, activate_policy, draft_policy
from tests.judges.bench import KEY, Bench, ask_in_force, make_judge
from tests.judges.server import Model
from tests.people import NOW, Cast, make_cast, policy_document

pytestmark = pytest.mark.django_db


def change(judge: Judge, **fields: Any) -> Judge:
    return change_judge(judge=judge, actor="test", now=NOW, **fields)


@pytest.mark.parametrize(
    ("fields", "versions"),
    [
        ({"model": "rowan-3"}, 2),
        ({"instructions": "Be strict."}, 2),
        ({"family": "rowan"}, 2),
        ({"max_tokens": 512}, 2),
        ({"model": "rowan-2"}, 1),
        ({"timeout_seconds": 9, "runs": 4, "requests_per_minute": 5}, 1),
        ({"active": False}, 1),
        ({"key": "sk-other"}, 1),
    ],
)
def test_what_a_judge_is_has_versions(cast: Cast, model: Model, fields: dict[str, Any], versions: int) -> None:
    judge = change(make_judge(cast, model), **fields)
    assert judge.versions.count() == current_version(judge).number == versions


def test_a_former_self_is_another_version_with_the_same_digest(cast: Cast, model: Model) -> None:
    judge = make_judge(cast, model)
    change(change(judge, model="rowan-3"), model="rowan-2")
    numbers = list(judge.versions.order_by("number").values_list("number", "digest"))
    assert [number for number, _digest in numbers] == [1, 2, 3]
    assert numbers[0][1] == numbers[2][1] != numbers[1][1]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("base_url", "http://203.0.113.9/v1"),
        ("base_url", "https://169.254.169.254/v1"),
        ("base_url", "https://10.0.0.8/v1"),
        ("base_url", "https://[::1]/v1"),
        ("base_url", "ftp://api.example.com"),
        ("base_url", "https://user:pass@api.example.com/v1"),
        ("base_url", "https://api.example.com/v1?key=x"),
        ("base_url", "https://api.example.com/v1#x"),
        ("base_url", ""),
        ("key", "two words"),
        ("key", "line\nbreak"),
        ("key", "schlüssel"),
        ("key_env", "SECRET_KEY"),
        ("key_env", "DATABASE_URL"),
        ("key_env", "JUDGE_KEY_"),
        ("key_env", "judge_key_lab"),
        ("key_env", "JUDGE_KEY_LAB\n"),
        ("runs", 3),
        ("monthly_budget", 5),
        ("name", "new"),
        ("name", "strict"),
        ("project_id", 1),
        ("sealed_key", "x"),
    ],
)
def test_what_does_not_fit_is_refused_and_named(cast: Cast, model: Model, field: str, value: Any) -> None:
    make_judge(cast, model)
    with pytest.raises(JudgeRefused) as refused:
        make_judge(cast, model, **({"name": "other"} | {field: value}))
    assert refused.value.field == field
    assert Judge.objects.filter(project=cast.project).count() == 1


def test_two_projects_may_have_judges_of_one_name(cast: Cast, model: Model) -> None:
    make_judge(cast, model)
    make_judge(make_cast("other"), model)
    assert Judge.objects.filter(name="strict").count() == 2


def test_versions_and_verdicts_are_permanent(bench: Bench) -> None:
    bench.settle(bench.hand_in())
    for rows, column in ((JudgeVersion.objects, "model"), (JudgeVerdict.objects, "raw")):
        assert rows.exists()
        with pytest.raises(DatabaseError, match="permanent"), transaction.atomic():
            rows.update(**{column: "x"})
        with pytest.raises(DatabaseError, match="permanent"), transaction.atomic():
            rows.all()._raw_delete(rows.db)


# Keys ---------------------------------------------------------------------------------------------------------


def test_a_key_is_stored_sealed_and_shows_itself_to_nobody(cast: Cast, model: Model) -> None:
    judge = make_judge(cast, model)
    change(judge, key=KEY)
    rows = list(Judge.objects.values()) + list(JudgeVersion.objects.values()) + list(AuditEntry.objects.values())
    assert KEY not in json.dumps(rows, default=str)
    secret = key_for(Judge.objects.get(pk=judge.pk), current_version(judge), {})
    assert secret.value == KEY
    assert KEY not in f"{judge!r} {secret!r} {secret} {[secret]}"


def test_another_host_does_not_get_the_key_of_this_one(cast: Cast, model: Model) -> None:
    """Whoever may change the address must not so learn the key."""
    judge = make_judge(cast, model)
    host = model.url.replace("127.0.0.1", "localhost")
    with pytest.raises(JudgeRefused) as refused:
        change(judge, base_url="http://127.0.0.1:1/v1")
    assert refused.value.field == "key"
    assert change(judge, base_url="http://127.0.0.1:1/v1", key="sk-its-own")
    assert change(judge, base_url="http://127.0.0.1:1/other").sealed_key
    # Even past the service the key stays where it belongs.
    version = current_version(make_judge(cast, model, "second"))
    version.base_url = host
    with pytest.raises(KeyUnavailable, match="another address"):
        key_for(Judge.objects.get(name="second"), version, {})


def test_a_key_of_the_operator_goes_to_the_operators_hosts_only(cast: Cast, model: Model) -> None:
    judge = make_judge(cast, model, key="", key_env="JUDGE_KEY_LAB")
    version, host = current_version(judge), model.url.split("/")[2]
    for environment in (
        {},
        {"JUDGE_KEY_LAB": KEY},
        {"JUDGE_KEY_LAB": KEY, "JUDGE_HOST_LAB": ""},
        {"JUDGE_KEY_LAB": KEY, "JUDGE_HOST_LAB": "127.0.0.1"},
        {"JUDGE_KEY_LAB": "two words", "JUDGE_HOST_LAB": host},
    ):
        with pytest.raises(KeyUnavailable) as refused:
            key_for(judge, version, environment)
        assert KEY not in str(refused.value)
    assert key_for(judge, version, {"JUDGE_KEY_LAB": f" {KEY} ", "JUDGE_HOST_LAB": f"x, {host}"}).value == KEY


def test_a_key_from_the_environment_replaces_the_stored_one(cast: Cast, model: Model) -> None:
    judge = make_judge(cast, model)
    assert change(judge, key_env="JUDGE_KEY_LAB").sealed_key == ""
    with pytest.raises(JudgeRefused):
        change(judge, key=KEY)
    assert change(judge, key_env="", key=KEY).sealed_key


def test_the_key_is_lost_with_the_secret_it_was_sealed_under(cast: Cast, model: Model, settings: Any) -> None:
    judge = make_judge(cast, model)
    settings.SECRET_KEY = "another"
    with pytest.raises(KeyUnavailable, match="enter"):
        key_for(judge, current_version(judge), {})


def test_a_secret_blots_itself_out() -> None:
    assert Secret("abc").hidden_in("xabcx abc") == "x***x ***"
    assert Secret("").hidden_in("abc") == "abc"


# Policies -----------------------------------------------------------------------------------------------------


def test_a_policy_that_asks_a_judge_who_is_not_there_is_not_put_in_force(cast: Cast, model: Model) -> None:
    before = ActivePolicy.objects.get(project=cast.project).policy_id
    for names in (["strict"], ["strict", "lenient"]):
        with pytest.raises(ActivationRefused, match="strict") as refused:
            ask_in_force(cast, *names)
        assert refused.value.code == "judge_missing"
    assert ActivePolicy.objects.get(project=cast.project).policy_id == before
    make_judge(make_cast("other"), model)
    with pytest.raises(ActivationRefused):
        ask_in_force(cast, "strict")
    judge = make_judge(cast, model)
    ask_in_force(cast, "strict")
    change(judge, active=False)
    policy = draft_policy(project=cast.project, document=policy_document(judges={"names": ["strict"]}), actor="test")
    with pytest.raises(ActivationRefused, match="not active"):
        activate_policy(policy=policy, actor="test", now=NOW)
