from labeling.models.gold import GoldCase, GoldOrigin, GoldResult
from labeling.models.golden import GoldenCase, GoldenSet
from labeling.models.items import (
    RESERVED_LANES,
    Aggregation,
    ItemKind,
    ItemStatus,
    Lane,
    QueueSettings,
    ReviewItem,
    Seat,
    SeatState,
)
from labeling.models.notices import VerdictNotice
from labeling.models.overlap import OverlapPurpose, OverlapRound
from labeling.models.pauses import PauseCause, SlicePause
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
    "RESERVED_LANES",
    "Absence",
    "ActiveRubric",
    "Aggregation",
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
    "OverlapPurpose",
    "OverlapRound",
    "PauseCause",
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
    "SlicePause",
    "Stage",
    "Suspicion",
    "SuspicionKind",
    "Verdict",
    "VerdictNotice",
    "VerdictValue",
]
