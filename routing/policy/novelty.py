"""How far an input lies from the project's recent traffic.

TF-IDF over character 3–5-grams, then the mean cosine distance to the 10 nearest recent inputs. Character
n-grams need no vocabulary, no tokeniser and no download, and work in every language. The n-grams are hashed
into a fixed number of buckets, so a reference holds numbers only and no words of the traffic can be read out
of it.

Only numpy is needed. A reference is built once from recent traffic and then asked many times; 5,000 inputs
of 200 characters take about 10 MB and 1 ms per question.

Repeats: traffic repeats itself (several answers to one prompt, a fixed instruction). A reference keeps each
distinct text once; otherwise a prompt sent ten times would be its own ten neighbours, the distances of
ordinary traffic would crowd at 0 and every first-seen prompt would look novel. A text that is in the
reference is at distance 0 from its twin and so a little nearer than it would be unseen: a repeat is never
flagged sooner than a first.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from routing.policy.cut import Cut, cut_for

SIZES = (3, 4, 5)
BUCKETS = 1 << 18
NEIGHBOURS = 10
# Fewer distinct texts than this say nothing about what is usual.
FEWEST = 2 * NEIGHBOURS
# Of a longer text, the head and the tail.
LONGEST = 8_000
# Odd multipliers mix code points into 64 bits (Fibonacci hashing, Knuth 1973, section 6.4).
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_SHIFT = np.uint64(64 - 18)

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Reference:
    """Recent traffic as an inverted index: bucket b occurs in the texts `rows[starts[b]:starts[b + 1]]` with
    the `weights` at the same places. `texts` distinct texts, each of length 1; `rarity`: inverse document
    frequency per bucket, shape (BUCKETS,)."""

    texts: int
    starts: Integers
    rows: Integers
    weights: Floats
    rarity: Floats
    # The same by text: buckets and weights, for asking about the reference's own texts.
    vectors: tuple[tuple[Integers, Floats], ...]

    @classmethod
    def from_texts(cls, texts: Iterable[str]) -> "Reference":
        """Build from recent inputs, each distinct one once, in any order (the same set, the same distances)."""
        distinct = sorted({normalised(text) for text in texts})
        counted = [_counts(text) for text in distinct]
        frequency = np.zeros(BUCKETS, dtype=np.int64)
        for buckets, _ in counted:
            frequency[buckets] += 1
        rarity = np.log((1.0 + len(distinct)) / (1.0 + frequency)) + 1.0
        vectors = tuple((buckets, _weighted(buckets, counts, rarity)) for buckets, counts in counted)
        rows = np.repeat(np.arange(len(vectors)), [len(buckets) for buckets, _ in vectors])
        # The empty array in front makes an empty reference possible and sets the kind of number.
        buckets = np.concatenate([np.empty(0, dtype=np.int64), *(buckets for buckets, _ in vectors)])
        weights = np.concatenate([np.empty(0), *(weights for _, weights in vectors)])
        order = np.argsort(buckets, kind="stable")
        starts = np.concatenate(([0], np.cumsum(frequency)))
        return cls(len(distinct), starts, rows[order], weights[order], rarity, vectors)

    def distances(self, texts: Sequence[str]) -> Floats:
        """Mean cosine distance of each text to its 10 nearest, in [0, 1], shape (len(texts),); NaN nowhere.

        With fewer than `FEWEST` distinct texts in the reference distances mean nothing: ValueError.
        """
        self._check()
        found = np.empty(len(texts))
        for number, text in enumerate(texts):
            buckets, counts = _counts(normalised(text))
            found[number] = _mean_distance(self._likeness(buckets, _weighted(buckets, counts, self.rarity)))
        return found

    def own_distances(self, most: int = 2_000) -> Floats:
        """The same for the reference's own texts, each against the others; at most `most` of them, evenly
        taken. The order is of no meaning."""
        self._check()
        step = -(-self.texts // most)
        found = []
        for number in range(0, self.texts, step):
            likeness = self._likeness(*self.vectors[number])
            found.append(_mean_distance(np.delete(likeness, number)))
        return np.array(found)

    def cut(self, false_alarm_rate: float, most: int = 2_000) -> Cut:
        """The distance above which an input counts as novel; no threshold, with the reason, on too little traffic."""
        if self.texts < FEWEST:
            return Cut(None, false_alarm_rate, self.texts, f"needs {FEWEST} distinct inputs, has {self.texts}")
        return cut_for(self.own_distances(most).tolist(), false_alarm_rate)

    def _check(self) -> None:
        if self.texts < FEWEST:
            raise ValueError(f"needs {FEWEST} distinct texts, has {self.texts}")

    def _likeness(self, buckets: Integers, weights: Floats) -> Floats:
        """Cosine with every text of the reference, shape (texts,)."""
        first, past = self.starts[buckets], self.starts[buckets + 1]
        lengths = past - first
        # All postings of all buckets as one array of places, without a loop.
        places = np.arange(int(lengths.sum())) + np.repeat(first - np.cumsum(lengths) + lengths, lengths)
        products = self.weights[places] * np.repeat(weights, lengths)
        return np.bincount(self.rows[places], weights=products, minlength=self.texts).astype(np.float64)


def normalised(text: str) -> str:
    """Lower case, runs of white space as one space, the middle of a long text left out."""
    if len(text) > 4 * LONGEST:
        text = text[: 2 * LONGEST] + text[-2 * LONGEST :]
    text = " ".join(text.lower().split())
    return text if len(text) <= LONGEST else text[: LONGEST // 2] + text[-LONGEST // 2 :]


def input_text(prompt: str, passages: Iterable[str] = ()) -> str:
    """What to compare: the prompt with the head of each passage, so that a fixed prompt is not all there is."""
    return "\n".join((prompt, *(passage[:LONGEST] for passage in passages)))


def _counts(text: str) -> tuple[Integers, Floats]:
    """The buckets of the n-grams of ` text `, ascending, and how often each occurs."""
    codes = np.frombuffer(f" {text} ".encode("utf-32-le", "surrogatepass"), dtype="<u4").astype(np.uint64)
    hashes = [np.empty(0, dtype=np.uint64)]
    for size in SIZES:
        if len(codes) < size:
            continue
        rolled = np.full(len(codes) - size + 1, np.uint64(size))
        for offset in range(size):
            rolled = (rolled ^ codes[offset : len(codes) - size + 1 + offset]) * _GOLDEN
            rolled ^= rolled >> np.uint64(29)
        hashes.append((rolled * _GOLDEN) >> _SHIFT)
    buckets, counts = np.unique(np.concatenate(hashes).astype(np.int64), return_counts=True)
    return buckets, counts.astype(np.float64)


def _weighted(buckets: Integers, counts: Floats, rarity: Floats) -> Floats:
    """TF-IDF with damped counts, of length 1; an empty text stays empty."""
    weights = (1.0 + np.log(counts)) * rarity[buckets]
    length = float(np.sqrt(weights @ weights))
    return weights / length if length else weights


def _mean_distance(likeness: Floats) -> float:
    nearest = np.partition(likeness, -NEIGHBOURS)[-NEIGHBOURS:]
    return float(np.clip(1.0 - nearest.mean(), 0.0, 1.0))
