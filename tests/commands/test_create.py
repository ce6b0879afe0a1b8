"""The commands that make projects, people and keys."""

import io
import json
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command, load_command_class
from django.db import connection
from django.test import Client
from django.utils import timezone

from labeling.models import ActiveRubric
from reviewapp.core.models import ApiKey, AuditEntry, Membership, Person, PersonToken, Project, TaskKind
from routing.models import ActivePolicy
from routing.policy.document import PolicyDocument
from tests.factories import output_body
from tests.people import Caller, Cast

pytestmark = pytest.mark.django_db

COMMANDS = {
    "create_project": "routing",
    "create_person": "reviewapp.core",
    "create_api_key": "reviewapp.core",
    "verify_ledger": "routing",
}


def printed(name: str, *arguments: str) -> str:
    """What the command writes to stdout, with its arguments as a shell would give them."""
    out = io.StringIO()
    call_command(name, *arguments, stdout=out)
    return out.getvalue()


def refusal(name: str, *arguments: str) -> CommandError:
    with pytest.raises(CommandError) as refused:
        call_command(name, *arguments, stdout=io.StringIO())
    return refused.value


# create_project -----------------------------------------------------------------------------------------


def test_it_makes_a_project_that_reviews_everything(db: None) -> None:
    printed("create_project", "support-bot", "--owner", "Oda@Example.org")
    project = Project.objects.get(slug="support-bot")
    owner = Membership.objects.get(project=project)
    assert (owner.person.email, owner.role) == ("oda@example.org", "owner")
    policy = PolicyDocument.model_validate(ActivePolicy.objects.get(project=project).policy.document)
    assert policy.reviews_everything
    rubrics = {row.task_kind: row.rubric for row in ActiveRubric.objects.filter(project=project)}
    assert set(rubrics) == set(TaskKind.values)
    names = {criterion.name for criterion in rubrics["pointwise"].criteria.all()}
    assert names == {"acceptable", "reason"}


def test_it_tells_a_machine_what_it_made(db: None) -> None:
    told = json.loads(printed("create_project", "bot", "--owner", "oda@example.org", "--name", "Bot", "--json"))
    assert told == {"slug": "bot", "name": "Bot", "owner": "oda@example.org"}


@pytest.mark.parametrize(
    ("slug", "owner", "said"),
    [
        ("shop", "oda@example.org", "already exists"),  # taken
        ("Support_Bot", "oda@example.org", "lower-case letters"),  # no slug
        ("s" * 51, "oda@example.org", "at most 50"),  # too long
        ("fresh", "oda", "not an e-mail address"),
        ("fresh", "", "not an e-mail address"),
    ],
)
def test_it_makes_nothing_of_a_project_it_cannot_make(slug: str, owner: str, said: str, cast: Cast) -> None:
    before = Project.objects.count(), Person.objects.count(), AuditEntry.objects.count()
    error = refusal("create_project", slug, "--owner", owner)
    assert said in str(error)
    assert error.returncode == 1
    assert (Project.objects.count(), Person.objects.count(), AuditEntry.objects.count()) == before


# create_person ------------------------------------------------------------------------------------------


def test_it_prints_a_working_token_and_nothing_else(cast: Cast) -> None:
    out = printed("create_person", "new@shop.example", "--project", "shop", "--role", "reviewer")
    token = out.removesuffix("\n")
    assert "\n" not in token
    assert Caller(f"Token {token}").post("/projects/shop/queue/claim/").status_code == 204
    assert PersonToken.objects.filter(digest=token).count() == 0, "the token itself is never stored"


def test_it_lets_a_person_with_a_password_sign_in(cast: Cast) -> None:
    printed("create_person", "New@Shop.example", "--project", "shop", "--role", "reviewer", "--password", "elm-4711")
    client = Client()
    form = {"username": "new@shop.example", "password": "elm-4711"}
    assert client.post("/login/", form).status_code == 302
    assert client.get("/projects/shop/review/").status_code == 200
    form["password"] = "elm-4712"
    assert Client().post("/login/", form).status_code == 200, "a wrong password shows the form again"


def test_it_leaves_a_person_without_password_to_their_token(cast: Cast) -> None:
    printed("create_person", "new@shop.example", "--project", "shop", "--role", "reviewer")
    assert not Person.objects.get(email="new@shop.example").has_usable_password()


