"""The outputs' list and one output with everything that was decided and judged about it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet, TextField
from django.db.models.functions import Cast
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as later

from labeling.models import Assignment, AssignmentState, ItemStatus, Rating, ReviewItem, Verdict
from reviewapp.core.models import Content, Project, TaskKind
from reviewapp.core.reading import moment_with_seconds, word
from routing.models import Decision, JudgeRequest, Output, OutputReview
from routing.queries import PENDING, filtered_outputs
from routing.services.explaining import summary_of
from routing.services.told import told
from routing.views.contexts.verdicts import BasisDetail, basis_detail
from routing.views.contexts.words import decision_label, preference_label, reason_label, silence, stakes_within
from routing.views.figures import compact, duration, fixed, percent, pretty

API_FILTERS = ("external_id", "intent", "action", "stakes", "flag", "since", "until")
STATUS_LABELS = {"open": "waiting", "disputed": "disputed"}
STEP_TITLES = {"message": later("Message"), "tool_call": later("Tool call"), "tool_result": later("Tool result")}


@dataclass(frozen=True, slots=True)
class OutputRow:
    """One line of the list. `outcome` is the verdict, "waiting", "disputed", or "" for what nobody will judge."""

    id: str
    external_id: str
    intent: str
    received_at: datetime
    stakes: str
    action: str
    decision: str
    reasons: Sequence[str]
    confidence: str
    outcome: str


@dataclass(frozen=True, slots=True)
class Text:
    """One stretch of hostile text with its title."""

    title: str
    text: str
    style: str = ""


@dataclass(frozen=True, slots=True)
class SignalRow:
    key: str
    data: str
    evidence: str


@dataclass(frozen=True, slots=True)
class RatingRow:
    """One person's rating under their pseudonym. `standing` is "" for one that counts, else why it does not."""

    rater: str
    verdict: str
    preferred: str
    values: Sequence[tuple[str, str]]
    correction: str
    rationale: str
    cause: str
    seconds: str
    submitted_at: datetime
    standing: str


@dataclass(frozen=True, slots=True)
class VerdictRow:
    """One verdict of the history; `in_force` marks the one that counts."""

    sequence: int
    value: str
    preferred: str
    reached_by: str
    raters: int
    criteria: Sequence[tuple[str, str]]
    corrected: str
    decided_at: datetime
    in_force: bool
    basis: BasisDetail | None


@dataclass(frozen=True, slots=True)
class ReviewDetail:
    """The review item of an output, unblinded for the owner."""

    kind: str
    status: str
    rubric_name: str
    rubric_version: int
    rubric: str
    raters_needed: int
    ratings_counted: int
    due_at: datetime
    escalations: Sequence[str]
    ratings: Sequence[RatingRow]
    verdicts: Sequence[VerdictRow]


@dataclass(frozen=True, slots=True)
class OutputDetail:
    """Everything about one output."""

    row: OutputRow
    task_kind: str
    occurred_at: datetime
    # Null while it waits for judges.
    decided_at: datetime | None
    summary: str
    source: Sequence[tuple[str, str]]
    metadata: str
    prompt: Sequence[Text]
    passages: Sequence[Text]
    responses: Sequence[Text]
    signals: Sequence[SignalRow]
    flags: Sequence[str]
    inclusion: str
    trace: Sequence[tuple[str, str]]
    policy: str
    policy_version: int
    calibrator_version: int | None
    review: ReviewDetail | None


def rows_matching(project: Project, wanted: Mapping[str, Any]) -> QuerySet[Output]:
    """The API's filters, and those by which the figures on the pages lead to their rows. Newest first."""
    rows = filtered_outputs(project, **{name: wanted[name] for name in API_FILTERS if wanted.get(name)})
    if kind := wanted.get("kind"):
        rows = rows.exclude(task_kind=TaskKind.PAIRWISE) if kind == "single" else rows.filter(task_kind=kind)
    if wanted.get("audited"):
        rows = rows.filter(decision__audited=wanted["audited"] == "yes")
    if reason := wanted.get("reason"):
        # As with flags: reasons are plain words, so their quoted text will do on both engines.
        rows = rows.alias(reason_words=Cast("decision__reasons", TextField())).filter(
            reason_words__contains=f'"{reason}"'
        )
    item = _item_conditions(wanted)
    if item:
        rows = rows.filter(Exists(OutputReview.objects.filter(item, output=OuterRef("pk"))))
    if rater := wanted.get("rater"):
        rated = Rating.objects.standing().filter(item_id=OuterRef("item_id"), reviewer__rater_code=rater)
        rows = rows.filter(Exists(OutputReview.objects.filter(Exists(rated), output=OuterRef("pk"))))
    return rows


