"""The demo's gold: the file's cases, outputs that were kept back because their truth is known, and adjudicated ones."""

from datetime import datetime
from typing import Any

from labeling.queries.gold import adjudicated_not_gold
from labeling.services.gold import add_gold_case
from labeling.services.promoting import promote_to_gold
from reviewapp.core.models import Project
from reviewapp.demo.world import rows, sources

ACTOR = "command"
KINDS = {"single": "pointwise", "pairwise": "pairwise", "trajectory": "trajectory"}
# What newcomers learn from, by the gold file's ids; where the file says nothing of a mistake, why there is none.
PRACTICE = {
    "gold-001": "Right by the handbook, and it says what the customer can do instead.",
    "gold-003": "",
    "gold-006": "",
}
# One single answer in so many never goes live: three people at a tenth of gold would run out of the file's cases.
KEPT_BACK = 8


def kept_back() -> list[dict[str, Any]]:
    """Outputs that are planted and never handed in."""
    return [row for row in rows("outputs") if row["kind"] == "single"][::KEPT_BACK]


def live_rows() -> list[dict[str, Any]]:
    """Outputs that are handed in."""
    kept = {row["id"] for row in kept_back()}
    return [row for row in rows("outputs") if row["id"] not in kept]


def plant(project: Project, now: datetime) -> None:
    for row in (*rows("gold"), *kept_back()):
        pairwise = row["kind"] == "pairwise"
        body = {"a": row["response_a"], "b": row["response_b"]} if pairwise else {"response": row["response"]}
        add_gold_case(
            project=project,
            reference=row["id"],
            task_kind=KINDS[row["kind"]],
            intent=row["intent"],
            prompt=row["prompt"],
            context=row["context"],
            body=body,
            acceptable=None if pairwise else not row["gold"]["error"],
            preferred=row["gold"]["preferred"] if pairwise else "",
            origin=row.get("origin") or ("planted_failure" if row["gold"]["error"] else "human_reference"),
            explanation=row.get("mistake", {}).get("explanation") or PRACTICE.get(row["id"], ""),
            practice=row["id"] in PRACTICE,
            actor=ACTOR,
            now=now,
            mask_names=sources(row),
        )


def promote_one(project: Project, *, actor: str, now: datetime) -> None:
    """The owner makes a case of the first thing that was adjudicated; the rest waits for whoever signs in."""
    item = adjudicated_not_gold(project).order_by("pk").first()
    if item is not None:
        promote_to_gold(item=item, actor=actor, reference="adjudicated-1", now=now)
