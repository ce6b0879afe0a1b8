"""The table of a run: a row per operation and caller, with what was found below it."""

from collections.abc import Iterable

from tests.fuzz.running import Tally


def report(tallies: Iterable[Tally]) -> None:
    for tally in tallies:
        statuses = " ".join(f"{status}:{count}" for status, count in sorted(tally.statuses.items()))
        failures = sum(tally.failures.values())
        notes = f"{failures} FAILED" if failures else "ok"
        notes += ", cut short" if tally.cut_short else ""
        notes += ", NEVER SUCCEEDED" if tally.errand.share == 1 and not tally.successes else ""
        notes += f", {sum(tally.excused.values())} excused" if tally.excused else ""
        row = f"{tally.errand.label:<68} {tally.errand.caller:<8} {tally.cases:>6} {tally.seconds:>6.0f}s"
        print(f"{row}  {notes}  [{statuses}]", flush=True)
        for finding in tally.findings:
            print(f"    {finding.check}: {finding.title}", flush=True)
            print("        " + finding.detail.replace("\n", "\n        "))
            print(f"        {finding.request}", flush=True)
        for (check, title), count in tally.failures.items():
            print(f"    {count} x {check}: {title}", flush=True)
