"""`manage.py invite`: a link that makes a person a member of a project."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError
from django.urls import reverse
from django.utils import timezone

from reviewapp.core.management.database_command import DatabaseCommand
from reviewapp.core.models import Role
from reviewapp.core.services.invitations import InvitationRefused, invite


class Command(DatabaseCommand):
    help = (
        "Invite a person to a project and print the link, alone on stdout; it cannot be shown again, works once, and "
        "ends after two weeks. Inviting the same address again ends the earlier link. No mail is sent. Exits 1 when "
        "the project or the address is not one, or the person is a member already. "
        "Example: manage.py invite robin@example.org --project support-bot --role reviewer"
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email", metavar="EMAIL")
        parser.add_argument("--project", required=True, metavar="SLUG")
        parser.add_argument("--role", required=True, choices=Role.values)
        parser.add_argument(
            "--site",
            default="http://127.0.0.1:8000",
            metavar="URL",
            help="where people reach this installation (default: %(default)s)",
        )
        parser.add_argument("--json", action="store_true", dest="as_json", help="print one JSON object")

    def handle(self, *args: Any, email: str, project: str, role: str, site: str, as_json: bool, **options: Any) -> None:
        row = self.project_named(project)
        try:
            invited = invite(project=row, email=email, role=role, actor="command", now=timezone.now())
        except InvitationRefused as error:
            raise CommandError(f"{error}.") from None
        link = site.rstrip("/") + reverse("invitation", args=[invited.token])
        if as_json:
            facts = {"email": invited.invitation.email, "project": row.slug, "role": role}
            facts["expires_at"] = invited.invitation.expires_at.isoformat()
            link = json.dumps(facts | {"link": link})
        self.stdout.write(link)
