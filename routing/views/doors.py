"""Who may open which page: owners and auditors read, owners act, everybody else finds nothing."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_required
from django.forms import BaseForm
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext_lazy as later
from django.views.decorators.http import require_http_methods, require_safe

from labeling.queries.pauses import open_pauses
from reviewapp.core.access import OWNING_ROLES, READING_ROLES, member_with_role
from reviewapp.core.models import Membership, Role

View = Callable[..., Any]
Guard = Callable[[View], View]

# Label and name of the address, in the groups that the pages are offered in.
SECTIONS = (
    ((later("Overview"), "console"), (later("Outputs"), "console-outputs")),
    (
        (later("Agreement"), "console-agreement"),
        (later("Disputes"), "console-disputes"),
        (later("Paused slices"), "console-slices"),
        (later("Re-blind rounds"), "console-overlap"),
        (later("Reviewers"), "console-reviewers"),
        (later("Staffing"), "console-staffing"),
        (later("Gold cases"), "console-gold-cases"),
        (later("Onboarding"), "console-onboarding"),
    ),
    (
        (later("Policies"), "console-policies"),
        (later("Detectors"), "console-detectors"),
        (later("Recalibrations"), "console-recalibrations"),
        (later("Certificates"), "console-certificates"),
        (later("Golden sets"), "console-golden-sets"),
        (later("Rubrics"), "console-rubrics"),
        (later("Judges"), "console-judges"),
    ),
    ((later("Webhooks"), "console-webhooks"), (later("Settings"), "console-settings")),
)


def _door(roles: tuple[str, ...], methods: Guard) -> Guard:
    """Hands the view the person's membership in place of the slug."""

    def guard(view: View) -> View:
        @login_required
        @methods
        @wraps(view)
        def opened(request: HttpRequest, slug: str, **kwargs: Any) -> Any:
            return view(request, member_with_role(request.user, slug, *roles), **kwargs)

        return opened

    return guard


reads = _door(READING_ROLES, require_safe)
fills_in = _door(OWNING_ROLES, require_http_methods(["GET", "HEAD", "POST"]))


def acts(view: View) -> View:
    """The address of a button among the settings. Looking at it does nothing and leads back to them."""

    @wraps(view)
    def pressed(request: HttpRequest, member: Membership, **kwargs: Any) -> Any:
        return view(request, member, **kwargs) if request.method == "POST" else to(member, "console-settings")

    return fills_in(pressed)


def actor(member: Membership) -> str:
    """How the audit log names the person."""
    return f"person:{member.person_id}"


def posted(request: HttpRequest) -> QueryDict | None:
    """What a form is bound to: the posted data, or nothing yet."""
    return request.POST if request.method == "POST" else None


def status_of(form: BaseForm) -> int:
    """400 for a form that is shown again with its errors."""
    return 400 if form.errors else 200


def show(
    request: HttpRequest, member: Membership, template: str, section: str, *, status: int = 200, **context: Any
) -> HttpResponse:
    """A page of the console. `section` names the address that the menu marks as the current one."""
    slug = member.project.slug
    # What waits for the owner there.
    counts = {"console-slices": open_pauses(member.project_id).count()}
    menu = [
        [
            {"label": label, "url": reverse(name, args=[slug]), "here": name == section, "count": counts.get(name)}
            for label, name in group
        ]
        for group in SECTIONS
    ]
    here = next(link["label"] for group in menu for link in group if link["here"])
    common = {
        "current_slug": slug,
        "project_name": member.project.name,
        "owner": member.role == Role.OWNER,
        "menu": menu,
        "section": here,
    }
    return render(request, f"routing/{template}.html", common | context, status=status)


def to(member: Membership, name: str, *args: Any) -> HttpResponse:
    """A redirect to another page of the same project."""
    return redirect(name, member.project.slug, *args)
