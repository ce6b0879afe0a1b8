"""Explanations: from a decision back to everything that it rests on, in sentences and for programs."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from labeling.models import Rating
from reviewapp.core.fingerprints import fingerprint
from routing.models import Calibrator, Decision, JudgeRequest, Output, OutputReview, Policy, Signal, SignalOrigin
from routing.policy.confidence import scope_for
from routing.policy.decide import judge_key
from routing.policy.document import Tier
from routing.policy.draw import keyed_draw
from routing.policy.sentences import (
    Told,
    aggregation_sentence,
    apart,
    audit_sentence,
    joined,
    number,
    reason_sentence,
    stakes_sentence,
    summary,
)
from routing.services.feed import verdict_body
from routing.services.recomputing import Recomputed, recompute
from routing.services.told import told


def explain(output: Output) -> dict[str, Any]:
    """Why the output was decided as it was, or what its decision waits for.

    `output` comes from `routing.queries.explained_output`: with its content, decision, policy, calibrator and reviews.
    """
    decision = getattr(output, "decision", None)
    head = {
        "output": {
            "id": str(output.pk),
            "external_id": output.external_id,
            "intent": output.intent,
            "received_at": output.received_at,
        }
    }
    signals = list(output.signals.order_by("key"))
    if decision is None:
        return head | _pending(output, signals)
    # One instance: the rows that hang on it are loaded once.
    decision.output = output
    return head | _decided(decision, signals)


def summary_of(decision: Decision) -> str:
    """Why it ships or is reviewed, in one sentence; costs no query."""
    return summary(_told(decision))


def _pending(output: Output, signals: Sequence[Signal]) -> dict[str, Any]:
    """Judges of ours are asked first; what is known until then."""
    request = getattr(output, "judge_request", None)
    awaited = _awaited(request, signals) if request else []
    return {
        "status": "pending",
        "summary": _pending_sentence(awaited, request),
        "awaited": {
            "judges": awaited,
            "asked_at": request.asked_at if request else None,
            "deadline_at": request.deadline_at if request else None,
        },
        "signals": [
            {"key": row.key, "kind": row.kind, "origin": row.origin, "data": row.data, "raw": row.evidence}
            for row in signals
        ],
        "policy": _shown_policy(request.policy) if request else None,
        "calibrator": _shown_calibrator(request.policy.calibrator) if request else None,
    }


def _pending_sentence(awaited: Sequence[str], request: JudgeRequest | None) -> str:
    who = joined(awaited, words=translation) or _("a judge")
    sentence = _("Not decided yet: %(judges)s has to be heard first.") % {"judges": who}
    if request is None:
        return sentence
    until = _("It is decided by %(moment)s at the latest, whatever they say.")
    return f"{sentence} {until % {'moment': _moment(request.deadline_at)}}"


def _awaited(request: JudgeRequest, signals: Sequence[Signal]) -> list[str]:
    heard = {row.data.get("name") for row in signals if row.origin == SignalOrigin.JUDGE}
    return [judge["name"] for judge in request.judges if judge["name"] not in heard]


def _moment(moment: datetime) -> str:
    return f"{timezone.localtime(moment):%Y-%m-%d %H:%M:%S %Z}"


def _decided(decision: Decision, signals: Sequence[Signal]) -> dict[str, Any]:
    trace = decision.trace
    again = recompute(decision, signals=signals)
    told = _told(decision)
    reviews = list(decision.output.reviews.all())
    return {
        "status": "decided",
        "summary": summary(told),
        "decision": {
            "action": decision.action,
            "audited": decision.audited,
            "decided_at": decision.decided_at,
            "reasons": [{"code": reason, "sentence": reason_sentence(reason, told)} for reason in decision.reasons],
        },
        "signals": _signals(trace, signals),
        "required_signals": _required(decision, again),
        "confidence": _confidence(decision),
        "stakes": {
            "value": decision.stakes,
            "given": trace.get("stakes_given"),
            "basis": trace.get("stakes_basis"),
            "said": [
                {"stakes": value, "by": by, "won": by == trace.get("stakes_basis") and value == decision.stakes}
                for value, by in trace.get("stakes_said", [])
            ],
            "sentence": stakes_sentence(
                decision.stakes, trace.get("stakes_basis", "default"), trace.get("stakes_said", []), translation
            ),
        },
        "flags": _flags(decision),
        "checks": trace.get("checks", []),
        "rule": {"stakes": decision.stakes, "mode": trace.get("mode"), "threshold": trace.get("threshold")},
        "audit": {
            "rate": trace.get("audit_rate"),
            "draw": trace.get("audit_draw"),
            "drawn": decision.audited,
            "inclusion_probability": decision.inclusion_probability,
            "sentence": _audit_sentence(told),
        },
        "overlap": _overlap(decision, again),
        "aggregation": _aggregation(decision, again),
        "review": _review(reviews[0]) if reviews else None,
        "verdict": verdict_body(verdict, decision.output) if (verdict := _verdict(reviews)) else None,
        "policy": _shown_policy(decision.policy),
        "calibrator": _shown_calibrator(decision.calibrator),
        "recomputation": {
            "reproduced": again.reproduced,
            "differences": [
                {"field": row.field, "stored": row.stored, "recomputed": row.recomputed} for row in again.differences
            ],
        },
    }


def _told(decision: Decision) -> Told:
    trace = decision.trace
    evidence: Mapping[str, Any] = trace.get("evidence", {})
    notes: Mapping[str, Any] = trace.get("signals", {})
    return Told(
        action=decision.action,
        audited=decision.audited,
        reasons=decision.reasons,
        confidence=decision.confidence,
        basis=told(trace.get("confidence_basis", "")) or _("no basis was written down"),
        stakes=decision.stakes,
        mode=trace.get("mode", ""),
        threshold=trace.get("threshold"),
        audit_rate=trace.get("audit_rate", decision.inclusion_probability),
        audit_draw=trace.get("audit_draw"),
        missing=[key for key in trace.get("required_signals", []) if key not in evidence],
        silent={key: told(notes.get(key, {}).get("note", "")) for key, value in evidence.items() if value is None},
        failed={check["name"]: check["reason"] for check in trace.get("checks", []) if not check["passed"]},
        flags_given=trace.get("flags_given", []),
        words=translation,
    )


def _signals(trace: Mapping[str, Any], rows: Sequence[Signal]) -> list[dict[str, Any]]:
    """Every signal that came, and every one that was weighed without a row: a judge of ours that stayed silent."""
    stored = {row.key: row for row in rows}
    evidence, noted = trace.get("evidence", {}), trace.get("signals", {})
    judges = {judge_key(name): heard for name, heard in trace.get("judges", {}).items()}
    shown = []
    for key in sorted({*stored, *evidence}):
        row, remark, heard = stored.get(key), noted.get(key, {}), judges.get(key, {})
        shown.append(
            {
                "key": key,
                "kind": row.kind if row else key.partition(":")[0],
                "origin": row.origin if row else SignalOrigin.JUDGE,
                "data": row.data if row else None,
                "raw": remark.get("raw"),
                "evidence": evidence.get(key),
                "note": remark.get("note", ""),
                # Of a judge of ours: the calls it was heard in, or why it was silent.
                "calls": heard.get("calls", []),
                "silent": heard.get("silent"),
                "required": key in trace.get("required_signals", []),
                "contribution": trace.get("contributions", {}).get(key),
            }
        )
    return shown


def _required(decision: Decision, again: Recomputed) -> dict[str, Any]:
    keys, evidence = decision.trace.get("required_signals", []), decision.trace.get("evidence", {})
    named = again.document.required_for(decision.output.intent) is not None
    return {
        "keys": keys,
        # Who says so: the owner by name, or the calibrator, which relies on them. Judges of ours come on top.
        "basis": "policy" if named else "calibrator",
        "missing": [key for key in keys if key not in evidence],
        "silent": [key for key in keys if key in evidence and evidence[key] is None],
    }


def _confidence(decision: Decision) -> dict[str, Any]:
    trace, calibrator = decision.trace, decision.calibrator
    reliability = _bin(calibrator, decision.confidence)
    return {
        "value": decision.confidence,
        "basis": trace.get("confidence_basis"),
        "scope": scope_for(calibrator.parameters, decision.output.intent) if calibrator else None,
        "calibrator": f"v{calibrator.version}" if calibrator else None,
        "contributions": trace.get("contributions", {}),
        "reliability": reliability,
        "sentence": _confidence_sentence(decision, reliability),
    }


def _bin(calibrator: Calibrator | None, value: float | None) -> dict[str, Any] | None:
    """How often people accepted held-out outputs of about this confidence; bins are (low, high], the first with 0."""
    if calibrator is None or value is None:
        return None
    for entry in calibrator.metrics.get("equal_width", {}).get("bins", []):
        if entry["low"] < value <= entry["high"] or value == entry["low"] == 0.0:
            return {name: entry[name] for name in ("low", "high", "n", "mean_predicted", "observed", "interval")}
    return None


def _confidence_sentence(decision: Decision, reliability: Mapping[str, Any] | None) -> str:
    basis = decision.trace.get("confidence_basis", "")
    if decision.confidence is None:
        return _("Nothing can be said of its confidence: %(basis)s.") % {"basis": told(basis)}
    if decision.calibrator is None:
        return _(
            "No verdicts calibrate it yet: it is 0.9 times the weakest evidence, which is all that can be claimed."
        )
    scope, _sign, signals = basis.partition("|")
    learnt = _("all intents together") if scope == "*" else _("the intent %(intent)s") % {"intent": scope}
    where = _("Calibrator v%(version)s speaks, from %(signals)s, learnt on %(learnt)s.") % {
        "version": decision.calibrator.version,
        "signals": signals or basis,
        "learnt": learnt,
    }
    if reliability is None:
        among = _("No held-out output had a confidence like this one.")
        return f"{where} {among}"
    among = ngettext(
        "Of %(count)d held-out output between %(low)s and %(high)s, people accepted %(share)s%%.",
        "Of %(count)d held-out outputs between %(low)s and %(high)s, people accepted %(share)s%%.",
        reliability["n"],
    ) % {
        "count": reliability["n"],
        "low": number(f"{reliability['low']:.1f}", translation),
        "high": number(f"{reliability['high']:.1f}", translation),
        "share": f"{reliability['observed']:.0%}".removesuffix("%"),
    }
    return f"{where} {among}"


def _flags(decision: Decision) -> dict[str, Any]:
    given = decision.trace.get("flags_given", [])
    return {
        "all": decision.flags,
        "given": given,
        "detected": [flag for flag in decision.flags if flag not in given and flag != "check_failed"],
        "screening": decision.trace.get("screening", {}),
    }


def _audit_sentence(told: Told) -> str:
    if told.action == "review":
        return _("No draw: what a person reviews anyway is not audited. The chance of a verdict is 1.")
    sentence = audit_sentence(told)
    return f"{sentence[0].upper()}{sentence[1:]}."


def _overlap(decision: Decision, again: Recomputed) -> dict[str, Any]:
    """Whether several people judge it, so that their agreement can be measured."""
    tier = again.document.tier_for(decision.output.intent, decision.stakes)
    draw = keyed_draw(bytes(decision.project.draw_key), "overlap", decision.output.external_id)
    if not again.decision.needs_review:
        return {"share": tier.overlap_share, "draw": None, "raters": None, "sentence": _("Nobody reviews it.")}
    raters = again.decision.raters
    people = ngettext("%(count)d person judges it", "%(count)d people judge it", raters) % {"count": raters}
    if not tier.overlap_share:
        sentence = _("%(people)s: the policy asks for no overlap here.") % {"people": people}
    else:
        sentence = _overlap_sentence(people, draw, tier)
    return {"share": tier.overlap_share, "draw": draw, "raters": raters, "sentence": sentence}


def _overlap_sentence(people: str, draw: float, tier: Tier) -> str:
    shown, share = apart(draw, tier.overlap_share, translation)
    text = _("%(people)s: its draw %(draw)s is not below the share %(share)s that %(several)s people judge.")
    if draw < tier.overlap_share:
        text = _("%(people)s: its draw %(draw)s is below the share %(share)s that %(several)s people judge.")
    return text % {"people": people, "draw": shown, "share": share, "several": tier.overlap_raters}


def _aggregation(decision: Decision, again: Recomputed) -> dict[str, Any]:
    """How the ratings become the verdict, as the policy has it for this output."""
    if not again.decision.needs_review:
        return {"method": None, "sentence": _("Nobody reviews it.")}
    method = again.decision.aggregation
    chosen = again.document.tier_for(decision.output.intent, decision.stakes).aggregation
    return {"method": method, "sentence": aggregation_sentence(method, chosen=chosen, words=translation)}


def _review(review: OutputReview) -> dict[str, Any]:
    item = review.item
    return {
        "id": str(item.public_id),
        "status": item.status,
        "raters_needed": item.raters_needed,
        "ratings": Rating.objects.standing().filter(item=item).count(),
        "due_at": item.due_at,
        "rubric": {"name": item.rubric.name, "version": item.rubric.version},
    }


def _verdict(reviews: Sequence[OutputReview]) -> Any:
    return reviews[0].item.verdict if reviews else None


def _shown_policy(policy: Policy) -> dict[str, Any]:
    return {
        "name": policy.name,
        "version": policy.version,
        "sha256": fingerprint(policy.document),
        "published_at": policy.published_at,
    }


def _shown_calibrator(calibrator: Calibrator | None) -> dict[str, Any] | None:
    if calibrator is None:
        return None
    return {
        "version": f"v{calibrator.version}",
        "sha256": fingerprint(calibrator.parameters),
        "created_at": calibrator.created_at,
    }
