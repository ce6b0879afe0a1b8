"""A simulated world through the database: outputs by HTTP, people through the queue, the owner at the desk.

The truth stays in this process: the application gets words and signals, and gives decisions and verdicts.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from time import perf_counter

from reviewapp.simulation.cast import Cast, put_in_force
from reviewapp.simulation.desks import Claimed, Desk, SimulationFailed
from reviewapp.simulation.estimates import GoldAnswer, Slice
from reviewapp.simulation.figures import Run
from reviewapp.simulation.instrument import ADJUDICATION, GOLD, LIVE, Given
from reviewapp.simulation.outcome import Outcome
from reviewapp.simulation.plan import TIERS, Plan, first_policy, policy_after_warmup
from reviewapp.simulation.pool import PoolRow
from reviewapp.simulation.pure import gold_reference
from reviewapp.simulation.reviewers import ADJUDICATOR, Panel, Reviewer, rounds
from reviewapp.simulation.stream import STREAM_START, Arrival, Drawn
from routing.models import OutputReview
from routing.policy.error_rate import Stratum
from routing.queries import audit_strata
from routing.services.policies import ruling_in_force
from routing.services.recalibration import approve_recalibration, propose_recalibration

BATCH = 250
# After the weekend, and before the first arrival of the stream.
RECALIBRATED_AT = STREAM_START - timedelta(hours=1)

Progress = Callable[[int], object]
Decided = tuple[Arrival, dict[str, object]]


@dataclass
class World:
    """One run through the database. `seconds` holds how long each phase took, by the wall clock."""

    plan: Plan
    drawn: Drawn
    cast: Cast
    desk: Desk
    given: list[Given] = field(default_factory=list)
    gold: list[GoldAnswer] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=lambda: defaultdict(float))

    def __post_init__(self) -> None:
        self.panel = Panel(self.plan.seed, self.plan.mode)
        self._rounds = rounds(self.plan.seed, self.cast.people)
        self._free_at: dict[str, datetime] = {}
        self._live: dict[int, Arrival] = {}
        self._newest_item = 0

    def warm_up(self, progress: Progress) -> None:
        """Everything is reviewed, as the first policy says."""
        self._stream(self.drawn.warmup, progress)

    def recalibrate(self, at: datetime) -> None:
        """The owner ends double review, asks for a policy that spends the budget, and approves it."""
        started = perf_counter()
        project, actor = self.cast.project, self.cast.owner_actor
        single = policy_after_warmup(first_policy(self.plan, self.drawn.pool))
        put_in_force(project, single, reason="one person per item from here on", actor=actor, now=at)
        proposal = propose_recalibration(
            project=project,
            actor=actor,
            now=at,
            review_share=self.plan.review_share,
            tiers=TIERS,
            audit_rate=self.plan.audit_rate,
        )
        approve_recalibration(proposal=proposal, actor=actor, now=at, reason="within the review budget")
        self.seconds["recalibration"] += perf_counter() - started

    def stream(self, progress: Progress) -> Run:
        """The stream under the approved policy, and all that it is measured by."""
        before = len(self.given)
        decided = self._stream(self.drawn.stream, progress)
        verdicts = self._verdicts()
        reviews = Counter(given.output for given in self.given[before:] if given.kind != GOLD)
        policy = ruling_in_force(self.cast.project, now=self.drawn.stream[-1].occurred_at).document
        return Run(
            plan=self.plan,
            pool=self.drawn.pool,
            people=self.cast.people,
            outcomes=tuple(_outcome(arrival, decision, verdicts, reviews) for arrival, decision in decided),
            shift_at=self.drawn.shift_at,
            given=tuple(self.given),
            stream_given=tuple(self.given[before:]),
            gold=tuple(self.gold),
            thresholds={stakes: getattr(policy.tiers, stakes).threshold for stakes in TIERS},
        )

    def _stream(self, arrivals: Sequence[Arrival], progress: Progress) -> list[Decided]:
        decided: list[Decided] = []
        for start in range(0, len(arrivals), BATCH):
            batch = arrivals[start : start + BATCH]
            started = perf_counter()
            decisions = self.desk.send([arrival.body() for arrival in batch], batch[-1].occurred_at)
            decided += zip(batch, decisions, strict=True)
            self._note_items({arrival.external_id: arrival for arrival in batch})
            self.seconds["intake"] += perf_counter() - started
            started = perf_counter()
            self._work_off(batch[-1].occurred_at)
            self.seconds["reviewing"] += perf_counter() - started
            progress(len(batch))
        return decided

    def _note_items(self, batch: dict[str, Arrival]) -> None:
        """Which new item is about which arrival."""
        fresh = OutputReview.objects.filter(output__project=self.cast.project, item_id__gt=self._newest_item)
        for item_id, external_id in fresh.values_list("item_id", "output__external_id"):
            self._live[item_id] = batch[external_id]
            self._newest_item = max(self._newest_item, item_id)

    def _work_off(self, at: datetime) -> None:
        """Everybody takes one item after the other until there is none, then the adjudicator."""
        while sum([self._take_one(person, LIVE, at) for person in next(self._rounds)]):
            pass
        while self._take_one(ADJUDICATOR, ADJUDICATION, at):
            pass

    def _take_one(self, person: Reviewer, kind: str, at: datetime) -> bool:
        # Whoever copies begins when the one they copy has handed in: one can only copy what is there.
        starts = max(at, *(self._free_at.get(name, at) for name in (person.name, person.copies)))
        claimed = self.desk.claim(person.name, starts)
        if claimed is None:
            return False
        row, output, kind = self._about(claimed, kind)
        found_wrong = self.panel.answer(row, output=output, reviewer=person, again=kind == GOLD)
        seconds = self.panel.seconds(output=output, reviewer=person)
        ends = starts + timedelta(seconds=seconds)
        self.desk.submit(person.name, claimed, found_wrong=found_wrong, seconds=seconds, at=ends)
        self._free_at[person.name] = ends
        self.given.append(Given(person.name, output, found_wrong, seconds, row.error, kind))
        if kind == GOLD:
            self.gold.append(GoldAnswer(row.intent, row.error, found_wrong == row.error, person.name))
        return True

    def _about(self, claimed: Claimed, kind: str) -> tuple[PoolRow, str, str]:
        """What the claimed item truly is: its row, how its draws are keyed, and its kind."""
        arrival = self._live.get(claimed.item_id)
        if arrival is not None:
            return arrival.row, arrival.external_id, kind
        if claimed.item_id not in self.cast.gold:
            raise SimulationFailed(f"item {claimed.item_id} was handed out but belongs to no output of this run")
        row = self.cast.gold[claimed.item_id]
        return row, gold_reference(row), GOLD

    def _verdicts(self) -> dict[str, str | None]:
        reviews = OutputReview.objects.filter(output__project=self.cast.project)
        return dict(reviews.values_list("output__external_id", "item__verdict__value"))


def strata_in_database(cast: Cast, since: datetime) -> Callable[[Slice], list[Stratum]]:
    """What the product has counted since then, by its own query; a group is the sum of its intents."""

    def counted(part: Slice) -> list[Stratum]:
        if part.kind == "group":
            found = [
                s for intent in sorted(part.intents) for s in audit_strata(cast.project, since=since, intent=intent)
            ]
            return _added_up(found)
        return audit_strata(cast.project, since=since, stakes=part.name if part.kind == "stakes" else "")

    return counted


def _added_up(strata: Sequence[Stratum]) -> list[Stratum]:
    names = sorted({stratum.name for stratum in strata})
    groups = [[stratum for stratum in strata if stratum.name == name] for name in names]
    return [
        Stratum(
            shipped=sum(stratum.shipped for stratum in group),
            audited=sum(stratum.audited for stratum in group),
            errors=sum(stratum.errors for stratum in group),
            audit_rate=group[0].audit_rate,
            name=group[0].name,
        )
        for group in groups
    ]


def _outcome(
    arrival: Arrival, decision: dict[str, object], verdicts: dict[str, str | None], reviews: Counter[str]
) -> Outcome:
    verdict = verdicts.get(arrival.external_id)
    confidence, inclusion = decision["confidence"], decision["inclusion_probability"]
    if not isinstance(inclusion, float | int) or not isinstance(confidence, float | int | None):
        raise SimulationFailed(f"{arrival.external_id} was decided in a way that cannot be read: {decision}")
    return Outcome(
        arrival=arrival,
        action=str(decision["action"]),
        audited=bool(decision["audited"]),
        confidence=None if confidence is None else float(confidence),
        stakes=str(decision["stakes"]),
        inclusion_probability=float(inclusion),
        rejected=None if verdict is None else verdict != "accept",
        reviews=reviews[arrival.external_id],
    )
