"""Decisions in sentences that a person understands. Pure: whoever wants them in another language hands in its words."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from gettext import NullTranslations
from typing import Any, Protocol

CHECK_FAILED = "check_failed:"
MOST_DECIMALS = 9


class Words(Protocol):
    """A language, as the standard library's catalogues and Django's translation module have it."""

    def gettext(self, message: str, /) -> str: ...

    def ngettext(self, singular: str, plural: str, number: int, /) -> str: ...


ENGLISH: Words = NullTranslations()


@dataclass(frozen=True, slots=True)
class Told:
    """What a decision's row and trace say, as its sentences need it.

    `missing` are the required signals that did not come, `silent` those that came and say nothing, each with
    the reason where one is known; `failed` maps failed checks to why; `flags_given` are the caller's own.
    `words` are the language to tell it in.
    """

    action: str
    audited: bool
    reasons: Sequence[str]
    confidence: float | None
    basis: str
    stakes: str
    mode: str
    threshold: float | None
    audit_rate: float
    audit_draw: float | None
    missing: Sequence[str] = ()
    silent: Mapping[str, str] = field(default_factory=dict)
    failed: Mapping[str, str] = field(default_factory=dict)
    flags_given: Sequence[str] = ()
    no_evidence: bool = False
    words: Words = ENGLISH


def summary(told: Told) -> str:
    """Why it ships or is reviewed, in one sentence."""
    if told.action == "review":
        reasons = [reason_sentence(reason, told) for reason in told.reasons]
        return told.words.gettext("Reviewed because %(reasons)s.") % {"reasons": joined(reasons, words=told.words)}
    text = told.words.gettext("Shipped because %(reason)s; %(audit)s.")
    return text % {"reason": _why_shipped(told), "audit": audit_sentence(told)}


def reason_sentence(reason: str, told: Told) -> str:
    """One reason as a clause, without a capital or a full stop."""
    if reason.startswith(CHECK_FAILED):
        name = reason.removeprefix(CHECK_FAILED)
        why = told.failed.get(name, "").rstrip(".")
        text = told.words.gettext("the check “%(check)s” failed")
        if why:
            text = told.words.gettext("the check “%(check)s” failed (%(why)s)")
        return text % {"check": name, "why": why}
    match reason:
        case "low_confidence":
            return _low_confidence(told)
        case "no_signal":
            return _no_signal(told)
        case "invalid_signal":
            return told.words.gettext("nothing can be made of %(signals)s") % {"signals": _named(told)}
        case "adversarial" | "novel":
            return _flagged(told, reason)
        case "audit":
            return audit_sentence(told)
    return _fixed(told, reason)


def _flagged(told: Told, flag: str) -> str:
    by_caller = flag in told.flags_given
    if flag == "adversarial":
        if by_caller:
            return told.words.gettext("its input looks adversarial, as the caller says")
        return told.words.gettext("its input looks adversarial")
    if by_caller:
        return told.words.gettext("its input is unlike what this project has seen lately, as the caller says")
    return told.words.gettext("its input is unlike what this project has seen lately")


def _fixed(told: Told, reason: str) -> str:
    match reason:
        case "high_stakes":
            return told.words.gettext("everything of high stakes is reviewed")
        case "everything_reviewed":
            text = told.words.gettext("everything of %(stakes)s stakes is reviewed")
            return text % {"stakes": stakes_word(told.stakes, told.words)}
        case "incident":
            return told.words.gettext("the caller reported an incident")
        case "autonomy_contracted":
            return told.words.gettext("autonomy is contracted at present")
    return reason.replace("_", " ")


def stakes_word(stakes: str, words: Words = ENGLISH) -> str:
    """A tier within a sentence."""
    match stakes:
        case "high":
            return words.gettext("high")
        case "mid":
            return words.gettext("mid")
        case "low":
            return words.gettext("low")
    return stakes


def audit_sentence(told: Told) -> str:
    """The draw against the rate, for what ships."""
    if told.audit_draw is None:
        return told.words.gettext("audited") if told.audited else told.words.gettext("not audited")
    draw, rate = apart(told.audit_draw, told.audit_rate, told.words)
    text = told.words.gettext("not audited, because its draw %(draw)s is not below the audit rate %(rate)s")
    if told.audited:
        text = told.words.gettext("audited, because its draw %(draw)s is below the audit rate %(rate)s")
    return text % {"draw": draw, "rate": rate}


def aggregation_sentence(method: str, *, chosen: str = "", words: Words = ENGLISH) -> str:
    """How several people's ratings of one output become its verdict, where the tier's choice is `chosen`."""
    match method:
        case "single":
            return words.gettext("The first rating is the verdict; further ones only measure agreement.")
        case "unanimous":
            return words.gettext("All who judge it must give the same answer, else an adjudicator decides.")
        case "dawid_skene":
            return words.gettext(
                "Each rating weighs as much as its rater proved reliable; below a probability of 0.9 an adjudicator "
                "decides."
            )
    if chosen == "dawid_skene":
        return words.gettext(
            "More than half of those who judge it must agree, else an adjudicator decides; an audit is never labelled "
            "by a model."
        )
    return words.gettext("More than half of those who judge it must agree, else an adjudicator decides.")


def _why_shipped(told: Told) -> str:
    if told.mode == "below_threshold" and told.confidence is not None and told.threshold is not None:
        text = told.words.gettext("confidence %(value)s reaches the threshold %(threshold)s for %(stakes)s stakes")
        return text % _compared(told, told.confidence, told.threshold)
    text = told.words.gettext("outputs of %(stakes)s stakes ship unless something speaks against them, and nothing did")
    return text % {"stakes": stakes_word(told.stakes, told.words)}


def _compared(told: Told, confidence: float, threshold: float) -> dict[str, str]:
    value, limit = apart(confidence, threshold, told.words)
    return {"value": value, "threshold": limit, "stakes": stakes_word(told.stakes, told.words)}


def _low_confidence(told: Told) -> str:
    if told.confidence is None or told.threshold is None:
        text = told.words.gettext(
            "nothing can be said of its confidence (%(basis)s), and %(stakes)s stakes ship by a threshold"
        )
        return text % {"basis": told.basis, "stakes": stakes_word(told.stakes, told.words)}
    text = told.words.gettext("confidence %(value)s is below the threshold %(threshold)s for %(stakes)s stakes")
    return text % _compared(told, told.confidence, told.threshold)


def _no_signal(told: Told) -> str:
    if told.missing:
        text = told.words.ngettext(
            "the required signal %(signals)s did not come",
            "the required signals %(signals)s did not come",
            len(told.missing),
        )
        return text % {"signals": joined(told.missing, words=told.words)}
    return told.words.gettext("no signal came with it")


def _named(told: Told) -> str:
    named = [f"{key} ({why})" if why else key for key, why in told.silent.items()]
    return joined(named, words=told.words) or told.words.gettext("one of its signals")


def joined(parts: Iterable[str], *, words: Words = ENGLISH) -> str:
    """Words as a list in a sentence: "a", "a and b", "a, b and c"."""
    *most, last = [*parts] or [""]
    return words.gettext("%(most)s and %(last)s") % {"most": ", ".join(most), "last": last} if most else last


def apart(value: float, other: float, words: Words = ENGLISH) -> tuple[str, str]:
    """Both numbers with as few decimals (at least two) as show which is larger, so that no 0.85 is below a 0.85."""
    for decimals in range(2, MOST_DECIMALS + 1):
        shown = f"{value:.{decimals}f}", f"{other:.{decimals}f}"
        if value == other or (shown[0] != shown[1]):
            return number(shown[0], words), number(shown[1], words)
    return number(repr(value), words), number(repr(other), words)


def number(text: str, words: Words = ENGLISH) -> str:
    """A number with the language's sign before the decimals."""
    return text.replace(".", "," if words.gettext("0.5") == "0,5" else ".")


