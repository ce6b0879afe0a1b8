"""Nominating judged outputs for a golden set: routing knows why they were judged, labeling freezes them."""

from collections import defaultdict
from datetime import datetime
from typing import Any

from labeling.models import GoldenSet
from labeling.services.golden import Nominee, freeze_golden_set
from labeling.stats.allocation import Stratum, allocate, draw
from reviewapp.core.models import Project
from routing.queries import judged_outputs

# One case in five is a hard one, as far as there are any: found wrong, corrected, or flagged.
HARD_SHARE = 0.2
HARD, NATURAL = "hard", "natural"


def freeze_from_verdicts(
    *, project: Project, actor: str, now: datetime, size: int | None = None, seed: str | None = None
) -> GoldenSet:
    """Freeze `size` judged outputs (all of them without a size) as the next version of this week.

    Strata are intents, hard and natural cases apart; a case's weight is the estimated number of outputs
    it stands for, from inclusion probabilities. The same seed and verdicts draw the same cases; within a
    stratum a larger share only adds, although largest remainders may take one case from a stratum as the
    size grows. Raises labeling.services.golden.FreezeRefused when nothing was judged.
    """
    seed = seed or project.slug
    strata: dict[str, dict[str, dict[str, Any]]] = defaultdict(dict)
    for row in judged_outputs(project):
        strata[_stratum(row)][str(row["output_id"])] = row
    takes = _takes(strata, size)
    nominees = []
    for name, members in sorted(strata.items()):
        drawn = draw(name, members, takes[name], seed)
        stands_for = sum(1.0 / row["inclusion_probability"] for row in members.values())
        nominees += [
            Nominee(
                item_id=members[case_id]["output__reviews__item_id"],
                case_id=case_id,
                stratum=name,
                weight=round(stands_for / len(drawn), 6),
            )
            for case_id in drawn
        ]
    return freeze_golden_set(project=project, nominees=nominees, actor=actor, now=now, seed=seed)


def _stratum(row: dict[str, Any]) -> str:
    hard = row["output__reviews__item__verdict__value"] != "accept" or bool(row["flags"])
    return f"{HARD if hard else NATURAL}|{row['output__intent']}"


def _takes(strata: dict[str, dict[str, dict[str, Any]]], size: int | None) -> dict[str, int]:
    if size is None:
        return {name: len(members) for name, members in strata.items()}
    supply = [
        Stratum(name=name, available=len(members), adversarial=name.startswith(f"{HARD}|"))
        for name, members in strata.items()
    ]
    return allocate(supply, size, HARD_SHARE, min_per_stratum=1, method="proportional").cases
