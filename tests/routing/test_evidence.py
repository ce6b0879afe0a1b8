"""Evidence: one number per signal, in range, the right way round, and honest about contradiction."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.policy.evidence import NAMED_KINDS, SIGNAL_KINDS, evidence_by_key, evidence_of, signal_key


def judge(*words: Any) -> dict[str, Any]:
    """A judge whose runs said these verdicts, scores or preferences."""
    runs = []
    for word in words:
        name = "score" if isinstance(word, float) else "verdict" if word in ("pass", "fail") else "preferred"
        runs.append({name: word})
    return {"kind": "judge", "name": "strict", "runs": runs}


def ensemble(*votes: str) -> dict[str, Any]:
    return {"kind": "ensemble", "votes": list(votes)}


def grounding(supported: int, total: int) -> dict[str, Any]:
    return {"kind": "grounding", "supported": supported, "total": total}


def consistency(agree: int, samples: int) -> dict[str, Any]:
    return {"kind": "self_consistency", "agree": agree, "samples": samples}


@pytest.mark.parametrize(
    ("signal", "expected"),
    [
        (judge("pass"), 1.0),
        (judge("fail"), 0.0),
        (judge("pass", "fail"), 0.5),
        (judge("pass", "pass", "fail", "pass"), 0.75),
        (judge(0.9), 0.9),
        (judge(0.9, 0.1), 0.5),
        (judge(0.8, "pass"), 0.9),
        (judge("a", "a"), 1.0),
        (judge("b", "b"), 1.0),
        (judge("a", "b"), 0.5),
        (judge("tie", "tie"), 0.5),
        (judge("a", "tie"), 0.75),
        ({"kind": "pairwise_margin", "value": 0.4}, 0.4),
        ({"kind": "pairwise_margin", "value": -0.4}, 0.4),
        ({"kind": "pairwise_margin", "value": 0}, 0.0),
        (grounding(3, 4), 0.75),
        (grounding(0, 4), 0.0),
        (ensemble("pass", "fail", "fail", "fail"), 0.25),
        (consistency(5, 5), 1.0),
        (consistency(2, 5), 0.4),
        ({"kind": "score", "name": "tone", "value": 0.31}, 0.31),
    ],
)
def test_it_turns_each_kind_of_signal_into_one_number(signal: dict[str, Any], expected: float) -> None:
    assert evidence_of(signal) == pytest.approx(expected)


@pytest.mark.parametrize("signal", [grounding(0, 0), consistency(0, 0), {"kind": "judge", "name": "x", "runs": []}])
def test_it_says_nothing_where_there_is_nothing_to_say(signal: dict[str, Any]) -> None:
    assert evidence_of(signal) is None


@pytest.mark.parametrize(
    ("steady", "contradicting"),
    [
        (judge("pass", "pass", "pass"), judge("pass", "pass", "fail")),
        (judge("a", "a"), judge("a", "b")),
        (judge("b", "b"), judge("b", "a")),
        (judge("a", "a"), judge("a", "tie")),
        (judge(0.9, 0.9), judge(0.9, 0.2)),
        (ensemble("pass", "pass", "pass"), ensemble("pass", "pass", "fail")),
        (consistency(5, 5), consistency(3, 5)),
    ],
)
def test_contradicting_itself_lowers_the_evidence(steady: dict[str, Any], contradicting: dict[str, Any]) -> None:
    steady_evidence, lower = evidence_of(steady), evidence_of(contradicting)
    assert steady_evidence is not None
    assert lower is not None
    assert lower < steady_evidence


share = st.floats(0, 1)
counts = st.integers(0, 1000).flatmap(lambda whole: st.tuples(st.integers(0, whole), st.just(whole)))
verdict = st.sampled_from(["pass", "fail"])
signals = st.one_of(
    st.lists(verdict | share, min_size=1).map(lambda words: judge(*words)),
    st.lists(st.sampled_from(["a", "b", "tie"]), min_size=1).map(lambda words: judge(*words)),
    st.lists(verdict, min_size=1).map(lambda votes: ensemble(*votes)),
    counts.map(lambda pair: grounding(*pair)),
    counts.map(lambda pair: consistency(*pair)),
    st.floats(-1, 1).map(lambda value: {"kind": "pairwise_margin", "value": value}),
    share.map(lambda value: {"kind": "score", "name": "tone", "value": value}),
)


@given(signal=signals)
def test_it_stays_between_0_and_1(signal: dict[str, Any]) -> None:
    evidence = evidence_of(signal)
    assert evidence is None or 0.0 <= evidence <= 1.0


@given(words=st.lists(st.sampled_from(["a", "b", "tie"]), min_size=1))
def test_a_preference_is_never_worse_evidence_than_a_coin(words: list[str]) -> None:
    assert 0.5 <= (evidence_of(judge(*words)) or 0.0) <= 1.0


@given(votes=st.lists(verdict, min_size=1))
def test_one_more_pass_never_lowers_it_and_one_more_fail_never_raises_it(votes: list[str]) -> None:
    for build in (judge, ensemble):
        before = evidence_of(build(*votes))
        assert before is not None
        assert (evidence_of(build(*votes, "pass")) or 0.0) >= before
        assert (evidence_of(build(*votes, "fail")) or 0.0) <= before


def test_signals_are_told_apart_by_kind_and_where_it_has_one_by_name() -> None:
    sent = [
        {"kind": "score", "name": "tone", "value": 0.2},
        grounding(0, 0),
        judge("pass"),
        {"kind": "judge", "name": "lenient", "runs": [{"verdict": "fail"}]},
    ]
    found = evidence_by_key(sent)
    assert found == {"grounding": None, "judge:lenient": 0.0, "judge:strict": 1.0, "score:tone": 0.2}
    # In one order, however they were sent: the order reaches calibrators and traces.
    assert list(found) == sorted(found) == list(evidence_by_key(sent[::-1]))


def test_every_kind_has_a_key() -> None:
    for kind in SIGNAL_KINDS:
        named = kind in NAMED_KINDS
        assert signal_key({"kind": kind, "name": "x"}) == (f"{kind}:x" if named else kind)
