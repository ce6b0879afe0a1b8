"""Handing in a rating, and taking it back within the undo window."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from labeling.masking import restored
from labeling.models import (
    Aggregation,
    Assignment,
    AssignmentState,
    Cause,
    Criterion,
    CriterionType,
    GoldResult,
    ItemKind,
    ItemStatus,
    Lane,
    Preference,
    Rating,
    RatingWithdrawal,
    RepeatResult,
    ReviewItem,
    Rubric,
    Seat,
    SeatState,
    VerdictValue,
)
from labeling.services.holding import AssignmentLost, locked_assignment
from labeling.services.notices import withdraw_notice
from labeling.services.round_seats import further_seat
from labeling.services.settling import settle, settle_without
from labeling.services.spans import OTHER_SIDE, checked_spans


class SubmissionInvalid(Exception):
    """What was handed in does not fit the rubric; `errors` are {pointer, code, detail}."""

    def __init__(self, errors: list[dict[str, str]]) -> None:
        super().__init__("; ".join(error["detail"] for error in errors))
        self.errors = errors


@dataclass(frozen=True, slots=True)
class Submission:
    """One person's answer, with `preferred` as the person saw the sides."""

    idempotency_key: str
    values: Mapping[str, Any] = field(default_factory=dict)
    preferred: str = ""
    verdict: str = ""
    correction: str = ""
    rationale: str = ""
    cause: str = ""
    spans: Sequence[Mapping[str, Any]] = ()
    client_seconds: float | None = None


@transaction.atomic
def submit_rating(*, assignment: Assignment, submission: Submission, now: datetime) -> tuple[Rating, bool]:
    """The stored rating and whether it is new; the same key again gives the same rating.

    A lease that ended still counts while a seat of the item is free; otherwise the rating is kept as
    an extra one. Raises SubmissionInvalid, or AssignmentLost when the work was handed in or given back.
    """
    assignment = locked_assignment(assignment.token, [assignment.reviewer_id])
    earlier = list(assignment.ratings.select_related("withdrawal").order_by("revision"))
    known = next((rating for rating in earlier if rating.idempotency_key == submission.idempotency_key), None)
    if known and hasattr(known, "withdrawal"):
        detail = "This key handed in the rating that was undone; use a new one."
        raise SubmissionInvalid([_error("/idempotency_key", "used", detail)])
    if known:
        return known, False
    if assignment.state not in (AssignmentState.LEASED, AssignmentState.EXPIRED):
        raise AssignmentLost(_("This item has been handed in or given back already."))
    item = assignment.item
    verdict, spans = _checked(submission, assignment)
    seat = _seat_to_fill(assignment)
    rating = _store(assignment, submission, len(earlier) + 1, verdict=verdict, spans=spans, extra=seat is None, now=now)
    if seat is not None:
        _fill(seat, assignment)
    Assignment.objects.filter(pk=assignment.pk).update(
        state=AssignmentState.SUBMITTED, ended_at=now, **({"seat": seat} if seat else {})
    )
    if seat is not None:
        _count(item, rating, now)
    return rating, True


def _checked(submission: Submission, assignment: Assignment) -> tuple[str, list[dict[str, Any]]]:
    """The verdict and the spans to store. Raises SubmissionInvalid naming every fault."""
    spans, faults = checked_spans(submission.spans, assignment)
    try:
        verdict = checked_verdict(submission, assignment.rubric, adjudicating=assignment.seat.lane == Lane.ADJUDICATION)
    except SubmissionInvalid as invalid:
        raise SubmissionInvalid([*invalid.errors, *faults]) from None
    if faults:
        raise SubmissionInvalid(faults)
    return verdict, spans


def checked_verdict(submission: Submission, rubric: Rubric, *, adjudicating: bool) -> str:
    """The verdict the submission amounts to. Raises SubmissionInvalid naming every fault."""
    criteria = list(rubric.criteria.all())
    errors = _value_errors(submission.values, criteria)
    if rubric.pairwise and submission.preferred not in Preference.values:
        errors.append(_error("/preferred", "required", "Choose a, b or tie."))
    if not rubric.pairwise and submission.preferred:
        errors.append(_error("/preferred", "unexpected", "There is only one response to judge."))
    if submission.verdict and submission.verdict not in VerdictValue.values:
        errors.append(_error("/verdict", "invalid", "verdict is accept, correct or reject."))
    if submission.correction and not rubric.corrections:
        errors.append(_error("/correction", "unexpected", "This rubric takes no corrections."))
    if submission.verdict == VerdictValue.CORRECT and not submission.correction:
        errors.append(_error("/correction", "required", "A correction needs the corrected response."))
    if adjudicating and submission.cause not in Cause.values:
        errors.append(_error("/cause", "required", f"Name the cause: {', '.join(Cause.values)}."))
    if not adjudicating and submission.cause:
        errors.append(_error("/cause", "unexpected", "Only an adjudication names a cause."))
    failing = any(_fails(criterion, submission.values.get(criterion.name)) for criterion in criteria)
    if failing and submission.verdict == VerdictValue.ACCEPT:
        errors.append(_error("/verdict", "contradiction", "A failing value cannot go with accept."))
    if errors:
        raise SubmissionInvalid(errors)
    if submission.verdict:
        return submission.verdict
    if submission.correction:
        return VerdictValue.CORRECT
    return VerdictValue.REJECT if failing else VerdictValue.ACCEPT


