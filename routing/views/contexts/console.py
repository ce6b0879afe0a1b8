"""The river on one page: what came in, what shipped, what people are asked, and what they have taught."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Min, Q
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as later
from django.utils.translation import ngettext

from labeling.models import GoldenSet, ItemStatus, Lane, ReviewItem, Seat, SeatState
from labeling.queries.onboarding import planted_results
from labeling.stats.reviewers import Rate
from reviewapp.core.models import Project
from routing.models import Action, ActivePolicy, OutputReview, PolicyActivation, Recalibration, Stakes
from routing.queries import decided, left_out_count
from routing.services.certificates import estimate_undetected
from routing.views.charts import Part, stacked_bar
from routing.views.contexts.agreement import AgreementLine, agreement_lines
from routing.views.contexts.policies import TierLine, target_text, tier_lines
from routing.views.contexts.words import reason_label, stakes_label
from routing.views.figures import Estimate, percent, percent_range, rate, reason_text, until

WINDOWS = {"1": later("24 hours"), "7": later("7 days"), "30": later("30 days"), "all": later("All time")}
DEFAULT_WINDOW = "30"


@dataclass(frozen=True, slots=True)
class Figure:
    """A count and the rows behind it."""

    count: int
    url: str


@dataclass(frozen=True, slots=True)
class StakesLine:
    """One tier's share of the river."""

    label: str
    outputs: Figure
    unseen: Figure
    audited: Figure
    review: Figure
    bar: Sequence[Part]


@dataclass(frozen=True, slots=True)
class ReasonLine:
    label: str
    figure: Figure


@dataclass(frozen=True, slots=True)
class Waiting:
    """What people have before them now: outputs that wait or are disputed, and the seats on them.

    `oldest_id` is the output due first; `oldest_due` is "" when nothing waits.
    """

    outputs: int
    disputes: int
    open_seats: int
    leased_seats: int
    overdue: int
    oldest_id: str
    oldest_due: str


@dataclass(frozen=True, slots=True)
class UndetectedFigure:
    """Errors that left with nobody having seen them, as a share of all outputs but pairs, and as a number."""

    share: Estimate
    number: str
    basis: str
    audited_url: str
    wrong_url: str


@dataclass(frozen=True, slots=True)
class PolicyInForce:
    name: str
    version: int
    since: datetime | None
    reason: str
    calibrator_version: int | None
    target: str
    tiers: Sequence[TierLine]


@dataclass(frozen=True, slots=True)
class Proposal:
    pk: int
    status: str
    created_at: datetime
    labels: int
    policy_version: int


@dataclass(frozen=True, slots=True)
class LatestGoldenSet:
    name: str
    cases: int
    created_at: datetime
    digest: str


@dataclass(frozen=True, slots=True)
class Console:
    window: str
    windows: Sequence[tuple[str, str]]
    total: StakesLine
    stakes: Sequence[StakesLine]
    reasons: Sequence[ReasonLine]
    waiting: Waiting
    undetected: UndetectedFigure
    policy: PolicyInForce | None
    proposal: Proposal | None
    golden_set: LatestGoldenSet | None
    agreement: Sequence[AgreementLine]
    gold: Estimate


def console_of(project: Project, *, window: str, outputs_url: str, now: datetime) -> Console:
    """Everything on the page. `outputs_url` is the outputs' list, which every count leads to with its filters."""
    window = window if window in WINDOWS else DEFAULT_WINDOW
    since = None if window == "all" else (now - timedelta(days=int(window))).replace(second=0, microsecond=0)
    # As the filters' inputs have it: in the reader's zone.
    rows = _Rows(outputs_url, {"since": f"{timezone.localtime(since):%Y-%m-%dT%H:%M}"} if since else {})
    counts = _counts(project, since)
    return Console(
        window=window,
        windows=[(key, str(label)) for key, label in WINDOWS.items()],
        total=_line(_("All"), "", sum(counts.values(), Counter()), rows, most=0),
        stakes=_stakes_lines(counts, rows),
        reasons=_reasons(project, since, rows),
        waiting=_waiting(project, now),
        undetected=_undetected(project, since, rows),
        policy=_policy(project),
        proposal=_proposal(project),
        golden_set=_golden_set(project),
        agreement=agreement_lines(project),
        gold=pool_accuracy(project),
    )


class _Rows:
    """Addresses in the outputs' list, within the page's window."""

    def __init__(self, url: str, window: Mapping[str, str]) -> None:
        self.url, self.window = url, window

    def where(self, **filters: str) -> str:
        query = {**self.window, **{name: value for name, value in filters.items() if value}}
        return f"{self.url}?{urlencode(query)}" if query else self.url


def _counts(project: Project, since: datetime | None) -> dict[str, Counter[str]]:
    """Outputs by tier and by what was done with them."""
    rows = decided(project, since=since).values("stakes", "action", "audited").annotate(count=Count("pk")).order_by()
    counts: dict[str, Counter[str]] = {stakes: Counter() for stakes in Stakes.values}
    for row in rows:
        name = "review" if row["action"] == Action.REVIEW else "audited" if row["audited"] else "unseen"
        counts[row["stakes"]][name] += row["count"]
    return counts


def _stakes_lines(counts: Mapping[str, Counter[str]], rows: _Rows) -> list[StakesLine]:
    most = max(sum(count.values()) for count in counts.values())
    return [_line(stakes_label(stakes), stakes, count, rows, most=most) for stakes, count in counts.items()]


