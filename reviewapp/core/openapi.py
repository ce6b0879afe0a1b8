"""The parts of the OpenAPI document that the framework cannot know.

Every operation documents every status that it can answer. Which refusals are possible follows from
who may call it, its path and its body, so they are added here and not at each view; a view names
what its own work can refuse (409, 413 and the like).
"""

import re
from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ResolvedComponent, is_serializer
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse
from rest_framework import serializers

from reviewapp.core.problems import MEDIA_TYPE
from reviewapp.core.schemas import JSON_SCHEMA, PROBLEM_SCHEMA, SOME_TEXT, storable
from reviewapp.core.serializers import StrictSerializer

CONVERTERS = re.compile(r"<(?:(\w+):)?(\w+)>")
MAX_INTEGER_IN_A_PATH = 2**31 - 1
# What Django's path converters let through, as the document says it.
CONVERTED: dict[str, dict[str, Any]] = {
    "slug": {"type": "string", "pattern": "^[-a-zA-Z0-9_]+$", "maxLength": 50},
    "int": {"type": "integer", "minimum": 0, "maximum": MAX_INTEGER_IN_A_PATH},
    "uuid": {"type": "string", "format": "uuid"},
    "str": {"type": "string", "minLength": 1, "pattern": r"^[^/\u0000]+$"},
}
KEYS, PEOPLE = ("apiKey",), ("personToken", "session")
EVERYBODY = KEYS + PEOPLE
REFUSALS = {
    "400": "The request does not fit; `errors` says where.",
    "401": "No valid key, token or session, or not one that this address takes.",
    "403": "The key lacks the scope, or the session's CSRF token is missing.",
    "404": "There is nothing of that name among what is yours.",
    "406": "The answer has no media type that the request accepts.",
    "413": "The body is larger than this installation takes.",
    "415": "The body is not of a documented media type.",
}


class ApiKeyScheme(OpenApiAuthenticationExtension):
    target_class = "reviewapp.core.authentication.ApiKeyAuthentication"
    name = "apiKey"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return _header("Api-Key <key>: a program's key to one project")


class PersonTokenScheme(OpenApiAuthenticationExtension):
    target_class = "reviewapp.core.authentication.PersonTokenAuthentication"
    name = "personToken"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return _header("Token <token>: a person's own scripts")


class SessionScheme(OpenApiAuthenticationExtension):
    target_class = "reviewapp.core.authentication.SessionAuthentication"
    name = "session"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "apiKey", "in": "cookie", "name": "sessionid"}


def _header(description: str) -> dict[str, str]:
    return {"type": "apiKey", "in": "header", "name": "Authorization", "description": description}


