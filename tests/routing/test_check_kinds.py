"""Each kind of check: what passes, what fails, and what it says of it."""

from typing import Any

import pytest
from pydantic import ValidationError

from routing.policy.checks import CheckResult
from routing.policy.languages import LANGUAGES, VARIETIES
from tests.routing.checking import check, passes, run, subject

CONTEXT = [{"id": "faq-1", "text": "Refunds take five days."}, {"id": "2", "text": "…"}, {"id": "a, b", "text": "…"}]
# Required fields


@pytest.mark.parametrize(
    ("response", "paths", "expected"),
    [
        ('{"a": 1}', ["/a"], True),
        ('{"a": 0}', ["/a"], True),
        ('{"a": false, "b": ""}', ["/a", "/b"], True),
        ('{"a": {"b": [5, {"c": 1}]}}', ["/a/b/1/c"], True),
        ('{"a/b": {"~": 1}}', ["/a~1b/~0"], True),
        ('{"": 1}', ["/"], True),
        ("[]", [""], True),
        ('{"a": 1}', ["/a", "/b"], False),
        # Null is how a model leaves a field out.
        ('{"a": null}', ["/a"], False),
        ("null", [""], False),
        ("[1]", ["/1"], False),
        ("[1]", ["/-"], False),
        ("[1]", ["/00"], False),
        ("[1]", ["/٠"], False),
        ('{"a": "text"}', ["/a/0"], False),
    ],
)
def test_it_asks_for_fields(response: str, paths: list[str], expected: bool) -> None:
    assert passes(check("required_fields", paths=paths), subject(response)) is expected


def test_it_names_the_fields_that_are_not_there() -> None:
    result = run(check("required_fields", paths=["/total", "/due", "/id"], name="invoice"), subject('{"id": 1}'))
    assert result == CheckResult(
        "invoice", "required_fields", "mid", False, "the response has nothing at “/total, /due”"
    )


# Numbers


@pytest.mark.parametrize(
    ("response", "fault"),
    [
        ('{"a": 0}', ""),
        ('{"a": 10.0}', ""),
        ('{"a": -0.001}', "the response has “-0.001” at “/a”, below 0"),
        ('{"a": 11}', "the response has “11” at “/a”, above 10"),
        ('{"a": 1' + "0" * 4000 + "}", "above 10"),
        ('{"a": "5"}', "no number at “/a”"),
        ('{"a": true}', "no number"),
        ('{"a": null}', "no number"),
        ('{"a": [5]}', "no number"),
        ("{}", "no number"),
    ],
    ids=range(10),
)
def test_it_asks_for_a_number_within_a_range(response: str, fault: str) -> None:
    result = run(check("numeric_range", pointer="/a", min=0, max=10), subject(response))
    assert result.passed is (not fault)
    assert fault in result.reason
    assert len(result.reason) < 200