def _value_errors(values: Mapping[str, Any], criteria: list[Criterion]) -> list[dict[str, str]]:
    known = {criterion.name: criterion for criterion in criteria}
    errors = [
        _error(f"/values/{name}", "unknown", f'The rubric has no criterion "{name}".')
        for name in values
        if name not in known
    ]
    for name, criterion in known.items():
        value = values.get(name)
        if value is None:
            if criterion.required:
                errors.append(_error(f"/values/{name}", "required", f'Answer "{criterion.question}"'))
        elif not _on_scale(criterion, value):
            errors.append(_error(f"/values/{name}", "off_scale", f'{value!r} is not a value of "{name}".'))
    return errors


def _on_scale(criterion: Criterion, value: Any) -> bool:
    if criterion.type == CriterionType.NUMERIC:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        return number and criterion.minimum <= value <= criterion.maximum
    # Types are compared too: True is not 1, and "1" is not 1.
    return any(type(level["value"]) is type(value) and level["value"] == value for level in criterion.levels)


def _fails(criterion: Criterion, value: Any) -> bool:
    if value is None or not _on_scale(criterion, value):
        return False
    if criterion.type == CriterionType.NUMERIC:
        return criterion.fail_below is not None and value < criterion.fail_below
    return value in criterion.fail_values


def _error(pointer: str, code: str, detail: str) -> dict[str, str]:
    return {"pointer": pointer, "code": code, "detail": detail}


def _seat_to_fill(assignment: Assignment) -> Seat | None:
    """The person's own seat if they hold it or it is free, else another free one, else None.

    For a round's case there always is one: every answer counts there.
    """
    own = assignment.seat
    if own.state == SeatState.LEASED and own.holder_id == assignment.reviewer_id:
        return own
    if own.state == SeatState.OPEN:
        return own
    free = (
        Seat.objects.select_for_update()
        .filter(item_id=assignment.item_id, lane=own.lane, state=SeatState.OPEN)
        .order_by("number")
        .first()
    )
    if free is None and assignment.round_id is not None:
        return further_seat(assignment.item, own.lane)
    return free


def _fill(seat: Seat, assignment: Assignment) -> None:
    changed = Seat.objects.filter(pk=seat.pk, state=seat.state).update(
        state=SeatState.SUBMITTED, holder=assignment.reviewer_id, lease_expires_at=None
    )
    if changed != 1:
        raise AssignmentLost(_("The seat changed hands this very moment; try again."))


def _store(
    assignment: Assignment,
    submission: Submission,
    revision: int,
    *,
    verdict: str,
    spans: list[dict[str, Any]],
    extra: bool,
    now: datetime,
) -> Rating:
    preferred = submission.preferred
    if assignment.swapped:
        preferred = OTHER_SIDE.get(preferred, preferred)
    # The right answer to a practice case is shown at once, so there is nothing to take back after it.
    practice = assignment.seat.lane == Lane.PRACTICE
    undo_seconds = 0 if practice else assignment.reviewer.project.queue_settings.undo_seconds
    return Rating.objects.create(
        assignment=assignment,
        revision=revision,
        item=assignment.item,
        reviewer_id=assignment.reviewer_id,
        rubric_id=assignment.rubric_id,
        values=dict(submission.values),
        preferred=preferred,
        verdict=verdict,
        # The person corrected what they saw; what goes back to the caller has its names again.
        correction=restored(submission.correction, assignment.masking, "/response"),
        rationale=submission.rationale,
        cause=submission.cause,
        spans=spans,
        extra=extra,
        adjudication=assignment.seat.lane == Lane.ADJUDICATION,
        client_seconds=submission.client_seconds,
        server_seconds=max(0.0, (now - (assignment.opened_at or assignment.claimed_at)).total_seconds()),
        idempotency_key=submission.idempotency_key,
        submitted_at=now,
        undo_until=now + timedelta(seconds=undo_seconds),
    )


