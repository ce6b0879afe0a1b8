"""`manage.py rubric`: rubrics to and from files."""

import json
import sys
from argparse import ArgumentParser
from io import BytesIO
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError
from django.utils import timezone

from labeling.models import Rubric
from labeling.serializers.rubrics import rubric_fields
from labeling.services.rubrics import RubricRefused, draft_rubric, publish_rubric, rubric_document
from reviewapp.core.management.database_command import DatabaseCommand
from reviewapp.core.parsers import StrictJSONParser, unstorable
from reviewapp.core.problems import Problem


class Command(DatabaseCommand):
    help = (
        "Export and import rubrics as JSON. Examples: manage.py rubric export acceptability --project shop > r.json; "
        "manage.py rubric import r.json --project shop --publish (exits 1 when the document is no usable rubric)"
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        export = actions.add_parser("export", help="write a version's document to stdout or to a file")
        export.add_argument("name")
        export.add_argument("--project", required=True)
        # Not --version, which is Django's own.
        export.add_argument("--number", type=int, help="which version (default: the newest published one)")
        export.add_argument("--out", help="file to write to (default: stdout)")
        bring = actions.add_parser("import", help="draft the next version from a document")
        bring.add_argument("file", help="the document, or - for stdin")
        bring.add_argument("--project", required=True)
        bring.add_argument("--publish", action="store_true", help="put it in force as well")
        bring.add_argument("--json", action="store_true", dest="as_json")

    def handle(self, *args: Any, action: str, **options: Any) -> None:
        if action == "export":
            self._export(**options)
        else:
            self._import(**options)

    def _export(self, *, name: str, project: str, number: int | None, out: str | None, **options: Any) -> None:
        versions = Rubric.objects.filter(project=self.project_named(project), name=name).order_by("-version")
        chosen = versions.filter(version=number) if number is not None else versions.published()
        rubric = chosen.first()
        if rubric is None:
            wanted = f"version {number}" if number is not None else "published version"
            raise CommandError(f"There is no {wanted} of {name!r} in {project}.")
        text = json.dumps(rubric_document(rubric), indent=2, ensure_ascii=False)
        if out is None:
            self.stdout.write(text)
            return
        try:
            Path(out).write_text(f"{text}\n", encoding="utf-8")
        except OSError as error:
            raise CommandError(f"{out} cannot be written: {error.strerror}.") from None
        self.stdout.write(out)

    def _import(self, *, file: str, project: str, publish: bool, as_json: bool, **options: Any) -> None:
        row = self.project_named(project)
        try:
            fields = rubric_fields(_read(file))
            rubric = draft_rubric(project=row, actor="command", **fields)
            if publish:
                publish_rubric(rubric=rubric, actor="command", now=timezone.now())
        except RubricRefused as refused:
            raise CommandError(f"{file}: {refused.pointer or '/'}: {refused}") from None
        facts = {"name": rubric.name, "version": rubric.version, "published": publish}
        self.stdout.write(json.dumps(facts) if as_json else f"{rubric}: {'in force' if publish else 'drafted'}")


def _read(file: str) -> Any:
    """The parsed document. Raises CommandError."""
    try:
        raw = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
        document = StrictJSONParser().parse(BytesIO(raw))
    except OSError as error:
        raise CommandError(f"{file} cannot be read: {error.strerror}.") from None
    except Problem as problem:
        raise CommandError(f"{file}: {problem.detail}") from None
    if fault := unstorable(document):
        raise CommandError(f"{file}: {fault['pointer']}: {fault['detail']}")
    return document
