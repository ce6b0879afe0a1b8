"""`manage.py create_project`: a project from nothing."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError
from django.utils import timezone

from reviewapp.core.management.database_command import DatabaseCommand
from reviewapp.core.services.people import PersonRefused
from routing.services.projects import ProjectExists, ProjectRefused, create_project

SLUG_RULE = "Choose a name of 1 to 50 lower-case letters, digits and inner hyphens that no other project has."


class Command(DatabaseCommand):
    help = (
        "Make a project with its owner, a first rubric for every kind of output and a first policy that reviews "
        "everything. Exits 1 when the name is taken or unusable. "
        "Example: manage.py create_project support-bot --owner oda@example.org"
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug", metavar="SLUG", help="short name in addresses: lower-case letters, digits, hyphens")
        parser.add_argument("--owner", required=True, metavar="EMAIL", help="who owns the review design")
        parser.add_argument("--name", default="", help="name shown to people (default: the slug)")
        parser.add_argument("--json", action="store_true", dest="as_json", help="print one JSON object")

    def handle(self, *args: Any, slug: str, owner: str, name: str, as_json: bool, **options: Any) -> None:
        try:
            project, membership = create_project(
                slug=slug, owner_email=owner, name=name, actor="command", now=timezone.now()
            )
        except ProjectExists as error:
            raise CommandError(f"{str(error).capitalize()}.") from None
        except ProjectRefused as error:
            raise CommandError(f"{error} {SLUG_RULE}") from None
        except PersonRefused as error:
            raise CommandError(f"{error}.") from None
        email = membership.person.email
        if as_json:
            self.stdout.write(json.dumps({"slug": project.slug, "name": project.name, "owner": email}))
            return
        self.stdout.write(f"Made the project {project.slug!r}, owned by {email}. Everything is reviewed for now. Next:")
        self.stdout.write(f"  manage.py create_person {email} --project {project.slug} --role owner --password …")
        self.stdout.write(f"  manage.py create_api_key --project {project.slug} --scopes route,read")
