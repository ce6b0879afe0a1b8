"""Words for coefficients. Which number to put in is the caller's part: alpha is judged by the lower bound
of its interval, not by the estimate."""

from typing import Literal, TypeAlias

KrippendorffBand: TypeAlias = Literal["reliable", "tentative", "unreliable"]
LandisKochBand: TypeAlias = Literal["poor", "slight", "fair", "moderate", "substantial", "almost perfect"]
JudgeTier: TypeAlias = Literal["gate_candidate", "triage_only", "rubric_broken"]


def krippendorff_band(alpha: float | None) -> KrippendorffBand | None:
    """Krippendorff (2004), Content Analysis, 2nd ed., p. 241: rely on 0.800 and above, conclude
    tentatively from 0.667. None stays None."""
    if alpha is None:
        return None
    if alpha >= 0.8:
        return "reliable"
    return "tentative" if alpha >= 0.667 else "unreliable"


def landis_koch_band(kappa: float | None) -> LandisKochBand | None:
    """Landis and Koch (1977), p. 165; each band includes its upper end. None stays None."""
    if kappa is None:
        return None
    if kappa < 0.0:
        return "poor"
    if kappa <= 0.2:
        return "slight"
    if kappa <= 0.4:
        return "fair"
    if kappa <= 0.6:
        return "moderate"
    return "substantial" if kappa <= 0.8 else "almost perfect"


def judge_tier(kappa: float | None) -> JudgeTier | None:
    """What a judge of this kappa against people may be used for: 0.75 and above may become a gate, 0.60
    and above may sort work, below that its rubric is not understood. None stays None."""
    if kappa is None:
        return None
    if kappa >= 0.75:
        return "gate_candidate"
    return "triage_only" if kappa >= 0.6 else "rubric_broken"
