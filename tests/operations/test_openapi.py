"""The OpenAPI document: valid, complete, and readable without the rest of the internet."""

import json
import re
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from reviewapp.core.schemas import SOME_TEXT
from tests.people import make_cast

# Machinery: the document itself, its reader, and the answer for addresses that nobody serves.
NOT_DESCRIBED = {"schema", "docs", None}
CONVERTERS = re.compile(r"<(?:\w+:)?(\w+)>")


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    """As the server gives it out."""
    answer = Client().get("/api/v1/schema/", headers={"Accept": "application/vnd.oai.openapi+json"})
    assert answer.status_code == 200
    found: dict[str, Any] = json.loads(answer.content)
    return found


def api_routes(patterns: Any, prefix: str = "/") -> Iterator[tuple[str, URLPattern]]:
    """Path as the document writes it, and the route, for everything below /api/v1/."""
    for pattern in patterns:
        path = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from api_routes(pattern.url_patterns, path)
        elif path.startswith("/api/v1/") and pattern.name not in NOT_DESCRIBED:
            # The document calls a primary key an id.
            yield CONVERTERS.sub(r"{\1}", path).replace("{pk}", "{id}"), pattern


def test_it_is_valid_and_made_without_a_warning() -> None:
    out = StringIO()
    call_command("spectacular", validate=True, fail_on_warn=True, stdout=out)
    assert out.getvalue().startswith("openapi: 3.1.0")


def test_every_route_of_the_api_is_in_it_with_every_method(document: dict[str, Any]) -> None:
    routes = dict(api_routes(get_resolver().url_patterns))
    assert len(routes) > 40
    described = {
        path: {method for method in entry if method != "parameters"} for path, entry in document["paths"].items()
    }
    served = {}
    for path, pattern in routes.items():
        view: Any = pattern.callback.view_class  # type: ignore[attr-defined]
        served[path] = {name for name in ("get", "post", "put", "patch", "delete") if hasattr(view, name)}
    assert described == served


def test_every_operation_has_a_name_of_its_own_and_says_who_may_call_it(document: dict[str, Any]) -> None:
    operations = [entry[method] for entry in document["paths"].values() for method in entry if method != "parameters"]
    names = [operation["operationId"] for operation in operations]
    assert len(set(names)) == len(names)
    schemes = set(document["components"]["securitySchemes"])
    assert schemes == {"apiKey", "personToken", "session"}
    for operation in operations:
        assert {name for need in operation["security"] for name in need} <= schemes
        assert operation["security"]


def test_it_describes_what_may_be_sent(document: dict[str, Any]) -> None:
    body = document["paths"]["/api/v1/outputs/"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert set(body["required"]) == {"external_id", "intent", "prompt"}
    assert {"signals", "stakes", "candidates", "trajectory"} <= set(body["properties"])
    submit = document["paths"]["/api/v1/assignments/{token}/submit/"]["post"]
    assert set(submit["responses"]) >= {"200", "201"}


def test_the_browsable_documentation_loads_nothing_from_elsewhere() -> None:
    page = Client().get("/api/v1/docs/").content.decode()
    sources = re.findall(r"""(?:src|href)=["']([^"']+)""", page)
    assert sources
    assert [source for source in sources if re.match(r"(?:https?:)?//", source)] == []


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, entry in document["paths"].items():
        for method in entry:
            yield path, method, entry[method]


def test_every_operation_documents_the_refusals_that_its_address_and_body_can_meet(document: dict[str, Any]) -> None:
    for path, method, operation in operations(document):
        wanted = {"400", "401", "403", "406"}
        wanted |= {"404"} if "{" in path else set()
        wanted |= {"413", "415"} if method in ("post", "put", "patch") else set()
        assert wanted <= set(operation["responses"]), (method, path)


def test_every_refusal_is_a_problem_and_every_problem_has_one_shape(document: dict[str, Any]) -> None:
    reference = {"schema": {"$ref": "#/components/schemas/Problem"}}
    for path, method, operation in operations(document):
        for status, answer in operation["responses"].items():
            if status >= "400":
                assert answer["content"]["application/problem+json"] == reference, (method, path, status)
    problem = Client().get("/api/v1/outputs/").json()
    shape = document["components"]["schemas"]["Problem"]
    assert set(shape["required"]) <= set(problem) <= set(shape["properties"])


def test_path_parameters_say_what_the_addresses_let_through(document: dict[str, Any]) -> None:
    def parameter(path: str, name: str) -> dict[str, Any]:
        described = document["paths"][path]["get"]["parameters"]
        return next(entry["schema"] for entry in described if entry["name"] == name and entry["in"] == "path")

    version = parameter("/api/v1/projects/{slug}/policies/{version}/", "version")
    assert version == {"type": "integer", "minimum": 0, "maximum": 2**31 - 1}
    assert parameter("/api/v1/outputs/{output_id}/", "output_id") == {"type": "string", "format": "uuid"}
    assert re.search(parameter("/api/v1/projects/{slug}/policies/", "slug")["pattern"], "a/b") is None


def test_keys_call_the_root_people_their_queue_and_both_a_project(document: dict[str, Any]) -> None:
    def callers(path: str, method: str) -> set[str]:
        return {name for need in document["paths"][path][method]["security"] for name in need}

    assert callers("/api/v1/outputs/", "post") == {"apiKey"}
    assert callers("/api/v1/assignments/{token}/submit/", "post") == {"personToken", "session"}
    assert callers("/api/v1/projects/{slug}/policies/", "get") == {"apiKey", "personToken", "session"}


def test_bodies_forbid_unknown_fields_and_text_that_no_database_keeps(document: dict[str, Any]) -> None:
    freeze = document["components"]["schemas"]["FreezeIn"]
    assert freeze["additionalProperties"] is False
    seed = freeze["properties"]["seed"]["pattern"]
    assert re.search(seed, "2026")
    assert re.search(seed, "a\x00b") is None


def test_a_text_is_blank_for_the_document_when_it_is_blank_once_trimmed() -> None:
    characters = [chr(code) for code in range(1, 0x10000) if not 0xD800 <= code < 0xE000]
    assert [char for char in characters if bool(re.search(SOME_TEXT, char)) is not bool(char.strip())] == []


@pytest.mark.django_db
@pytest.mark.parametrize(("field", "value"), [("size", "5"), ("size", True), ("seed", 5)])
def test_a_body_is_not_read_as_a_query_string_would_be(field: str, value: Any) -> None:
    answer = make_cast().program.post("/golden-sets/", {field: value})
    assert answer.status_code == 400
    assert [(error["pointer"], error["code"]) for error in answer.json()["errors"]] == [(f"/{field}", "invalid_type")]


@pytest.mark.django_db
def test_a_number_in_a_query_string_is_still_a_number() -> None:
    assert make_cast().program.get("/golden-sets/", limit="5").status_code == 200


@pytest.mark.django_db
@pytest.mark.parametrize("address", ["/api/v1/%0A/nothing/", "/api/%0A", "/api/v1/projects/%0A/policies/1/"])
def test_a_line_break_in_an_address_gets_a_problem_not_a_page(address: str) -> None:
    answer = Client().get(address)
    assert answer.status_code == 404
    assert answer.headers["Content-Type"] == "application/problem+json"
