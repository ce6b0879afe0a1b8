"""What every request passes through besides Django's own."""

from collections.abc import Callable

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse

from reviewapp.core.problems import MEDIA_TYPE, not_found, problem_body

Handler = Callable[[HttpRequest], HttpResponse]


class BodyLimitMiddleware:
    """Answers 413 by the announced length, before a byte of an oversized body is read."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        length = request.headers.get("Content-Length", "")
        if length.isdecimal() and int(length) > settings.MAX_BODY_BYTES:
            body = problem_body(413, f"A body may be {settings.MAX_BODY_BYTES} bytes long.", code="too_large")
            return JsonResponse(body, status=413, content_type=MEDIA_TYPE)
        return self.get_response(request)


class AddressMiddleware:
    """An address with a NUL in it names nothing: no database could even be asked for it."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if "\x00" not in request.path_info:
            return self.get_response(request)
        if request.path_info.startswith("/api/"):
            return not_found(request)
        raise Http404("no such page")


class NoStoreMiddleware:
    """Pages and answers are somebody's: no cache, shared or private, may keep them."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.setdefault("Cache-Control", "no-store")
        return response
