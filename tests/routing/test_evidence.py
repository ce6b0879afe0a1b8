"""Evidence: one number per signal, in range, the right way round, and honest about contradiction."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.policy.evidence import NAMED_KINDS, SIGNAL_KINDS, Evidence, evidence_of, signal_key, weigh
from routing.policy.families import FAMILIES, family_of, shared_family


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
        (judge("pass", "fail"), 0.25),
        (judge("pass", "pass", "fail", "pass"), 0.375),
        (judge(0.9), 0.9),
        (judge(0.9, 0.1), 0.3),
        (judge(0.8, "pass"), 0.85),
        (judge("a", "a"), 1.0),
        (judge("b", "b"), 1.0),
        (judge("a", "b"), 0.25),
        (judge("tie", "tie"), 0.5),
        (judge("a", "tie"), 0.625),
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
def test_a_preference_does_not_depend_on_which_side_is_called_a(words: list[str]) -> None:
    other = {"a": "b", "b": "a", "tie": "tie"}
    assert evidence_of(judge(*words)) == evidence_of(judge(*(other[word] for word in words)))


@given(runs=st.lists(verdict | share, min_size=1), again=verdict | share)
def test_a_run_that_says_less_than_the_others_never_raises_it(runs: list[Any], again: Any) -> None:
    before = evidence_of(judge(*runs))
    mean = sum(_said(run) for run in runs) / len(runs)
    after = evidence_of(judge(*runs, again))
    assert before is not None
    assert after is not None
    if _said(again) <= mean:
        assert after <= before + 1e-12
    # Whatever it says: never above what the same words would be worth from a judge who is of one mind.
    assert after <= (sum(_said(run) for run in runs) + _said(again)) / (len(runs) + 1) + 1e-12


def _said(run: Any) -> float:
    return run if isinstance(run, float) else float(run == "pass")


@given(runs=st.lists(verdict, min_size=1).filter(lambda runs: len(set(runs)) == 2))
def test_a_judge_of_two_minds_never_reaches_one_half(runs: list[str]) -> None:
    assert (evidence_of(judge(*runs)) or 0.0) < 0.5


@given(words=st.lists(st.sampled_from(["a", "tie"]), min_size=1).filter(lambda words: "a" in words))
def test_another_order_that_prefers_the_other_side_never_raises_it(words: list[str]) -> None:
    assert (evidence_of(judge(*words, "b")) or 0.0) < (evidence_of(judge(*words)) or 0.0)


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
    found = {key: said.value for key, said in weigh(sent).items()}
    assert found == {"grounding": None, "judge:lenient": 0.0, "judge:strict": 1.0, "score:tone": 0.2}
    # In one order, however they were sent: the order reaches calibrators and traces.
    assert list(found) == sorted(found) == list(weigh(sent[::-1]))


def test_every_kind_has_a_key() -> None:
    for kind in SIGNAL_KINDS:
        named = kind in NAMED_KINDS
        assert signal_key({"kind": kind, "name": "x"}) == (f"{kind}:x" if named else kind)


# Notes ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("signal", "note"),
    [
        (judge("pass", "pass"), ""),
        (judge("pass", "pass", "fail"), "contradicts itself in 1 of 3 runs"),
        (judge("a", "b"), "contradicts itself in 1 of 2 runs"),
        (judge(0.9, 0.9), ""),
        (judge(0.9, 0.25), "its 2 runs score between 0.25 and 0.90"),
        (grounding(1, 4), ""),
    ],
)
def test_it_says_what_was_remarkable(signal: dict[str, Any], note: str) -> None:
    (said,) = weigh([signal]).values()
    assert said.note == note
    assert said.value == said.raw == evidence_of(signal)


# Families ------------------------------------------------------------------------------------------


def by(name: str, *words: Any, family: str | None = None) -> dict[str, Any]:
    return judge(*words) | {"name": name} | ({"family": family} if family is not None else {})


def test_the_praise_of_the_family_counts_half_and_its_fault_finding_in_full() -> None:
    sent = [by("gpt-4", "pass"), by("o3-mini", "fail"), by("claude-3", "pass")]
    found = weigh(sent, ["gpt-4o-mini"])
    assert found["judge:gpt-4"] == Evidence(
        0.75, 1.0, "same family as the source (openai): its praise counts half", same_family=True
    )
    assert (found["judge:o3-mini"].value, found["judge:o3-mini"].same_family) == (0.0, True)
    assert found["judge:claude-3"] == Evidence(1.0, 1.0)


def test_both_remarks_are_made() -> None:
    (said,) = weigh([by("gpt-4", "pass", "fail")], ["gpt-4"]).values()
    assert said.note == (
        "contradicts itself in 1 of 2 runs; same family as the source (openai): its praise counts half"
    )


@given(signal=signals, sources=st.lists(st.sampled_from(["strict", "gpt-4", "hearth-large", ""]), max_size=2))
def test_a_shared_family_never_raises_evidence(signal: dict[str, Any], sources: list[str]) -> None:
    family = {"family": "hearth"} if signal["kind"] == "judge" else {}
    (alone,) = weigh([signal | family]).values()
    (weighed,) = weigh([signal | family], sources).values()
    if alone.value is None:
        assert weighed.value is None
    else:
        assert weighed.value is not None
        assert weighed.value <= alone.value
        assert weighed.raw == alone.raw
        assert (weighed.value < alone.value) <= weighed.same_family


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("gpt-4o-2024-08-06", "openai"),
        ("ChatGPT", "openai"),
        ("openai/o3-mini", "openai"),
        ("text-davinci-003_zeroshot", "openai"),
        ("us.anthropic.claude-3-5-sonnet-v2:0", "anthropic"),
        ("models/gemini-1.5-pro", "google"),
        ("PaLM 2", "google"),
        ("meta-llama/Llama-3.1-70B", "meta"),
        ("Mixtral8x7B", "mistral"),
        ("qwen2.5-72b", "alibaba"),
        ("deepseek-chat", "deepseek"),
        ("command-r-plus", "cohere"),
        ("grok-2", "xai"),
        ("phi3-mini", "microsoft"),
        ("hearth-large", None),
        ("gptx", None),
        ("o1x", "openai"),
        ("philosopher", None),
        ("metaphor-2", None),
        ("", None),
        ("日本語", None),
    ],
)
def test_a_name_tells_the_family(name: str, family: str | None) -> None:
    assert family_of(name) == family == family_of(name.upper())


def test_every_prefix_of_the_table_tells_its_family() -> None:
    assert len(dict(FAMILIES)) == len(FAMILIES)
    for prefix, family in FAMILIES:
        assert family_of(prefix) == family_of(f"lab/{prefix}-7b") == family, prefix
        # A family's own word must tell the family: callers give it as `family`.
        assert family_of(family) in (family, None)


@pytest.mark.parametrize(
    ("judge_name", "family", "sources", "shared"),
    [
        ("strict", "OpenAI", ["gpt-4"], "openai"),
        ("strict", "gpt", ["o3"], "openai"),
        ("strict", "hearth", ["Hearth-Large"], "hearth"),
        ("strict", "hearth", ["lab/hearth-large"], "hearth"),
        ("strict", "zhipu", ["glm-4"], "zhipu"),
        # The name of the judge counts whatever family it is given
        ("gpt-4", "anthropic", ["gpt-3.5-turbo"], "openai"),
        ("gpt-4", None, ["gpt-3.5-turbo"], "openai"),
        ("house-judge", None, ["House-Judge"], "house-judge"),
        # Of a pair, one is enough
        ("gpt-4", None, ["claude-3", "gpt-4o"], "openai"),
        ("gpt-4", None, ["claude-3"], None),
        ("strict", "hearth", ["larger-hearth"], None),
        ("strict", "", ["hearth"], None),
        ("strict", None, ["hearth"], None),
        ("gpt-4", "openai", [], None),
        ("gpt-4", "openai", [""], None),
    ],
)
def test_who_is_of_the_family(judge_name: str, family: str | None, sources: list[str], shared: str | None) -> None:
    assert shared_family(judge_name, family, sources) == shared
