"""The words of an output as plain text, for rules, checks and detectors. Pure."""

import json
from collections.abc import Mapping, Sequence
from typing import Any


def prompt_text(prompt: str | Sequence[Mapping[str, Any]]) -> str:
    """A prompt of text, or the turns of a chat with a line break between them."""
    return prompt if isinstance(prompt, str) else "\n".join(str(turn.get("content", "")) for turn in prompt)


def response_text(body: Mapping[str, Any]) -> str:
    """What was judged: the response, both candidates, or the steps of a run, with a line break between them."""
    if "response" in body:
        return str(body["response"])
    if "steps" in body:
        return "\n".join(step_text(step) for step in body["steps"])
    return f"{body['a']}\n{body['b']}"


def step_text(step: Mapping[str, Any]) -> str:
    """What one step of a run says; a structured call or result as JSON, its keys in order: PostgreSQL does not keep
    the order they came in, and a rule must read the same words before and after."""
    content = step.get("content", "")
    return content if isinstance(content, str) else json.dumps(content, ensure_ascii=False, sort_keys=True)
