"""`manage.py import_outputs`: outputs from files, as other tools export them."""

import json
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError
from django.utils import timezone
from tqdm import tqdm

from reviewapp.core.management.database_command import DatabaseCommand
from reviewapp.core.models import Project
from routing.serializers.ingest.files import ExportFile, Row, Unreadable
from routing.serializers.ingest.formats import FORMATS, detected, read_row
from routing.serializers.ingest.found import Options
from routing.serializers.ingest.taking_in import BATCH, shown, take_in

TOLD_BY = 50
SHOWN_FAULTS = 20
LISTED_FAULTS = 1000


@dataclass(slots=True)
class Tally:
    """What became of the file. `faults` lists the first LISTED_FAULTS of `refused`."""

    rows: int = 0
    created: int = 0
    known: int = 0
    refused: int = 0
    faults: list[dict[str, Any]] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)

    def refuse(self, line: int, reason: str) -> None:
        self.refused += 1
        if len(self.faults) < LISTED_FAULTS:
            self.faults.append({"line": line, "reason": shown(reason)})


class Command(DatabaseCommand):
    help = (
        "Route the outputs of a file: JSON lines of POST /outputs/ bodies, or an export of Langfuse, Phoenix or Label "
        "Studio (JSON, JSON lines or CSV; gzipped or not). Rows that cannot be used are told with their line; the "
        "others are kept. Safe to repeat: what is there already stays as it is. Exits 0 when everything is in, 1 when "
        "some rows were refused, 2 when nothing could be read. "
        "Example: manage.py import_outputs observations.csv --project shop --dry-run"
    )
    unusable_code = 2

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", metavar="FILE", type=Path)
        parser.add_argument("--project", required=True, metavar="SLUG")
        parser.add_argument(
            "--format", choices=["auto", *FORMATS], default="auto", help="default: told by the first rows"
        )
        parser.add_argument("--intent", metavar="NAME", help="the intent of rows that name none")
        parser.add_argument("--dry-run", action="store_true", help="say what would happen, and store nothing")
        parser.add_argument("--json", action="store_true", dest="as_json", help="print one JSON object")

    def handle(self, *args: Any, file: Path, project: str, as_json: bool, dry_run: bool, **options: Any) -> None:
        row = self.project_named(project)
        tally = Tally()
        try:
            name = self._read(file, row, tally, dry_run=dry_run, **options)
        except Unreadable as error:
            raise CommandError(f"{error}.", returncode=2) from None
        self._tell(tally, name, as_json=as_json, dry_run=dry_run)
        if not tally.created + tally.known:
            raise CommandError(f"{file} holds no output that could be read.", returncode=2)
        if tally.refused:
            raise CommandError(f"{tally.refused} rows were refused.", returncode=1)

    def _read(self, path: Path, project: Project, tally: Tally, *, dry_run: bool, **options: Any) -> str:
        """Route the file in batches; returns its format. Raises Unreadable where there is nothing to begin with."""
        export = ExportFile(path, most=settings.MAX_BODY_BYTES)
        try:
            rows = _until_unreadable(export, tally)
            first = list(islice(rows, TOLD_BY))
            name = options["format"]
            if name == "auto":
                name = detected(row.data for row in first)
            if name is None:
                raise Unreadable(f"{path} is no export of {', '.join(FORMATS)}: choose one with --format")
            reading = Options(intent=options["intent"], table=export.is_table)
            with tqdm(total=export.size, desc=path.name, unit="B", unit_scale=True, disable=None) as progress:
                for batch in _batches(chain(first, rows), name, reading, tally):
                    self._take(batch, project, tally, dry_run=dry_run)
                    progress.update(export.position - progress.n)
        finally:
            export.close()
        return str(name)

    def _take(self, batch: list[tuple[int, dict[str, Any]]], project: Project, tally: Tally, *, dry_run: bool) -> None:
        bodies = [body for _line, body in batch]
        taken = take_in(project=project, bodies=bodies, now=timezone.now(), dry_run=dry_run)
        for (line, _body), entry in zip(batch, taken, strict=True):
            match entry.outcome:
                case "created":
                    tally.created += 1
                case "known":
                    tally.known += 1
                case "refused":
                    tally.refuse(line, entry.reason)

    def _tell(self, tally: Tally, name: str, *, as_json: bool, dry_run: bool) -> None:
        tally.faults.sort(key=lambda fault: fault["line"])
        for fault in tally.faults[:SHOWN_FAULTS]:
            self.stderr.write(f"line {fault['line']}: {fault['reason']}")
        if tally.refused > SHOWN_FAULTS:
            self.stderr.write(f"… and {tally.refused - SHOWN_FAULTS:,} more")
        if as_json:
            facts = {"format": name, "dry_run": dry_run, "rows": tally.rows, "created": tally.created}
            facts |= {"known": tally.known, "refused": tally.refused, "faults": tally.faults}
            self.stdout.write(json.dumps(facts | {"left_out": dict(tally.left_out)}))
            return
        verb = "would be routed" if dry_run else "routed"
        self.stdout.write(
            f"{name}, {tally.rows:,} rows: {tally.created:,} outputs {verb}, {tally.known:,} there already, "
            f"{tally.refused:,} refused."
        )
        for what, count in tally.left_out.most_common(SHOWN_FAULTS):
            self.stdout.write(f"Left out: {count:,} {what}.")


def _until_unreadable(export: ExportFile, tally: Tally) -> Iterator[Row]:
    """The rows of the file; where the rest of it makes no sense, that is one more fault."""
    try:
        for row in export.rows():
            tally.rows += 1
            yield row
    except Unreadable as error:
        if not tally.rows:
            raise
        tally.refuse(error.line, str(error))


def _batches(
    rows: Iterator[Row], name: str, options: Options, tally: Tally
) -> Iterator[list[tuple[int, dict[str, Any]]]]:
    """Bodies with the lines they stand on, BATCH at a time; faults and what is left out go to the tally."""
    batch: list[tuple[int, dict[str, Any]]] = []
    for row in rows:
        if row.fault:
            tally.refuse(row.line, row.fault)
            continue
        for found in read_row(name, row.data, options):
            tally.left_out.update(shown(what) for what in found.left_out)
            if found.fault:
                tally.refuse(row.line, found.fault)
            elif found.body is not None:
                batch.append((row.line, found.body))
            if len(batch) == BATCH:
                yield batch
                batch = []
    yield batch
