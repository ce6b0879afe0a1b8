"""`manage.py verify_ledger`: every output, seat and rating accounted for."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from reviewapp.core.management.database_command import DatabaseCommand
from routing.ledger import CHECKS, Finding, examine

SHOWN_ROWS = 20


class Command(DatabaseCommand):
    help = (
        "Recount decisions, review items, seats, ratings and verdicts over the whole database, and look for what "
        "would let them go wrong: missing constraints and triggers, altered golden sets. Exits 0 when everything "
        f"adds up, 1 when any row is at fault (up to {SHOWN_ROWS} per check are listed), 2 when it could not look. "
        "Example: manage.py verify_ledger --project shop --json"
    )
    unusable_code = 2

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--project", metavar="SLUG", help="only this project's rows (default: everything)")
        parser.add_argument("--json", action="store_true", dest="as_json", help="one JSON object instead of lines")

    def handle(self, *args: Any, project: str | None, as_json: bool, **options: Any) -> None:
        row = self.project_named(project) if project else None
        findings = []
        for check in CHECKS:
            finding = examine(check, row, most=SHOWN_ROWS)
            findings.append(finding)
            if not as_json:
                self._tell(finding)
        faulty = [finding for finding in findings if not finding.clean]
        if as_json:
            self.stdout.write(json.dumps({"clean": not faulty, "checks": [_as_json(each) for each in findings]}))
        if faulty:
            rows = sum(finding.count for finding in faulty)
            raise CommandError(f"{len(faulty)} of {len(findings)} checks failed, with {rows} rows at fault.")
        if not as_json:
            self.stdout.write(f"The ledger is clean: {len(findings)} checks.")

    def _tell(self, finding: Finding) -> None:
        """One line per check, and the rows below it."""
        self.stdout.write(f"{'ok  ' if finding.clean else 'FAIL'}  {finding.check.name:<34} {finding.count:>9,}")
        if finding.clean:
            return
        self.stdout.write(f"      must hold: {finding.check.meaning}")
        for row in finding.rows:
            self.stdout.write("      " + "  ".join(f"{name}={value}" for name, value in row.items()))
        if finding.count > len(finding.rows):
            self.stdout.write(f"      … and {finding.count - len(finding.rows):,} more")


def _as_json(finding: Finding) -> dict[str, Any]:
    return {
        "check": finding.check.name,
        "promise": finding.check.promise,
        "meaning": finding.check.meaning,
        "count": finding.count,
        "rows": [{name: _plain(value) for name, value in row.items()} for row in finding.rows],
    }


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, bool | int | float) else str(value)
