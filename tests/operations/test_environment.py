"""The environment: every variable has a default, and a slip in one stops the process and names it."""

import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from reviewapp.environment import Environment, mail_settings, read_environment
from tests.services.engine import INSTALLATION_VARIABLES

ROOT = Path(__file__).resolve().parents[2]


def read(tmp_path: Path, **variables: str) -> Environment:
    return read_environment(variables, tmp_path)


def test_without_any_variable_it_is_the_embedded_installation(tmp_path: Path) -> None:
    found = read(tmp_path)
    assert found.embedded
    assert (found.debug, found.replica, found.email_url) == (False, None, None)
    assert found.data_dir == tmp_path / "data"
    assert found.database["ENGINE"] == "django.db.backends.sqlite3"
    assert found.database["NAME"] == str(tmp_path / "data" / "reviewapp.sqlite3")
    assert found.database["OPTIONS"]["transaction_mode"] == "IMMEDIATE"
    assert "localhost" in found.allowed_hosts


def test_it_reads_what_the_operator_says(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        DATABASE_URL="postgres://app:secret@db.example:5433/review",
        DATABASE_REPLICA_URL="postgres://app@replica.example/review",
        REDIS_URL="redis://cache.example:6379/2",
        DATA_DIR=str(tmp_path / "elsewhere"),
        DEBUG="yes",
        ALLOWED_HOSTS="review.example, www.review.example",
        EMAIL_URL="smtp://mail.example:25",
        MAX_BODY_BYTES="1000",
        MAX_TEXT_CHARS="200",
        SECRET_KEY="s" * 50,
    )
    assert not found.embedded
    assert (found.database["HOST"], found.database["PORT"], found.database["NAME"]) == ("db.example", 5433, "review")
    assert found.database["OPTIONS"]["pool"]
    assert found.replica is not None
    assert found.replica["HOST"] == "replica.example"
    assert (found.debug, found.secret_key, found.email_url) == (True, "s" * 50, "smtp://mail.example:25")
    assert found.allowed_hosts == ["review.example", "www.review.example"]
    assert (found.max_body_bytes, found.max_text_chars) == (1000, 200)


