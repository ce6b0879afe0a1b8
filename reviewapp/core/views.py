"""Health, and the way in."""

from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse


def healthz(request: HttpRequest) -> JsonResponse:
    """The process answers."""
    return JsonResponse({"status": "ok"})


def readyz(request: HttpRequest) -> JsonResponse:
    """The database answers and has every migration."""
    try:
        executor = MigrationExecutor(connection)
        pending = len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
    except Exception as error:  # whatever is wrong with the database, the answer is: not ready
        return JsonResponse({"status": "unavailable", "database": type(error).__name__}, status=503)
    ready = pending == 0
    return JsonResponse({"status": "ok" if ready else "unavailable", "pending_migrations": pending}, status=200 if ready else 503)
