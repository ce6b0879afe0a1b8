"""Migration operations that make rows immutable in the database itself, on both engines.

Packages that do this exist, but silently do nothing on SQLite; hence these few lines.
"""

from typing import Any

from django.db import connections
from django.db.migrations.operations.base import Operation


class RefuseTrigger(Operation):
    """Refuses `event` (UPDATE, DELETE or INSERT) on `table` while `condition` holds.

    `condition` is SQL over OLD and NEW that both engines read; empty means always.
    """

    reversible = True

    def __init__(self, table: str, event: str, message: str, condition: str = "") -> None:
        self.table, self.event, self.message, self.condition = table, event, message, condition

    @property
    def name(self) -> str:
        digest = format(sum(ord(c) * (i + 1) for i, c in enumerate(self.condition)), "x")
        return f"refuse_{self.event.lower()}_{self.table}_{digest}"[:60]

    def state_forwards(self, app_label: str, state: Any) -> None:
        """Triggers are not part of Django's model state."""

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        for statement in self.create_sql(schema_editor.connection.vendor):
            schema_editor.execute(statement, params=None)

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        if schema_editor.connection.vendor == "postgresql":
            schema_editor.execute(f'DROP TRIGGER "{self.name}" ON "{self.table}"', params=None)
            schema_editor.execute(f'DROP FUNCTION "{self.name}"()', params=None)
        else:
            schema_editor.execute(f'DROP TRIGGER "{self.name}"', params=None)

    def create_sql(self, vendor: str) -> list[str]:
        if vendor == "sqlite":
            when = f" WHEN {self.condition}" if self.condition else ""
            return [
                f'CREATE TRIGGER "{self.name}" BEFORE {self.event} ON "{self.table}"{when} '
                f"BEGIN SELECT RAISE(ABORT, '{self.message}'); END"
            ]
        # A trigger's own WHEN cannot hold a subquery on PostgreSQL, so the test is in the function.
        row = "OLD" if self.event == "DELETE" else "NEW"
        test = self.condition or "TRUE"
        return [
            f'CREATE FUNCTION "{self.name}"() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN '
            f"IF {test} THEN RAISE EXCEPTION '{self.message}' USING ERRCODE = 'integrity_constraint_violation'; "
            f"END IF; RETURN {row}; END $$",
            f'CREATE TRIGGER "{self.name}" BEFORE {self.event} ON "{self.table}" '
            f'FOR EACH ROW EXECUTE FUNCTION "{self.name}"()',
        ]

    def describe(self) -> str:
        return f"Refuse {self.event} on {self.table}"

    @property
    def migration_name_fragment(self) -> str:
        return self.name

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return (
            self.__class__.__qualname__,
            [],
            {"table": self.table, "event": self.event, "message": self.message, "condition": self.condition},
        )


def append_only(table: str, condition: str = "") -> list[RefuseTrigger]:
    """The two operations that make rows of `table` permanent, always or while `condition` holds."""
    message = f"{table} rows are permanent and cannot be changed or deleted"
    return [RefuseTrigger(table, event, message, condition) for event in ("UPDATE", "DELETE")]


def trigger_names(alias: str = "default") -> list[str]:
    """Names of the triggers in force, for `verify_ledger`: a dropped one must not go unnoticed."""
    connection = connections[alias]
    if connection.vendor == "postgresql":
        # D is for disabled: still there, and without effect.
        sql = "SELECT tgname FROM pg_trigger WHERE tgname LIKE 'refuse_%' AND tgenabled <> 'D' ORDER BY 1"
    else:
        sql = "SELECT name FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'refuse_%' ORDER BY 1"
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return [row[0] for row in cursor.fetchall()]
