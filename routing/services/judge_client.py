"""One call of a judge: an OpenAI-compatible `/chat/completions` request, and its answer read strictly.

Nothing is stored here and nothing is tried again; whoever calls does both.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from routing.models import CallOutcome
from routing.policy.judge_prompt import AnswerRefused, Question, answer_schema, read_completion, read_verdict
from routing.services.judge_keys import MAX_KEY, Secret
from routing.services.outbound import Answer, DeadlineExceeded, OutboundError, outbound
from routing.services.targets import TargetRefused

# An answer is one short object; whoever sends more is not answering.
MAX_ANSWER_BYTES = 262_144
MAX_RAW = 8_000
LONGEST_RETRY_AFTER = 86_400.0
# Worth another try, with back-off: the next answer may be another one.
PASSING = frozenset({CallOutcome.UNREACHABLE, CallOutcome.TIMEOUT, CallOutcome.SERVER_ERROR, CallOutcome.RATE_LIMITED})
# The server is in trouble, or does not know us: enough of these in a row open the circuit. What the words of one
# output can bring about is not among them, or whoever writes outputs could switch the judge off.
TROUBLE = PASSING - {CallOutcome.RATE_LIMITED} | {
    CallOutcome.KEY_REFUSED,
    CallOutcome.TARGET_REFUSED,
    CallOutcome.TOO_LARGE,
    CallOutcome.MALFORMED,
}
# The model may have worked, and may charge for it, although no usable answer came back.
PERHAPS_CHARGED = frozenset({CallOutcome.TIMEOUT, CallOutcome.TOO_LARGE, CallOutcome.UNREACHABLE})
# The server worked as it should, whatever it said.
HEALTHY = frozenset({CallOutcome.ANSWERED, CallOutcome.CUT_OFF, CallOutcome.REFUSAL, CallOutcome.INVALID_VERDICT})
_SECONDS = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,3})?")


@dataclass(frozen=True, slots=True)
class Reply:
    """What came of one call. `verdict` is canonical, "" unless it was answered; tokens are None if nobody counted."""

    outcome: CallOutcome
    verdict: str = ""
    reason: str = ""
    raw: str = ""
    status: int | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    seconds: float = 0.0
    retry_after: float = 0.0

    @property
    def healthy(self) -> bool | None:
        """What it says of the judge's server: well, in trouble, or nothing."""
        if self.outcome in TROUBLE:
            return False
        return True if self.outcome in HEALTHY else None


def completions_url(base_url: str) -> str:
    return f"{base_url.rstrip('/')}/chat/completions"


def request_body(question: Question, *, model: str, max_tokens: int, fence: str) -> dict[str, Any]:
    """The body of the call, as JSON values."""
    return {
        "model": model,
        "messages": question.messages(fence),
        "temperature": 0,
        "max_tokens": max_tokens,
        "response_format": answer_schema(question.choices),
    }


def new_fence(question: Question, draw: Callable[[], str]) -> str:
    """A random word that does not occur in the material; `draw` makes words of 128 random bits."""
    while True:
        fence = draw()
        if not any(fence in text for _title, text in question.parts):
            return fence


def call_judge(
    *, base_url: str, body: dict[str, Any], key: Secret, question: Question, order: str, seconds: float
) -> Reply:
    """Ask once and wait at most `seconds`. Raises nothing that the other side could bring about."""
    headers = {"Content-Type": "application/json", "Accept": "application/json", "User-Agent": "reviewapp-judges/1"}
    if key.value:
        headers["Authorization"] = f"Bearer {key.value}"
    client = outbound(
        connect_seconds=min(5.0, seconds), read_seconds=seconds, total_seconds=seconds, max_body=MAX_ANSWER_BYTES
    )
    content = json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")
    try:
        answer = client.send("POST", completions_url(base_url), headers=headers, content=content)
    except TargetRefused as error:
        return Reply(CallOutcome.TARGET_REFUSED, raw=key.hidden_in(str(error)))
    except DeadlineExceeded as error:
        return Reply(CallOutcome.TIMEOUT, raw=key.hidden_in(str(error)), seconds=seconds)
    except OutboundError as error:
        # A connection that breaks off looks like an answer that is not HTTP; both may be over soon.
        return Reply(CallOutcome.UNREACHABLE, raw=key.hidden_in(str(error)))
    return _read(answer, key, question, order)


def _read(answer: Answer, key: Secret, question: Question, order: str) -> Reply:
    # The longest key more than is kept, so that no half of one is left at the end.
    raw = storable(key.hidden_in(answer.body.decode("utf-8", "replace")[: MAX_RAW + MAX_KEY])[:MAX_RAW])
    seen: dict[str, Any] = {"raw": raw, "status": answer.status, "seconds": answer.seconds}
    if not answer.ok:
        return Reply(_refusal(answer.status), retry_after=_retry_after(answer), **seen)
    if answer.truncated:
        return Reply(CallOutcome.TOO_LARGE, **seen)
    try:
        completion = read_completion(answer.body)
    except AnswerRefused as error:
        return Reply(CallOutcome(error.kind), **seen)
    seen |= {"input_tokens": completion.input_tokens, "output_tokens": completion.output_tokens}
    try:
        said = read_verdict(completion.text, choices=question.choices, order=order)
    except AnswerRefused as error:
        return Reply(CallOutcome(error.kind), **seen)
    return Reply(CallOutcome.ANSWERED, verdict=said.verdict, reason=storable(key.hidden_in(said.reason)), **seen)


def _refusal(status: int) -> CallOutcome:
    if status == 429:
        return CallOutcome.RATE_LIMITED
    if status in (401, 403):
        return CallOutcome.KEY_REFUSED
    if status in (408, 409, 425) or status >= 500:
        return CallOutcome.SERVER_ERROR
    # Redirects too, which are not followed: the key is for this address.
    return CallOutcome.REQUEST_REFUSED


def _retry_after(answer: Answer) -> float:
    """Seconds; a date is allowed there too, and the back-off is close enough to it."""
    word = answer.headers.get("retry-after", "").strip()
    return min(float(word), LONGEST_RETRY_AFTER) if _SECONDS.fullmatch(word) else 0.0


def storable(text: str) -> str:
    """The text without what no database keeps: NUL, and halves of characters."""
    return text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode()
