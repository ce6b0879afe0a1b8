from labeling.models.gold import GoldCase, GoldOrigin, GoldResult
from labeling.models.golden import GoldenCase, GoldenSet
from labeling.models.items import ItemKind, ItemStatus, Lane, QueueSettings, ReviewItem, Seat, SeatState
from labeling.models.notices import VerdictNotice
from labeling.models.ratings import (
    Assignment,
    AssignmentState,
    Cause,
    Preference,
    Rating,
    RatingWithdrawal,
    ReachedBy,
    Verdict,
    VerdictValue,
)
from labeling.models.rubrics import ActiveRubric, Criterion, CriterionType, Rubric

__all__ = [
    "ActiveRubric",
    "Assignment",
    "AssignmentState",
    "Cause",
    "Criterion",
    "CriterionType",
    "GoldCase",
    "GoldOrigin",
    "GoldResult",
    "GoldenCase",
    "GoldenSet",
    "ItemKind",
    "ItemStatus",
    "Lane",
    "Preference",
    "QueueSettings",
    "Rating",
    "RatingWithdrawal",
    "ReachedBy",
    "ReviewItem",
    "Rubric",
    "Seat",
    "SeatState",
    "Verdict",
    "VerdictNotice",
    "VerdictValue",
]
