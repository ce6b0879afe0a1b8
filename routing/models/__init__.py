from routing.models.decisions import Action, Decision, OutputReview, ReviewOrigin, Stakes
from routing.models.learning import Calibrator, Certificate, Recalibration, RecalibrationStatus
from routing.models.outputs import Output, Signal
from routing.models.policies import ActivePolicy, Policy, PolicyActivation

__all__ = [
    "Action",
    "ActivePolicy",
    "Calibrator",
    "Certificate",
    "Decision",
    "Output",
    "OutputReview",
    "Policy",
    "PolicyActivation",
    "Recalibration",
    "RecalibrationStatus",
    "ReviewOrigin",
    "Signal",
    "Stakes",
]