def _item_conditions(wanted: Mapping[str, Any]) -> Q:
    """Conditions on the review item; an empty Q when there are none."""
    conditions = Q()
    match wanted.get("outcome"):
        case "waiting":
            conditions &= Q(item__status=ItemStatus.OPEN)
        case "disputed":
            conditions &= Q(item__status=ItemStatus.DISPUTED)
        case "judged":
            conditions &= Q(item__verdict__isnull=False)
        case "wrong":
            conditions &= Q(item__verdict__isnull=False) & ~Q(item__verdict__value="accept")
        case str(value) if value:
            conditions &= Q(item__verdict__value=value)
    if wanted.get("overlap"):
        conditions &= Q(item__raters_needed__gt=1)
    if wanted.get("rubric"):
        name, _sign, version = wanted["rubric"].rpartition(" v")
        conditions &= Q(item__rubric__name=name, item__rubric__version=int(version))
    return conditions


def output_row(output: Output) -> OutputRow:
    decision = getattr(output, "decision", None)
    if decision is None:
        return _pending_row(output)
    reviews = list(output.reviews.all())
    return OutputRow(
        id=str(output.pk),
        external_id=output.external_id,
        intent=output.intent,
        received_at=output.received_at,
        stakes=decision.stakes,
        action=decision.action,
        decision=decision_label(decision.action, audited=decision.audited),
        reasons=[reason_label(reason) for reason in decision.reasons],
        confidence="–" if decision.confidence is None else fixed(decision.confidence, 2),
        outcome=_outcome(reviews[0].item) if reviews else "",
    )


def _pending_row(output: Output) -> OutputRow:
    """An output that waits for judges: nothing is decided but its stakes."""
    return OutputRow(
        id=str(output.pk),
        external_id=output.external_id,
        intent=output.intent,
        received_at=output.received_at,
        stakes=output.judge_request.stakes,
        action=PENDING,
        decision=decision_label(PENDING, audited=False),
        reasons=[],
        confidence="–",
        outcome="",
    )


def _outcome(item: ReviewItem) -> str:
    if item.verdict:
        return item.verdict.preferred or item.verdict.value
    return STATUS_LABELS.get(item.status, item.status)


def output_detail(output: Output) -> OutputDetail:
    decision, request = getattr(output, "decision", None), getattr(output, "judge_request", None)
    policy = decision.policy if decision else output.judge_request.policy
    calibrator = decision.calibrator if decision else policy.calibrator
    reviews = list(output.reviews.all())
    return OutputDetail(
        row=output_row(output),
        task_kind=output.task_kind,
        occurred_at=output.occurred_at,
        decided_at=decision.decided_at if decision else None,
        summary=summary_of(decision) if decision else "",
        source=_source(output),
        metadata=pretty(output.metadata) if output.metadata else "",
        prompt=prompt_texts(output.content.prompt),
        passages=[Text(part.get("id", ""), part.get("text", "")) for part in output.content.context],
        responses=response_texts(output.content),
        signals=[_signal(signal.key, signal.data, signal.evidence) for signal in output.signals.order_by("key")],
        flags=decision.flags if decision else output.judge_request.flags,
        inclusion=percent(decision.inclusion_probability) if decision else _("not known yet"),
        trace=[*(_trace(decision) if decision else []), *(_judges(request) if request else [])],
        policy=str(policy),
        policy_version=policy.version,
        calibrator_version=calibrator.version if calibrator else None,
        review=_review(reviews[0].item_id) if reviews else None,
    )


def _judges(request: JudgeRequest) -> list[tuple[str, str]]:
    """Which judges were asked, until when, and which of them stayed silent."""
    asked = [entry["name"] for entry in request.judges]
    silent = [f"{name} ({silence(why)})" for name, why in sorted(request.silent.items())]
    lines = [(_("Judges asked"), ", ".join(asked))]
    if silent:
        lines.append((_("Judges that stayed silent"), ", ".join(silent)))
    if request.decided_at is None:
        lines.append((_("Decided at the latest"), moment_with_seconds(request.deadline_at)))
    return lines


def prompt_texts(prompt: Any) -> list[Text]:
    """A prompt of text, or one stretch per turn of a chat."""
    if isinstance(prompt, list):
        return [Text(turn.get("role", ""), turn.get("content", ""), "turn") for turn in prompt]
    return [Text("", str(prompt))]


