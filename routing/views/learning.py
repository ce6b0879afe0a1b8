"""What verdicts taught: recalibrations, calibrators and certificates."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as later

from reviewapp.core.models import Membership
from routing.access import recalibration_of
from routing.forms import CertificateForm, ReasonForm, RecalibrationForm
from routing.models import Certificate, Recalibration
from routing.services.certificates import issue_certificate
from routing.services.recalibration import (
    RecalibrationRefused,
    approve_recalibration,
    propose_recalibration,
    reject_recalibration,
)
from routing.services.two_persons import ActivationRefused
from routing.views.access import calibrator_of, certificate_of
from routing.views.contexts.calibrators import calibrator_detail
from routing.views.contexts.learning import certificate_detail, recalibration_detail, recalibration_row
from routing.views.contexts.words import actor_names
from routing.views.doors import actor, fills_in, posted, reads, show, status_of, to
from routing.views.paging import page_of

RECALIBRATIONS, CERTIFICATES = "console-recalibrations", "console-certificates"
DECISIONS: dict[str, tuple[Callable[..., Any], Any]] = {
    "approve": (approve_recalibration, later("Approved. The proposed policy is in force.")),
    "reject": (reject_recalibration, later("Rejected. Everything stays as it is.")),
}


@reads
def recalibrations(request: HttpRequest, member: Membership) -> HttpResponse:
    names = actor_names(member.project)
    rows = Recalibration.objects.filter(project=member.project).select_related("policy", "calibrator").order_by("-pk")
    rows = rows.defer("thresholds", "replay", "policy__document", "calibrator__parameters", "calibrator__metrics")
    page = page_of(request, rows, lambda row: recalibration_row(row, names))
    return show(request, member, "recalibrations", RECALIBRATIONS, page=page)


@fills_in
def propose(request: HttpRequest, member: Membership) -> HttpResponse:
    form = RecalibrationForm(posted(request))
    if form.is_valid():
        try:
            proposal = propose_recalibration(
                project=member.project, actor=actor(member), now=timezone.now(), **form.arguments()
            )
        except RecalibrationRefused as refused:
            form.add_error(None, str(refused))
        else:
            return to(member, "console-recalibration", proposal.pk)
    return show(request, member, "recalibration_propose", RECALIBRATIONS, status=status_of(form), form=form)


@reads
def recalibration(request: HttpRequest, member: Membership, pk: int) -> HttpResponse:
    return _proposal(request, member, pk, ReasonForm())


@fills_in
def decide(request: HttpRequest, member: Membership, pk: int) -> HttpResponse:
    """Approve or reject, by the button pressed."""
    proposal = recalibration_of(member.project, pk)
    form = ReasonForm(posted(request))
    service, done = DECISIONS.get(request.POST.get("decision", ""), (None, ""))
    if request.method == "POST" and service is None:
        form.add_error(None, _("Choose one of the two buttons."))
    if form.is_valid() and service:
        try:
            service(proposal=proposal, actor=actor(member), now=timezone.now(), reason=form.cleaned_data["reason"])
        except (RecalibrationRefused, ActivationRefused) as refused:
            form.add_error(None, str(refused))
        else:
            messages.success(request, done)
            return to(member, "console-recalibration", pk)
    return _proposal(request, member, pk, form)


def _proposal(request: HttpRequest, member: Membership, pk: int, form: ReasonForm) -> HttpResponse:
    detail = recalibration_detail(recalibration_of(member.project, pk))
    context = {"proposal": detail, "form": form}
    return show(request, member, "recalibration", RECALIBRATIONS, status=status_of(form), **context)


@reads
def calibrator(request: HttpRequest, member: Membership, version: int) -> HttpResponse:
    detail = calibrator_detail(calibrator_of(member.project, version))
    return show(request, member, "calibrator", RECALIBRATIONS, calibrator=detail)


@reads
def certificates(request: HttpRequest, member: Membership) -> HttpResponse:
    return _certificates(request, member, CertificateForm())


@fills_in
def issue(request: HttpRequest, member: Membership) -> HttpResponse:
    form = CertificateForm(posted(request))
    if form.is_valid():
        wanted = form.cleaned_data
        certificate = issue_certificate(
            project=member.project,
            actor=actor(member),
            now=timezone.now(),
            since=wanted["since"],
            stakes=wanted["stakes"],
            level=wanted["level"] / 100,
        )
        return to(member, "console-certificate", certificate.pk)
    return _certificates(request, member, form)


def _certificates(request: HttpRequest, member: Membership, form: CertificateForm) -> HttpResponse:
    names = actor_names(member.project)
    rows = Certificate.objects.filter(project=member.project).order_by("-pk")
    page = page_of(request, rows, lambda row: certificate_detail(row, names))
    return show(request, member, "certificates", CERTIFICATES, status=status_of(form), page=page, form=form)


@reads
def certificate(request: HttpRequest, member: Membership, pk: int) -> HttpResponse:
    detail = certificate_detail(certificate_of(member.project, pk), actor_names(member.project))
    return show(request, member, "certificate", CERTIFICATES, certificate=detail)
