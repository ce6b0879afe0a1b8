"""How the queue treats people, how policies come into force, who the people are, and which programs have a key."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from labeling.services.limits import queue_settings
from labeling.services.onboarding import pause_reviewer, resume_reviewer
from labeling.services.settings import change_queue_settings
from reviewapp.core.models import Membership, Role
from reviewapp.core.reading import label
from reviewapp.core.services.keys import create_api_key, revoke_api_key
from reviewapp.core.services.people import PersonRefused, add_member, give_password
from routing.forms import KeyForm, MemberForm, PauseForm
from routing.forms_queue import QueueForm
from routing.services.two_persons import SecondPersonNeeded, ask_for_two_persons, end_two_persons
from routing.views.access import api_key_of, member_of
from routing.views.contexts.settings import key_rows, member_rows, two_persons_state
from routing.views.doors import actor, acts, fills_in, posted, reads, show, status_of, to
from routing.views.figures import percent
from routing.views.invitations import invitation_rows

SECTION = "console-settings"
# Three forms stand on one page, so their inputs need ids of their own.
PERSON_ID, KEY_ID = "id_person_%s", "id_key_%s"


@reads
def settings(request: HttpRequest, member: Membership) -> HttpResponse:
    return _settings(request, member)


def _settings(
    request: HttpRequest,
    member: Membership,
    *,
    queue: QueueForm | None = None,
    people: MemberForm | None = None,
    keys: KeyForm | None = None,
) -> HttpResponse:
    """All three parts; the one that was posted comes with its errors."""
    project, now = member.project, timezone.now()
    current = queue_settings(project.pk)
    context = {
        "queue": queue or QueueForm(initial=QueueForm.initial_of(current)),
        "people": people or MemberForm(initial={"role": "reviewer"}, auto_id=PERSON_ID),
        "keys": keys or KeyForm(now=now, auto_id=KEY_ID),
        "gold_rate": percent(current.gold_rate, 0),
        "two_persons": two_persons_state(member),
        "members": member_rows(member),
        "invitations_open": len(invitation_rows(project, now)),
        "second_factor": project.second_factor_required,
        "key_rows": key_rows(project, now),
    }
    faulty = any(form is not None and form.errors for form in (queue, people, keys))
    return show(request, member, "settings", SECTION, status=400 if faulty else 200, **context)


@fills_in
def queue(request: HttpRequest, member: Membership) -> HttpResponse:
    form = QueueForm(posted(request))
    if not form.is_valid():
        return _settings(request, member, queue=form)
    change_queue_settings(project=member.project, actor=actor(member), **form.changes())
    messages.success(request, _("The queue’s settings are stored."))
    return to(member, SECTION)


@acts
def two_persons(request: HttpRequest, member: Membership) -> HttpResponse:
    """The rule on, or off: one owner asks for that, and another one confirms it."""
    try:
        if request.POST.get("on") == "yes":
            ask_for_two_persons(project=member.project, actor=actor(member))
            messages.success(request, _("Two persons it is: whoever wrote a policy does not put it in force."))
        else:
            rule = end_two_persons(project=member.project, actor=actor(member), now=timezone.now())
            ended = (
                _("The rule is off.")
                if not rule.two_persons
                else _("Another owner has to confirm this; until then it is on.")
            )
            messages.success(request, ended)
    except SecondPersonNeeded as refused:
        messages.error(request, str(refused))
    return to(member, SECTION)


@fills_in
def people(request: HttpRequest, member: Membership) -> HttpResponse:
    form = MemberForm(posted(request), auto_id=PERSON_ID)
    if form.is_valid() and form.cleaned_data["email"].lower() == member.person.email:
        form.add_error("email", _("That is you. Another owner has to change your role."))
    if not form.is_valid():
        return _settings(request, member, people=form)
    added = add_member(project=member.project, actor=actor(member), **form.cleaned_data)
    if added.person.has_usable_password():
        done = _("%(email)s is %(role)s here now.")
        messages.success(request, done % {"email": added.person.email, "role": label(Role(added.role))})
        return to(member, SECTION)
    return _with_password(request, member, added)


@acts
def password(request: HttpRequest, member: Membership, pk: int) -> HttpResponse:
    return _with_password(request, member, member_of(member.project, pk))


def _with_password(request: HttpRequest, member: Membership, person: Membership) -> HttpResponse:
    """The new password stands in this one answer and nowhere else, so there is no redirect."""
    try:
        secret = give_password(membership=person, actor=actor(member))
    except PersonRefused as refused:
        messages.warning(request, str(refused))
        return to(member, SECTION)
    return show(request, member, "secret", SECTION, kind="password", whose=person.person.email, secret=secret)


@fills_in
def pause(request: HttpRequest, member: Membership, pk: int) -> HttpResponse:
    person = member_of(member.project, pk)
    form = PauseForm(posted(request))
    if form.is_valid():
        try:
            pause_reviewer(membership=person, actor=actor(member), now=timezone.now(), **form.cleaned_data)
        except PersonRefused as refused:
            messages.warning(request, str(refused))
        else:
            messages.success(request, _("%(person)s gets no further items.") % {"person": person.person})
        return to(member, SECTION)
    if person.role != Role.REVIEWER:
        # Only reviewers meet gold cases.
        del form.fields["calibration"]
    context = {"form": form, "pk": pk, "person": str(person.person)}
    return show(request, member, "pause", SECTION, status=status_of(form), **context)


@acts
def resume(request: HttpRequest, member: Membership, pk: int) -> HttpResponse:
    person = member_of(member.project, pk)
    resume_reviewer(membership=person, actor=actor(member), reason="", now=timezone.now())
    messages.success(request, _("%(person)s gets items again.") % {"person": person.person})
    return to(member, SECTION)


@fills_in
def keys(request: HttpRequest, member: Membership) -> HttpResponse:
    """The secret stands in this one answer and nowhere else, so there is no redirect."""
    form = KeyForm(posted(request), now=timezone.now(), auto_id=KEY_ID)
    if not form.is_valid():
        return _settings(request, member, keys=form)
    key, secret = create_api_key(project=member.project, actor=actor(member), **form.cleaned_data)
    return show(request, member, "secret", SECTION, kind="key", whose=key.name or key.prefix, secret=secret)


@acts
def revoke(request: HttpRequest, member: Membership, pk: int) -> HttpResponse:
    key = api_key_of(member.project, pk)
    revoke_api_key(key=key, actor=actor(member), now=timezone.now())
    messages.success(request, _("Key %(prefix)s is revoked.") % {"prefix": key.prefix})
    return to(member, SECTION)
