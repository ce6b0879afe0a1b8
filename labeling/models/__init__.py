from labeling.models.gold import GoldCase, GoldOrigin, GoldResult
from labeling.models.golden import GoldenCase, GoldenSet
from labeling.models.items import ItemKind, ItemStatus, Lane, QueueSettings, ReviewItem, Seat, SeatState
from labeling.models.notices import VerdictNotice
from labeling.models.people import Absence, ReviewerStage, Round, RoundKind, Stage
from labeling.models.ratings import (
    Assignment,
    AssignmentState,
    Cause,
    Preference,
    Rating,
    RatingWithdrawal,
    ReachedBy,
    RepeatResult,
    Verdict,
    VerdictValue,
)
from labeling.models.rubrics import ActiveRubric, Criterion, CriterionType, Rubric
from labeling.models.suspicions import SetAside, Suspicion, SuspicionKind
from labeling.models.watching import Alarm, Escalation, EscalationStep

__all__ = [
    "Absence",
    "ActiveRubric",
    "Alarm",
    "Assignment",
    "AssignmentState",
    "Cause",
    "Criterion",
    "CriterionType",
    "Escalation",
    "EscalationStep",
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
    "RepeatResult",
    "ReviewItem",
    "ReviewerStage",
    "Round",
    "RoundKind",
    "Rubric",
    "Seat",
    "SeatState",
    "SetAside",
    "Stage",
    "Suspicion",
    "SuspicionKind",
    "Verdict",
    "VerdictNotice",
    "VerdictValue",
]
