"""What every error of the API looks like (RFC 9457)."""

from typing import Any

from django.http import HttpResponse


def problem(response: HttpResponse, status: int) -> dict[str, Any]:
    """The body of a problem with this status, checked for its shape."""
    assert response.status_code == status, response.content[:2000]
    assert response["Content-Type"] == "application/problem+json"
    body: dict[str, Any] = response.json()
    check_shape(body, status)
    return body


def check_shape(body: dict[str, Any], status: int) -> None:
    assert {"type", "title", "status", "detail", "errors"} <= body.keys()
    assert body["status"] == status
    assert body["title"]
    assert body["detail"]
    for error in body["errors"]:
        assert error.keys() == {"pointer", "code", "detail"}
        assert error["pointer"] == "" or error["pointer"].startswith("/")
        assert error["code"]
        assert error["detail"]


def pointers(body: dict[str, Any]) -> list[str]:
    return [error["pointer"] for error in body["errors"]]
