"""`manage.py create_person`: a person, their place in a project, and a token for their scripts."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError
from django.db import transaction

from reviewapp.core.management.database_command import DatabaseCommand
from reviewapp.core.models import Role
from reviewapp.core.services.keys import create_person_token
from reviewapp.core.services.people import PersonRefused, add_member


class Command(DatabaseCommand):
    help = (
        "Give a person a role in a project, making the person if need be, and print a new token for their own "
        "scripts, alone on stdout; it cannot be shown again. With --password they can sign in as well. Repeating it "
        "with another role replaces the role. Exits 1 when the project or the address is not one. "
        "Example: manage.py create_person robin@example.org --project support-bot --role reviewer"
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email", metavar="EMAIL")
        parser.add_argument("--project", required=True, metavar="SLUG")
        parser.add_argument("--role", required=True, choices=Role.values)
        parser.add_argument("--password", help="set this password, for signing in to the pages")
        parser.add_argument("--name", default="", help="name shown in the project, for a new person")
        parser.add_argument("--json", action="store_true", dest="as_json", help="print one JSON object")

    @transaction.atomic
    def handle(
        self,
        *args: Any,
        email: str,
        project: str,
        role: str,
        password: str | None,
        name: str,
        as_json: bool,
        **options: Any,
    ) -> None:
        if password == "":
            raise CommandError("--password is empty. Leave it out for a person who only uses a token.")
        row = self.project_named(project)
        try:
            member = add_member(project=row, email=email, role=role, actor="command", password=password, name=name)
        except PersonRefused as error:
            raise CommandError(f"{error}.") from None
        token = create_person_token(person=member.person, actor="command")
        if as_json:
            facts = {"email": member.person.email, "project": row.slug, "role": role, "rater": member.rater_code}
            token = json.dumps(facts | {"token": token})
        self.stdout.write(token)