@pytest.mark.parametrize(
    ("response", "fault"),
    [
        ("It is 12 EUR.", ""),
        ("It is 12 EUR, or 99.5 EUR.", ""),
        # One bad number among good ones is enough.
        ("It is 12 EUR, or 101 EUR.", "“101”, above 100"),
        ("It is -3 EUR.", "“-3”, below 0"),
        ("It is nothing.", "no number"),
        ("EUR 12", "no number"),
        ("It is 1,000 EUR.", "“1,000” where a plain number belongs"),
        ("It is 1_0 EUR.", "plain number"),
        ("It is 1e1 EUR.", "plain number"),
        ("It is ١٢ EUR.", "plain number"),
        ("It is 007 EUR.", "plain number"),
        ("It is 1" + "0" * 500 + " EUR.", "plain number"),
        ("It is NaN EUR.", "plain number"),
    ],
    ids=range(13),
)
def test_it_asks_for_every_number_in_the_text(response: str, fault: str) -> None:
    result = run(check("numeric_range", pattern=r"(\S+) EUR", min=0, max=100), subject(response))
    assert result.passed is (not fault)
    assert fault in result.reason


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"min": 0}, "exactly one of"),
        ({"min": 0, "pointer": "/a", "pattern": "(a)"}, "exactly one of"),
        ({"pointer": "/a"}, "at least one of"),
        ({"pointer": "/a", "min": 2, "max": 1}, "above"),
        ({"pointer": "/a", "min": True}, "valid number"),
        ({"pointer": "/a", "min": "0"}, "valid number"),
        ({"pointer": "/a", "min": float("nan")}, "finite"),
        ({"pointer": "/a", "max": float("inf")}, "finite"),
        ({"pointer": "a", "min": 0}, "pattern"),
        ({"pointer": "/~2", "min": 0}, "pattern"),
        ({"pattern": r"\d+", "min": 0}, "exactly 1 group"),
        ({"pattern": r"(\d)(\d)", "min": 0}, "exactly 1 group"),
        ({"pattern": r"(\d)", "min": 0, "part": "metadata"}, "takes a"),
    ],
)
def test_it_refuses_a_range_that_says_nothing(fields: dict[str, Any], fault: str) -> None:
    with pytest.raises(ValidationError, match=fault):
        check("numeric_range", **fields)


# Patterns and length


def test_it_asks_for_a_pattern_or_against_it() -> None:
    wanted, unwanted = check("must_match", pattern=r"(?i)\bsorry\b"), check("must_not_match", pattern=r"(?i)\bsorry\b")
    for response, found in (("We are SORRY.", True), ("sorrynot", False), ("", False)):
        assert passes(wanted, subject(response)) is found
        assert passes(unwanted, subject(response)) is not found
    assert run(wanted, subject("x")).reason == r"the response does not match “(?i)\bsorry\b”"
    assert run(unwanted, subject("sorry")).reason == r"the response matches “(?i)\bsorry\b”"


def test_it_looks_at_the_prompt_where_it_says_so() -> None:
    chat = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "My card is 4111"}]
    looked_for = check("must_not_match", pattern=r"\d{4}", part="prompt")
    assert run(looked_for, subject("fine", prompt=chat)).reason == r"the prompt matches “\d{4}”"
    assert not passes(looked_for, subject("fine", prompt="4111"))
    assert passes(looked_for, subject("4111", prompt=chat[:1]))
    assert not passes(check("max_length", characters=8, part="prompt"), subject(prompt=chat[:1] * 2))


@pytest.mark.parametrize(("text", "expected"), [("ä€😀x", True), ("ä€😀xy", False), ("", True)])
def test_length_is_counted_in_characters(text: str, expected: bool) -> None:
    result = run(check("max_length", characters=4), subject(text))
    assert result.passed is expected
    assert expected or result.reason == "the response has 5 characters; 4 are allowed"


# Citations


@pytest.mark.parametrize(
    ("response", "fault"),
    [
        ("As said in [faq-1] and [2].", ""),
        ("As said in [faq-1, 2] and [ 2 ;faq-1].", ""),
        ("As said in [a, b].", ""),
        ("Nothing is said.", ""),
        ("A box: [ ] and an empty list [].", ""),
        ("As said in [faq-2].", "“faq-2”, which is not in the context"),
        ("As said in [faq-1, 3].", "“3”, which"),
        ("As said in [[4]].", "“4”, which"),
        ("As said in [FAQ-1].", "“FAQ-1”"),
        ("As said in [" + "x" * 5000 + "].", "“" + "x" * 80 + "…”"),
        ("[2]" * 2001, "more than 2000 times"),
    ],
    ids=range(11),
)
def test_it_allows_only_citations_of_the_context(response: str, fault: str) -> None:
    result = run(check("allowed_citations"), subject(response, context=CONTEXT))
    assert result.passed is (not fault)
    assert fault in result.reason
    assert len(result.reason) < 200


