"""How many audit verdicts a certificate needs (one audit rate, number of labels fixed beforehand)."""

from dataclasses import dataclass

from scipy.special import bdtr

# Nobody labels more than this for one statement; a plan beyond it is no plan.
MOST_LABELS = 1_000_000


@dataclass(frozen=True, slots=True)
class Plan:
    """Label `labels` audited outputs; the certificate stands with up to `allowed_errors` errors among them.
    Both None where no such number exists, and `reason` says why."""

    labels: int | None
    allowed_errors: int | None
    reason: str = ""


def labels_needed(errors_seen: int, *, max_error_rate: float, delta: float) -> int:
    """The smallest n with P(Bin(n, ε) ≤ k) ≤ δ: k errors among n labels then bound the error rate by ε at
    confidence 1 − δ (the one-sided test behind Clopper and Pearson 1934).

    `max_error_rate` ε and `delta` δ lie strictly between 0 and 1; ValueError otherwise or for k < 0.
    """
    _check(max_error_rate, delta)
    if errors_seen < 0:
        raise ValueError(f"errors_seen cannot be negative: {errors_seen}")
    low = high = errors_seen + 1
    while bdtr(errors_seen, high, max_error_rate) > delta:
        low, high = high, 2 * high
    while low < high:
        middle = (low + high) // 2
        if bdtr(errors_seen, middle, max_error_rate) <= delta:
            high = middle
        else:
            low = middle + 1
    return high


def plan(*, max_error_rate: float, delta: float, assumed_true_rate: float, power: float = 0.8) -> Plan:
    """The smallest pair (n_c, c), c = 0, 1, …, with n_c = labels_needed(c) whose certificate is reached with
    probability `power` if errors really come at `assumed_true_rate`: P(Bin(n_c, p) ≤ c) ≥ power."""
    _check(max_error_rate, delta)
    if not 0.0 <= assumed_true_rate <= 1.0 or not 0.0 < power < 1.0:
        raise ValueError("assumed_true_rate must lie in [0, 1] and power strictly between 0 and 1")
    if assumed_true_rate >= max_error_rate:
        return Plan(None, None, "the assumed error rate is not below the one to be certified")
    allowed = 0
    while (labels := labels_needed(allowed, max_error_rate=max_error_rate, delta=delta)) <= MOST_LABELS:
        if bdtr(allowed, labels, assumed_true_rate) >= power:
            return Plan(labels, allowed)
        allowed += 1
    return Plan(None, None, f"more than {MOST_LABELS} labels: assumed rate and target are too close")


def _check(max_error_rate: float, delta: float) -> None:
    if not 0.0 < max_error_rate < 1.0 or not 0.0 < delta < 1.0:
        raise ValueError("max_error_rate and delta must lie strictly between 0 and 1")
