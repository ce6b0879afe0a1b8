"""The kinds of deterministic checks: what each looks at, and what it finds at fault.

A check on the response looks at every text that could be used as the answer: the response; both candidates,
each of which must pass; the last message of a run (a run without one fails). `must_not_match` looks at every
message and tool call of a run. Text is looked at as it came, nothing unfenced or trimmed; only
what must not match is looked for behind styled letters and hidden characters as well.
"""

from abc import abstractmethod
from collections.abc import Iterator
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from routing.policy.languages import LANGUAGES, letters, share_in
from routing.policy.patterns import MAX_PATTERN_CHARS, captures, check_pattern, found, found_in_any_guise
from routing.policy.response_schema import check_schema, schema_fault
from routing.policy.subject import MISSING, Passage, Subject, at_pointer, check_bounded, quoted, read_json

MAX_CHARACTERS = 10_000_000


def _pattern(pattern: str) -> str:
    check_pattern(pattern)
    return pattern


def _capturing(pattern: str) -> str:
    check_pattern(pattern, groups=1)
    return pattern


def _schema(schema: dict[str, Any] | bool) -> dict[str, Any] | bool:
    check_schema(schema)
    return schema


def _language(code: str) -> str:
    if code not in LANGUAGES:
        raise ValueError(f"{quoted(code)} is no ISO 639-1 code of a language that can be told")
    return code


Severity = Literal["high", "mid", "low"]
Intent = Annotated[str, Field(min_length=1, max_length=100)]
Pointer = Annotated[str, Field(max_length=200, pattern=r"^(?:/(?:[^~/]|~[01])*)*$")]
PatternText = Annotated[str, Field(min_length=1, max_length=MAX_PATTERN_CHARS)]
Pattern = Annotated[PatternText, AfterValidator(_pattern)]
# With exactly one group in parentheses.
CapturingPattern = Annotated[PatternText, AfterValidator(_capturing)]