def test_it_changes_the_role_and_keeps_the_password_when_repeated(cast: Cast) -> None:
    first = ["new@shop.example", "--project", "shop", "--role", "reviewer", "--password", "elm-4711"]
    tokens = {printed("create_person", *first)}
    tokens.add(printed("create_person", "new@shop.example", "--project", "shop", "--role", "adjudicator"))
    member = Membership.objects.get(person__email="new@shop.example")
    assert member.role == "adjudicator"
    assert member.person.check_password("elm-4711")
    assert len(tokens) == 2


def test_it_tells_a_machine_who_it_made(cast: Cast) -> None:
    arguments = ["new@shop.example", "--project", "shop", "--role", "auditor", "--json"]
    told = json.loads(printed("create_person", *arguments))
    member = Membership.objects.get(person__email="new@shop.example")
    assert told.pop("token")
    assert told == {
        "email": "new@shop.example",
        "project": "shop",
        "role": "auditor",
        "rater": member.rater_code,
    }


@pytest.mark.parametrize(
    ("email", "project", "role", "password", "said"),
    [
        ("new@shop.example", "shap", "reviewer", "x", "There is no project 'shap'"),
        ("nobody", "shop", "reviewer", "x", "not an e-mail address"),
        ("new@shop.example", "shop", "king", "x", "invalid choice: 'king'"),
        ("new@shop.example", "shop", "reviewer", "", "--password is empty"),
    ],
)
def test_it_makes_nobody_it_cannot_make(
    email: str, project: str, role: str, password: str, said: str, cast: Cast
) -> None:
    before = Person.objects.count(), PersonToken.objects.count()
    arguments = [email, "--project", project, "--role", role, "--password", password]
    assert said in str(refusal("create_person", *arguments))
    assert (Person.objects.count(), PersonToken.objects.count()) == before


# create_api_key -----------------------------------------------------------------------------------------


def test_it_prints_a_working_key_and_nothing_else(cast: Cast) -> None:
    out = printed("create_api_key", "--project", "shop", "--scopes", "route, read")
    key = out.removesuffix("\n")
    assert "\n" not in key
    program = Caller(f"Api-Key {key}")
    assert program.post("/outputs/", output_body()).status_code == 201
    assert program.get("/outputs/").status_code == 200
    assert program.get("/golden-sets/").status_code == 403
    row = ApiKey.objects.get(prefix=key.split(".")[0])
    assert row.scopes == ["read", "route"]
    assert row.expires_at is None
    assert key not in row.digest


def test_it_makes_keys_that_expire(cast: Cast) -> None:
    told = json.loads(
        printed(
            "create_api_key", "--project", "shop", "--scopes", "read", "--days", "30", "--name", "nightly", "--json"
        )
    )
    row = ApiKey.objects.get(prefix=told["prefix"])
    assert row.name == told["name"] == "nightly"
    assert row.expires_at is not None
    assert abs(row.expires_at - timezone.now() - timedelta(days=30)) < timedelta(minutes=5)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--project", "shap", "--scopes", "read"], "There is no project 'shap'"),
        (["--project", "shop", "--scopes", "read,write"], "got write"),
        (["--project", "shop", "--scopes", ","], "got none"),
        (["--project", "shop", "--scopes", "read", "--days", "0"], "--days is between"),
        (["--project", "shop", "--scopes", "read", "--days", "soon"], "invalid int value"),
        (["--project", "shop"], "--scopes"),
    ],
)
def test_it_makes_no_key_it_cannot_make(arguments: list[str], said: str, cast: Cast) -> None:
    before = ApiKey.objects.count()
    assert said in str(refusal("create_api_key", *arguments))
    assert ApiKey.objects.count() == before


# All of them --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", COMMANDS)
def test_it_shows_an_example_and_speaks_json(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    command: Any = load_command_class(COMMANDS[name], name)
    with pytest.raises(SystemExit) as ended:
        command.run_from_argv(["manage.py", name, "--help"])
    assert ended.value.code == 0
    text = capsys.readouterr().out
    assert f"Example: manage.py {name}" in " ".join(text.split())
    assert "--json" in text


@pytest.mark.parametrize("table", ["core_project"])
def test_it_says_when_the_database_was_never_migrated(table: str, db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f'ALTER TABLE "{table}" RENAME TO "{table}_away"')
    error = refusal("create_api_key", "--project", "shop", "--scopes", "read")
    assert "run: manage.py migrate" in str(error)
    assert isinstance(error.__cause__, Exception)
