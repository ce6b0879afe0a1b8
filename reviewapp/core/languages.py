"""The language of what programs read: English, whatever the person in front of them speaks."""

from collections.abc import Callable
from datetime import UTC

from django.http import HttpRequest, HttpResponse
from django.utils import timezone, translation

Handler = Callable[[HttpRequest], HttpResponse]
LANGUAGE_OF_PROGRAMS = "en-gb"


class EnglishApiMiddleware:
    """Below /api/ everything is said in English and in UTC. Comes after whatever chooses the person's language."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path_info.startswith("/api/"):
            return self.get_response(request)
        with translation.override(LANGUAGE_OF_PROGRAMS), timezone.override(UTC):
            return self.get_response(request)
