"""Simulated people: what they answer and how long it takes. Every draw is keyed by output and person, so that the
order in which people happen to claim changes no answer."""

import hashlib
import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from statistics import NormalDist

from reviewapp.simulation.pool import PoolRow

MODES = ("real", "simulated", "perfect")
REAL, SIMULATED, PERFECT = MODES

MEDIAN_SECONDS = 45.0
SIGMA = 1.37
ASLEEP_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Reviewer:
    """`catches` an error and raises a `false_alarm` with these probabilities; the two switches of bad faith."""

    name: str
    catches: float
    false_alarm: float
    asleep: bool = False
    copies: str = ""


# First numbers: probe rates of real raters of translations; second: of annotators of questions, or assumed.
RATES = (
    (0.95, 0.03),
    (0.92, 0.085),
    (1.00, 0.03),
    (0.97, 0.05),
    (0.94, 0.05),
    (0.93, 0.05),
    (0.69, 0.02),
    (0.63, 0.02),
)
# The senior who settles disputes where no further real rating does.
ADJUDICATOR = Reviewer("adjudicator", 1.00, 0.03)
WEAK = ("reviewer-7", "reviewer-8")
SLEEPER, COPIER, COPIED = "reviewer-4", "reviewer-6", "reviewer-1"
# Of so many rounds the copier sits one out.
COPIER_RESTS = 8


def honest_eight() -> tuple[Reviewer, ...]:
    """Eight whom nobody should name: the six good ones, and two of them once more."""
    return tuple(
        Reviewer(f"reviewer-{number}", *rates) for number, rates in enumerate((*RATES[:6], *RATES[:2]), start=1)
    )


def eight_reviewers(*, sleeper: bool = False, copier: bool = False) -> tuple[Reviewer, ...]:
    """The eight of the traffic description, one or two of them in bad faith where asked for."""
    people = []
    for number, (catches, false_alarm) in enumerate(RATES, start=1):
        name = f"reviewer-{number}"
        people.append(
            Reviewer(
                name,
                catches,
                false_alarm,
                asleep=sleeper and name == SLEEPER,
                copies=COPIED if copier and name == COPIER else "",
            )
        )
    return tuple(people)


@dataclass
class Panel:
    """Everybody's answers so far, and what the next one will be.

    `mode` real: the k-th review of an output takes its k-th real rating, later ones and the other groups are
    drawn from the person's rates; simulated: all are drawn; perfect: everybody is always right.
    """

    seed: int
    mode: str
    given: dict[str, list[tuple[str, bool]]] = field(default_factory=lambda: defaultdict(list))

    def answer(self, row: PoolRow, *, output: str, reviewer: Reviewer, again: bool = False) -> bool:
        """Whether this person finds the output wrong; remembered as given.

        `again`: one of the cases that everybody meets sooner or later, gold. Everybody answers those for themselves:
        the few real ratings are those of strangers, and would measure nobody.
        """
        earlier = self.given[output]
        found_wrong = self._answer(row, output, reviewer, earlier, again=again)
        earlier.append((reviewer.name, found_wrong))
        return found_wrong

    def _answer(
        self, row: PoolRow, output: str, reviewer: Reviewer, earlier: list[tuple[str, bool]], *, again: bool
    ) -> bool:
        if reviewer.asleep:
            return False
        copied = next((answer for name, answer in earlier if name == reviewer.copies), None)
        if copied is not None:
            return copied
        if self.mode == PERFECT:
            return row.error
        if self.mode == REAL and not again and len(earlier) < len(row.ratings):
            return row.ratings[len(earlier)]
        chance = reviewer.catches if row.error else reviewer.false_alarm
        return uniform(self.seed, "answer", output, reviewer.name) < chance

    def seconds(self, *, output: str, reviewer: Reviewer) -> float:
        """Time of the review in seconds: lognormal, or the blink of somebody asleep."""
        if reviewer.asleep:
            return ASLEEP_SECONDS
        deviate = NormalDist().inv_cdf(uniform(self.seed, "seconds", output, reviewer.name))
        return round(MEDIAN_SECONDS * math.exp(SIGMA * deviate), 1)

    def catch_chance(self, row: PoolRow, people: tuple[Reviewer, ...]) -> float:
        """The chance that one review by one of these people, each as likely, catches the error in `row`."""
        if self.mode == PERFECT:
            return float(row.error)
        awake = [person for person in people if not person.asleep]
        if self.mode == REAL and row.ratings:
            return len(awake) / len(people) * row.ratings[0]
        return sum(person.catches for person in awake) / len(people)


def rounds(seed: int, people: Sequence[Reviewer]) -> Iterator[tuple[Reviewer, ...]]:
    """Everybody once, in a new order every round, without end; fixed by the seed.

    Whoever copies comes right after whom they copy, and somewhat more slowly than everybody: one can only copy what is
    there. In every eighth round all the others come twice.
    """
    copiers = {person.copies: person for person in people if person.copies}
    others = [person for person in people if not person.copies]
    for number in count():
        turn = sorted(others, key=lambda person: uniform(seed, "turn", str(number), person.name))
        once = [next_one for person in turn for next_one in (person, copiers.get(person.name)) if next_one]
        yield tuple(turn + once if copiers and number % COPIER_RESTS == 0 else once)


def uniform(seed: int, purpose: str, output: str, person: str = "") -> float:
    """A number strictly between 0 and 1, fixed for its arguments."""
    digest = hashlib.sha256(f"{seed}\x1f{purpose}\x1f{output}\x1f{person}".encode()).digest()
    return ((int.from_bytes(digest[:8], "big") >> 12) + 0.5) / 2**52
