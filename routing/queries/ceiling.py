"""The human ceiling per intent: people with people, beside every automatic verdict with people."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import numpy as np

from labeling.models import ItemKind, Rating, VerdictValue
from reviewapp.core.models import Project, TaskKind
from routing.models import OutputReview, Signal
from routing.policy.ceiling import Judged, WeightedKappa, above_ceiling, people_with_people, people_with_verdicts
from routing.policy.evidence import run_values

ALL_INTENTS = "*"
SEED = 20_261_121
# A judge, or a score, that says at least this passes the output.
PASSES_FROM = 0.5
# The newest judged outputs: enough for any interval, and bounded.
MOST_OUTPUTS = 20_000


@dataclass(frozen=True, slots=True)
class AutomaticRow:
    """One signal against people. `suspicious`: it agrees with people more than people do with each other."""

    signal: str
    kind: str
    figures: WeightedKappa
    suspicious: bool


@dataclass(frozen=True, slots=True)
class CeilingRow:
    """One intent, or ALL_INTENTS: people with people, and each signal with people."""

    intent: str
    people: WeightedKappa
    automatic: tuple[AutomaticRow, ...]

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(slots=True)
class _Output:
    intent: str
    probability: float
    passed: int = 0
    failed: int = 0

    def judged(self, verdict: bool | None = None) -> Judged:
        return Judged(self.passed, self.failed, self.probability, verdict)


def ceiling_rows(
    project: Project, *, intent: str = "", since: datetime | None = None, until: datetime | None = None
) -> list[CeilingRow]:
    """All intents together first, then one by one; pairs left out, whose two sides are not right or wrong.

    Verdicts are those of single people, as handed in (`since` ≤ submitted < `until`), never the settled one: what an
    automatic verdict is measured against must be what people are measured against. Outputs with an inclusion
    probability of 0 (reviewed for another reason than the draw) stand for nothing and are left out.
    """
    outputs = _outputs(project, intent=intent, since=since, until=until)
    verdicts = _verdicts(project, outputs)
    intents = [ALL_INTENTS, *sorted({output.intent for output in outputs.values()})]
    return [_row(name, outputs, verdicts) for name in intents] if outputs else []


def _outputs(project: Project, *, intent: str, since: datetime | None, until: datetime | None) -> dict[int, _Output]:
    """Judged outputs by primary key of their review item."""
    conditions = {"item__intent": intent, "submitted_at__gte": since, "submitted_at__lt": until}
    ratings = (
        Rating.objects.counted()
        .filter(item__project=project, item__kind__in=[ItemKind.LIVE, ItemKind.AUDIT])
        .filter(**{name: value for name, value in conditions.items() if value})
        .exclude(item__content__task_kind=TaskKind.PAIRWISE)
        .order_by("-pk")
        .values_list("item_id", "verdict", "item__intent")[:MOST_OUTPUTS]
    )
    said = list(ratings)
    reviews = OutputReview.objects.filter(output__project=project, output__decision__inclusion_probability__gt=0)
    probabilities = dict(reviews.values_list("item_id", "output__decision__inclusion_probability"))
    outputs: dict[int, _Output] = {}
    for item, verdict, its_intent in said:
        if item not in probabilities:
            continue
        output = outputs.setdefault(item, _Output(its_intent, probabilities[item]))
        if verdict == VerdictValue.ACCEPT:
            output.passed += 1
        else:
            output.failed += 1
    return outputs


def _verdicts(project: Project, outputs: Mapping[int, _Output]) -> dict[tuple[str, str], dict[int, bool]]:
    """What each signal (key, kind) says of each item; a judge of ours before a caller who speaks in its name."""
    if not outputs:
        return {}
    oldest, newest = min(outputs), max(outputs)
    rows = (
        Signal.objects.filter(
            output__project=project, output__reviews__item_id__gte=oldest, output__reviews__item_id__lte=newest
        )
        .order_by("origin")
        .values_list("key", "kind", "data", "evidence", "output__reviews__item_id")
    )
    found: dict[tuple[str, str], dict[int, bool]] = defaultdict(dict)
    for key, kind, data, evidence, item in rows:
        if item in outputs and evidence is not None:
            found[key, kind][item] = _passes(kind, data, evidence)
    return found


def _passes(kind: str, data: Mapping[str, Any], evidence: float) -> bool:
    """A judge by the mean of its runs, before anything is taken off for contradictions or kinship."""
    if kind == "judge" and data.get("runs"):
        runs = run_values(data["runs"])
        return sum(runs) / len(runs) >= PASSES_FROM
    return evidence >= PASSES_FROM


def _row(
    intent: str, outputs: Mapping[int, _Output], verdicts: Mapping[tuple[str, str], Mapping[int, bool]]
) -> CeilingRow:
    own = {item: output for item, output in outputs.items() if intent in (ALL_INTENTS, output.intent)}
    people = people_with_people([output.judged() for output in own.values()], rng=np.random.default_rng(SEED))
    automatic = []
    for (key, kind), said in sorted(verdicts.items()):
        rows: Sequence[Judged] = [own[item].judged(passes) for item, passes in said.items() if item in own]
        figures = people_with_verdicts(rows, rng=np.random.default_rng(SEED))
        if figures.outputs:
            automatic.append(AutomaticRow(key, kind, figures, above_ceiling(figures, people)))
    return CeilingRow(intent, people, tuple(automatic))
