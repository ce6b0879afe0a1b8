"""What an hour of people's time catches, against a random sample of the same size and against an oracle. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from reviewapp.simulation.outcome import Outcome


@dataclass(frozen=True, slots=True)
class Efficiency:
    """Reviews are ratings of the stream's outputs, second raters and adjudications included, gold apart.

    `random_caught` and `oracle_caught` are expectations for as many reviews of one person each, spent on a
    random sample or on errors first, by the same people. Undetected shares are of all outputs.
    """

    outputs: int
    errors: int
    reviewed_outputs: int
    reviews: int
    hours: float
    gold_reviews: int
    gold_hours: float
    caught: int
    random_caught: float
    oracle_caught: float
    caught_per_hour: float | None
    random_per_hour: float | None
    oracle_per_hour: float | None
    ratio_to_random: float | None
    undetected: float | None
    random_undetected: float | None
    oracle_undetected: float | None
    false_alarms: int
    false_alarm_rate: float | None

    @property
    def reviewed_share(self) -> float | None:
        return self.reviewed_outputs / self.outputs if self.outputs else None


def efficiency(
    outcomes: Sequence[Outcome], chances: Sequence[float], *, hours: float, gold_reviews: int, gold_hours: float
) -> Efficiency:
    """`chances[i]` is the chance that a single review of outcome i catches its error (0 where there is none)."""
    outputs, reviews = len(outcomes), sum(outcome.reviews for outcome in outcomes)
    errors = sum(outcome.error for outcome in outcomes)
    caught = sum(outcome.caught for outcome in outcomes)
    reviewed = [outcome for outcome in outcomes if outcome.rejected is not None]
    alarms = sum(outcome.rejected is True and not outcome.error for outcome in reviewed)
    catchable = sum(chances)
    random_caught = catchable * min(1.0, reviews / outputs) if outputs else 0.0
    oracle_caught = catchable * min(1.0, reviews / errors) if errors else 0.0

    def share(number: float) -> float | None:
        return number / outputs if outputs else None

    def hourly(number: float) -> float | None:
        return number / hours if hours else None

    return Efficiency(
        outputs=outputs,
        errors=errors,
        reviewed_outputs=len(reviewed),
        reviews=reviews,
        hours=hours,
        gold_reviews=gold_reviews,
        gold_hours=gold_hours,
        caught=caught,
        random_caught=random_caught,
        oracle_caught=oracle_caught,
        caught_per_hour=hourly(caught),
        random_per_hour=hourly(random_caught),
        oracle_per_hour=hourly(oracle_caught),
        # The same people take the same time, so hours cancel.
        ratio_to_random=caught / random_caught if random_caught else None,
        undetected=share(errors - caught),
        random_undetected=share(errors - random_caught),
        oracle_undetected=share(errors - oracle_caught),
        false_alarms=alarms,
        false_alarm_rate=alarms / len(reviewed) if reviewed else None,
    )
