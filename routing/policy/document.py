"""The policy document: the routing rules as one frozen, validated value."""

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from routing.policy.conditions import check_condition

Stakes = Literal["high", "mid", "low"]
STAKES_RANK: dict[str, int] = {"high": 0, "mid": 1, "low": 2}


class Frozen(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def _checked(condition: dict[str, Any]) -> dict[str, Any]:
    check_condition(condition)
    return condition


Condition = Annotated[dict[str, Any], AfterValidator(_checked)]
Share = Annotated[float, Field(ge=0, le=1)]


class Tier(Frozen):
    """How outputs of one stakes tier are treated.

    `always` reviews all; `below_threshold` ships what has confidence ≥ `threshold`; `sampled` ships
    whatever raises no flag. What ships is audited with probability `audit_rate`, which must be above
    0: a tier that ships unaudited would have an unknown error rate.
    """

    mode: Literal["always", "below_threshold", "sampled"]
    threshold: Share | None = None
    audit_rate: Annotated[float, Field(gt=0, le=1)] = 1.0
    raters: Annotated[int, Field(ge=1, le=9)] = 1
    # A share of the reviewed items gets `overlap_raters` people, so that agreement can be measured.
    overlap_share: Share = 0.0
    overlap_raters: Annotated[int, Field(ge=2, le=9)] = 2
    sla_minutes: Annotated[int, Field(ge=1, le=525_600)] = 1440
    credential: Annotated[str, Field(max_length=60)] = ""

    @model_validator(mode="after")
    def threshold_goes_with_its_mode(self) -> Self:
        if (self.mode == "below_threshold") != (self.threshold is not None):
            raise ValueError('"threshold" is required with mode "below_threshold" and allowed only there')
        return self


class Tiers(Frozen):
    high: Tier
    mid: Tier
    low: Tier


class PartialTiers(Frozen):
    high: Tier | None = None
    mid: Tier | None = None
    low: Tier | None = None


class StakesRule(Frozen):
    name: Annotated[str, Field(min_length=1, max_length=60)]
    when: Condition
    stakes: Stakes


class StakesRules(Frozen):
    """`default` where nothing else speaks; otherwise the highest of caller, intent and rules wins."""

    default: Stakes = "mid"
    by_intent: dict[str, Stakes] = {}
    rules: tuple[StakesRule, ...] = ()


class Targets(Frozen):
    """What the owner wants to be able to say of what ships."""

    undetected_error: Annotated[float, Field(gt=0, lt=1)] = 0.02
    level: Annotated[float, Field(gt=0.5, lt=1)] = 0.95


class PolicyDocument(Frozen):
    """Everything that routing depends on, besides the calibrator it is published with."""

    tiers: Tiers
    # Per intent, tiers that differ from the general ones.
    intents: dict[str, PartialTiers] = {}
    stakes: StakesRules = StakesRules()
    # Signal keys without which an output always goes to a person.
    required_signals: tuple[str, ...] = ()
    gold_rate: Annotated[float, Field(ge=0, le=0.5)] = 0.1
    targets: Targets = Targets()

    def tier_for(self, intent: str, stakes: str) -> Tier:
        special = self.intents.get(intent)
        own: Tier | None = getattr(special, stakes) if special else None
        general: Tier = getattr(self.tiers, stakes)
        return own or general

    @property
    def reviews_everything(self) -> bool:
        tiers = [getattr(self.tiers, stakes) for stakes in STAKES_RANK]
        tiers += [
            tier for special in self.intents.values() for stakes in STAKES_RANK if (tier := getattr(special, stakes))
        ]
        return all(tier.mode == "always" for tier in tiers)


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
