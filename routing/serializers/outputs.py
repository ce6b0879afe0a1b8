"""`POST /outputs/` bodies: pydantic models, because a batch of a thousand must parse in milliseconds."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal, Self

from django.conf import settings
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    ValidationError,
    model_validator,
)

from reviewapp.core.fingerprints import fingerprint
from reviewapp.core.parsers import unstorable
from reviewapp.core.problems import Problem, pointer_token, problem_body
from routing.policy.evidence import signal_key
from routing.services.new_output import NewOutput

MAX_BATCH = 1000


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


def _whole(value: Any) -> Any:
    """In JSON, 3.0 is a whole number like 3."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


Word = Annotated[str, Field(min_length=1, max_length=100)]
Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=0, le=1_000_000), BeforeValidator(_whole)]
SourceName = Annotated[str, Field(max_length=200)]


class Turn(Strict):
    role: Word
    content: str


class Passage(Strict):
    id: Annotated[str, Field(max_length=200)]
    text: str


class Source(Strict):
    model: SourceName | None = None
    version: SourceName | None = None
    prompt_version: SourceName | None = None


class Candidate(Strict):
    text: str
    source: Source | SourceName | None = None


class Step(Strict):
    type: Literal["message", "tool_call", "tool_result"]
    name: Annotated[str, Field(max_length=200)] | None = None
    content: Any


class JudgeRun(Strict):
    """One run says one thing: a verdict, a score, or a preference with the order it was asked in."""

    verdict: Literal["pass", "fail"] | None = None
    score: Share | None = None
    preferred: Literal["a", "b", "tie"] | None = None
    order: Literal["ab", "ba"] | None = None

    @model_validator(mode="after")
    def says_one_thing(self) -> Self:
        if sum(value is not None for value in (self.verdict, self.score, self.preferred)) != 1:
            raise ValueError("a run has exactly one of verdict, score and preferred")
        if self.order is not None and self.preferred is None:
            raise ValueError("order goes with preferred")
        return self


class Judge(Strict):
    kind: Literal["judge"]
    name: Word
    family: Word | None = None
    runs: Annotated[list[JudgeRun], Field(min_length=1, max_length=100)]

    @model_validator(mode="after")
    def runs_are_of_one_sort(self) -> Self:
        if len({run.preferred is None for run in self.runs}) > 1:
            raise ValueError("runs with and without a preference cannot be mixed")
        return self


class PairwiseMargin(Strict):
    kind: Literal["pairwise_margin"]
    value: Annotated[float, Field(ge=-1, le=1)]


class Grounding(Strict):
    kind: Literal["grounding"]
    supported: Count
    total: Count

    @model_validator(mode="after")
    def part_of_whole(self) -> Self:
        if self.supported > self.total:
            raise ValueError("supported cannot exceed total")
        return self


class Ensemble(Strict):
    kind: Literal["ensemble"]
    votes: Annotated[list[Literal["pass", "fail"]], Field(min_length=1, max_length=1000)]


class SelfConsistency(Strict):
    kind: Literal["self_consistency"]
    agree: Count
    samples: Count

    @model_validator(mode="after")
    def part_of_whole(self) -> Self:
        if self.agree > self.samples:
            raise ValueError("agree cannot exceed samples")
        return self


class Score(Strict):
    kind: Literal["score"]
    name: Word
    value: Share


class TokenProbability(BaseModel):
    """Refused, but by name, so that the caller learns why."""

    kind: Literal["token_probability"]

    @model_validator(mode="after")
    def refused(self) -> Self:
        raise ValueError(
            "a token probability is not a calibrated confidence: it tells how usual the wording is, not whether the "
            "answer is right. Send it in metadata, or derive a signal from it"
        )


def _kind(value: Any) -> str | None:
    return value.get("kind") if isinstance(value, dict) else getattr(value, "kind", None)


def _written(value: Any) -> Any:
    """A number would be taken for seconds since 1970."""
    if isinstance(value, int | float) or (isinstance(value, str) and "T" not in value.upper()):
        raise ValueError("write the moment as RFC 3339 has it: 2026-11-21T09:00:00Z")
    return value


def _plausible(moment: datetime) -> datetime:
    """Dates at the ends of the calendar cannot be converted between time zones, nor stored everywhere."""
    if not 1970 <= moment.year <= 2200:
        raise ValueError("a moment lies between the years 1970 and 2200")
    return moment


SignalIn = Annotated[
    Annotated[Judge, Tag("judge")]
    | Annotated[PairwiseMargin, Tag("pairwise_margin")]
    | Annotated[Grounding, Tag("grounding")]
    | Annotated[Ensemble, Tag("ensemble")]
    | Annotated[SelfConsistency, Tag("self_consistency")]
    | Annotated[Score, Tag("score")]
    | Annotated[TokenProbability, Tag("token_probability")],
    Discriminator(_kind),
]


