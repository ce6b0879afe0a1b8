"""`manage.py create_api_key`: a program's key to one project."""

import json
from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import CommandError
from django.utils import timezone

from reviewapp.core.management.database_command import DatabaseCommand
from reviewapp.core.models import Scope
from reviewapp.core.services.keys import UnknownScope, create_api_key


class Command(DatabaseCommand):
    help = (
        "Make an API key for a project and print it, alone on stdout; it cannot be shown again. "
        f"Scopes are {', '.join(Scope.values)}. Exits 1 when the project or a scope is not one. "
        "Example: manage.py create_api_key --project support-bot --scopes route,read"
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--project", required=True, metavar="SLUG")
        parser.add_argument("--scopes", required=True, metavar="SCOPE,…", help="comma-separated scopes")
        parser.add_argument("--name", default="", help="what the key is for")
        parser.add_argument("--days", type=int, help="days until it expires (default: never)")
        parser.add_argument("--json", action="store_true", dest="as_json", help="print one JSON object")

    def handle(
        self, *args: Any, project: str, scopes: str, name: str, days: int | None, as_json: bool, **options: Any
    ) -> None:
        row = self.project_named(project)
        if days is not None and not 1 <= days <= 36_500:
            raise CommandError("--days is between 1 and 36500.")
        expires_at = None if days is None else timezone.now() + timedelta(days=days)
        wanted = [scope for word in scopes.split(",") if (scope := word.strip())]
        try:
            key, secret = create_api_key(project=row, scopes=wanted, actor="command", name=name, expires_at=expires_at)
        except UnknownScope as error:
            raise CommandError(f"{error}.") from None
        if as_json:
            facts = {"project": row.slug, "name": key.name, "scopes": key.scopes, "prefix": key.prefix}
            facts["expires_at"] = expires_at.isoformat() if expires_at else None
            secret = json.dumps(facts | {"key": secret})
        self.stdout.write(secret)
