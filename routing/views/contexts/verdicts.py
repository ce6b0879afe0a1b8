"""How a verdict came about, from its basis: for owners and auditors, with raters as pseudonyms."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from labeling.models import Rating, Verdict
from labeling.services.reliability import FEWEST_ITEMS, FEWEST_VOTES
from reviewapp.core.reading import word
from routing.views.contexts.words import aggregation_label, preference_label
from routing.views.figures import fixed


@dataclass(frozen=True, slots=True)
class VoteLine:
    """What one rater said, and how reliable they were on other items; "" where that was not asked."""

    rater: str
    said: str
    sensitivity: str
    specificity: str
    votes: str


@dataclass(frozen=True, slots=True)
class BasisDetail:
    """`method` in a few words, and what it came to in sentences. `weighed` says that the lines have reliabilities."""

    method: str
    sentences: Sequence[str]
    votes: Sequence[VoteLine]
    weighed: bool


def basis_detail(verdict: Verdict, ratings: Sequence[Rating]) -> BasisDetail | None:
    """`ratings` are the item's, with their reviewers. None for a verdict that does not say how it came about."""
    basis: Mapping[str, Any] = verdict.basis
    if not basis:
        return None
    codes = {rating.pk: rating.reviewer.rater_code for rating in ratings}
    reliable = {row["rating"]: row for row in basis.get("reliabilities", ())}
    return BasisDetail(
        method=aggregation_label(basis["method"]),
        sentences=[sentence for sentence in (_fallback(basis), _sentence(verdict, basis)) if sentence],
        votes=[_vote(vote, codes, reliable.get(vote["rating"])) for vote in basis["votes"]],
        weighed=bool(reliable),
    )


def _vote(vote: Mapping[str, Any], codes: Mapping[int, str], known: Mapping[str, Any] | None) -> VoteLine:
    said = preference_label(vote["preferred"]) or word(vote["verdict"])
    if vote.get("adjudication"):
        adjudicator = _("adjudicator")
        said = f"{said} ({adjudicator})"
    if known is None:
        return VoteLine(codes.get(vote["rating"], "–"), said, "", "", "")
    return VoteLine(
        rater=codes.get(vote["rating"], "–"),
        said=said,
        sensitivity=f"{fixed(known['sensitivity'], 2)} (n ≈ {known['unacceptable']:.0f})",
        specificity=f"{fixed(known['specificity'], 2)} (n ≈ {known['acceptable']:.0f})",
        votes=str(known["votes"]),
    )


def _sentence(verdict: Verdict, basis: Mapping[str, Any]) -> str:
    asked = basis["asked"]
    match basis["method"]:
        case "adjudication":
            text = _("An adjudicator decided, because the ratings did not settle it by the rule “%(rule)s”.")
            return text % {"rule": aggregation_label(basis["chosen"])}
        case "single":
            text = ngettext(
                "The first rating decided; %(count)d person is asked in all.",
                "The first rating decided; %(count)d people are asked in all.",
                asked,
            )
            return text % {"count": asked}
        case "dawid_skene":
            return _posterior(basis)
    answers = [(vote["verdict"], vote["preferred"]) for vote in basis["votes"]]
    return _("%(alike)s of %(asked)s agree; %(needed)s had to.") % {
        "alike": answers.count((verdict.value, verdict.preferred)),
        "asked": len(answers),
        "needed": basis["needed"],
    }


def _posterior(basis: Mapping[str, Any]) -> str:
    text = _(
        "Not acceptable with probability %(posterior)s, where %(needed)s either way makes a verdict: from a share of "
        "%(prior)s before anybody judged it, and from how reliable its raters were on %(items)s other items, %(known)s "
        "of them with a known answer."
    )
    return text % {
        "posterior": fixed(basis["posterior"], 3),
        "needed": fixed(basis["needed"], 2),
        "prior": fixed(basis["prior"], 2),
        "items": basis["items"],
        "known": basis["known"],
    }


def _fallback(basis: Mapping[str, Any]) -> str:
    """Why the majority decided although reliabilities were to."""
    fallback = basis.get("fallback")
    if not fallback:
        return ""
    match fallback["reason"]:
        case "few_items":
            text = _(
                "Its raters could not be weighed: %(found)s other items tell of reliability, %(needed)s are needed. "
                "The majority decided."
            )
            return text % {"found": fallback.get("found"), "needed": fallback.get("needed", FEWEST_ITEMS)}
        case "few_votes":
            text = _(
                "Its raters could not be weighed: one of them judged %(found)s other items, %(needed)s are needed. "
                "The majority decided."
            )
            return text % {"found": fallback.get("found"), "needed": fallback.get("needed", FEWEST_VOTES)}
    return _("Raters are not weighed on preferences between two candidates. The majority decided.")