class OutputIn(Strict):
    """One output to route."""

    external_id: Annotated[str, Field(min_length=1, max_length=200)]
    intent: Word
    prompt: str | Annotated[list[Turn], Field(min_length=1, max_length=1000)]
    context: Annotated[list[Passage], Field(max_length=1000)] = []
    response: str | None = None
    candidates: Annotated[list[Candidate], Field(min_length=2, max_length=2)] | None = None
    trajectory: Annotated[list[Step], Field(min_length=1, max_length=2000)] | None = None
    source: Source | None = None
    stakes: Literal["high", "mid", "low"] | None = None
    flags: Annotated[list[Literal["adversarial", "incident"]], Field(max_length=10)] = []
    signals: Annotated[list[SignalIn], Field(max_length=100)] = []
    occurred_at: (
        Annotated[AwareDatetime, Field(strict=False), BeforeValidator(_written), AfterValidator(_plausible)] | None
    ) = None
    metadata: dict[str, Any] = {}

    @model_validator(mode="after")
    def judges_one_thing(self) -> Self:
        if sum(part is not None for part in (self.response, self.candidates, self.trajectory)) != 1:
            raise ValueError("send exactly one of response, candidates and trajectory")
        keys = [signal_key(signal.model_dump()) for signal in self.signals]
        twice = sorted({key for key in keys if keys.count(key) > 1})
        if twice:
            raise ValueError(f"signals may occur once each; twice here: {', '.join(twice)}")
        return self


def parse_output(raw: Any) -> NewOutput:
    """The validated output. Raises Problem 400 or 413 with a pointer to every fault."""
    if fault := unstorable(raw):
        raise Problem(400, "The output cannot be stored; see errors.", errors=[fault])
    if errors := _too_long(raw):
        raise Problem(413, f"A text may be {settings.MAX_TEXT_CHARS} characters long.", code="too_large", errors=errors)
    try:
        output = OutputIn.model_validate(raw)
    except ValidationError as error:
        raise Problem(400, "The output does not fit; see errors.", errors=_faults(error)) from None
    return _new_output(output, raw)


def problem_of(error: Problem) -> dict[str, Any]:
    """A batch row's problem."""
    return problem_body(error.status_code, str(error.detail), code=error.problem_code, errors=error.errors)


def _too_long(raw: Any, pointer: str = "") -> list[dict[str, str]]:
    if isinstance(raw, str) and len(raw) > settings.MAX_TEXT_CHARS:
        return [{"pointer": pointer, "code": "too_large", "detail": f"{len(raw)} characters"}]
    if isinstance(raw, dict):
        return [fault for key, value in raw.items() for fault in _too_long(value, f"{pointer}/{pointer_token(key)}")]
    if isinstance(raw, list):
        return [fault for index, value in enumerate(raw) for fault in _too_long(value, f"{pointer}/{index}")]
    return []


def _faults(error: ValidationError) -> list[dict[str, str]]:
    faults = []
    for fault in error.errors(include_url=False, include_context=False, include_input=False):
        code = "unknown_field" if fault["type"] == "extra_forbidden" else fault["type"]
        detail = "This field is not known here." if code == "unknown_field" else fault["msg"]
        faults.append({"pointer": _pointer(fault["loc"]), "code": code, "detail": detail.removeprefix("Value error, ")})
    return faults


# Names that pydantic adds to a path for the branch of a union it tried: no part of the request.
UNION_BRANCHES = {"str", "Source", "list[Turn]", "function-after[judges_one_thing(), OutputIn]"}


def _pointer(location: tuple[int | str, ...]) -> str:
    parts = [
        part for part in location if part not in UNION_BRANCHES and not str(part).startswith(("constrained", "list["))
    ]
    if len(parts) > 2 and parts[0] == "signals":
        # The third part is the tag of the signal's kind.
        parts = [*parts[:2], *parts[3:]]
    return "".join(f"/{pointer_token(part)}" for part in parts)


def _new_output(output: OutputIn, raw: Mapping[str, Any]) -> NewOutput:
    task_kind, body, sources = _judged(output)
    prompt = output.prompt if isinstance(output.prompt, str) else [turn.model_dump() for turn in output.prompt]
    return NewOutput(
        external_id=output.external_id,
        body_sha256=fingerprint(raw),
        intent=output.intent,
        task_kind=task_kind,
        prompt=prompt,
        context=[passage.model_dump() for passage in output.context],
        body=body,
        source=_names(output.source),
        candidate_sources=sources,
        stakes=output.stakes,
        flags=tuple(dict.fromkeys(output.flags)),
        signals=tuple(signal.model_dump(exclude_none=True) for signal in output.signals),
        metadata=output.metadata,
        occurred_at=output.occurred_at,
    )


def _judged(output: OutputIn) -> tuple[str, dict[str, Any], tuple[dict[str, str], ...]]:
    """Task kind, what a reviewer may see of it, and the hidden sources of two candidates."""
    if output.candidates is not None:
        first, second = output.candidates
        return "pairwise", {"a": first.text, "b": second.text}, (_names(first.source), _names(second.source))
    if output.trajectory is not None:
        steps = [step.model_dump(exclude_none=True) for step in output.trajectory]
        return "trajectory", {"steps": steps}, ()
    return "pointwise", {"response": output.response}, ()


def _names(source: Source | str | None) -> dict[str, str]:
    if source is None:
        return {}
    if isinstance(source, str):
        return {"model": source}
    return source.model_dump(exclude_none=True)
