"""A simulated world without a database: the very functions that route, learn and estimate, called by hand."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain, cycle
from typing import Any

from labeling.verdicts import Judgement, aggregate
from reviewapp.core.fingerprints import fingerprint
from reviewapp.simulation.estimates import GoldAnswer, Strata
from reviewapp.simulation.figures import Run
from reviewapp.simulation.instrument import ADJUDICATION, GOLD, LIVE, Given
from reviewapp.simulation.outcome import Outcome, strata_of_outcomes
from reviewapp.simulation.plan import TIERS, Plan, first_policy, policy_after_warmup
from reviewapp.simulation.pool import PoolRow
from reviewapp.simulation.reviewers import ADJUDICATOR, Panel, Reviewer, eight_reviewers, rounds, uniform
from reviewapp.simulation.stream import Arrival, Drawn
from routing.policy.decide import Facts, RoutingDecision, decide
from routing.policy.document import PolicyDocument
from routing.policy.drafting import budget_thresholds, with_thresholds
from routing.policy.evidence import Evidence, weigh
from routing.policy.learning import Fitted, fit_calibrator
from routing.policy.scopes import Logged


@dataclass(frozen=True, slots=True)
class PureWorld:
    """What happened: the policy and calibrator that the stream ran under, and all that a run is measured by."""

    policy: PolicyDocument
    fitted: Fitted
    run: Run


def run_pure(plan: Plan, drawn: Drawn) -> PureWorld:
    """Warm-up under review of everything, recalibration to the review budget, then the stream."""
    people = _People(plan, drawn)
    first = first_policy(plan, drawn.pool)
    warmup = [_live(arrival, first, None, plan, people) for arrival in drawn.warmup]
    fitted, policy = recalibrated(plan, policy_after_warmup(first), [logged(outcome) for outcome in warmup])
    before = len(people.given)
    stream = [_live(arrival, policy, fitted.parameters, plan, people) for arrival in drawn.stream]
    run = Run(
        plan=plan,
        pool=drawn.pool,
        people=people.eight,
        outcomes=tuple(stream),
        shift_at=drawn.shift_at,
        given=tuple(people.given),
        stream_given=tuple(people.given[before:]),
        gold=tuple(people.gold),
        thresholds={stakes: getattr(policy.tiers, stakes).threshold for stakes in TIERS},
    )
    return PureWorld(policy, fitted, run)


def strata_in(run: Run) -> Strata:
    """What the product's log would count for a slice of the run."""
    return lambda part: strata_of_outcomes([outcome for outcome in run.outcomes if part.holds(outcome)])


def recalibrated(plan: Plan, policy: PolicyDocument, rows: Sequence[Logged]) -> tuple[Fitted, PolicyDocument]:
    """The calibrator fitted on `rows`, oldest first, and the policy that spends the review budget."""
    newest_first = list(reversed(rows))
    fitted = fit_calibrator(newest_first)
    thresholds, _basis = budget_thresholds(
        newest_first, fitted.parameters, policy, TIERS, review_share=plan.review_share, audit_rate=plan.audit_rate
    )
    draft = with_thresholds(policy, thresholds, audit_rate=plan.audit_rate)
    return fitted, PolicyDocument.model_validate(draft.document)


def logged(outcome: Outcome) -> Logged:
    arrival = outcome.arrival
    evidence = evidence_in(arrival)
    return Logged(
        intent=arrival.row.intent,
        stakes=outcome.stakes,
        evidence={key: found.value for key, found in evidence.items()},
        inclusion_probability=outcome.inclusion_probability,
        acceptable=None if outcome.rejected is None else not outcome.rejected,
        prompt=fingerprint([arrival.row.prompt, arrival.row.context]),
        same_family=frozenset(key for key, found in evidence.items() if found.same_family),
    )


def evidence_in(arrival: Arrival) -> dict[str, Evidence]:
    """What the router makes of an arrival's signals."""
    model = arrival.row.source.get("model")
    return weigh(arrival.signals, [model] if model else [])


def _live(
    arrival: Arrival, policy: PolicyDocument, calibrator: dict[str, Any] | None, plan: Plan, people: "_People"
) -> Outcome:
    evidence = {key: found.value for key, found in evidence_in(arrival).items()}
    facts = Facts(arrival.external_id, arrival.row.intent, evidence=evidence)
    decision = decide(facts, policy=policy, calibrator=calibrator, key=plan.draw_key)
    rejected, reviews = people.judge(arrival, decision) if decision.needs_review else (None, 0)
    return Outcome(
        arrival=arrival,
        action=decision.action,
        audited=decision.audited,
        confidence=decision.confidence,
        stakes=decision.stakes,
        inclusion_probability=decision.inclusion_probability,
        rejected=rejected,
        reviews=reviews,
    )


@dataclass
class _People:
    """The panel at work: everybody in turn, gold cases in between."""

    plan: Plan
    drawn: Drawn
    given: list[Given] = field(default_factory=list)
    gold: list[GoldAnswer] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.panel = Panel(self.plan.seed, self.plan.mode)
        self.eight = eight_reviewers(sleeper=self.plan.sleeper, copier=self.plan.copier)
        self._turns = chain.from_iterable(rounds(self.plan.seed, self.eight))
        self._gold_turns = cycle(gold_in_order(self.plan.seed, self.drawn.pool.gold))

    def judge(self, arrival: Arrival, decision: RoutingDecision) -> tuple[bool, int]:
        """Whether people reject the output in the end, and how many ratings that took."""
        answers = []
        for _rater in range(decision.raters):
            reviewer = next(self._turns)
            self._maybe_gold(reviewer, arrival)
            answers.append(self._rate(arrival.row, arrival.external_id, reviewer, LIVE))
        agreed = aggregate([Judgement("reject" if answer else "accept", "", "", {}) for answer in answers])
        if agreed is not None:
            return agreed.value == "reject", len(answers)
        return self._rate(arrival.row, arrival.external_id, ADJUDICATOR, ADJUDICATION), len(answers) + 1

    def _rate(self, row: PoolRow, output: str, reviewer: Reviewer, kind: str) -> bool:
        found_wrong = self.panel.answer(row, output=output, reviewer=reviewer, again=kind == GOLD)
        seconds = self.panel.seconds(output=output, reviewer=reviewer)
        self.given.append(Given(reviewer.name, output, found_wrong, seconds, row.error, kind))
        return found_wrong

    def _maybe_gold(self, reviewer: Reviewer, arrival: Arrival) -> None:
        # A share g of claims is gold, so there are g/(1 − g) gold cases to one piece of live work.
        odds = self.plan.gold_rate / (1.0 - self.plan.gold_rate)
        if self.drawn.pool.gold and uniform(self.plan.seed, "gold", arrival.external_id, reviewer.name) < odds:
            row = next(self._gold_turns)
            found_wrong = self._rate(row, gold_reference(row), reviewer, GOLD)
            self.gold.append(GoldAnswer(row.intent, row.error, found_wrong == row.error, reviewer.name))


def gold_reference(row: PoolRow) -> str:
    """The owner's own name for a gold case."""
    return f"gold {row.key}"


def gold_in_order(seed: int, rows: Sequence[PoolRow]) -> list[PoolRow]:
    """Shuffled, so that no kind of case comes first."""
    return sorted(rows, key=lambda row: uniform(seed, "gold order", row.key))
