"""People and their places in projects."""

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction

from reviewapp.core.models import Membership, Person, Project, Role
from reviewapp.core.services.audit import record


class PersonRefused(Exception):
    """The person or the membership cannot be made; the message says why."""


@transaction.atomic
def add_member(
    *, project: Project, email: str, role: str, actor: str, password: str | None = None, name: str = ""
) -> Membership:
    """Give the person with this address a role in the project, making the person if need be.

    Repeating it is safe; another role replaces the former one. A password is set only when given.
    Raises PersonRefused.
    """
    email = email.strip().lower()
    try:
        validate_email(email)
    except ValidationError as error:
        raise PersonRefused(f"{email!r} is not an e-mail address") from error
    if role not in Role.values:
        raise PersonRefused(f"role is one of {', '.join(Role.values)}; got {role!r}")
    person = Person.objects.filter(email=email).first() or Person.objects.create_user(email, name=name)
    if password:
        person.set_password(password)
        person.save(update_fields=["password"])
    if role == Role.OWNER and not person.is_staff:
        # Owners keep rubrics and policies in the admin; what they see there is limited to their projects.
        person.is_staff = True
        person.save(update_fields=["is_staff"])
    membership, created = Membership.objects.get_or_create(project=project, person=person, defaults={"role": role})
    if not created and membership.role != role:
        membership.role = role
        membership.save(update_fields=["role"])
    record(project=project, actor=actor, verb="member.added", target=f"person:{person.pk}", role=role)
    return membership
