"""Export files as rows, one at a time: JSON lines, a JSON array (or one object), CSV; plain or gzipped.

A file is never held in memory as a whole, except a JSON document that is one object.
"""

import csv
import gzip
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, TextIO

GZIP_MAGIC = b"\x1f\x8b"
CHUNK = 1 << 18
BOM = "\ufeff"


@dataclass(frozen=True, slots=True)
class Row:
    """One object of the file with the line on which it starts, or the fault of what stands there instead."""

    line: int
    data: dict[str, Any]
    fault: str = ""


class Unreadable(Exception):
    """The file, or the rest of it from `line` on, cannot be read at all; the text says why."""

    def __init__(self, reason: str, line: int = 1) -> None:
        super().__init__(reason)
        self.line = line


class ExportFile:
    """An open export. `position` of `size` bytes are read, packed ones where the file is packed.

    `is_table` once the first row is read: then all values are texts.
    """

    def __init__(self, path: Path, *, most: int) -> None:
        """`most` characters at most for one row. Raises Unreadable."""
        try:
            self.raw: BinaryIO = path.open("rb")
            self.size = path.stat().st_size
        except OSError as error:
            raise Unreadable(f"{path} cannot be read: {error.strerror}") from None
        self.most = most
        self.is_table = False
        packed = self.raw.read(2) == GZIP_MAGIC
        self.raw.seek(0)
        stream: Any = gzip.GzipFile(fileobj=self.raw) if packed else self.raw
        # What is no UTF-8 becomes lone surrogates, which the validation of outputs refuses row by row.
        self.text: TextIO = io.TextIOWrapper(stream, encoding="utf-8", errors="surrogateescape", newline="")

    @property
    def position(self) -> int:
        return self.raw.tell()

    def close(self) -> None:
        self.text.close()
        # A gzip stream leaves the file below it open.
        self.raw.close()

    def rows(self) -> Iterator[Row]:
        """Raises Unreadable in the middle where the rest makes no sense."""
        try:
            start = self._peek()
            match start[:1]:
                case "":
                    return
                case "[":
                    yield from _array(self.text, self.most)
                case "{":
                    yield from _lines_or_object(self.text, self.most)
                case _:
                    self.is_table = True
                    yield from _table(self.text, self.most)
        except (OSError, EOFError) as error:
            raise Unreadable(f"the file is damaged: {error}") from None

    def _peek(self) -> str:
        """The first characters that are no white space, with the stream put back to before them."""
        start = self.text.read(CHUNK)
        self.text.seek(0)
        return start.removeprefix(BOM).lstrip()[:1]


def _lines_or_object(text: TextIO, most: int) -> Iterator[Row]:
    """JSON lines, unless the first line alone is no JSON while the whole is: then it is one object over many lines."""
    first = text.readline(most + 1)
    if _loaded(first.removeprefix(BOM)) is None and len(first) <= most:
        rest = text.read(most)
        whole = _loaded((first + rest).removeprefix(BOM))
        if isinstance(whole, dict):
            yield Row(1, whole)
            return
    text.seek(0)
    yield from _lines(text, most)


def _lines(text: TextIO, most: int) -> Iterator[Row]:
    number = 0
    while line := text.readline(most + 1):
        number += 1
        if len(line) > most:
            while line and not line.endswith("\n"):
                line = text.readline(CHUNK)
            yield Row(number, {}, f"the line is longer than {most} characters")
        elif line.removeprefix(BOM).strip():
            yield _row(number, _loaded(line.removeprefix(BOM)))


def _array(text: TextIO, most: int) -> Iterator[Row]:
    """The elements of one array, decoded as they come."""
    decoder = json.JSONDecoder(parse_constant=_refuse)
    window = text.read(CHUNK).removeprefix(BOM)
    line, at, ended = 1, 0, False
    line, at = _skipped(window, at, line)
    at += 1  # the opening bracket
    while True:
        line, at = _skipped(window, at, line, also=",")
        if at < len(window) and window[at] == "]":
            return
        try:
            if at == len(window):
                raise ValueError("there is no closing bracket")
            value, end = decoder.raw_decode(window, at)
            if end == len(window) and not ended:
                raise ValueError("a number may go on")
        except (ValueError, RecursionError) as error:
            more = "" if ended or len(window) - at > most else text.read(max(CHUNK, len(window) - at))
            if not more:
                raise Unreadable(f"the file is no JSON from here on: {error}", line) from None
            window, at, ended = window[at:] + more, 0, False
            continue
        yield _row(line, value)
        line += window.count("\n", at, end)
        at = end


def _skipped(window: str, at: int, line: int, also: str = "") -> tuple[int, int]:
    while at < len(window) and (window[at].isspace() or window[at] in also):
        line += window[at] == "\n"
        at += 1
    return line, at


def _table(text: TextIO, most: int) -> Iterator[Row]:
    """CSV with a header; a line break inside quotes belongs to its cell."""
    csv.field_size_limit(most)
    reader = csv.reader(text, strict=True)
    try:
        header = [name.removeprefix(BOM).strip() for name in next(reader)]
    except (csv.Error, StopIteration) as error:
        raise Unreadable(f"the header of the table cannot be read: {error}") from None
    line = reader.line_num + 1
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield Row(line, {}, f"not CSV: {error}")
        else:
            if cells and len(cells) != len(header):
                yield Row(line, {}, f"{len(cells)} cells, but the header has {len(header)}")
            elif cells:
                yield Row(line, {name: cell for name, cell in zip(header, cells, strict=True) if cell != ""})
        line = reader.line_num + 1


def _row(line: int, value: Any) -> Row:
    if isinstance(value, dict):
        return Row(line, value)
    return Row(line, {}, "not JSON" if value is None else "not a JSON object")


def _loaded(text: str) -> Any:
    """The value of a JSON text; None where it is none."""
    try:
        return json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return None


def _refuse(name: str) -> float:
    raise ValueError(f"{name} is not a JSON number")
