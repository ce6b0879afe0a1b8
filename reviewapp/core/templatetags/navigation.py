"""`{% navigation %}`: the bar at the top of every page."""

from typing import Any

from django import template
from django.template.context import RequestContext

from reviewapp.core.navigation import places_of

register = template.Library()


@register.inclusion_tag("navigation.html", takes_context=True)
def navigation(context: RequestContext) -> dict[str, Any]:
    """The person's projects, the pages of the current one, and the way out.

    The current project is the context's `current_slug`, else the `slug` of the address.
    """
    request = context.get("request")
    person = getattr(request, "user", None)
    if request is None or person is None or not person.is_authenticated:
        return {"person": None}
    match = request.resolver_match
    slug = context.get("current_slug") or (match.kwargs.get("slug") if match else None)
    places = places_of(person)
    current = next((place for place in places if place.slug == slug), None)
    return {
        "person": person,
        "places": places,
        "current": current,
        "path": request.path,
        "csrf_token": context.get("csrf_token"),
    }
