"""`manage.py drop_second_factor`: for a person who lost telephone, key and recovery codes."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from reviewapp.core.management.database_command import DatabaseCommand
from reviewapp.core.models import Person
from reviewapp.core.services.second_factor import drop_second_factor


class Command(DatabaseCommand):
    help = (
        "Take away every second factor and all recovery codes of a person who lost them: their password is enough "
        "until they set one up again. Make sure that it is them who ask. Exits 1 when nobody has the address. "
        "Example: manage.py drop_second_factor robin@example.org"
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email", metavar="EMAIL")

    def handle(self, *args: Any, email: str, **options: Any) -> None:
        person = Person.objects.filter(email=email.strip().lower()).first()
        if person is None:
            raise CommandError(f"Nobody has the address {email!r}.", returncode=self.unusable_code)
        count = drop_second_factor(person=person, actor="command")
        self.stdout.write(f"{person.email}: {count} taken away.")
