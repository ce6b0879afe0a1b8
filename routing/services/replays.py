"""Replays: a policy version on the project's logged traffic.

Evidence and flags are as they were logged. Checks and text rules are run again, on payloads that are
loaded in chunks and only for a policy that looks at them. What a policy asks and nobody asked at the
time, a judge of ours above all, is missing: such outputs count as reviewed, so no replay promises more
autonomy than the logs can bear out.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from labeling.models import Aggregation
from reviewapp.core.models import Content, Project
from routing.models import Policy
from routing.policy.checks import Subject, run_checks
from routing.policy.decide import Facts, judge_key
from routing.policy.document import PolicyDocument
from routing.policy.replay import Past, Replay, replay
from routing.policy.texts import prompt_text, response_text
from routing.queries import logged_outputs, median_seconds_per_rating
from routing.services.policies import parse_document, ruling_of

CHUNK = 500
TEXTS = ("prompt", "response")


def replay_policy(policy: Policy, *, since: datetime | None = None) -> Replay:
    """What `policy` would have done with the outputs decided since then (at most the newest 100,000)."""
    project, ruling = policy.project, ruling_of(policy)
    rows = logged_outputs(project, since=since)
    return replay(
        list(past_under(project, ruling.document, rows)),
        policy=ruling.document,
        calibrator=ruling.calibrator,
        key=bytes(project.draw_key),
        seconds_per_rating=median_seconds_per_rating(project),
        level=ruling.document.targets.level,
    )


def past_under(project: Project, document: PolicyDocument, rows: Sequence[Mapping[str, Any]]) -> Iterator[Past]:
    """Rows of `logged_outputs`, in order, as what `document` would have been given to decide."""
    judged_by = _judges_by_policy(project)
    reads = reads_payloads(document)
    for start in range(0, len(rows), CHUNK):
        chunk = rows[start : start + CHUNK]
        contents = Content.objects.in_bulk([row["output__content_id"] for row in chunk]) if reads else {}
        for row in chunk:
            facts = _with_detectors(document, facts_of(row), row["trace"])
            facts = _with_judges(document, facts, judged_by.get(row["policy_id"]))
            if reads:
                facts = _with_payload(document, facts, row["output__task_kind"], contents[row["output__content_id"]])
            yield Past(facts, row["inclusion_probability"], acceptable_of(row), by_model(row))


def facts_of(row: Mapping[str, Any]) -> Facts:
    """A row of `logged_outputs` as the facts it was decided by, without its payload and its checks."""
    trace: Mapping[str, Any] = row["trace"]
    return Facts(
        external_id=row["output__external_id"],
        intent=row["output__intent"],
        stakes=trace["stakes_given"],
        # Routing's own word for a check that failed; another policy has checks of its own.
        flags=tuple(flag for flag in row["flags"] if flag != "check_failed"),
        evidence=trace["evidence"],
        metadata=row["output__metadata"],
    )


def acceptable_of(row: Mapping[str, Any]) -> bool | None:
    """Whether people accepted the output; None without a verdict, and where a model weighs what they say."""
    verdict = row["output__reviews__item__verdict__value"]
    return None if verdict is None or by_model(row) else verdict == "accept"


def by_model(row: Mapping[str, Any]) -> bool:
    """Whether the raters of the output are weighed by a model, so that its verdict teaches and vouches for nothing."""
    return bool(row["output__reviews__item__aggregation"] == Aggregation.DAWID_SKENE)


def reads_payloads(document: PolicyDocument) -> bool:
    """Whether deciding by it takes the words of an output: checks do, and rules on its text."""
    return bool(document.checks) or any(_reads_text(rule.when) for rule in document.stakes.rules)


def _reads_text(part: Any) -> bool:
    if isinstance(part, Mapping):
        path = part.get("var")
        return (isinstance(path, str) and path.partition(".")[0] in TEXTS) or any(map(_reads_text, part.values()))
    return isinstance(part, list) and any(map(_reads_text, part))


def _judges_by_policy(project: Project) -> dict[int, PolicyDocument]:
    """The versions that asked judges of ours, whose logged evidence is theirs and not the caller's."""
    published = Policy.objects.filter(project=project, published_at__isnull=False).values_list("pk", "document")
    return {pk: parse_document(document) for pk, document in published if document.get("judges", {}).get("names")}


def _with_detectors(document: PolicyDocument, facts: Facts, trace: Mapping[str, Any]) -> Facts:
    """Without the flags of detectors that this policy switches off; what the caller said stays."""
    off = {
        flag
        for flag, detector in (("adversarial", document.detectors.adversarial), ("novel", document.detectors.novelty))
        if detector is None
    }
    given = trace.get("flags_given", facts.flags)
    return replace(facts, flags=tuple(flag for flag in facts.flags if flag in given or flag not in off))


def _with_judges(document: PolicyDocument, facts: Facts, logged_under: PolicyDocument | None) -> Facts:
    """With the evidence of those judges of ours that this policy asks, as far as they were heard, and no other's."""
    asked = {judge_key(name) for name in document.judges_for(facts.intent)}
    heard = {judge_key(name) for name in logged_under.judges_for(facts.intent)} if logged_under else set()
    evidence = {
        # What a caller says under the name of a judge that this policy asks would have counted for nothing.
        key: None if key in asked - heard else value
        for key, value in facts.evidence.items()
        if key not in heard - asked
    }
    return replace(facts, evidence=evidence)


def _with_payload(document: PolicyDocument, facts: Facts, task_kind: str, content: Content) -> Facts:
    results = run_checks(
        document.checks,
        Subject(
            intent=facts.intent,
            task_kind=task_kind,
            prompt=content.prompt,
            context=content.context,
            body=content.body,
            metadata=facts.metadata,
        ),
    )
    return replace(
        facts,
        failed_checks={result.name: result.severity for result in results if not result.passed},
        prompt=prompt_text(content.prompt),
        response=response_text(content.body),
    )