def stakes_sentence(stakes: str, basis: str, said: Sequence[Sequence[Any]], words: Words = ENGLISH) -> str:
    """What set the stakes, and what else spoke."""
    shown = stakes_word(stakes, words)
    if basis == "default":
        text = words.gettext("Nothing spoke on the stakes, so they are the policy's default: %(stakes)s.")
        return text % {"stakes": shown}
    others = [
        words.gettext("%(who)s said %(stakes)s")
        % {"who": who_said(by, words=words), "stakes": stakes_word(value, words)}
        for value, by in said
        if by != basis
    ]
    text = words.gettext("The stakes are %(stakes)s: %(who)s said so.")
    if others:
        text = words.gettext("The stakes are %(stakes)s: %(who)s said so; %(others)s. The highest wins.")
    return text % {"stakes": shown, "who": who_said(basis, words=words), "others": joined(others, words=words)}


def who_said(basis: str, *, words: Words = ENGLISH) -> str:
    """`caller`, `intent`, `rule <name>[, which could not be decided]`, `check <name>` as a subject."""
    if basis == "intent":
        return words.gettext("the policy's line for this intent")
    kind, _, name = basis.partition(" ")
    if kind not in ("rule", "check"):
        return words.gettext("the caller") if basis == "caller" else f"the {basis}"
    name, undecided, _ = name.partition(", which could not be decided")
    text = words.gettext("the rule “%(name)s”") if kind == "rule" else words.gettext("the check “%(name)s”")
    if undecided:
        text = words.gettext("the rule “%(name)s” (it could not be decided, so it counts as if it held)")
        if kind == "check":
            text = words.gettext("the check “%(name)s” (it could not be decided, so it counts as if it held)")
    return text % {"name": name}
