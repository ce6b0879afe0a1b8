"""A run as one JSON document and as one page without anything to load."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from reviewapp.core.fingerprints import fingerprint
from reviewapp.simulation.figures import Figures, Run
from reviewapp.simulation.plots import (
    CORRECTED,
    OBSERVED,
    Line,
    Whisker,
    bar_plot,
    reliability_plot,
    whisker_plot,
)
from reviewapp.simulation.stream import Arrival
from reviewapp.simulation.words import Table, headline, tables

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #22272e; max-width: 76rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2.2rem; }
.wide { overflow-x: auto; } table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .7rem; border-bottom: 1px solid #dfe3e8; text-align: right; white-space: nowrap; }
th:first-child, td:first-child { text-align: left; } p.note { color: #566070; max-width: 60rem; }
svg { font: 12px system-ui, sans-serif; max-width: 100%; height: auto; }
.key span { margin-right: 1.4rem; }
"""


def as_json(run: Run, figures: Figures, *, process: Mapping[str, Any]) -> dict[str, Any]:
    """All figures. What depends on the machine and the moment is in `process`, and nowhere else."""
    return {
        "plan": run.plan.as_json(),
        "pool": {
            "name": run.pool.name,
            "rows": len(run.pool.rows),
            "gold": len(run.pool.gold),
            "groups": [
                {"name": group.name, "share": group.share, "error_rate": group.error_rate} for group in run.pool.groups
            ],
        },
        "draws_sha256": draws_digest([outcome.arrival for outcome in run.outcomes]),
        "decisions_sha256": fingerprint([outcome.decided() for outcome in run.outcomes]),
        "thresholds": run.thresholds,
        "figures": figures.as_json(),
        "process": dict(process),
    }


def draws_digest(arrivals: Sequence[Arrival]) -> str:
    """SHA-256 of what arrived, when, and what was true of it."""
    return fingerprint([[arrival.body(), arrival.row.key, arrival.error] for arrival in arrivals])


def as_html(run: Run, figures: Figures, *, process: Mapping[str, Any]) -> str:
    """The page. Every word from outside is escaped."""
    plots = {
        "Undetected errors, of all outputs": _undetected_plot(figures) + _key(),
        "Errors caught per review hour": _hours_plot(figures),
        "Error rate by predicted risk": _reliability(figures),
        "Reviewers": _reviewers_plot(figures),
    }
    sections = "".join(_section(table, plots.get(table.title, "")) for table in tables(run, figures))
    summary = "".join(f"<p>{escape(line)}</p>" for line in headline(run, figures))
    told = "; ".join(f"{name}: {value}" for name, value in process.items())
    title = f"Traffic simulation, seed {run.plan.seed}"
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f"<style>{STYLE}</style></head><body><h1>{escape(title)}</h1>{summary}{sections}"
        f'<p class="note">{escape(told)}</p></body></html>\n'
    )


def _section(table: Table, plot: str) -> str:
    head = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in table.head)
    rows = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in table.rows)
    notes = "".join(f'<p class="note">{escape(note)}</p>' for note in table.notes)
    body = f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'
    return f"<h2>{escape(table.title)}</h2>{plot}{body}{notes}"


def _key() -> str:
    named = ((OBSERVED, "●", "observed"), (CORRECTED, "●", "corrected by gold"), ("#22272e", "◆", "truth, unreviewed"))
    spans = "".join(f'<span><b style="color:{colour}">{mark}</b> {words}</span>' for colour, mark, words in named)
    return f'<p class="key">{spans}</p>'


def _undetected_plot(figures: Figures) -> str:
    lines = []
    for row in figures.undetected:
        found = ((row.observed, OBSERVED), (row.corrected, CORRECTED))
        whiskers = tuple(
            Whisker(100 * value.rate, 100 * value.low, 100 * value.high, colour)
            for value, colour in found
            if value.rate is not None and value.low is not None and value.high is not None
        )
        lines.append(Line(row.name, whiskers, 100 * row.left_unreviewed / row.outputs))
    return whisker_plot(lines, title="Undetected errors: estimates and truth", unit="% of outputs")


def _hours_plot(figures: Figures) -> str:
    work = figures.efficiency
    found = (
        ("product", work.caught_per_hour),
        ("random sample", work.random_per_hour),
        ("oracle", work.oracle_per_hour),
    )
    bars = [(name, value, f"{value:.2f}") for name, value in found if value is not None]
    return bar_plot(bars, title="Errors caught per review hour", unit="errors per hour") if bars else ""


def _reliability(figures: Figures) -> str:
    bins = figures.calibration.equal_mass.bins
    points = [
        Whisker(100 * (1 - b.observed), 100 * (1 - b.interval.high), 100 * (1 - b.interval.low), OBSERVED) for b in bins
    ]
    predicted = [100 * (1 - b.mean_predicted) for b in bins]
    return reliability_plot(points, title="True error rate by predicted risk", predicted=predicted) if bins else ""


def _reviewers_plot(figures: Figures) -> str:
    lines = []
    for row in figures.reviewers:
        gold = row.gold_sensitivity
        whiskers = (
            (Whisker(100 * gold.rate, 100 * gold.interval.low, 100 * gold.interval.high, OBSERVED),)
            if gold.rate is not None and gold.interval is not None
            else ()
        )
        lines.append(Line(row.name, whiskers, 100 * row.caught.rate if row.caught.rate is not None else None))
    title = "Gold failures caught, and of the real errors met"
    return whisker_plot(lines, title=title, unit="% (◆: of the real errors they met)")
