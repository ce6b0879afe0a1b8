"""The process environment of a test run: which databases, and nothing from the operator's own setup."""

import contextlib
import os
from collections.abc import Iterator
from enum import StrEnum

from tests.services.postgresql import postgresql
from tests.services.redis_server import redis_server
from tests.services.server import private_folder

# What reviewapp/environment.py reads. A developer's own values must not steer a test run.
INSTALLATION_VARIABLES = (
    "ALLOWED_HOSTS",
    "DATABASE_REPLICA_URL",
    "DATABASE_URL",
    "DATA_DIR",
    "DEBUG",
    "EMAIL_FROM",
    "EMAIL_URL",
    "MAX_BODY_BYTES",
    "MAX_TEXT_CHARS",
    "OIDC_CLIENT_ID",
    "OIDC_CLIENT_SECRET",
    "OIDC_NAME",
    "OIDC_SERVER_URL",
    "PRIVATE_TARGETS",
    "REDIS_URL",
    "SECRET_KEY",
    "TRUSTED_PROXIES",
)


class Engine(StrEnum):
    """What a run stands on.

    SQLITE: the embedded installation, SQLite in a file and no broker. POSTGRES: the production
    installation, PostgreSQL and Redis.
    """

    SQLITE = "sqlite"
    POSTGRES = "postgres"


def chosen_engine() -> Engine:
    """TEST_ENGINE, SQLite when it is not set. Raises ValueError on any other word."""
    return Engine(os.environ.get("TEST_ENGINE") or Engine.SQLITE)


@contextlib.contextmanager
def engine_variables(engine: Engine) -> Iterator[dict[str, str]]:
    """Start what `engine` needs; the variables that point an installation at it. All gone at the end."""
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(private_folder("data"))
        variables = {
            "DATA_DIR": str(folder),
            # Keeps a developer's .env file out.
            "PYTHON_DOTENV_DISABLED": "1",
            "SECRET_KEY": "for-tests-only-0123456789-abcdefghijklmnopqrstuvwxyz",
        }
        if engine is Engine.POSTGRES:
            variables["DATABASE_URL"] = stack.enter_context(postgresql())
            variables["REDIS_URL"] = stack.enter_context(redis_server())
        yield variables


@contextlib.contextmanager
def engine_environment(engine: Engine) -> Iterator[dict[str, str]]:
    """Like `engine_variables`, with the variables set in this process and the operator's taken out."""
    before = dict(os.environ)
    with engine_variables(engine) as variables:
        for name in INSTALLATION_VARIABLES:
            os.environ.pop(name, None)
        os.environ.update(variables)
        try:
            yield variables
        finally:
            os.environ.clear()
            os.environ.update(before)
