"""The policy document: the routing rules as one frozen, validated value.

Numbers are strict (`true` and "0.5" are none), unknown fields are refused, and a tier is never laxer
than one of lower stakes: raising the stakes of an output can only bring it nearer to a person.
"""

from functools import lru_cache
from itertools import pairwise
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from routing.policy.checks import Check
from routing.policy.conditions import check_condition
from routing.policy.folding import latin, unstyled

Stakes = Literal["high", "mid", "low"]
STAKES_RANK: dict[str, int] = {"high": 0, "mid": 1, "low": 2}
STRICTNESS = {"sampled": 0, "below_threshold": 1, "always": 2}
Aggregation = Literal["single", "unanimous", "majority", "dawid_skene"]
# With fewer labels per item a model of who errs how does worse than the majority.
FEWEST_FOR_MODEL = 5


class Frozen(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def _checked(condition: dict[str, Any]) -> dict[str, Any]:
    check_condition(condition)
    return condition


Condition = Annotated[dict[str, Any], AfterValidator(_checked)]
Share = Annotated[float, Field(strict=True, ge=0, le=1)]
Word = Annotated[str, Field(min_length=1, max_length=60)]
SignalKey = Annotated[
    str, Field(pattern=r"^(?:(?:judge|score):[\s\S]{1,100}|pairwise_margin|grounding|ensemble|self_consistency)$")
]
Judge = Annotated[str, Field(min_length=1, max_length=100)]


class Tier(Frozen):
    """How outputs of one stakes tier are treated.

    `always` reviews all; `below_threshold` ships what has confidence ≥ `threshold`; `sampled` ships
    whatever raises no flag. What ships is audited with probability `audit_rate`, which must be above
    0: a tier that ships unaudited would have an unknown error rate.

    `aggregation` says how the ratings of one item become its verdict; what allows none goes to an adjudicator.
    `single`: the first rating decides, further ones only measure agreement. `unanimous`: all raters must give the
    same answer. `majority`: more than half of them must. `dawid_skene`: each rater weighs as much as they proved
    reliable, for 5 raters or more; such verdicts never enter a calibration or a guarantee.
    """

    mode: Literal["always", "below_threshold", "sampled"]
    threshold: Share | None = None
    audit_rate: Annotated[float, Field(strict=True, gt=0, le=1)] = 1.0
    raters: Annotated[int, Field(strict=True, ge=1, le=9)] = 1
    # A share of the reviewed items gets `overlap_raters` people, so that agreement can be measured.
    overlap_share: Share = 0.0
    overlap_raters: Annotated[int, Field(strict=True, ge=2, le=9)] = 2
    aggregation: Aggregation = "majority"
    sla_minutes: Annotated[int, Field(strict=True, ge=1, le=525_600)] = 1440
    credential: Annotated[str, Field(max_length=60)] = ""

    @model_validator(mode="after")
    def threshold_goes_with_its_mode(self) -> Self:
        if (self.mode == "below_threshold") != (self.threshold is not None):
            raise ValueError('"threshold" is required with mode "below_threshold" and allowed only there')
        return self

    @model_validator(mode="after")
    def a_model_needs_raters(self) -> Self:
        if self.aggregation == "dawid_skene" and self.raters < FEWEST_FOR_MODEL:
            raise ValueError(
                f'aggregation "dawid_skene" needs "raters" of {FEWEST_FOR_MODEL} or more, here {self.raters}: with '
                'fewer labels per item it does worse than "majority", above all where few outputs are wrong'
            )
        return self

    def aggregation_of(self, *, audited: bool) -> Aggregation:
        """How the ratings of an item of this tier become its verdict. What measures the error rate of shipped
        outputs is never labelled by a model."""
        return "majority" if audited and self.aggregation == "dawid_skene" else self.aggregation

    @property
    def strictness(self) -> tuple[int, float]:
        """Orders tiers: whatever a tier ships, every tier that compares lower ships as well."""
        return STRICTNESS[self.mode], self.threshold or 0.0


class Tiers(Frozen):
    high: Tier
    mid: Tier
    low: Tier


class IntentRules(Frozen):
    """Where one intent differs from the general rules; what is absent stays as it is there."""

    high: Tier | None = None
    mid: Tier | None = None
    low: Tier | None = None
    required_signals: tuple[SignalKey, ...] | None = None


class StakesRule(Frozen):
    name: Word
    when: Condition
    stakes: Stakes


class StakesRules(Frozen):
    """`default` where nothing else speaks; otherwise the highest of caller, intent, rules and failed checks wins."""

    default: Stakes = "mid"
    by_intent: dict[str, Stakes] = {}
    rules: tuple[StakesRule, ...] = ()


class Targets(Frozen):
    """What the owner wants to be able to say of what ships."""

    undetected_error: Annotated[float, Field(strict=True, gt=0, lt=1)] = 0.02
    level: Annotated[float, Field(strict=True, gt=0.5, lt=1)] = 0.95


class Detector(Frozen):
    """`false_alarm_rate`: the share of ordinary traffic that the owner lets it send to people for nothing."""

    false_alarm_rate: Annotated[float, Field(strict=True, gt=0, le=0.2)] = 0.01


class Detectors(Frozen):
    """What looks at every input. None switches one off; see routing.policy.adversarial and .novelty."""

    adversarial: Detector | None = Detector()
    novelty: Detector | None = None


class Judges(Frozen):
    """Judges of ours to hear before deciding; until then the output is pending, and without them it is reviewed."""

    names: Annotated[tuple[Judge, ...], Field(max_length=5)] = ()
    intents: tuple[Judge, ...] | None = None
    deadline_seconds: Annotated[int, Field(strict=True, ge=1, le=86_400)] = 300


class PolicyDocument(Frozen):
    """Everything that routing depends on, besides the calibrator it is published with."""

    tiers: Tiers
    # Per intent, what differs from the general rules.
    intents: dict[str, IntentRules] = {}
    stakes: StakesRules = StakesRules()
    # Signal keys without which an output always goes to a person. Null: those that the calibrator relies on.
    required_signals: tuple[SignalKey, ...] | None = None
    checks: Annotated[tuple[Check, ...], Field(max_length=50)] = ()
    detectors: Detectors = Detectors()
    judges: Judges = Judges()
    gold_rate: Annotated[float, Field(strict=True, ge=0, le=0.5)] = 0.1
    targets: Targets = Targets()

    @model_validator(mode="after")
    def higher_stakes_are_never_laxer(self) -> Self:
        for intent in ("", *self.intents):
            tiers = [(stakes, self.tier_for(intent, stakes)) for stakes in STAKES_RANK]
            for (higher, strict), (lower, lax) in pairwise(tiers):
                if strict.strictness < lax.strictness:
                    where = f"intents/{intent}" if intent else "tiers"
                    raise ValueError(
                        f'{where}: "{higher}" is laxer than "{lower}"; an output must never ship because more is at '
                        "stake. Make it at least as strict: always, then a larger threshold, then sampled"
                    )
        return self

    @model_validator(mode="after")
    def names_occur_once(self) -> Self:
        for what, names in (
            ("check", [check.name for check in self.checks]),
            ("stakes rule", [rule.name for rule in self.stakes.rules]),
            ("judge", list(self.judges.names)),
        ):
            if twice := sorted({name for name in names if names.count(name) > 1}):
                raise ValueError(f"every {what} needs a name of its own; twice here: {', '.join(twice)}")
        return self

    def known_intent(self, intent: str) -> str:
        """The intent that the policy speaks of and that this one looks like, else itself: "Refund " is "refund" to
        every reader, so it must not dodge what is said of refunds."""
        named = [*self.intents, *self.stakes.by_intent, *(self.judges.intents or ())]
        named += [name for check in self.checks for name in check.intents or ()]
        if intent in named:
            return intent
        return next((name for name in named if _likeness(name) == _likeness(intent)), intent)

    def tier_for(self, intent: str, stakes: str) -> Tier:
        special = self.intents.get(intent)
        own: Tier | None = getattr(special, stakes) if special else None
        general: Tier = getattr(self.tiers, stakes)
        return own or general

    def required_for(self, intent: str) -> tuple[str, ...] | None:
        """The signals that the owner named for an intent; None where the calibrator says which."""
        special = self.intents.get(intent)
        return special.required_signals if special and special.required_signals is not None else self.required_signals

    def judges_for(self, intent: str) -> tuple[str, ...]:
        """The judges of ours to hear on an output of this intent."""
        return self.judges.names if self.judges.intents is None or intent in self.judges.intents else ()

    @property
    def ships_by_threshold(self) -> bool:
        return any(tier.mode == "below_threshold" for tier in self._all_tiers())

    @property
    def reviews_everything(self) -> bool:
        return all(tier.mode == "always" for tier in self._all_tiers())

    def _all_tiers(self) -> list[Tier]:
        tiers = [getattr(self.tiers, stakes) for stakes in STAKES_RANK]
        return tiers + [
            tier for special in self.intents.values() for stakes in STAKES_RANK if (tier := getattr(special, stakes))
        ]


@lru_cache(maxsize=4096)
def _likeness(intent: str) -> str:
    return " ".join(latin(unstyled(intent)).split())


def review_everything() -> PolicyDocument:
    """The first policy of every project: autonomy is earned, not assumed."""
    always = {"mode": "always", "overlap_share": 0.2}
    return PolicyDocument.model_validate(
        {
            "tiers": {
                "high": always | {"sla_minutes": 240, "raters": 1},
                "mid": always | {"sla_minutes": 1440},
                "low": always | {"sla_minutes": 4320},
            }
        }
    )
