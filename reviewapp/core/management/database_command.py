"""What commands that read and write the database have in common."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError, ProgrammingError

from reviewapp.core.models import Project


class DatabaseCommand(BaseCommand):
    """Says what to do, instead of showing a traceback, where there is no database or it lacks its tables."""

    # For what cannot even begin: an unknown project, a database that is not there.
    unusable_code = 1

    def execute(self, *args: Any, **options: Any) -> str | None:
        try:
            return super().execute(*args, **options)
        except (OperationalError, ProgrammingError) as error:
            raise CommandError(
                f"The database cannot be used ({str(error).strip()}). Check DATABASE_URL, and run: manage.py migrate",
                returncode=self.unusable_code,
            ) from error

    def project_named(self, slug: str) -> Project:
        """Raises CommandError where there is none."""
        project = Project.objects.filter(slug=slug).first()
        if project is None:
            raise CommandError(
                f"There is no project {slug!r}. Make it with: manage.py create_project {slug} --owner EMAIL",
                returncode=self.unusable_code,
            )
        return project
