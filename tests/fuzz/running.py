"""schemathesis on one operation at a time, so that time and examples are shared out fairly."""

import itertools
import json
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import schemathesis
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import Status, events, from_schema
from schemathesis.engine.recorder import ScenarioRecorder

from tests.fuzz.exclusions import excused
from tests.fuzz.plan import REAL, Errand

PHASES = ("examples", "coverage", "fuzzing", "stateful")
# One slow answer must not stop everything; a failure to answer is one of the findings.
REQUEST_SECONDS = 60
EXAMPLES_KEPT = 3
# Names that can be given once only; with the same one again nothing behind the conflict would be reached.
ONCE = ("external_id", "reference")
LONGEST_NAME = 150


@dataclass(frozen=True)
class Finding:
    """One kind of failure with a request that shows it."""

    check: str
    title: str
    detail: str
    request: str


@dataclass
class Tally:
    """What came of one errand."""

    errand: Errand
    cases: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    # Answers of success to the operation's own method; probes with other methods do not count.
    successes: int = 0
    failures: Counter[tuple[str, str]] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)
    excused: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    cut_short: bool = False

    def fail(self, finding: Finding) -> None:
        kind = (finding.check, finding.title)
        self.failures[kind] += 1
        if self.failures[kind] <= EXAMPLES_KEPT:
            self.findings.append(finding)


@dataclass(frozen=True)
class Run:
    """Where to send requests, in whose name, and how many. `values` and `callers` are an estate's `Grounds`."""

    base_url: str
    document: Mapping[str, Any]
    values: Mapping[str, list[str | int]]
    callers: Mapping[str, str]
    examples: int
    seed: int
    phases: tuple[str, ...] = ("examples", "coverage", "fuzzing")
    deterministic: bool = False

    def errand(self, errand: Errand, *, deadline: float) -> Tally:
        """All phases of one operation for one caller; cut short once the monotonic clock passes `deadline`."""
        tally, started = Tally(errand), time.monotonic()
        schema = schemathesis.openapi.from_dict(dict(self.document), config=self._config(errand))
        wanted = schema.include(path=errand.path, method=errand.method.upper())
        stream = from_schema(wanted).execute()
        for event in stream:
            _take(event, tally)
            if time.monotonic() > deadline and not tally.cut_short:
                tally.cut_short = True
                stream.stop()
        tally.seconds = time.monotonic() - started
        return tally

    def _config(self, errand: Errand) -> SchemathesisConfig:
        places = {name: self._supply(place, errand) for name, place in errand.places.items()}
        known = {f"path.{name}": place for name, place in places.items() if place in self.values}
        known |= {name: name for name in self.values if name.startswith(("query.", "body."))}
        return SchemathesisConfig.from_dict(
            {
                "base-url": self.base_url,
                "seed": self.seed,
                "headers": {"Authorization": self.callers[errand.caller]},
                "request-timeout": REQUEST_SECONDS,
                "continue-on-failure": True,
                "suppress-health-check": ["all"],
                "dictionaries": {name: {"values": self.values[place]} for name, place in known.items()},
                "parameters": {name: {"dictionary": name, "probability": REAL} for name in known},
                "generation": {
                    "max-examples": errand.examples(self.examples),
                    "deterministic": self.deterministic,
                    "no-shrink": True,
                    "database": "none",
                },
                "phases": {name: {"enabled": name in self._phases(errand)} for name in PHASES},
            }
        )

    def _supply(self, place: str, errand: Errand) -> str:
        """Where the values for a place are: those kept for this very errand, where it would use them up."""
        own = f"{place} {errand.deed}"
        return own if own in self.values else place

    def _phases(self, errand: Errand) -> tuple[str, ...]:
        """For whom an operation is not made, one refusal is like the other: no bounds of a body need trying."""
        return self.phases if errand.share == 1 else ("fuzzing",)


_numbers = itertools.count(1)


@schemathesis.hook("before_call")
def _name_anew(context: Any, case: Any, kwargs: Any) -> None:
    """Gives a body's name a number. A name that does not fit stays as it is, and one that fits still does."""
    for body in _bodies(case.body):
        for name in ONCE:
            value = body.get(name)
            if isinstance(value, str) and 1 <= len(value.strip()) <= LONGEST_NAME and "\x00" not in value:
                body[name] = f"{value}-{next(_numbers)}"


def _bodies(body: Any) -> Iterator[dict[str, Any]]:
    if isinstance(body, dict):
        yield body
        rows = body.get("outputs")
        if isinstance(rows, list):
            yield from (row for row in rows if isinstance(row, dict))


def _take(event: Any, tally: Tally) -> None:
    if isinstance(event, events.ScenarioFinished):
        _count(event.recorder, tally)
    elif isinstance(event, events.NonFatalError):
        tally.fail(Finding("error", type(event.value).__name__, str(event.value), ""))


def _count(recorder: ScenarioRecorder, tally: Tally) -> None:
    for case_id, interaction in recorder.interactions.items():
        status, body = _answer(interaction.response)
        tally.cases += 1
        tally.statuses[status] += 1
        own_method = interaction.request.method.lower() == tally.errand.method
        tally.successes += own_method and 200 <= status < 300
        for check in recorder.checks.get(case_id, []):
            if check.status is not Status.FAILURE or check.failure_info is None:
                continue
            if reason := excused(check.name, tally.errand.label, status, body):
                tally.excused[reason] += 1
                continue
            failure = check.failure_info.failure
            detail = f"{failure.message}\n[{status}] {json.dumps(body)[:600]}"
            tally.fail(Finding(check.name, failure.title, detail, check.failure_info.code_sample[:1500]))


def _answer(response: Any) -> tuple[int, Any]:
    """Status and body; 0 where nothing was answered."""
    if response is None:
        return 0, None
    try:
        return response.status_code, json.loads(response.content or b"null")
    except ValueError:
        return response.status_code, response.content[:300].decode(errors="replace")
