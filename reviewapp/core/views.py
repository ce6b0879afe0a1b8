"""Health, and the way in."""

import redis
from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from reviewapp.core.navigation import places_of

BROKER_SECONDS = 2.0


def healthz(request: HttpRequest) -> JsonResponse:
    """The process answers."""
    return JsonResponse({"status": "ok"})


def readyz(request: HttpRequest) -> JsonResponse:
    """The database answers and has every migration, and the broker answers where there is one."""
    try:
        executor = MigrationExecutor(connection)
        pending = len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
    except Exception as error:  # whatever is wrong with the database, the answer is: not ready
        return JsonResponse({"status": "unavailable", "database": type(error).__name__}, status=503)
    broker = _broker_state()
    ready = pending == 0 and broker in ("ok", "embedded")
    body = {"status": "ok" if ready else "unavailable", "pending_migrations": pending, "broker": broker}
    return JsonResponse(body, status=200 if ready else 503)


def _broker_state() -> str:
    """`ok`, `embedded` where background work needs no broker, or the name of what is wrong with it."""
    if settings.EMBEDDED:
        return "embedded"
    client = redis.Redis.from_url(
        settings.CELERY_BROKER_URL, socket_connect_timeout=BROKER_SECONDS, socket_timeout=BROKER_SECONDS
    )
    try:
        client.ping()
    except redis.RedisError as error:
        return type(error).__name__
    finally:
        client.close()
    return "ok"


@login_required
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """The person's projects. Whoever has nothing but one queue to work on goes straight to it."""
    places = places_of(request.user)
    if len(places) == 1 and places[0].reviewing:
        return redirect("review", places[0].slug)
    return render(request, "home.html", {"places": places})