class CheckOfKind(BaseModel):
    """What all checks have. A failed check raises the stakes of its output to at least `severity`.

    `intents`: the check applies to these only; null: to all.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False, serialize_by_alias=True)

    kind: str
    name: Annotated[str, Field(pattern=r"^[a-z0-9_-]{1,60}$")]
    severity: Severity
    # Lists come as JSON arrays, which are no tuples: they alone are not strict.
    intents: Annotated[tuple[Intent, ...], Field(strict=False, min_length=1, max_length=100)] | None = None

    def applies_to(self, intent: str) -> bool:
        return self.intents is None or intent in self.intents

    @abstractmethod
    def fault(self, subject: Subject) -> str | None:
        """What is wrong, as a sentence; None if the output passes. May raise: Unreadable, SearchTooCostly and more."""


class JsonCheck(CheckOfKind):
    """Looks at the response read as JSON, strictly (see routing.policy.subject), or at the metadata."""

    part: Literal["response", "metadata"] = "response"

    def fault(self, subject: Subject) -> str | None:
        return _first(f"{name} {fault}" for name, value in self._values(subject) if (fault := self.wrong_with(value)))

    @abstractmethod
    def wrong_with(self, value: Any) -> str | None: ...

    def _values(self, subject: Subject) -> Iterator[tuple[str, Any]]:
        if self.part == "response":
            yield from ((answer.name, answer.json) for answer in subject.answers)
        else:
            check_bounded(subject.metadata)
            yield "the metadata", subject.metadata


class TextCheck(CheckOfKind):
    """Looks at the text of the response or of the prompt; the turns of a chat are joined by line breaks."""

    part: Literal["response", "prompt"] = "response"

    def fault(self, subject: Subject) -> str | None:
        passages = self.answers(subject) if self.part == "response" else (subject.question,)
        return _first(f"{passage.name} {fault}" for passage in passages if (fault := self.wrong_with(passage.text)))

    def answers(self, subject: Subject) -> tuple[Passage, ...]:
        return subject.answers

    @abstractmethod
    def wrong_with(self, text: str) -> str | None: ...


class RequiredFields(JsonCheck):
    """Every JSON pointer of `paths` leads to a value. Null is none; empty text is one."""

    kind: Literal["required_fields"]
    paths: Annotated[tuple[Pointer, ...], Field(strict=False, min_length=1, max_length=100)]

    def wrong_with(self, value: Any) -> str | None:
        absent = [path for path in self.paths if at_pointer(value, path) in (MISSING, None)]
        return f"has nothing at {quoted(', '.join(absent))}" if absent else None


class JsonSchema(JsonCheck):
    """Fits a JSON Schema without outside or recursive references. Formats bind; patterns are of linear time."""

    kind: Literal["json_schema"]
    # A model of pydantic has a method of that name.
    schema_: Annotated[dict[str, Any] | bool, Field(alias="schema"), AfterValidator(_schema)]

    def wrong_with(self, value: Any) -> str | None:
        return schema_fault(self.schema_, value)


class NumericRange(JsonCheck):
    """A number lies within `min` and `max`, both included: the one at a JSON pointer, or every one in the text.

    With `pattern` its one group holds the numbers, at least one of them, each a plain decimal (12, -0.5).
    A number that is absent, or text instead of a number ("12"), fails.
    """

    kind: Literal["numeric_range"]
    pointer: Pointer | None = None
    pattern: CapturingPattern | None = None
    min: float | None = None
    max: float | None = None

    @model_validator(mode="after")
    def says_where_and_between_what(self) -> Self:
        if (self.pointer is None) == (self.pattern is None):
            raise ValueError('exactly one of "pointer" and "pattern" says where the number is')
        if self.pattern is not None and self.part != "response":
            raise ValueError('"pattern" looks at the response; metadata takes a "pointer"')
        if self.min is None and self.max is None:
            raise ValueError('at least one of "min" and "max" is needed')
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError('"min" is above "max"')
        return self

    def fault(self, subject: Subject) -> str | None:
        if self.pattern is None:
            return super().fault(subject)
        return _first(f"{answer.name} {fault}" for answer in subject.answers if (fault := self._wrong_in(answer.text)))

    def wrong_with(self, value: Any) -> str | None:
        number = at_pointer(value, self.pointer or "")
        where = f" at {quoted(self.pointer)}" if self.pointer else ""
        if isinstance(number, bool) or not isinstance(number, int | float):
            return f"has no number{where}"
        return self._outside(number, where)

    def _wrong_in(self, text: str) -> str | None:
        numbers = 0
        for held in captures(self.pattern or "", text):
            if not found(PLAIN_NUMBER, held):
                return f"has {quoted(held)} where a plain number belongs"
            if fault := self._outside(read_json(held), ""):
                return fault
            numbers += 1
        return None if numbers else "has no number where one belongs"

    def _outside(self, number: int | float, where: str) -> str | None:
        if self.min is not None and number < self.min:
            return f"has {quoted(str(number))}{where}, below {self.min:g}"
        if self.max is not None and number > self.max:
            return f"has {quoted(str(number))}{where}, above {self.max:g}"
        return None


class MustMatch(TextCheck):
    """An RE2 pattern is found somewhere in the text."""

    kind: Literal["must_match"]
    pattern: Pattern

    def wrong_with(self, text: str) -> str | None:
        return None if found(self.pattern, text) else f"does not match {quoted(self.pattern)}"


class MustNotMatch(TextCheck):
    """An RE2 pattern is found nowhere in the text, neither as it was sent nor as it looks to a reader; of a run, in
    no message and no tool call."""

    kind: Literal["must_not_match"]
    pattern: Pattern

    def answers(self, subject: Subject) -> tuple[Passage, ...]:
        return subject.own_words

    def wrong_with(self, text: str) -> str | None:
        return f"matches {quoted(self.pattern)}" if found_in_any_guise(self.pattern, text) else None


class AllowedCitations(CheckOfKind):
    """Every id that the response cites is in the context; `required`: and it cites at least one.

    The one group of `pattern` holds an id, or several between commas or semicolons. By default whatever
    stands in square brackets is a citation.
    """

    kind: Literal["allowed_citations"]
    pattern: CapturingPattern = r"\[([^\[\]]+)\]"
    required: bool = False

    def fault(self, subject: Subject) -> str | None:
        return _first(
            f"{answer.name} {fault}"
            for answer in subject.answers
            if (fault := self._wrong_in(answer.text, subject.cited_from))
        )

    def _wrong_in(self, text: str, known: frozenset[str]) -> str | None:
        cited = 0
        for held in captures(self.pattern, text):
            ids = [held] if held in known else [part.strip() for part in held.replace(";", ",").split(",")]
            if unknown := [part for part in ids if part and part not in known]:
                return f"cites {quoted(unknown[0])}, which is not in the context"
            cited += sum(1 for part in ids if part)
        return "cites nothing" if self.required and not cited else None


class MaxLength(TextCheck):
    """The text has at most so many characters (Unicode code points)."""

    kind: Literal["max_length"]
    characters: Annotated[int, Field(ge=0, le=MAX_CHARACTERS)]

    def wrong_with(self, text: str) -> str | None:
        return f"has {len(text)} characters; {self.characters} are allowed" if len(text) > self.characters else None


class Language(TextCheck):
    """Most of the text is in one of the `allowed` languages (ISO 639-1).

    A text of fewer letters than `minimum_letters` cannot be told. It fails, because nobody knows what it
    is, unless `undecided` is "pass": for answers such as names and numbers.
    """

    kind: Literal["language"]
    allowed: Annotated[
        tuple[Annotated[str, AfterValidator(_language)], ...], Field(strict=False, min_length=1, max_length=50)
    ]
    minimum_letters: Annotated[int, Field(ge=20, le=10_000)] = 40
    undecided: Literal["fail", "pass"] = "fail"

    def wrong_with(self, text: str) -> str | None:
        count = letters(text, self.minimum_letters)
        if count < self.minimum_letters:
            return f"has only {count} letters: too few to tell the language" if self.undecided == "fail" else None
        share, likeliest = share_in(text, self.allowed)
        return None if share >= 0.5 else f"is not mostly in {', '.join(self.allowed)}; it looks like {likeliest}"


PLAIN_NUMBER = r"^-?(?:0|[1-9][0-9]{0,299})(?:\.[0-9]{1,300})?$"


def _first(faults: Iterator[str]) -> str | None:
    return next(faults, None)
