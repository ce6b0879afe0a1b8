"""`manage.py test_judge`: one call of a judge, to see whether it works."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError
from django.utils import timezone

from labeling.services.rubrics import RubricRefused
from reviewapp.core.management.database_command import DatabaseCommand
from routing.models import CallOutcome, Judge
from routing.services.judge_calls import Surroundings
from routing.services.judge_trials import shown_trial, try_judge

PROMPT = "What is the capital of France?"
RESPONSE = "The capital of France is Paris."


class Command(DatabaseCommand):
    help = (
        "Ask a judge once, by the rubric in force, and print what came of it. The verdict counts for nothing; the call "
        "costs as any other. Exits 0 when it answered as it should, 1 when not, 2 when there is no such judge. "
        'Example: manage.py test_judge strict --project support-bot --response "Refunded within five days."'
    )
    unusable_code = 2

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", metavar="JUDGE", help="the judge's name")
        parser.add_argument("--project", required=True, metavar="SLUG")
        parser.add_argument("--prompt", default=PROMPT, help="what was asked (default: %(default)s)")
        parser.add_argument("--response", default=RESPONSE, help="what is judged (default: %(default)s)")
        parser.add_argument("--json", action="store_true", dest="as_json", help="print one JSON object")

    def handle(
        self, *args: Any, name: str, project: str, prompt: str, response: str, as_json: bool, **options: Any
    ) -> None:
        row = self.project_named(project)
        judge = Judge.objects.select_related("project", "current").filter(project=row, name=name).first()
        if judge is None:
            raise CommandError(f"The project {project!r} has no judge {name!r}.", returncode=2)
        around = Surroundings(clock=timezone.now)
        try:
            result = try_judge(
                judge=judge, prompt=prompt, context=[], body={"response": response}, actor="command", around=around
            )
        except RubricRefused as error:
            raise CommandError(f"{error}.", returncode=2) from None
        found = shown_trial(result)
        if as_json:
            self.stdout.write(json.dumps(found, default=str))
        else:
            self.stdout.write(f"{found['outcome']}: {found['verdict'] or found['answer'] or 'no verdict'}")
            if found["reason"]:
                self.stdout.write(found["reason"])
        if result.outcome != CallOutcome.ANSWERED:
            raise CommandError(f"The judge did not answer as it should: {found['outcome']}.")
