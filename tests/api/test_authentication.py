"""Who may do what: keys, tokens, scopes, and other projects' rows."""

import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from reviewapp.core.models import ApiKey, PersonToken
from reviewapp.core.services.keys import create_api_key, revoke_api_key
from routing.models import Output
from tests.api.problems import problem
from tests.factories import item_of, output_body, route
from tests.people import Caller, Cast, person

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Api-Key",
        "Api-Key ",
        "Api-Key one two",
        "Api-Key nothing-like-a-key",
        "Api-Key 0123456789ab.wrong",
        "Api-Key kéy",
        "Bearer abc",
        "Basic cm9iaW46cm9iaW4=",
        "Token 0123456789ab.wrong",
    ],
)
def test_it_lets_nobody_in_without_a_key(authorization: str, cast: Cast) -> None:
    response = Caller(authorization).post("/outputs/", output_body())
    problem(response, 401)
    assert response["WWW-Authenticate"]
    assert not Output.objects.filter(project=cast.project).exists()


def test_it_wants_the_whole_key(cast: Cast) -> None:
    prefix, secret = cast.key.split(".")
    for wrong in (prefix, secret, f"{prefix}.{secret[:-1]}", f"{prefix}.{secret}x", f"{prefix}.", cast.key.upper()):
        problem(Caller(f"Api-Key {wrong}").get("/outputs/"), 401)
    assert Caller(f"api-key {cast.key}").get("/outputs/").status_code == 200


def test_it_refuses_an_expired_key(cast: Cast) -> None:
    now = timezone.now()
    _key, old = create_api_key(project=cast.project, scopes=["read"], actor="test", expires_at=now)
    _key, young = create_api_key(
        project=cast.project, scopes=["read"], actor="test", expires_at=now + timedelta(hours=1)
    )
    problem(Caller(f"Api-Key {old}").get("/outputs/"), 401)
    assert Caller(f"Api-Key {young}").get("/outputs/").status_code == 200


def test_it_refuses_a_revoked_key_and_a_revoked_token(cast: Cast) -> None:
    revoke_api_key(key=ApiKey.objects.get(prefix=cast.key.split(".")[0]), actor="test", now=timezone.now())
    problem(cast.program.get("/outputs/"), 401)
    robin = person(cast.reviewers[0])
    assert robin.post("/projects/shop/queue/claim/").status_code == 204
    PersonToken.objects.filter(person=cast.reviewers[0].person).update(revoked_at=timezone.now())
    problem(robin.post("/projects/shop/queue/claim/"), 401)


def test_it_refuses_the_token_of_a_person_who_left(cast: Cast) -> None:
    robin = person(cast.reviewers[0])
    cast.reviewers[0].person.is_active = False
    cast.reviewers[0].person.save()
    problem(robin.post("/projects/shop/queue/claim/"), 401)


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("post", "/outputs/", "route"),
        ("post", "/outputs/batch/", "route"),
        ("get", "/outputs/", "read"),
        ("get", f"/outputs/{uuid.uuid4()}/", "read"),
        ("get", "/agreement/", "read"),
        ("get", "/policies/", "read"),
        ("post", "/policies/", "admin"),
        ("post", "/projects/shop/policies/", "admin"),
        ("post", "/rubrics/", "admin"),
        ("post", "/recalibrations/", "admin"),
        ("get", "/golden-sets/", "goldens"),
        ("post", "/golden-sets/", "goldens"),
        ("post", "/gold-cases/", "admin"),
    ],
)
def test_it_wants_the_scope_and_no_other(method: str, path: str, scope: str, cast: Cast) -> None:
    others = {"route", "read", "goldens", "admin"} - {scope}
    body = problem(getattr(cast.key_with(*others), method)(path), 403)
    assert f'"{scope}"' in body["detail"]
    assert getattr(cast.key_with(scope), method)(path).status_code not in (401, 403)


def test_it_knows_no_output_of_another_project(cast: Cast) -> None:
    theirs = Output.objects.filter(project__slug="elsewhere").first()
    assert theirs is not None
    problem(cast.program.get(f"/outputs/{theirs.pk}/"), 404)
    assert cast.program.get("/outputs/", external_id=theirs.external_id).json()["results"] == []


def test_it_knows_no_project_but_the_keys(cast: Cast) -> None:
    problem(cast.program.get("/projects/elsewhere/policies/"), 404)
    problem(cast.program.get("/projects/nowhere/policies/"), 404)
    assert cast.program.get("/projects/shop/policies/").status_code == 200


def test_it_gives_a_program_no_queue(cast: Cast) -> None:
    route(cast.project)
    problem(cast.program.post("/projects/shop/queue/claim/"), 404)


def test_it_gives_a_person_no_intake(cast: Cast) -> None:
    problem(person(cast.owner).post("/outputs/", output_body()), 401)


def test_it_gives_a_reviewer_nothing_of_the_owners(cast: Cast) -> None:
    [output] = route(cast.project)
    robin = person(cast.reviewers[0])
    for path in ("policies", "agreement", "disputes", "reviewers", "certificates", "golden-sets", "gold-cases"):
        problem(robin.get(f"/projects/shop/{path}/"), 404)
    problem(robin.get(f"/outputs/{output.pk}/"), 401)
    assert item_of(output).public_id


def test_it_lets_an_auditor_read_and_change_nothing(cast: Cast) -> None:
    uma = person(cast.auditor)
    for path in ("policies", "agreement", "disputes", "reviewers", "certificates", "golden-sets", "gold-cases"):
        assert uma.get(f"/projects/shop/{path}/").status_code == 200
        if path in ("policies", "certificates", "golden-sets", "gold-cases"):
            problem(uma.post(f"/projects/shop/{path}/"), 404)
    problem(uma.post("/projects/shop/policies/2/activate/"), 404)
    body = problem(uma.post("/projects/shop/queue/claim/"), 403)
    assert body["code"] == "not_a_reviewer"


def test_it_wants_the_token_of_the_form_with_a_session(cast: Cast) -> None:
    """A cookie alone may not change anything: another site could make the browser send it."""
    caller = Caller()
    caller.client.force_login(cast.reviewers[0].person)
    caller.client.handler.enforce_csrf_checks = True
    problem(caller.post("/projects/shop/queue/claim/"), 403)
    caller.client.handler.enforce_csrf_checks = False
    assert caller.post("/projects/shop/queue/claim/").status_code == 204


def test_it_stores_no_secret(cast: Cast) -> None:
    person(cast.reviewers[0])
    secret = cast.key.split(".")[1]
    assert not ApiKey.objects.filter(digest__contains=secret).exists()
    assert all(len(digest) == 64 for digest in ApiKey.objects.values_list("digest", flat=True))
    assert all(len(digest) == 64 for digest in PersonToken.objects.values_list("digest", flat=True))
