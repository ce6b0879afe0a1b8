"""Ways past the database's own guards, to plant what they exist to prevent.

Everything here happens inside the test's transaction, which takes it back: both engines undo
changes of the schema as well. Only PRAGMAs have to be put back by hand.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.db import connection, transaction
from django.db.models import Model


def run(sql: str, parameters: tuple[object, ...] = ()) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)


def forgo_final_check() -> None:
    """Keep the test case from checking foreign keys at its end: a planted row may hang in the air."""
    transaction.set_rollback(True)


def drop_triggers(*models: type[Model]) -> None:
    """Let permanent rows of these models be changed and deleted."""
    for model in models:
        for name in _trigger_names(model._meta.db_table):
            on_table = "" if connection.vendor == "sqlite" else f' ON "{model._meta.db_table}"'
            run(f'DROP TRIGGER "{name}"{on_table}')


def disable_triggers(model: type[Model]) -> None:
    """As `drop_triggers`, but they stay in the catalogue where the engine knows such a thing."""
    if connection.vendor == "sqlite":
        drop_triggers(model)
        return
    _settle_deferred_checks()
    run(f'ALTER TABLE "{model._meta.db_table}" DISABLE TRIGGER USER')


def _trigger_names(table: str) -> list[str]:
    if connection.vendor == "sqlite":
        sql = "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = %s"
    else:
        sql = "SELECT tgname FROM pg_trigger WHERE tgname LIKE 'refuse_%%' AND tgrelid = %s::regclass"
    with connection.cursor() as cursor:
        cursor.execute(sql, [table])
        return [row[0] for row in cursor.fetchall()]


def drop_unique(model: type[Model], name: str) -> None:
    """Drop a unique constraint, conditional or not, by its name in the model."""
    table = model._meta.db_table
    if connection.vendor == "postgresql":
        _settle_deferred_checks()
        run(f'ALTER TABLE "{table}" DROP CONSTRAINT IF EXISTS "{name}"')
        run(f'DROP INDEX IF EXISTS "{name}"')
    elif _is_index(name):
        run(f'DROP INDEX "{name}"')
    else:
        _rebuild(table, lambda sql: re.sub(rf', CONSTRAINT "{name}" UNIQUE \([^)]*\)', "", sql))


def drop_primary_key(model: type[Model]) -> None:
    table = model._meta.db_table
    if connection.vendor == "postgresql":
        _settle_deferred_checks()
        run(f'ALTER TABLE "{table}" DROP CONSTRAINT "{table}_pkey"')
    else:
        _rebuild(table, lambda sql: sql.replace(" PRIMARY KEY", ""))


@contextmanager
def checks_ignored(model: type[Model], *names: str) -> Iterator[None]:
    """Without the named check constraints."""
    if connection.vendor == "postgresql":
        _settle_deferred_checks()
        for name in names:
            run(f'ALTER TABLE "{model._meta.db_table}" DROP CONSTRAINT "{name}"')
        yield
        return
    run("PRAGMA ignore_check_constraints = ON")
    try:
        yield
    finally:
        run("PRAGMA ignore_check_constraints = OFF")


def _settle_deferred_checks() -> None:
    """PostgreSQL alters no table that still has foreign keys to check in this transaction."""
    run("SET CONSTRAINTS ALL IMMEDIATE")
    run("SET CONSTRAINTS ALL DEFERRED")


def _is_index(name: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM sqlite_master WHERE type = 'index' AND name = %s", [name])
        return cursor.fetchone() is not None


def _rebuild(table: str, edit: Callable[[str], str]) -> None:
    """SQLite cannot drop a constraint of a table: make the table again without it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT sql FROM sqlite_master WHERE type = 'table' AND name = %s", [table])
        before = cursor.fetchone()[0]
    after = edit(before)
    assert after != before, f"nothing to drop in {before}"
    run(f'ALTER TABLE "{table}" RENAME TO "{table}_before"')
    run(after)
    run(f'INSERT INTO "{table}" SELECT * FROM "{table}_before"')