def _line(label: str, stakes: str, count: Counter[str], rows: _Rows, *, most: int) -> StakesLine:
    return StakesLine(
        label=label,
        outputs=Figure(sum(count.values()), rows.where(stakes=stakes)),
        unseen=Figure(count["unseen"], rows.where(stakes=stakes, action="ship", audited="no")),
        audited=Figure(count["audited"], rows.where(stakes=stakes, action="ship", audited="yes")),
        review=Figure(count["review"], rows.where(stakes=stakes, action="review")),
        bar=stacked_bar([(name, count[name]) for name in ("unseen", "audited", "review")], most),
    )


def _reasons(project: Project, since: datetime | None, rows: _Rows) -> list[ReasonLine]:
    """How often each reason brought people in; one output may have several."""
    counts: Counter[str] = Counter()
    grouped = decided(project, since=since).values("reasons").annotate(count=Count("pk")).order_by()
    for row in grouped:
        for reason in row["reasons"]:
            counts[reason] += row["count"]
    return [
        ReasonLine(reason_label(reason), Figure(count, rows.where(reason=reason)))
        for reason, count in counts.most_common()
    ]


def _waiting(project: Project, now: datetime) -> Waiting:
    unfinished = Seat.objects.filter(
        project=project, state__in=[SeatState.OPEN, SeatState.LEASED], lane__in=[Lane.WORK, Lane.ADJUDICATION]
    )
    # Where the first rating was the verdict nobody waits for the others.
    awaited = ~Q(item__status=ItemStatus.SETTLED)
    found = unfinished.aggregate(
        open=Count("pk", filter=Q(state=SeatState.OPEN)),
        leased=Count("pk", filter=Q(state=SeatState.LEASED)),
        overdue=Count("pk", filter=awaited & Q(due_at__lt=now)),
        oldest=Min("due_at", filter=awaited),
    )
    first = unfinished.filter(awaited).order_by("due_at", "pk").values_list("item_id", flat=True).first()
    output = OutputReview.objects.filter(item_id=first).values_list("output_id", flat=True).first() if first else None
    reviewed = OutputReview.objects.filter(output__project=project)
    return Waiting(
        outputs=reviewed.filter(item__status=ItemStatus.OPEN).count(),
        disputes=ReviewItem.objects.filter(project=project, status=ItemStatus.DISPUTED).count(),
        open_seats=found["open"],
        leased_seats=found["leased"],
        overdue=found["overdue"],
        oldest_id=str(output or ""),
        oldest_due=until(found["oldest"], now) if found["oldest"] else "",
    )


def _undetected(project: Project, since: datetime | None, rows: _Rows) -> UndetectedFigure:
    found = estimate_undetected(project, since=since)
    basis = (
        ngettext(
            "%(audited)d of %(shipped)d shipped output was audited and judged, %(errors)d of them wrong.",
            "%(audited)d of %(shipped)d shipped outputs were audited and judged, %(errors)d of them wrong.",
            found.shipped,
        )
        if found.shipped
        else ngettext("None of %(outputs)d output shipped.", "None of %(outputs)d outputs shipped.", found.outputs)
    ) % {"audited": found.audited, "shipped": found.shipped, "errors": found.errors, "outputs": found.outputs}
    if left_out := left_out_count(project, since=since):
        more = ngettext(
            "%(count)d verdict is left out: a model weighed its raters.",
            "%(count)d verdicts are left out: a model weighed their raters.",
            left_out,
        )
        basis = f"{basis} {more % {'count': left_out}}"
    if found.rate is None or found.interval is None:
        share = Estimate("", "", f"n = {found.audited}", found.reason or reason_text(found.status))
        number = ""
    else:
        interval = percent_range(found.interval.low, found.interval.high)
        share = Estimate(percent(found.rate), interval, f"n = {found.audited}")
        number = _("about %(expected)s of %(outputs)s outputs, between %(low)s and %(high)s") % {
            "expected": f"{found.expected:.0f}",
            "outputs": found.outputs,
            "low": found.low,
            "high": found.high,
        }
    return UndetectedFigure(
        share=share,
        number=number,
        basis=basis,
        audited_url=rows.where(action="ship", audited="yes", outcome="judged", kind="single"),
        wrong_url=rows.where(action="ship", audited="yes", outcome="wrong", kind="single") if found.errors else "",
    )


def _policy(project: Project) -> PolicyInForce | None:
    active = ActivePolicy.objects.select_related("policy__calibrator").filter(project=project).first()
    if active is None:
        return None
    policy = active.policy
    activation = PolicyActivation.objects.filter(policy=policy).order_by("-pk").first()
    targets: dict[str, Any] = policy.document["targets"]
    return PolicyInForce(
        name=policy.name,
        version=policy.version,
        since=activation.effective_at if activation else None,
        reason=activation.reason if activation else "",
        calibrator_version=policy.calibrator.version if policy.calibrator else None,
        target=target_text(targets),
        tiers=tier_lines(policy.document),
    )


def _proposal(project: Project) -> Proposal | None:
    latest = Recalibration.objects.filter(project=project).select_related("policy").order_by("-pk").first()
    if latest is None:
        return None
    return Proposal(latest.pk, latest.status, latest.created_at, latest.labels_used, latest.policy.version)


def _golden_set(project: Project) -> LatestGoldenSet | None:
    latest = GoldenSet.objects.filter(project=project).order_by("-pk").first()
    if latest is None:
        return None
    return LatestGoldenSet(latest.name, latest.case_count, latest.created_at, latest.sha256[:12])


def pool_accuracy(project: Project) -> Estimate:
    """How often the people as a whole were right on planted gold cases; rounds are kept apart."""
    found = planted_results(project).aggregate(trials=Count("pk"), right=Count("pk", filter=Q(correct=True)))
    return rate(Rate.of(found["right"], found["trials"]), of=_("gold ratings"), without=_("no gold case was rated yet"))
