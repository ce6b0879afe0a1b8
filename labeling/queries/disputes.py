"""Items on which people disagree."""

from typing import Any

from django.db.models import Prefetch, QuerySet

from labeling.models import Rating, ReviewItem
from reviewapp.core.models import Project


def disputes(project: Project) -> QuerySet[ReviewItem]:
    """Items that went to adjudication, newest first."""
    ratings = Rating.objects.standing().select_related("reviewer").order_by("id")
    return (
        ReviewItem.objects.filter(project=project, seats__number=0)
        .select_related("rubric", "verdict")
        .prefetch_related(Prefetch("ratings", queryset=ratings, to_attr="standing_ratings"))
        .order_by("-pk")
    )


def shown_dispute(item: ReviewItem) -> dict[str, Any]:
    """One dispute for the owner: pseudonymous ratings, and how it ended."""
    return {
        "id": str(item.public_id),
        "intent": item.intent,
        "status": item.status,
        "rubric": str(item.rubric),
        "ratings": [
            {
                "rater": rating.reviewer.rater_code,
                "values": rating.values,
                "verdict": rating.verdict,
                "preferred": rating.preferred or None,
                "rationale": rating.rationale,
                "adjudication": rating.adjudication,
                "cause": rating.cause or None,
            }
            for rating in item.standing_ratings  # type: ignore[attr-defined]
        ],
        "verdict": item.verdict.value if item.verdict else None,
    }
