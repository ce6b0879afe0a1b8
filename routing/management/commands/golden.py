"""`manage.py golden`: golden sets from a shell."""

import hashlib
import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from labeling.models import GoldenSet
from labeling.services.golden import FreezeRefused, intact, jsonl
from reviewapp.core.models import Project
from routing.services.golden import freeze_from_verdicts


class Command(BaseCommand):
    help = (
        "Freeze, export and verify golden sets. Examples: manage.py golden freeze --project shop --size 200; "
        "manage.py golden export shop-2026-w47-v1 --out .; manage.py golden verify shop-2026-w47-v1 "
        "(exits 1 when a frozen set or the file given with --file was altered)"
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        freeze = actions.add_parser("freeze", help="freeze judged outputs as the next version of this ISO week")
        freeze.add_argument("--project", required=True)
        freeze.add_argument("--size", type=int, help="number of cases (default: every judged output)")
        freeze.add_argument("--seed", help="the draw's seed (default: the project's name)")
        freeze.add_argument("--json", action="store_true", dest="as_json")
        export = actions.add_parser("export", help="write the set's JSONL file")
        export.add_argument("name")
        export.add_argument("--out", default=".", help="folder to write to (default: here)")
        verify = actions.add_parser("verify", help="recompute the digest of a set, or of an exported file")
        verify.add_argument("name")
        verify.add_argument("--file", help="check this exported file against the frozen digest")

    def handle(self, *args: Any, action: str, **options: Any) -> None:
        getattr(self, f"_{action}")(**options)

    def _freeze(self, *, project: str, size: int | None, seed: str | None, as_json: bool, **options: Any) -> None:
        row = Project.objects.filter(slug=project).first()
        if row is None:
            raise CommandError(f"There is no project {project!r}.")
        if size is not None and size < 1:
            raise CommandError("--size must be at least 1.")
        try:
            golden_set = freeze_from_verdicts(project=row, actor="command", now=timezone.now(), size=size, seed=seed)
        except FreezeRefused as error:
            raise CommandError(str(error)) from None
        facts = {"name": golden_set.name, "cases": golden_set.case_count, "sha256": golden_set.sha256}
        plain = f"{golden_set.name}: {golden_set.case_count} cases, sha256 {golden_set.sha256}"
        self.stdout.write(json.dumps(facts) if as_json else plain)

    def _export(self, *, name: str, out: str, **options: Any) -> None:
        golden_set = _named(name)
        path = Path(out) / f"{golden_set.name}.jsonl"
        try:
            with path.open("w", encoding="utf-8", newline="") as file:
                file.writelines(jsonl(golden_set))
        except OSError as error:
            raise CommandError(f"{path} cannot be written: {error.strerror}.") from None
        self.stdout.write(str(path))

    def _verify(self, *, name: str, file: str | None, **options: Any) -> None:
        golden_set = _named(name)
        good = intact(golden_set) if file is None else _digest(file) == golden_set.sha256
        if not good:
            raise CommandError(f"{file or name} is not what was frozen (sha256 {golden_set.sha256}).")
        self.stdout.write(f"{file or name}: intact, sha256 {golden_set.sha256}")


def _digest(file: str) -> str:
    """SHA-256 of the file as it lies there, byte for byte."""
    try:
        with Path(file).open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise CommandError(f"{file} cannot be read: {error.strerror}.") from None


def _named(name: str) -> GoldenSet:
    golden_set = GoldenSet.objects.filter(name=name).first()
    if golden_set is None:
        raise CommandError(f"There is no golden set {name!r}.")
    return golden_set
