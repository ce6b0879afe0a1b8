"""Tables for a terminal."""

from collections.abc import Iterator, Sequence

from reviewapp.simulation.words import Table


def as_text(found: Table) -> str:
    """Title, aligned columns, notes."""
    widths = [max(len(cell) for cell in column) for column in zip(found.head, *found.rows, strict=True)]
    lines = [found.title, *_lines([found.head, *found.rows], widths)]
    lines.insert(2, "  " + "  ".join("─" * width for width in widths))
    return "\n".join([*lines, *(f"  {note}" for note in found.notes)])


def _lines(rows: Sequence[Sequence[str]], widths: Sequence[int]) -> Iterator[str]:
    for row in rows:
        # The first column is a name, the others are figures.
        cells = [cell.rjust(width) if place else cell.ljust(width) for place, (cell, width) in _placed(row, widths)]
        yield "  " + "  ".join(cells)


def _placed(row: Sequence[str], widths: Sequence[int]) -> Iterator[tuple[int, tuple[str, int]]]:
    return enumerate(zip(row, widths, strict=True))
