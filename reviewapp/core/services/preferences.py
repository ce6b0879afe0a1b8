"""What a person chose for themselves."""

from collections.abc import Mapping

from django.db import transaction

from reviewapp.core.models import Person
from reviewapp.core.services.audit import record

FIELDS = ("name", "language", "time_zone", "theme", "keys")


@transaction.atomic
def change_preferences(*, person: Person, changes: Mapping[str, object]) -> None:
    """Store these of FIELDS. The audit log gets their names, not what was chosen."""
    changed = sorted(name for name, value in changes.items() if name in FIELDS and getattr(person, name) != value)
    if not changed:
        return
    for name in changed:
        setattr(person, name, changes[name])
    person.save(update_fields=changed)
    who = f"person:{person.pk}"
    record(project=None, actor=who, verb="preferences.changed", target=who, what=changed)
