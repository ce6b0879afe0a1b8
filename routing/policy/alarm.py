"""An alarm on the live error rate that stays valid however often one looks.

Input is the audited shipped outputs with a verdict, in *shipping* order: in the order in which verdicts
arrive errors may come back sooner than passes, and the guarantee is gone (wait for closed batches). Output t
multiplies the wealth of a bet λ by 1 + λ·(π_min/π_t)·(Y_t − ε), fair or unfavourable as long as the error
rate is at most ε (testing by betting: Waudby-Smith and Ramdas 2023). Shipped outputs without an audit
contribute 1, so they need not be given. Everything is kept as a natural logarithm.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

# Twelve bets, each best for another rate between 1.3 and 12 times the largest one allowed.
RATIOS = np.geomspace(1.3, 12.0, 12)
# No bet may lose everything on one clean verdict.
LARGEST_STAKE = 0.999


@dataclass(frozen=True, slots=True, eq=False)
class AlarmTrace:
    """Paths by audited output, and where each first crossed its level (counted from 1; None: never).

    `log_e`: one process over all outputs, level 1/δ. `log_restart`: the alarm proper; a mixture of processes
    started every block, level 1/δ, wrong at most once in 1/δ *streams* however long. `log_sr`: the warning;
    Shiryaev–Roberts sum, a false warning every `arl` outputs or more on average (e-detector: Shin, Ramdas and
    Rinaldo 2023).
    """

    labels: int
    log_e: Floats
    log_restart: Floats
    log_sr: Floats
    alarm_at: int | None
    restart_alarm_at: int | None
    sr_warning_at: int | None


def default_bets(max_error_rate: float) -> Floats:
    """λ_j = min((c_j − 1)/(1 − ε), 0.999/ε): the growth-optimal stake against a true rate of c_j·ε."""
    _check(max_error_rate)
    return np.minimum((RATIOS - 1.0) / (1.0 - max_error_rate), LARGEST_STAKE / max_error_rate)


def watch(
    errors: ArrayLike,
    audit_rates: ArrayLike,
    *,
    max_error_rate: float,
    delta: float,
    bets: ArrayLike | None = None,
    min_rate: float | None = None,
    block: int = 100,
    arl: float = 1000.0,
) -> AlarmTrace:
    """All three processes over one stream. `errors` holds 0 or 1 and `audit_rates` the inclusion probability
    in (0, 1] of each audited output; both of length T, possibly 0.

    `min_rate` is the lowest audit rate the policy can give, fixed beforehand; left out, the lowest in the
    stream. ValueError for rates out of range or below `min_rate`, and for bets that could lose more than they
    hold.
    """
    _check(max_error_rate)
    if not 0.0 < delta < 1.0:
        raise ValueError(f"delta must lie strictly between 0 and 1, not {delta}")
    y, rates = np.asarray(errors, dtype=np.float64), np.asarray(audit_rates, dtype=np.float64)
    floor = min_rate if min_rate is not None else float(rates.min(initial=1.0))
    _check_stream(y, rates, floor)
    stakes = default_bets(max_error_rate) if bets is None else np.asarray(bets, dtype=np.float64)
    if not ((stakes >= 0.0) & (stakes * max_error_rate < 1.0)).all():
        raise ValueError("a bet must lie in [0, 1/max_error_rate)")
    wealth = np.cumsum(np.log1p(np.outer(floor / rates * (y - max_error_rate), stakes)), axis=0)
    log_e, log_sr = _log_mean_exp(wealth), _shiryaev_roberts(wealth)
    log_restart = _restarted(wealth, block)
    level = -np.log(delta)
    return AlarmTrace(
        labels=int(y.size),
        log_e=log_e,
        log_restart=log_restart,
        log_sr=log_sr,
        alarm_at=_first(log_e, level),
        restart_alarm_at=_first(log_restart, level),
        sr_warning_at=_first(log_sr, np.log(arl)),
    )


def _check(max_error_rate: float) -> None:
    if not 0.0 < max_error_rate < 1.0:
        raise ValueError(f"max_error_rate must lie strictly between 0 and 1, not {max_error_rate}")


def _check_stream(y: Floats, rates: Floats, floor: float) -> None:
    if y.shape != rates.shape or y.ndim != 1 or not np.isin(y, (0.0, 1.0)).all():
        raise ValueError("needs one error (0 or 1) and one audit rate per output")
    if not 0.0 < floor <= 1.0 or not ((rates >= floor) & (rates <= 1.0)).all():
        raise ValueError("audit rates must lie in [min_rate, 1], and min_rate above 0")


def _log_mean_exp(logs: Floats) -> Floats:
    """ln of the mean over the bets (last axis) of exp(logs)."""
    total: Floats = np.logaddexp.reduce(logs, axis=-1)
    return total - float(np.log(logs.shape[-1]))


def _shiryaev_roberts(wealth: Floats) -> Floats:
    """ln of the mean over the bets of S_t = (S_{t−1} + 1)·factor_t, that is Σ_{s<t} wealth_t/wealth_s."""
    started = np.vstack([np.zeros((1, wealth.shape[1])), wealth[:-1]])[: len(wealth)]
    return _log_mean_exp(wealth + np.logaddexp.accumulate(-started, axis=0))


def _restarted(wealth: Floats, block: int) -> Floats:
    """ln of Σ_j E_j/(j(j+1)): process j starts after (j − 1)·block outputs and counts 1 until then."""
    total = np.full(len(wealth), -np.inf)
    starts = range(0, len(wealth), block)
    for number, start in enumerate(starts, start=1):
        before = wealth[start - 1] if start else np.zeros(wealth.shape[1])
        path = _log_mean_exp(wealth[start:] - before) - np.log(number * (number + 1))
        total[start:] = np.logaddexp(total[start:], path)
    # The weights of the processes not started yet add up to 1/(j + 1) after the j-th start.
    waiting = -np.log(np.arange(len(wealth)) // block + 2.0)
    mixed: Floats = np.logaddexp(total, waiting)
    return mixed


def _first(path: Floats, level: float) -> int | None:
    crossed = np.flatnonzero(path >= level)
    return int(crossed[0]) + 1 if crossed.size else None
