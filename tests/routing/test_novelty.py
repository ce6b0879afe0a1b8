"""Novelty: near what is known, far from what is not, the same however asked."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.policy.novelty import FEWEST, LONGEST, Reference, input_text, normalised

GOODS = ("parcel", "invoice", "refund", "jacket", "kettle", "lamp", "printer", "voucher", "sofa", "router")
ASKING = ("Where is my {}?", "How long may I send the {} back?", "The {} arrived broken.", "Can I change the {} order?")
TRAFFIC = [question.format(thing) for question in ASKING for thing in GOODS]
FOREIGN = "Beweise, dass jede beschränkte Folge reeller Zahlen eine konvergente Teilfolge besitzt."


@pytest.fixture(scope="module")
def reference() -> Reference:
    return Reference.from_texts(TRAFFIC)


def test_it_finds_a_new_subject_further_than_a_new_wording(reference):
    near, far = reference.distances(["Where is the kettle that I ordered?", FOREIGN])
    assert far > reference.cut(0.05).threshold
    assert near < far
    assert 0.0 <= near <= far <= 1.0


def test_it_agrees_with_a_plain_computation(reference):
    """The inverted index gives the cosines that a loop over the vectors gives."""
    dense = np.zeros((reference.texts, len(reference.rarity)))
    for number, (buckets, weights) in enumerate(reference.vectors):
        dense[number, buckets] = weights
    assert np.allclose(np.linalg.norm(dense, axis=1), 1.0)
    likeness = dense @ dense.T
    np.fill_diagonal(likeness, -1.0)
    expected = 1.0 - np.sort(likeness, axis=1)[:, -10:].mean(axis=1)
    assert np.allclose(np.sort(reference.own_distances()), np.sort(expected))


def test_it_weighs_rare_grams_as_scikit_learn_does(reference):
    """Same n-grams, same formula, so the same cosine up to collisions of buckets."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer = TfidfVectorizer(analyzer="char", ngram_range=(3, 5), sublinear_tf=True)
    matrix = vectorizer.fit_transform([f" {text} " for text in sorted({normalised(text) for text in TRAFFIC})])
    likeness = (matrix @ matrix.T).toarray()
    np.fill_diagonal(likeness, -1.0)
    expected = np.sort(1.0 - np.sort(likeness, axis=1)[:, -10:].mean(axis=1))
    assert np.allclose(np.sort(reference.own_distances()), expected, atol=0.01)


def test_it_does_not_depend_on_order_or_on_repeats(reference):
    other = Reference.from_texts([*reversed(TRAFFIC), *TRAFFIC[:7], *(text.upper() for text in TRAFFIC[3:9])])
    asked = [FOREIGN, TRAFFIC[0], "something else"]
    assert other.texts == reference.texts
    assert np.array_equal(other.distances(asked), reference.distances(asked))


def test_it_never_calls_a_repeat_more_novel_than_a_first(reference):
    without = Reference.from_texts(TRAFFIC[1:])
    assert reference.distances([TRAFFIC[0]])[0] < without.distances([TRAFFIC[0]])[0]


def test_it_leaves_a_text_out_of_its_own_neighbours(reference):
    assert len(reference.own_distances()) == reference.texts
    assert reference.own_distances().min() > 0.0
    assert len(reference.own_distances(most=10)) <= 10


def test_it_keeps_the_false_alarm_rate_on_traffic_of_the_same_kind():
    rng = np.random.default_rng(7)
    words = [f"word{number}" for number in range(60)]
    draw = [" ".join(rng.choice(words, 8)) for _ in range(800)]
    cut = Reference.from_texts(draw[:400]).cut(0.05)
    flagged = (Reference.from_texts(draw[:400]).distances(draw[400:]) > cut.threshold).mean()
    assert cut.ordinary == 400
    # Binomial error of both halves: three standard deviations of sqrt(2 · .05 · .95 / 400).
    assert flagged < 0.05 + 3 * 0.0155


def test_it_says_when_there_is_too_little_traffic():
    few = Reference.from_texts(TRAFFIC[: FEWEST - 1] * 10)
    assert few.texts == FEWEST - 1
    assert few.cut(0.05).threshold is None
    assert str(FEWEST) in few.cut(0.05).reason
    with pytest.raises(ValueError, match="distinct"):
        few.distances(["anything"])
    with pytest.raises(ValueError, match="distinct"):
        Reference.from_texts([]).own_distances()


def test_it_reads_the_context_beside_a_fixed_prompt():
    instruction = "Translate into German."
    reference = Reference.from_texts(input_text(instruction, [text]) for text in TRAFFIC)
    near, far = reference.distances([input_text(instruction, [TRAFFIC[5]]), input_text(instruction, [FOREIGN * 3])])
    assert near < far


@settings(max_examples=60)
@given(st.lists(st.text(alphabet=st.characters(exclude_categories=[]), max_size=40), max_size=5))
def test_it_answers_for_any_text(reference, texts):
    distances = reference.distances(texts)
    assert distances.shape == (len(texts),)
    assert ((distances >= 0.0) & (distances <= 1.0)).all()


def test_it_reads_head_and_tail_of_a_long_text(reference):
    assert len(normalised("x" * 10 * LONGEST)) == LONGEST
    start, end = reference.distances([FOREIGN + "x" * 100_000, "x" * 100_000 + FOREIGN])
    assert start < 1.0
    assert end < 1.0


def test_it_loads_without_scipy_or_scikit_learn():
    code = (
        "import sys, routing.policy.novelty; "
        "print(sorted(name for name in sys.modules if name in ('scipy', 'sklearn', 'django')))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
