"""One reason to distrust a text, and how several of them add up."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

# What a project's own traffic may show to be ordinary there: alphabets, emoji, code, tables. Nothing that tells
# somebody what to do is among them.
MAY_BE_ORDINARY = frozenset(
    (
        *("joiner", "mixed_writing", "foreign_writing", "right_to_left", "styled_letters", "byte_order_mark"),
        *("odd_space", "odd_punctuation", "code"),
    )
)
# A way of writing without a doubt about what it is: beyond every threshold until the traffic shows it ordinary.
UNUSUAL = 0.92


@dataclass(frozen=True, slots=True)
class Sign:
    """`kind`: a word of the fixed list in routing.policy.adversarial. `detail`: for people; names characters
    by code point and never repeats the text. `weight` in (0, 1]: how suspicious it is by itself. `hard`: flags
    whatever the threshold. `part`: "prompt", "context" or "response"."""

    kind: str
    detail: str
    weight: float
    hard: bool = False
    part: str = ""

    def __post_init__(self) -> None:
        if not 0.0 < self.weight <= 1.0:
            raise ValueError(f"weight must lie in (0, 1], not {self.weight}")


def score_of(signs: Iterable[Sign], ordinary: Collection[str] = ()) -> float:
    """1 − Π(1 − w) over the kinds found, w the largest weight of the kind; in [0, 1], 1 with any hard sign.

    Only the strongest sign of a kind counts: ten tags of markup are one fact, not ten. `ordinary`: kinds that
    add nothing here; a hard sign is never left out.
    """
    strongest: dict[str, float] = {}
    for sign in signs:
        if sign.hard:
            return 1.0
        if sign.kind not in ordinary:
            strongest[sign.kind] = max(sign.weight, strongest.get(sign.kind, 0.0))
    clear = 1.0
    for weight in strongest.values():
        clear *= 1.0 - weight
    return 1.0 - clear