def test_an_empty_variable_counts_as_not_set(tmp_path: Path) -> None:
    # As compose files and the Makefile write them.
    assert read(tmp_path, **dict.fromkeys(INSTALLATION_VARIABLES, "")) == read(tmp_path)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DEBUG", "maybe"),
        ("DEBUG", "2"),
        ("MAX_BODY_BYTES", "1e6"),
        ("MAX_BODY_BYTES", "0"),
        ("MAX_TEXT_CHARS", "-5"),
        ("MAX_TEXT_CHARS", "plenty"),
        ("DATABASE_URL", "nonsense"),
        ("DATABASE_URL", "mysql://app@db.example/review"),
        ("DATABASE_URL", "postgres://app@db.example:port/review"),
        ("DATABASE_URL", "sqlite://"),
        ("DATABASE_URL", "sqlite:////dev/null/below/a/file.sqlite3"),
        ("DATABASE_REPLICA_URL", "oracle://db.example/review"),
        ("REDIS_URL", "localhost:6379"),
        ("REDIS_URL", "http://cache.example"),
        ("EMAIL_URL", "mail.example"),
        ("EMAIL_URL", "smtp://"),
        ("EMAIL_URL", "smtp://mail.example:port"),
        ("EMAIL_URL", "smtp://mail.example?starttls=1"),
        ("EMAIL_URL", "file:outbox"),
        ("EMAIL_FROM", "Oversight"),
        ("EMAIL_FROM", "a@b.example\nBcc: c@d.example"),
        ("TRUSTED_PROXIES", "yes"),
        ("TRUSTED_PROXIES", "-1"),
        ("TRUSTED_PROXIES", "10"),
        ("ALLOWED_HOSTS", " , "),
        ("DATA_DIR", "/dev/null/below/a/file"),
        ("DATA_DIR", "/dev/null"),
    ],
)
def test_a_slip_is_an_error_that_names_the_variable(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=rf"^{name} "):
        read(tmp_path, **{name: value})


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"OIDC_SERVER_URL": ""}, "OIDC_SERVER_URL"),
        ({"OIDC_CLIENT_ID": ""}, "OIDC_CLIENT_ID"),
        ({"OIDC_CLIENT_SECRET": " "}, "OIDC_CLIENT_SECRET"),
        ({"OIDC_SERVER_URL": "login.example"}, "OIDC_SERVER_URL"),
        ({"OIDC_SERVER_URL": "http://login.example"}, "OIDC_SERVER_URL"),
        ({"OIDC_SERVER_URL": "https://login.example?x=1"}, "OIDC_SERVER_URL"),
    ],
    ids=str,
)
def test_half_a_sign_in_service_is_an_error_that_names_what_is_missing(
    tmp_path: Path, changes: dict[str, str], named: str
) -> None:
    whole = {"OIDC_SERVER_URL": "https://login.example/", "OIDC_CLIENT_ID": "us", "OIDC_CLIENT_SECRET": "s"}
    found = read(tmp_path, **whole).oidc
    assert found is not None
    assert (found.name, found.server_url) == ("login.example", "https://login.example")
    with pytest.raises(ImproperlyConfigured, match=rf"^{named} "):
        read(tmp_path, **(whole | changes))


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("smtp://mail.example", {"EMAIL_PORT": 25, "EMAIL_USE_TLS": False, "EMAIL_USE_SSL": False}),
        ("smtp://us:p%40ss@mail.example:587", {"EMAIL_USE_TLS": True, "EMAIL_HOST_PASSWORD": "p@ss"}),
        ("smtp://mail.example:587?tls=0", {"EMAIL_USE_TLS": False}),
        ("smtp://mail.example:2525?tls=1", {"EMAIL_USE_TLS": True, "EMAIL_PORT": 2525}),
        ("smtps://mail.example", {"EMAIL_USE_SSL": True, "EMAIL_USE_TLS": False, "EMAIL_PORT": 465}),
        ("console:", {"EMAIL_BACKEND": "django.core.mail.backends.console.EmailBackend"}),
        ("file:///var/mail%20out", {"EMAIL_FILE_PATH": "/var/mail out"}),
        (None, {"EMAIL_BACKEND": "django.core.mail.backends.dummy.EmailBackend"}),
    ],
)
def test_it_reads_how_mail_is_sent(url: str | None, expected: dict[str, Any]) -> None:
    assert expected.items() <= mail_settings(url).items()


def test_a_slip_stops_a_command_before_it_does_anything(tmp_path: Path) -> None:
    known = {name: value for name, value in os.environ.items() if name not in INSTALLATION_VARIABLES}
    ended = subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=ROOT,
        env=known | {"DATA_DIR": str(tmp_path), "DEBUG": "maybe"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.returncode != 0
    assert ended.stderr.splitlines()[-1].endswith("DEBUG is 'maybe'; write true or false.")
    assert list(tmp_path.iterdir()) == []


# The secret key ------------------------------------------------------------------------------------


def test_a_secret_key_is_made_once_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    # Whatever the umask of whoever starts it.
    before = os.umask(0)
    try:
        first = read(tmp_path).secret_key
    finally:
        os.umask(before)
    kept = tmp_path / "data" / "secret_key"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert len(first) >= 50
    assert kept.read_text() == first
    assert read(tmp_path).secret_key == first
    assert read(tmp_path, DATA_DIR=str(tmp_path / "another")).secret_key != first


def test_a_secret_key_that_is_given_is_not_kept(tmp_path: Path) -> None:
    assert read(tmp_path, SECRET_KEY="given").secret_key == "given"
    assert not (tmp_path / "data" / "secret_key").exists()


@pytest.mark.parametrize("word", ["1", "TRUE", " on ", "Yes"])
def test_debug_is_understood_in_the_usual_words(tmp_path: Path, word: str) -> None:
    found: Any = read(tmp_path, DEBUG=word)
    assert found.debug is True