def test_it_asks_for_a_citation_where_one_is_required() -> None:
    looked_for = check("allowed_citations", required=True)
    assert passes(looked_for, subject("[2]", context=CONTEXT))
    for response in ("2", "", "[ ]", "[,]"):
        assert run(looked_for, subject(response, context=CONTEXT)).reason == "the response cites nothing"
    assert not passes(looked_for, subject("[2]"))


def test_citations_may_look_otherwise() -> None:
    looked_for = check("allowed_citations", pattern=r"【(\d+)†|source: none", required=True)
    assert passes(looked_for, subject("【2†source】 [x] source: none", context=CONTEXT))
    assert not passes(looked_for, subject("【3†source】", context=CONTEXT))
    assert run(looked_for, subject("source: none", context=CONTEXT)).reason == "the response cites nothing"
    for pattern in (r"\[\w+\]", r"\[(\w)(\w)\]", "["):
        with pytest.raises(ValidationError):
            check("allowed_citations", pattern=pattern)


# Language

GERMAN = "Die Rückerstattung erfolgt innerhalb von fünf Werktagen auf Ihr Konto."
ENGLISH = "Your refund will arrive on your account within five working days."


@pytest.mark.parametrize(
    ("text", "allowed", "expected"),
    [
        (GERMAN, ["de"], True),
        (GERMAN, ["en", "de"], True),
        (GERMAN, ["en"], False),
        (ENGLISH, ["en"], True),
        (ENGLISH, ["de", "fr"], False),
        (ENGLISH.upper(), ["en"], True),
        ("Возврат будет произведён на ваш счёт в течение пяти рабочих дней.", ["ru"], True),
        (
            "返金は五営業日以内にお客様の口座に振り込まれますので、今しばらくお待ちくださいますようお願い申し上げます。",
            ["ja"],
            True,
        ),
        (
            "退款将在五个工作日内退回到您的账户中，请您耐心等待。如有任何疑问，请随时与我们的客服人员联系，我们将竭诚为您服务。",
            ["zh"],
            True,
        ),
        (GERMAN + " " + ENGLISH * 4, ["en"], True),
        (GERMAN * 4 + " " + ENGLISH, ["en"], False),
        # Long texts are seen as a whole, not by their first lines.
        (ENGLISH * 10 + GERMAN * 3000, ["en"], False),
        (GERMAN * 3000, ["de"], True),
    ],
    ids=range(13),
)
def test_it_asks_for_a_language(text: str, allowed: list[str], expected: bool) -> None:
    result = run(check("language", allowed=allowed), subject(text))
    assert result.passed is expected
    assert expected or result.reason.startswith(f"the response is not mostly in {', '.join(allowed)}; it looks like ")


@pytest.mark.parametrize("text", ["", "OK", "Paris", "1234 " * 1000, "!" * 500, "Fünf Werktage, also bis Freitag"])
def test_too_little_text_fails_unless_the_owner_lets_it_pass(text: str) -> None:
    result = run(check("language", allowed=["en"]), subject(text))
    assert not result.passed
    assert "too few to tell the language" in result.reason
    assert passes(check("language", allowed=["en"], undecided="pass"), subject(text))


def test_the_owner_says_what_too_little_is() -> None:
    short = GERMAN[:45]
    assert "too few" in run(check("language", allowed=["de"], minimum_letters=80), subject(short)).reason
    assert passes(check("language", allowed=["de"], minimum_letters=20), subject(short))


@pytest.mark.parametrize("code", ["xx", "EN", "eng", "", "english", "ary"])
def test_it_refuses_a_language_that_it_cannot_tell(code: str) -> None:
    with pytest.raises(ValidationError, match="ISO 639-1"):
        check("language", allowed=["en", code])


def test_it_lists_the_languages_of_its_model() -> None:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    labels = set(LanguageIdentifier.from_model_file(MODEL_FILE).labels)
    assert {label for label in labels if len(label) == 2} == LANGUAGES
    assert {label for several in VARIETIES.values() for label in several} <= labels
