from routing.models.decisions import Action, Decision, OutputReview, ReviewOrigin, Stakes
from routing.models.delivery import DeliveryState, FeedCounter, VerdictEvent, WebhookDelivery, WebhookEndpoint
from routing.models.judging import (
    CallOutcome,
    Judge,
    JudgeRequest,
    JudgeState,
    JudgeVerdict,
    JudgeVersion,
    RequestState,
)
from routing.models.learning import Calibrator, Certificate, Recalibration, RecalibrationStatus
from routing.models.outputs import Output, Signal, SignalOrigin
from routing.models.policies import ActivePolicy, Policy, PolicyActivation, RoutingSettings, ScheduledActivation
from routing.models.screening import TrafficReference

__all__ = [
    "Action",
    "ActivePolicy",
    "Calibrator",
    "CallOutcome",
    "Certificate",
    "Decision",
    "DeliveryState",
    "FeedCounter",
    "Judge",
    "JudgeRequest",
    "JudgeState",
    "JudgeVerdict",
    "JudgeVersion",
    "Output",
    "OutputReview",
    "Policy",
    "PolicyActivation",
    "Recalibration",
    "RecalibrationStatus",
    "RequestState",
    "ReviewOrigin",
    "RoutingSettings",
    "ScheduledActivation",
    "Signal",
    "SignalOrigin",
    "Stakes",
    "TrafficReference",
    "VerdictEvent",
    "WebhookDelivery",
    "WebhookEndpoint",
]
