"""`manage.py demo`: the demo project."""

from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from reviewapp.demo.load import LOGINS, PASSWORD, SLUG, load_demo


class Command(BaseCommand):
    help = (
        "Load the demo project: a shop's support assistant with people, rubrics, gold cases, two weeks of judged "
        "outputs and a queue. Safe to repeat: what is there stays as it is. Example: manage.py demo"
    )

    def handle(self, *args: Any, **options: Any) -> None:
        loaded = load_demo(now=timezone.now(), progress=lambda step: self.stdout.write(f"  {step} …"))
        if loaded.fresh:
            self.stdout.write(f"Loaded {loaded.outputs} outputs into the project {SLUG!r}.")
        else:
            self.stdout.write(
                f"The project {SLUG!r} is there already, with {loaded.outputs} outputs; nothing was changed."
            )
        self.stdout.write(f"{loaded.waiting} outputs wait for a reviewer. Sign in with the password {PASSWORD} as:")
        for email, role, name in LOGINS:
            self.stdout.write(f"  {email:<26} {role:<12} {name}")
