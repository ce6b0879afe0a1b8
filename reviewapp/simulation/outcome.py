"""What became of one arrival: the router's decision and the people's verdict, with the truth beside them."""

from dataclasses import dataclass

from reviewapp.simulation.stream import Arrival
from routing.policy.error_rate import Stratum


@dataclass(frozen=True, slots=True)
class Outcome:
    """`rejected` is what people said in the end, None where nobody looked; `reviews` counts their ratings."""

    arrival: Arrival
    action: str
    audited: bool
    confidence: float | None
    stakes: str
    inclusion_probability: float
    rejected: bool | None = None
    reviews: int = 0

    @property
    def error(self) -> bool:
        return self.arrival.error

    @property
    def unreviewed(self) -> bool:
        return self.action == "ship" and not self.audited

    @property
    def caught(self) -> bool:
        return self.error and self.rejected is True

    def decided(self) -> tuple[object, ...]:
        """All of the decision, to be compared between the two ways to run."""
        return (
            self.arrival.external_id,
            self.action,
            self.audited,
            self.confidence,
            self.stakes,
            self.inclusion_probability,
        )


def strata_of_outcomes(outcomes: list[Outcome]) -> list[Stratum]:
    """What the product knows of these outputs: shipped, audited with a verdict and found wrong, by tier and
    inclusion probability."""
    strata = []
    cells = sorted({(o.stakes, o.inclusion_probability) for o in outcomes if o.action == "ship"})
    for stakes, probability in cells:
        shipped = [
            o for o in outcomes if o.action == "ship" and (o.stakes, o.inclusion_probability) == (stakes, probability)
        ]
        judged = [o for o in shipped if o.audited and o.rejected is not None]
        strata.append(
            Stratum(
                shipped=len(shipped),
                audited=len(judged),
                errors=sum(o.rejected is True for o in judged),
                audit_rate=probability,
                name=f"{stakes} at {probability:g}",
            )
        )
    return strata
