"""Messages in the dialects of the tracing world, as prompts, responses and the steps of an agent run.

Read are: OpenTelemetry's `{role, parts: [{type, content}]}`, OpenAI's `{role, content, tool_calls}` with
text or a list of parts, OpenInference's `{message: {role, content, contents, tool_calls}}`, LangChain's
`{type: "human" | "ai", content}` and Label Studio's `{author, text}`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from routing.serializers.ingest.nesting import decoded, plain

ROLES = {"human": "user", "ai": "assistant", "model": "assistant"}
# What wraps a message, and what wraps a list of them.
WRAPPERS = ("message", "message_content", "tool_call")
LISTS = ("messages", "choices", "generations")
# An object of one such text is that text.
TEXT_KEYS = ("text", "content", "input", "output", "question", "query", "prompt", "answer", "response", "completion")
BODY_KEYS = ("parts", "content", "contents", "text")


@dataclass(frozen=True, slots=True)
class Piece:
    """One part of a message: `text`, `call` or `result`, with a tool's name."""

    kind: str
    content: Any
    name: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model said: one text, or steps where tools were called; and how many alternatives it offered."""

    text: str | None
    steps: tuple[dict[str, Any], ...] = ()
    alternatives: int = 1


def prompt_of(value: Any) -> str | list[dict[str, str]] | None:
    """Whatever was asked, as a text or as chat turns; None where there is nothing."""
    value = decoded(value)
    messages = _messages(value)
    if messages is not None:
        turns = [{"role": _role(message), "content": _as_text(_pieces(message))} for message in messages]
        return turns or None
    return _lone_text(value)


def answer_of(value: Any, *, run: bool = False) -> Answer | None:
    """Whatever was answered; None where there is nothing.

    Several messages are alternatives to each other, of which the first counts; with `run` they follow each other.
    """
    value = decoded(value)
    messages = _messages(value)
    if messages is None:
        text = _lone_text(value)
        return None if text is None else Answer(text)
    chosen = messages if run else messages[:1]
    pieces = [piece for message in chosen for piece in _pieces(message)]
    if not pieces:
        return None
    alternatives = 1 if run else len(messages)
    if all(piece.kind == "text" for piece in pieces):
        return Answer(_as_text(pieces), alternatives=alternatives)
    return Answer(None, tuple(_step(piece) for piece in pieces), alternatives)


def turn(role: str, content: Any) -> dict[str, str]:
    """One chat turn of a message's bare content."""
    return {"role": ROLES.get(role, role) or "user", "content": _as_text(_pieces({"content": content}))}


def _messages(value: Any) -> list[Mapping[str, Any]] | None:
    """The messages in a value, unwrapped; None where it holds none."""
    if isinstance(value, dict):
        for key in LISTS:
            if isinstance(value.get(key), list):
                return _messages(value[key])
        message = _unwrapped(value)
        return [message] if _is_message(message) else None
    if not isinstance(value, list) or not value:
        return None
    unwrapped = [_unwrapped(entry) if isinstance(entry, dict) else {} for entry in value]
    return unwrapped if all(_is_message(message) for message in unwrapped) else None


def _unwrapped(value: Mapping[str, Any]) -> Mapping[str, Any]:
    for key in WRAPPERS:
        if isinstance(inner := decoded(value.get(key)), dict):
            return inner
    return value


def _is_message(value: Mapping[str, Any]) -> bool:
    speaks = isinstance(value.get("role"), str) or value.get("type") in ROLES
    return (
        speaks
        or {"author", "text"} <= value.keys()
        or "parts" in value
        or "tool_calls" in value
        or ("index" in value and "text" in value)
    )


def _role(message: Mapping[str, Any]) -> str:
    role = message.get("role") or message.get("type") or message.get("author")
    return ROLES.get(role, role) if isinstance(role, str) and role else "user"


def _pieces(message: Mapping[str, Any]) -> list[Piece]:
    body = next((message[key] for key in BODY_KEYS if message.get(key) is not None), None)
    pieces = list(_content_pieces(body))
    if message.get("role") == "tool" and all(piece.kind == "text" for piece in pieces):
        pieces = [Piece("result", piece.content, str(message.get("name") or "")) for piece in pieces]
    calls = message.get("tool_calls")
    return pieces + [_call(entry) for entry in (calls if isinstance(calls, list) else []) if isinstance(entry, dict)]


def _content_pieces(body: Any) -> Iterator[Piece]:
    if body is None:
        return
    if isinstance(body, list):
        for entry in body:
            yield _part(_unwrapped(entry)) if isinstance(entry, dict) else Piece("text", plain(entry))
    elif isinstance(body, dict):
        yield _part(_unwrapped(body))
    else:
        yield Piece("text", plain(body))


def _part(part: Mapping[str, Any]) -> Piece:
    """One part by its type; what is no text is named, never carried along (pictures, sound, files)."""
    kind = part.get("type")
    if kind in ("tool_call", "tool_use", "function_call"):
        return _call(part)
    if kind in ("tool_call_response", "tool_result"):
        answer = next((part[key] for key in ("response", "result", "content") if part.get(key) is not None), "")
        return Piece("result", answer, str(part.get("name") or ""))
    text = next((part[key] for key in ("text", "content") if isinstance(part.get(key), str)), None)
    if text is not None and kind not in ("blob", "file", "uri"):
        return Piece("text", text)
    return Piece("text", f"[{str(part.get('modality') or kind or 'part')[:40]}]")


def _call(entry: Mapping[str, Any]) -> Piece:
    inner = _unwrapped(entry)
    told = inner.get("function")
    function = told if isinstance(told, dict) else inner
    arguments = next((function[key] for key in ("arguments", "input", "args") if function.get(key) is not None), "")
    return Piece("call", decoded(arguments), str(function.get("name") or ""))


def _step(piece: Piece) -> dict[str, Any]:
    if piece.kind == "text":
        return {"type": "message", "content": piece.content}
    step = {"type": "tool_call" if piece.kind == "call" else "tool_result", "content": piece.content}
    return step | {"name": piece.name} if piece.name else step


def _as_text(pieces: list[Piece]) -> str:
    lines = []
    for piece in pieces:
        if piece.kind == "text":
            lines.append(piece.content)
        else:
            lines.append(f"[{piece.kind} {piece.name}] {plain(piece.content)}".replace(" ]", "]", 1))
    return "\n".join(lines)


def _lone_text(value: Any) -> str | None:
    """A text, or the JSON of whatever else; None for nothing."""
    if value is None or value in ("", [], {}):
        return None
    if isinstance(value, list) and all(isinstance(entry, str) for entry in value):
        return "\n".join(value)
    if isinstance(value, dict) and len(value) == 1:
        key, only = next(iter(value.items()))
        if key in TEXT_KEYS and isinstance(only, str):
            return only
    return plain(value)