def response_texts(content: Content) -> list[Text]:
    """What was judged: one response, two candidates or the steps of a run."""
    body = content.body
    if "steps" in body:
        return [_step(step) for step in body["steps"]]
    if "response" in body:
        return [Text("", body["response"])]
    return [Text(_("Candidate %(side)s") % {"side": side.upper()}, body[side]) for side in ("a", "b")]


def _step(step: Mapping[str, Any]) -> Text:
    content = step.get("content", "")
    title = str(STEP_TITLES.get(step.get("type", ""), _("Step")))
    name = step.get("name")
    return Text(f"{title}: {name}" if name else title, content if isinstance(content, str) else pretty(content), "step")


def _source(output: Output) -> list[tuple[str, str]]:
    own = [
        (_("Model"), output.source_model),
        (_("Version"), output.source_version),
        (_("Prompt version"), output.source_prompt_version),
    ]
    sides = [
        (_("Candidate %(side)s") % {"side": side}, ", ".join(str(value) for value in source.values()))
        for side, source in zip("AB", output.candidate_sources, strict=False)
    ]
    return [(title, value) for title, value in (*own, *sides) if value]


def _signal(key: str, data: Mapping[str, Any], evidence: float | None) -> SignalRow:
    shown = {name: value for name, value in data.items() if name != "kind"}
    return SignalRow(key, compact(shown), _("says nothing") if evidence is None else fixed(evidence, 3))


def _trace(decision: Decision) -> list[tuple[str, str]]:
    """What it came down to; the explanation has the rest."""
    trace = decision.trace
    confidence = _("unknown") if decision.confidence is None else fixed(decision.confidence, 3)
    return [
        (
            _("Confidence"),
            _("%(confidence)s, from %(basis)s")
            % {"confidence": confidence, "basis": told(trace.get("confidence_basis", "–"))},
        ),
        (_("Threshold"), compact(trace.get("threshold"))),
        (
            _("Stakes"),
            _("%(stakes)s, by %(basis)s")
            % {"stakes": stakes_within(decision.stakes), "basis": told(trace.get("stakes_basis", "–"))},
        ),
    ]


def _review(item_id: int) -> ReviewDetail:
    ratings = Rating.objects.select_related("reviewer", "withdrawal").order_by("submitted_at", "id")
    item = (
        ReviewItem.objects.select_related("rubric")
        .prefetch_related(
            Prefetch("ratings", queryset=ratings),
            Prefetch("verdicts", queryset=Verdict.objects.order_by("-sequence")),
            Prefetch("assignments", queryset=Assignment.objects.filter(state=AssignmentState.ESCALATED).order_by("id")),
        )
        .get(pk=item_id)
    )
    return ReviewDetail(
        kind=item.kind,
        status=STATUS_LABELS.get(item.status, item.status),
        rubric_name=item.rubric.name,
        rubric_version=item.rubric.version,
        rubric=str(item.rubric),
        raters_needed=item.raters_needed,
        ratings_counted=item.ratings_counted,
        due_at=item.due_at,
        escalations=[assignment.reason for assignment in item.assignments.all()],
        ratings=[rating_row(rating, withdrawn=hasattr(rating, "withdrawal")) for rating in item.ratings.all()],
        verdicts=[_verdict(verdict, item) for verdict in item.verdicts.all()],
    )


def rating_row(rating: Rating, *, withdrawn: bool) -> RatingRow:
    seconds = rating.server_seconds if rating.client_seconds is None else rating.client_seconds
    return RatingRow(
        rater=rating.reviewer.rater_code,
        verdict=rating.verdict,
        preferred=preference_label(rating.preferred),
        values=_values(rating.values),
        correction=rating.correction,
        rationale=rating.rationale,
        cause=word(rating.cause.replace("_", " ")),
        seconds=duration(seconds),
        submitted_at=rating.submitted_at,
        standing=_standing(rating, withdrawn=withdrawn),
    )


def _standing(rating: Rating, *, withdrawn: bool) -> str:
    if withdrawn:
        return "taken back"
    if rating.extra:
        return "extra, not counted"
    return "adjudication" if rating.adjudication else ""


def _verdict(verdict: Verdict, item: ReviewItem) -> VerdictRow:
    return VerdictRow(
        sequence=verdict.sequence,
        value=verdict.value,
        preferred=preference_label(verdict.preferred),
        reached_by=verdict.reached_by,
        raters=verdict.raters,
        criteria=_values(verdict.criteria),
        corrected=verdict.corrected_response,
        decided_at=verdict.decided_at,
        in_force=verdict.pk == item.verdict_id,
        basis=basis_detail(verdict, list(item.ratings.all())),
    )


def _values(values: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(name, compact(value)) for name, value in sorted(values.items())]
