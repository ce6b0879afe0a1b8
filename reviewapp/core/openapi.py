"""The parts of the OpenAPI document that the framework cannot know."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema


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
    """Names every operation after its method and path, so that no two collide and none changes by accident."""

    def get_operation_id(self) -> str:
        path = self.path.removeprefix("/api/v1/").strip("/")
        words = path.replace("{", "by_").replace("}", "").replace("-", "_").replace("/", "_")
        return f"{self.method.lower()}_{words}"


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
