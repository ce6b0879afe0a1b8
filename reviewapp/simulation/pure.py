"""A simulated world without a database: the very functions that route, learn and estimate, called by hand."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import cycle
from typing import Any

from labeling.verdicts import Judgement, aggregate
from reviewapp.simulation.outcome import Outcome
from reviewapp.simulation.plan import TIERS, Plan, first_policy
from reviewapp.simulation.pool import PoolRow
from reviewapp.simulation.reviewers import ADJUDICATOR, Panel, Reviewer, eight_reviewers, uniform
from reviewapp.simulation.stream import Arrival, Drawn
from routing.policy.decide import Facts, RoutingDecision, decide
from routing.policy.document import PolicyDocument
from routing.policy.evidence import evidence_by_key
from routing.policy.imperfect import GoldCounts
from routing.policy.learning import Fitted, Logged, confidences, fit_calibrator, threshold_for_share, with_thresholds


@dataclass(frozen=True, slots=True)
class PureWorld:
    """What happened: the policy and calibrator that the stream ran under, its outcomes, and gold answers."""

    policy: PolicyDocument
    fitted: Fitted
    warmup: tuple[Outcome, ...]
    stream: tuple[Outcome, ...]
    gold: GoldCounts


def run_pure(plan: Plan, drawn: Drawn) -> PureWorld:
    """Warm-up under review of everything, recalibration to the review budget, then the stream."""
    people = _People(plan, drawn)
    first = first_policy(plan, drawn.pool)
    warmup = [_live(arrival, first, None, plan, people) for arrival in drawn.warmup]
    fitted, policy = recalibrated(plan, first, [logged(outcome) for outcome in warmup])
    stream = [_live(arrival, policy, fitted.parameters, plan, people) for arrival in drawn.stream]
    return PureWorld(policy, fitted, tuple(warmup), tuple(stream), people.gold_counts())


def recalibrated(plan: Plan, policy: PolicyDocument, rows: Sequence[Logged]) -> tuple[Fitted, PolicyDocument]:
    """The calibrator fitted on `rows`, oldest first, and the policy that spends the review budget."""
    newest_first = list(reversed(rows))
    fitted = fit_calibrator(newest_first)
    below = max(0.0, (plan.review_share - plan.audit_rate) / (1.0 - plan.audit_rate))
    threshold = threshold_for_share(confidences(fitted.parameters, newest_first), below)
    document = with_thresholds(policy, dict.fromkeys(TIERS, threshold), audit_rate=plan.audit_rate)
    return fitted, PolicyDocument.model_validate(document)


def logged(outcome: Outcome) -> Logged:
    arrival = outcome.arrival
    return Logged(
        intent=arrival.row.intent,
        stakes=outcome.stakes,
        evidence=evidence_by_key(arrival.signals),
        inclusion_probability=outcome.inclusion_probability,
        acceptable=None if outcome.rejected is None else not outcome.rejected,
        prompt=prompt_fingerprint(arrival.row),
    )


def prompt_fingerprint(row: PoolRow) -> str:
    """As the intake names a prompt, so that the same outputs share a fold here and there."""
    text = json.dumps(row.prompt, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _live(
    arrival: Arrival, policy: PolicyDocument, calibrator: dict[str, Any] | None, plan: Plan, people: "_People"
) -> Outcome:
    facts = Facts(arrival.external_id, arrival.row.intent, evidence=evidence_by_key(arrival.signals))
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
    panel: Panel = field(init=False)
    turns: Iterator[Reviewer] = field(init=False)
    gold_turns: Iterator[PoolRow] = field(init=False)
    gold_answers: list[tuple[bool, bool]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.panel = Panel(self.plan.seed, self.plan.mode)
        self.turns = cycle(eight_reviewers(sleeper=self.plan.sleeper, copier=self.plan.copier))
        by_draw = sorted(self.drawn.pool.gold, key=lambda row: uniform(self.plan.seed, "gold order", row.key))
        self.gold_turns = cycle(by_draw)

    def judge(self, arrival: Arrival, decision: RoutingDecision) -> tuple[bool, int]:
        """Whether people reject the output in the end, and how many ratings that took."""
        answers = []
        for _rater in range(decision.raters):
            reviewer = next(self.turns)
            self._maybe_gold(reviewer, arrival)
            answers.append(self.panel.answer(arrival.row, output=arrival.external_id, reviewer=reviewer))
        agreed = aggregate([Judgement("reject" if answer else "accept", "", "", {}) for answer in answers])
        if agreed is not None:
            return agreed.value == "reject", len(answers)
        final = self.panel.answer(arrival.row, output=arrival.external_id, reviewer=ADJUDICATOR)
        return final, len(answers) + 1

    def _maybe_gold(self, reviewer: Reviewer, arrival: Arrival) -> None:
        # A share g of claims is gold, so there are g/(1 − g) gold cases to one piece of live work.
        odds = self.plan.gold_rate / (1.0 - self.plan.gold_rate)
        if self.drawn.pool.gold and uniform(self.plan.seed, "gold", arrival.external_id, reviewer.name) < odds:
            row = next(self.gold_turns)
            answer = self.panel.answer(row, output=f"gold {row.key}", reviewer=reviewer, again=True)
            self.gold_answers.append((row.error, answer))

    def gold_counts(self) -> GoldCounts:
        failures = [answer for error, answer in self.gold_answers if error]
        clean = [answer for error, answer in self.gold_answers if not error]
        return GoldCounts(sum(failures), len(failures), len(clean) - sum(clean), len(clean))
