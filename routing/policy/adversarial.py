"""Does an input look made to fool an assistant, a judge or a parser?

What it knows, by kind of sign:

| kind | what | hard |
| --- | --- | --- |
| `control` | control characters, noncharacters, line and paragraph separators, lone surrogates | yes |
| `zero_width` | invisible characters, tags, joiners and variant selectors without a use | yes |
| `bidirectional` | characters that reorder the line; marks of direction where nothing runs right to left | yes |
| `mixed_script` | one word in two alphabets | yes |
| `oversized` | longer than `LONGEST`: not read as a whole | yes |
| `injection` | phrasing that takes over an assistant or a judge, also spaced, mirrored, in ROT13 or encoded | |
| `detached_request` | a request that shares no words with what is around it | |
| `code` | markup, SQL, shell, templates, calls where words belong | |
| `encoded` | base64, hexadecimal, percent, escapes, entities, binary, Morse | |
| `odd_punctuation` | no words, heaps of signs, piled marks, characters of private meaning | |
| `truncation` | cut off | |
| `joiner`, `mixed_writing`, `foreign_writing`, `right_to_left` | alphabets, emoji | |
| `styled_letters`, `byte_order_mark`, `odd_space` | how somebody writes | |

Hard signs flag whatever the threshold, whatever the project's own traffic holds: they are invisible to the
reviewer who would have to notice them, and a rate learnt from traffic could be taught to let them through.
They cost few false alarms; a project that has them by right cleans its texts or switches the detector off.
All else adds up to a score and is cut where the owner's false-alarm rate says (`Screen`).

What it does not know: a plain question sent as a prompt is no attack by its form, whoever sent it, and a
planted task whose words fit the passage passes. Requests are recognised in English, instructions to drop
instructions in some more languages.

Cost: linear in the text, of which at most `LONGEST` characters are read: of a longer one half from the head and
half from the tail. What was not read cannot be called clean, so a longer text is flagged for its length.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice

from routing.policy import folding
from routing.policy.asking import signs_of_asking
from routing.policy.cut import Cut, FalseAlarms, cut_for, false_alarms
from routing.policy.payloads import decoded, signs_of_code, signs_of_encoding
from routing.policy.phrases import COMPILED, SQUEEZED
from routing.policy.shape import signs_of_shape
from routing.policy.sign import MAY_BE_ORDINARY, Sign, score_of
from routing.policy.writing import signs_of_writing

LONGEST = 200_000
# What a model writes may well speak of answers and prompts: only phrasings this telling count in a response.
TELLING = 0.85
MOST_DECODED = 50
# Before there is ordinary traffic to fit a threshold to.
DEFAULT_THRESHOLD = 0.5
# No traffic, however poisoned, teaches the screen to pass the plainest attacks.
HIGHEST_THRESHOLD = 0.9


def signs(text: str, part: str = "prompt") -> tuple[Sign, ...]:
    """Everything suspicious in one text, strongest first. `part`: "prompt", "context" (a source passage or a
    tool's result) or "response"; ValueError for another."""
    if part not in ("prompt", "context", "response"):
        raise ValueError(f'part must be "prompt", "context" or "response", not "{part}"')
    found = []
    if len(text) > LONGEST:
        found.append(Sign("oversized", f"{len(text)} characters, of which {LONGEST} were read", 1.0, hard=True))
        text = text[: LONGEST // 2] + "\n" + text[-LONGEST // 2 :]
    found += signs_of_writing(text)
    # RE2 reads UTF-8, which has no lone surrogates; those are a hard sign already.
    text = text.encode("utf-8", "replace").decode("utf-8")
    found += _injections(text, part)
    found += signs_of_code(text, 0.5 if part == "response" else 1.0)
    found += signs_of_encoding(text)
    found += signs_of_shape(text, part)
    if part != "response":
        found += signs_of_asking(text, part == "context")
    return tuple(replace(sign, part=part) for sign in sorted(found, key=lambda sign: -sign.weight))


def signs_of_output(*, prompt: str, passages: Iterable[str] = (), responses: Iterable[str] = ()) -> tuple[Sign, ...]:
    """Everything suspicious in an output: its prompt (chat messages joined by line ends), its context, and
    its response, candidates or steps."""
    return (
        *signs(prompt, "prompt"),
        *chain.from_iterable(signs(passage, "context") for passage in passages),
        *chain.from_iterable(signs(response, "response") for response in responses),
    )


@dataclass(frozen=True, slots=True)
class Screen:
    """What a project's own traffic says is ordinary there. `ordinary_kinds`: kinds of writing that more of
    its outputs have than may be flagged; they no longer count. `cut.threshold` is None on too little traffic:
    then `DEFAULT_THRESHOLD` holds."""

    cut: Cut
    ordinary_kinds: frozenset[str] = frozenset()

    @classmethod
    def fit(cls, ordinary: Sequence[Sequence[Sign]], false_alarm_rate: float) -> "Screen":
        """Fit to the signs of ordinary outputs, each distinct prompt once. A new ordinary output is flagged with
        probability at most `false_alarm_rate`, unless hard signs or signs beyond `HIGHEST_THRESHOLD` are more
        frequent than that. ValueError for a rate outside (0, 1)."""
        seen: dict[str, int] = {}
        for found in ordinary:
            for kind in {sign.kind for sign in found if not sign.hard} & MAY_BE_ORDINARY:
                seen[kind] = seen.get(kind, 0) + 1
        usual = frozenset(kind for kind, count in seen.items() if count > false_alarm_rate * len(ordinary))
        return cls(cut_for([score_of(found, usual) for found in ordinary], false_alarm_rate), usual)

    @property
    def threshold(self) -> float:
        fitted = DEFAULT_THRESHOLD if self.cut.threshold is None else self.cut.threshold
        return min(fitted, HIGHEST_THRESHOLD)

    def score(self, found: Iterable[Sign]) -> float:
        """In [0, 1]; 1 with any hard sign."""
        return score_of(found, self.ordinary_kinds)

    def flags(self, found: Iterable[Sign]) -> bool:
        return self.score(found) > self.threshold

    def measured(self, ordinary: Iterable[Iterable[Sign]]) -> FalseAlarms:
        """The false-alarm rate on ordinary outputs that were not used to fit."""
        return false_alarms([self.score(found) for found in ordinary], self.threshold)


def _injections(text: str, part: str) -> Iterator[Sign]:
    yield from _phrasings(text, part)
    for hidden in islice(decoded(text), MOST_DECODED):
        if any(sign.weight >= TELLING for sign in _phrasings(hidden, part)):
            yield Sign("injection", "an instruction hidden in an encoding", 0.98)
            return


def _phrasings(text: str, part: str) -> Iterator[Sign]:
    plain = folding.unstyled(text)
    latin = folding.latin(plain)
    for phrasing, pattern in COMPILED:
        weight = phrasing.weight
        if part == "response" and weight < TELLING:
            continue
        if part == "context" and phrasing.in_context is not None:
            weight = phrasing.in_context
        if pattern.search(latin) or (latin != plain and pattern.search(plain)):
            yield Sign("injection", phrasing.name, weight)
    letters = folding.squeezed(latin)
    for disguise, view in (
        ("", letters),
        (", mirrored", letters[::-1]),
        (", in ROT13", folding.turned_by_13(letters)),
    ):
        if SQUEEZED.search(folding.blurred(view)):
            yield Sign("injection", f"tells to drop or show instructions{disguise}", 0.97)
