"""Tests that commit leave nothing behind, although the database itself refuses to delete rows."""

import pytest
from django.db import DatabaseError, transaction

from reviewapp.core.models import AuditEntry


@pytest.mark.parametrize("turn", ["first", "second"])
@pytest.mark.django_db(transaction=True)
def test_it_empties_permanent_tables_between_tests_and_keeps_their_triggers(turn: str) -> None:
    assert AuditEntry.objects.count() == 0
    entry = AuditEntry.objects.create(actor="command", verb="tested", target=turn)
    with pytest.raises(DatabaseError, match="permanent"), transaction.atomic():
        AuditEntry.objects.filter(pk=entry.pk).delete()
    with pytest.raises(DatabaseError, match="permanent"), transaction.atomic():
        AuditEntry.objects.filter(pk=entry.pk).update(target="changed")
    assert AuditEntry.objects.get().target == turn