def _count(item: ReviewItem, rating: Rating, now: datetime) -> None:
    """What is planted is compared with what is known, live work is settled: about as many writes either way."""
    item.ratings_counted += not rating.adjudication
    if item.kind in (ItemKind.GOLD, ItemKind.CALIBRATION):
        _compare_with_answer(item, rating, now)
    elif item.kind == ItemKind.REPEAT:
        _compare_with_first(item, rating, now)
    elif item.kind == ItemKind.OVERLAP:
        # Nothing follows for the item: its round is measured as a whole.
        pass
    else:
        settle(item=item, rating=rating, now=now)
    item.save(update_fields=["ratings_counted", "status", "verdict"])


def _compare_with_answer(item: ReviewItem, rating: Rating, now: datetime) -> None:
    case = item.gold_case
    right = (
        rating.preferred == case.preferred
        if case.preferred
        else (rating.verdict == VerdictValue.ACCEPT) == case.acceptable
    )
    GoldResult.objects.create(rating=rating, gold_case=case, reviewer_id=rating.reviewer_id, correct=right, at=now)


def _compare_with_first(item: ReviewItem, rating: Rating, now: datetime) -> None:
    """With the person's first standing rating of the same words by the same rubric."""
    first = (
        Rating.objects.standing()
        .filter(reviewer_id=rating.reviewer_id, assignment__fingerprint=item.fingerprint, rubric_id=rating.rubric_id)
        .exclude(item=item)
        .order_by("id")
        .first()
    )
    if first is not None:
        same = (first.verdict, first.preferred) == (rating.verdict, rating.preferred)
        RepeatResult.objects.create(rating=rating, first=first, reviewer_id=rating.reviewer_id, same=same, at=now)


@transaction.atomic
def undo_rating(*, assignment: Assignment, now: datetime) -> Assignment:
    """Withdraw the standing rating within its undo window and lease the seat again.

    Raises AssignmentLost for a practice answer, once the window has closed, an adjudicator has begun on the item, or
    the verdict that rests on it has been passed on.
    """
    assignment = locked_assignment(assignment.token, [assignment.reviewer_id])
    rating = assignment.ratings.standing().order_by("-revision").first()
    if assignment.state != AssignmentState.SUBMITTED or rating is None:
        raise AssignmentLost(_("There is nothing to undo."))
    if assignment.seat.lane == Lane.PRACTICE:
        raise AssignmentLost(_("The right answer has been shown; a practice answer stays as it was given."))
    if now > rating.undo_until or (assignment.round is not None and assignment.round.ended_at is not None):
        raise AssignmentLost(_("The time to undo has passed."))
    item = assignment.item
    if not rating.extra:
        _reopen(item, rating)
    RatingWithdrawal.objects.create(rating=rating, at=now)
    expires = now + timedelta(seconds=assignment.reviewer.project.queue_settings.lease_seconds)
    if not rating.extra:
        Seat.objects.filter(pk=assignment.seat_id).update(
            state=SeatState.LEASED, holder=assignment.reviewer_id, lease_expires_at=expires
        )
        if not rating.adjudication:
            ReviewItem.objects.filter(pk=item.pk).update(ratings_counted=F("ratings_counted") - 1)
            _settle_by_the_next(item, now)
    assignment.state = AssignmentState.LEASED
    assignment.lease_expires_at = expires
    assignment.ended_at = None
    assignment.save(update_fields=["state", "lease_expires_at", "ended_at"])
    return assignment


def _settle_by_the_next(item: ReviewItem, now: datetime) -> None:
    """Where the first rating decides and others have come in since, the verdict follows at once."""
    if item.aggregation == Aggregation.SINGLE:
        item.refresh_from_db(fields=["status", "verdict", "ratings_counted"])
        settle_without(item=item, now=now)
        item.save(update_fields=["status", "verdict"])


def _reopen(item: ReviewItem, rating: Rating) -> None:
    """Take what followed from the rating out of force."""
    seat_zero = Seat.objects.select_for_update().filter(item=item, number=0).first()
    if seat_zero and not rating.adjudication:
        if seat_zero.state in (SeatState.LEASED, SeatState.SUBMITTED):
            raise AssignmentLost(_("An adjudicator has begun on this item."))
        if Assignment.objects.filter(item=item, state=AssignmentState.ESCALATED).exists():
            # Somebody asked for the adjudicator, whatever this rating says.
            return
        # Only this undo stands between the dispute and its end, so the adjudicator's seat waits closed.
        Seat.objects.filter(pk=seat_zero.pk).update(state=SeatState.CLOSED)
    if item.verdict and rating.pk not in item.verdict.rating_ids:
        # It came after the verdict, and measured agreement only.
        return
    if item.verdict_id and not withdraw_notice(verdict_id=item.verdict_id):
        # Asked in time, but the lock came late: the caller knows the verdict by now.
        raise AssignmentLost(_("The time to undo has passed."))
    ReviewItem.objects.filter(pk=item.pk).update(
        status=ItemStatus.DISPUTED if rating.adjudication else ItemStatus.OPEN, verdict=None
    )
