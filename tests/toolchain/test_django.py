"""Django's own checks, with warnings counted as failures."""

import pytest
from django.core.management import call_command


def test_it_passes_the_system_checks() -> None:
    call_command("check", fail_level="WARNING")


@pytest.mark.django_db
def test_it_has_a_migration_for_every_model_change() -> None:
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)
