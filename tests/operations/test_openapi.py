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