class OperationSchema(AutoSchema):
    """Names operations after method and path, and adds what follows from who calls, the path and the body."""

    def get_operation_id(self) -> str:
        path = self.path.removeprefix("/api/v1/").strip("/")
        words = path.replace("{", "by_").replace("}", "").replace("-", "_").replace("/", "_")
        return f"{self.method.lower()}_{words}"

    def get_auth(self) -> list[dict[str, Any]]:
        """A key fixes the project and a person names it in the path, so a path without a project is for keys.

        A view for which this does not hold says so in `callers`.
        """
        schemes: list[dict[str, Any]] = super().get_auth()
        callers = getattr(self.view, "callers", EVERYBODY if "{slug}" in self.path else KEYS)
        return [need for need in schemes if set(need) <= set(callers)]

    # What comes in ----------------------------------------------------------------------------------

    def _resolve_path_parameters(self, variables: list[str]) -> list[dict[str, Any]]:
        """Types as the path converters have them. Values that fit and name nothing answer 404."""
        parameters: list[dict[str, Any]] = super()._resolve_path_parameters(variables)
        converters = {name: converter or "str" for converter, name in CONVERTERS.findall(self.path_regex)}
        # The document calls a primary key an id.
        converters.setdefault("id", converters.get("pk", "str"))
        for parameter in parameters:
            parameter["schema"] = dict(CONVERTED[converters[parameter["name"]]])
        return parameters

    def _map_basic_serializer(self, serializer: Any, direction: str) -> dict[str, Any]:
        """Serializers that refuse unknown fields say so."""
        schema: dict[str, Any] = super()._map_basic_serializer(serializer, direction)
        if isinstance(serializer, StrictSerializer) and schema.get("properties"):
            self._register("Json", JSON_SCHEMA)
            schema = storable(schema) | {"additionalProperties": False}
        return schema

    def _map_serializer_field(self, field: Any, direction: str, bypass_extensions: bool = False) -> Any:
        """Texts of a request: what is blank once trimmed is missing."""
        schema = super()._map_serializer_field(field, direction, bypass_extensions)
        if isinstance(field, serializers.ListField) and not field.allow_empty:
            schema["minItems"] = 1
        if isinstance(field, serializers.DecimalField) and isinstance(field.root, StrictSerializer):
            return _decimal(field, schema)
        plain = type(field) is serializers.CharField and schema and not field.allow_blank
        if plain and isinstance(field.root, StrictSerializer):
            schema["minLength"] = max(1, schema.get("minLength", 1))
            if field.trim_whitespace:
                schema["pattern"] = SOME_TEXT
        return schema

    def _get_request_for_media_type(self, serializer: Any, direction: Any = "request") -> tuple[Any, bool]:
        """A body given as a JSON Schema of its own, or as bytes, is not optional.

        The framework takes every PATCH for a partial update; here the serializer says what may be left out.
        """
        if self.method == "PATCH" and is_serializer(serializer):
            component = self.resolve_serializer(serializer, direction)
            return component.ref, bool(component.schema.get("required"))
        schema, required = super()._get_request_for_media_type(serializer, direction)
        if isinstance(serializer, dict):
            self._register("Json", JSON_SCHEMA)
            return storable(schema), True
        return schema, required or serializer is OpenApiTypes.BINARY

    # What goes out ----------------------------------------------------------------------------------

    def _get_response_bodies(self, direction: Any = "response") -> dict[str, Any]:
        """The view's own answers and every refusal that is possible here, all refusals as problems."""
        answers: dict[str, Any] = super()._get_response_bodies(direction)
        reference = self._register("Problem", PROBLEM_SCHEMA)
        for status in self._possible_refusals():
            answers.setdefault(status, {"description": REFUSALS[status]})
        # A protocol of its own may ask for refusals in its own shape as well.
        also: dict[str, Any] = {media_type: {} for media_type in getattr(self.view, "refusals_also_as", ())}
        for status, answer in answers.items():
            if status >= "400":
                answer["content"] = {MEDIA_TYPE: {"schema": reference}} | also
            elif status != "204":
                answer.setdefault("content", {"application/json": {"schema": {"type": "object"}}})
        return dict(sorted(answers.items()))

    def _possible_refusals(self) -> list[str]:
        found = ["400", "401", "403", "406"]
        if "{" in self.path:
            found.append("404")
        if self.method in ("POST", "PUT", "PATCH"):
            found += ["413", "415"]
        return found

    def _register(self, name: str, schema: dict[str, Any]) -> dict[str, Any]:
        component = ResolvedComponent(name=name, type=ResolvedComponent.SCHEMA, schema=schema, object=name)
        self.registry.register_on_missing(component)
        reference: dict[str, Any] = component.ref
        return reference


def _decimal(field: serializers.DecimalField, schema: dict[str, Any]) -> dict[str, Any]:
    """A number or a text, of no more digits than are kept."""
    # Of digits without end none could be kept.
    digits, places = int(field.max_whole_digits or 0), int(field.decimal_places or 0)
    sign = "" if field.min_value is not None and field.min_value >= 0 else "-?"
    pattern = rf"^{sign}[0-9]{{1,{digits}}}(\.[0-9]{{1,{places}}})?$"
    most = 10**digits - 1
    number = {"type": "number", "minimum": 0 if not sign else -most, "maximum": most}
    kinds = [{"type": "string", "pattern": pattern}, number, *([{"type": "null"}] if field.allow_null else [])]
    return {"anyOf": kinds} | {key: schema[key] for key in ("default", "description", "title") if key in schema}


def answer(schema: dict[str, Any], description: str) -> OpenApiResponse:
    """An answer whose body is described by a JSON Schema."""
    return OpenApiResponse(response=schema, description=description)


def page_of(row: dict[str, Any], description: str = "One page, newest first.") -> OpenApiResponse:
    """An answer of a list endpoint, with links to the pages beside it."""
    link = {"type": ["string", "null"], "format": "uri"}
    properties = {"next": link, "previous": link, "results": {"type": "array", "items": row}}
    return answer({"type": "object", "required": list(properties), "properties": properties}, description)


def inlined(schema: dict[str, Any]) -> dict[str, Any]:
    """A pydantic schema without references: they point at its own root, which is not the document's."""
    definitions = schema.get("$defs", {})

    def resolve(part: Any) -> Any:
        if isinstance(part, list):
            return [resolve(entry) for entry in part]
        if not isinstance(part, dict):
            return part
        if "$ref" in part:
            return resolve(definitions[part["$ref"].rsplit("/", 1)[-1]])
        # A discriminator's mapping is made of references too; the tags are constants of the branches anyway.
        return {key: resolve(value) for key, value in part.items() if key not in ("$defs", "discriminator")}

    resolved: dict[str, Any] = resolve(schema)
    return resolved
