"""What deterministic checks look at: one output, read once, and strictly.

JSON is read as the strictest of its readers would: two members of one name, NaN, numbers beyond a double and
nesting deeper than `MAX_JSON_DEPTH` make a text no JSON, because each is read differently somewhere.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from routing.policy.texts import prompt_text

MAX_JSON_DEPTH = 64
MAX_QUOTED = 80
MISSING: Any = object()


class Unreadable(Exception):
    """A part of the output is not what the check needs; the message says how, in words for people."""


@dataclass(frozen=True)
class Subject:
    """One output. `body` holds, by `task_kind`, {"response": text}, {"a": text, "b": text} or {"steps": [...]};
    `prompt` is text or a list of chat turns; `context` a list of {"id", "text"}."""

    intent: str
    task_kind: str
    prompt: str | Sequence[Mapping[str, Any]]
    context: Sequence[Mapping[str, Any]] = ()
    body: Mapping[str, Any] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def answers(self) -> tuple["Passage", ...]:
        """The texts that must pass a check on the response, each by itself.

        The response; both candidates, since either may be what is used; of a run the last message, which
        is what it came to. A run without a message raises Unreadable: it has no answer that could pass.
        """
        if self.task_kind == "pairwise":
            return Passage("candidate a", str(self.body["a"])), Passage("candidate b", str(self.body["b"]))
        if self.task_kind == "trajectory":
            messages = [step for step in self.body["steps"] if step.get("type") == "message"]
            if not messages:
                raise Unreadable("the run has no message that could be its answer")
            return (Passage("the last message", _said(messages[-1])),)
        return (Passage("the response", str(self.body["response"])),)

    @cached_property
    def own_words(self) -> tuple["Passage", ...]:
        """Everything that the AI said or did: `answers`, and of a run every message and every tool call.

        What a tool answered is not of its making.
        """
        if self.task_kind != "trajectory":
            return self.answers
        return tuple(
            Passage(f"step {number}", _said(step))
            for number, step in enumerate(self.body["steps"], start=1)
            if step.get("type") != "tool_result"
        )

    @cached_property
    def question(self) -> "Passage":
        return Passage("the prompt", prompt_text(self.prompt))

    @cached_property
    def cited_from(self) -> frozenset[str]:
        """The ids of the context."""
        return frozenset(str(source.get("id", "")) for source in self.context)


@dataclass(frozen=True)
class Passage:
    """A text of the output and what to call it in a sentence."""

    name: str
    text: str

    @property
    def json(self) -> Any:
        """The text as JSON, parsed once. Raises Unreadable."""
        value, fault = self._read
        if fault:
            raise Unreadable(f"{self.name} {fault}")
        return value

    @cached_property
    def _read(self) -> tuple[Any, str]:
        try:
            return read_json(self.text), ""
        except Unreadable as fault:
            return None, str(fault)


def read_json(text: str) -> Any:
    """`text` as JSON, strictly. Raises Unreadable."""
    try:
        value = json.loads(text, parse_constant=_no_constant, parse_float=_finite, object_pairs_hook=_without_doubles)
    except RecursionError:
        raise Unreadable(_TOO_DEEP) from None
    except ValueError:
        # Not quoting the parser: its words tell of the text. Python's limit on the digits of a number ends here too.
        raise Unreadable("is no valid JSON") from None
    check_bounded(value)
    return value


def check_bounded(value: Any) -> None:
    """Raises Unreadable if `value` nests too deep or holds a number that JSON does not have. Does not recurse."""
    level = [value]
    for _depth in range(MAX_JSON_DEPTH + 1):
        inner: list[Any] = []
        for entry in level:
            if isinstance(entry, Mapping):
                inner.extend(entry.values())
            elif isinstance(entry, list):
                inner.extend(entry)
            elif isinstance(entry, float) and not math.isfinite(entry):
                raise Unreadable("holds a number that is not finite")
        if not inner:
            return
        level = inner
    raise Unreadable(_TOO_DEEP)


def at_pointer(value: Any, pointer: str) -> Any:
    """The value that a JSON pointer (RFC 6901) leads to; MISSING if none."""
    for token in pointer.split("/")[1:]:
        key = token.replace("~1", "/").replace("~0", "~")
        if isinstance(value, Mapping):
            value = value.get(key, MISSING)
        elif isinstance(value, list):
            value = value[int(key)] if _is_index(key) and int(key) < len(value) else MISSING
        else:
            return MISSING
    return value


def quoted(text: str) -> str:
    """The start of a hostile text, for a sentence, without characters that hide, break lines or cannot be stored."""
    shown = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text[:MAX_QUOTED])
    return f"“{shown}{'…' if len(text) > MAX_QUOTED else ''}”"


_TOO_DEEP = f"nests deeper than {MAX_JSON_DEPTH} levels"


def _is_index(key: str) -> bool:
    return key.isascii() and key.isdigit() and len(key) < 10 and (key == "0" or key[0] != "0")


def _said(step: Mapping[str, Any]) -> str:
    content = step.get("content", "")
    return content if isinstance(content, str) else json.dumps(content, ensure_ascii=False, sort_keys=True)


def _no_constant(name: str) -> Any:
    raise ValueError(name)


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError("beyond a double")
    return value


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name twice")
    return found
