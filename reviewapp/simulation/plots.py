"""Plots as inline SVG, drawn by hand: no script, no font, nothing from elsewhere."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

INK, MUTED, GRID = "#22272e", "#667080", "#dfe3e8"
TRUTH, OBSERVED, CORRECTED = "#22272e", "#2f6fb5", "#c2701c"
WIDTH = 720
ROW = 26
LEFT = 150
RIGHT = 20


@dataclass(frozen=True, slots=True)
class Whisker:
    """A point with its interval, on one line of a plot; values in the unit of the axis."""

    value: float
    low: float
    high: float
    colour: str


@dataclass(frozen=True, slots=True)
class Line:
    """One named line: whiskers, and the truth as a diamond where it is known."""

    name: str
    whiskers: tuple[Whisker, ...]
    truth: float | None


def whisker_plot(lines: Sequence[Line], *, title: str, unit: str) -> str:
    """Intervals beside the truth, one line per name. Values in percent."""
    tops = [w.high for line in lines for w in line.whiskers] + [line.truth or 0.0 for line in lines]
    top = _round_up(max(tops, default=1.0))
    height = 30 + ROW * len(lines) + 40
    parts = _axis(top, height, unit)
    for index, line in enumerate(lines):
        y = 30 + ROW * index + ROW / 2
        parts.append(_text(LEFT - 8, y + 4, line.name, anchor="end"))
        offset = -4.0 if len(line.whiskers) > 1 else 0.0
        for whisker in line.whiskers:
            parts.append(_whisker(whisker, y + offset, top))
            offset += 8.0
        if line.truth is not None:
            parts.append(_diamond(_x(line.truth, top), y))
    return _svg(parts, height, title)


def reliability_plot(points: Sequence[Whisker], *, title: str, predicted: Sequence[float]) -> str:
    """Observed against predicted risk in percent; the diagonal is perfect calibration."""
    side, margin = 340.0, 50.0
    top = _round_up(max([*(point.high for point in points), *predicted, 1.0]))

    def at(value: float) -> float:
        return side * min(value, top) / top

    parts = [_line(margin, margin + side, margin + side, margin, GRID, 2)]
    for tick in _ticks(top):
        parts.append(_line(margin, margin + side - at(tick), margin + side, margin + side - at(tick), GRID))
        parts.append(_text(margin - 6, margin + side - at(tick) + 4, f"{tick:g}", anchor="end", colour=MUTED))
        parts.append(_text(margin + at(tick), margin + side + 16, f"{tick:g}", anchor="middle", colour=MUTED))
    for point, risk in zip(points, predicted, strict=True):
        x = margin + at(risk)
        low, high = margin + side - at(point.low), margin + side - at(point.high)
        parts.append(_line(x, low, x, high, OBSERVED, 2))
        parts.append(f'<circle cx="{x:.1f}" cy="{margin + side - at(point.value):.1f}" r="4" fill="{OBSERVED}"/>')
    parts.append(_text(margin + side / 2, margin + side + 36, "predicted risk, %", anchor="middle", colour=MUTED))
    parts.append(_text(margin, margin - 14, "true error rate, %", colour=MUTED))
    return _svg(parts, margin * 2 + side, title, width=margin * 2 + side)


def bar_plot(bars: Sequence[tuple[str, float, str]], *, title: str, unit: str) -> str:
    """Horizontal bars: name, value and the words at its end."""
    top = _round_up(max((value for _name, value, _words in bars), default=1.0) * 1.15)
    height = 30 + ROW * len(bars) + 40
    parts = _axis(top, height, unit)
    for index, (name, value, words) in enumerate(bars):
        y = 30 + ROW * index
        parts.append(_text(LEFT - 8, y + 17, name, anchor="end"))
        colour = OBSERVED if index == 0 else MUTED
        length = _x(value, top) - LEFT
        parts.append(f'<rect x="{LEFT}" y="{y + 4}" width="{length:.1f}" height="18" fill="{colour}"/>')
        parts.append(_text(_x(value, top) + 6, y + 17, words))
    return _svg(parts, height, title)


def _axis(top: float, height: float, unit: str) -> list[str]:
    parts = []
    for tick in _ticks(top):
        parts.append(_line(_x(tick, top), 24, _x(tick, top), height - 36, GRID))
        parts.append(_text(_x(tick, top), height - 20, f"{tick:g}", anchor="middle", colour=MUTED))
    parts.append(_text(WIDTH - RIGHT, height - 4, unit, anchor="end", colour=MUTED))
    return parts


def _x(value: float, top: float) -> float:
    return LEFT + (WIDTH - LEFT - RIGHT) * min(value, top) / top


def _whisker(whisker: Whisker, y: float, top: float) -> str:
    low, high, middle = (_x(value, top) for value in (whisker.low, whisker.high, whisker.value))
    circle = f'<circle cx="{middle:.1f}" cy="{y:.1f}" r="4" fill="{whisker.colour}"/>'
    return _line(low, y, high, y, whisker.colour, 3) + circle


def _diamond(x: float, y: float) -> str:
    return f'<path d="M{x:.1f} {y - 8:.1f} l6 8 l-6 8 l-6 -8 z" fill="{TRUTH}"/>'


def _line(x1: float, y1: float, x2: float, y2: float, colour: str, width: float = 1.0) -> str:
    ends = f'x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"'
    return f'<line {ends} stroke="{colour}" stroke-width="{width:g}"/>'


def _text(x: float, y: float, words: str, *, anchor: str = "start", colour: str = INK) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}">{escape(words)}</text>'


def _svg(parts: Sequence[str], height: float, title: str, width: float = WIDTH) -> str:
    size = f'viewBox="0 0 {width:g} {height:g}" width="{width:g}" height="{height:g}"'
    return f'<svg {size} role="img"><title>{escape(title)}</title>{"".join(parts)}</svg>'


def _round_up(value: float) -> float:
    """The next of 1, 2, 2.5, 5 times a power of ten."""
    if value <= 0.0:
        return 1.0
    power = 10.0 ** (len(str(int(value))) - 1) if value >= 1.0 else 0.1
    return next(step * power for step in (1.0, 2.0, 2.5, 5.0, 10.0, 100.0) if step * power >= value)


def _ticks(top: float) -> list[float]:
    return [top * step / 5.0 for step in range(6)]
