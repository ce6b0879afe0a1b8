"""RFC 9457 problem details: the one shape of every error of the API."""

from collections.abc import Iterator
from datetime import datetime
from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied as DjangoPermissionDenied
from django.http import Http404, HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from rest_framework import exceptions
from rest_framework.response import Response

MEDIA_TYPE = "application/problem+json"


class Problem(exceptions.APIException):
    """An error with its own status, `code` and per-field `errors` ({pointer, code, detail}).

    `until` is when the same request will be taken, where that is known.
    """

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        code: str = "",
        errors: list[dict[str, str]] | None = None,
        until: datetime | None = None,
    ) -> None:
        super().__init__(detail)
        self.status_code = status
        self.problem_code = code
        self.errors = errors or []
        self.until = until


def problem_body(
    status: int,
    detail: str,
    *,
    code: str = "",
    errors: list[dict[str, str]] | None = None,
    until: datetime | None = None,
) -> dict[str, Any]:
    """The body of a problem. `code` and `until` are for programs, `detail` for people."""
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "errors": errors or [],
    }
    further = {"code": code, "until": until}
    return body | {name: value for name, value in further.items() if value}


def problem_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's exception handler. Unknown exceptions stay what they are: bugs."""
    if isinstance(error, Http404):
        error = exceptions.NotFound()
    elif isinstance(error, DjangoPermissionDenied):
        error = exceptions.PermissionDenied()
    if not isinstance(error, exceptions.APIException):
        return None
    if isinstance(error, Problem):
        body = problem_body(
            error.status_code, str(error.detail), code=error.problem_code, errors=error.errors, until=error.until
        )
    elif isinstance(error, exceptions.ValidationError):
        body = problem_body(400, "The request does not fit; see errors.", errors=list(_pointers(error.detail)))
    else:
        code = error.default_code if isinstance(error.default_code, str) else ""
        body = problem_body(error.status_code, str(error.detail), code=code)
    response = Response(body, status=error.status_code, content_type=MEDIA_TYPE)
    if header := getattr(error, "auth_header", None):
        response["WWW-Authenticate"] = header
    if (wait := getattr(error, "wait", None)) is not None:
        response["Retry-After"] = str(int(wait))
    return response


def _pointers(detail: Any, path: str = "") -> Iterator[dict[str, str]]:
    """DRF's nested error details as JSON pointers (RFC 6901)."""
    if isinstance(detail, dict):
        for key, inner in detail.items():
            step = "" if key == "non_field_errors" else f"/{pointer_token(key)}"
            yield from _pointers(inner, path + step)
    elif isinstance(detail, list):
        for inner in detail:
            yield from _pointers(inner, path)
    else:
        yield {"pointer": path, "code": getattr(detail, "code", "invalid"), "detail": str(detail)}


def pointer_token(key: object) -> str:
    return str(key).replace("~", "~0").replace("/", "~1")


@csrf_exempt
def not_found(request: HttpRequest, exception: Exception | None = None) -> JsonResponse:
    """For addresses below /api/ that no route knows."""
    return JsonResponse(problem_body(404, "There is nothing at this address."), status=404, content_type=MEDIA_TYPE)
