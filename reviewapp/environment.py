"""The process environment, read once and checked.

Every setting an operator can change is named here. A malformed value stops the process with a
message that names the variable, so that a typing slip never becomes a silent default.
"""

import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

import dj_database_url
from django.core.exceptions import ImproperlyConfigured

TRUE_WORDS = {"1", "true", "yes", "on"}
FALSE_WORDS = {"0", "false", "no", "off", ""}
# A last label of digits only would be a misspelt address.
HOST_NAME = re.compile(r"(?:[a-z0-9_-]+\.)*(?![0-9]+\.?$)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.?", re.IGNORECASE)

# An address, or a name with the address in angle brackets.
SENDER = re.compile(r"[^@<>\s]+@[^@<>\s]+|[^<>\r\n]+ <[^@<>\s]+@[^@<>\s]+>")
STARTTLS_PORT = 587
MOST_PROXIES = 9
LOOPBACK = {"localhost", "127.0.0.1", "::1"}
OIDC_NAMES = ("OIDC_NAME", "OIDC_SERVER_URL", "OIDC_CLIENT_ID", "OIDC_CLIENT_SECRET")


@dataclass(frozen=True, slots=True)
class OpenIdConnect:
    """The organisation's own sign-in service. `name` is what people know it by."""

    name: str
    server_url: str
    client_id: str
    client_secret: str


@dataclass(frozen=True, slots=True)
class Environment:
    """What the operator asked for.

    `embedded` is true when no broker is configured: background work then runs as threads of the
    web process and the cache lives in its memory.
    """

    data_dir: Path
    secret_key: str
    debug: bool
    allowed_hosts: list[str]
    database: dict[str, Any]
    replica: dict[str, Any] | None
    redis_url: str | None
    email_url: str | None
    email_from: str
    # How many proxies in front of it add to X-Forwarded-For and set X-Forwarded-Proto.
    trusted_proxies: int
    oidc: OpenIdConnect | None
    max_body_bytes: int
    max_text_chars: int
    # Host names and networks that webhooks and judges may reach although they are not public.
    private_targets: list[str]

    @property
    def embedded(self) -> bool:
        return self.redis_url is None


def read_environment(variables: Mapping[str, str], base_dir: Path) -> Environment:
    """Parse `variables`. Raises ImproperlyConfigured naming the variable that is wrong."""
    data_dir = Path(variables.get("DATA_DIR") or base_dir / "data").expanduser().resolve()
    debug = _boolean(variables, "DEBUG")
    replica_url = variables.get("DATABASE_REPLICA_URL")
    default_database = f"sqlite:///{data_dir / 'reviewapp.sqlite3'}"
    return Environment(
        data_dir=data_dir,
        secret_key=variables.get("SECRET_KEY") or _kept_secret(data_dir),
        debug=debug,
        allowed_hosts=_words(variables, "ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]"),
        database=_database("DATABASE_URL", variables.get("DATABASE_URL") or default_database),
        replica=_database("DATABASE_REPLICA_URL", replica_url) if replica_url else None,
        redis_url=_url(variables, "REDIS_URL", {"redis", "rediss", "unix"}),
        email_url=_mail_url(variables, "EMAIL_URL"),
        email_from=_sender(variables, "EMAIL_FROM"),
        trusted_proxies=_count(variables, "TRUSTED_PROXIES"),
        oidc=_open_id_connect(variables),
        max_body_bytes=_positive(variables, "MAX_BODY_BYTES", 32 * 1024 * 1024),
        max_text_chars=_positive(variables, "MAX_TEXT_CHARS", 2_000_000),
        private_targets=_targets(variables, "PRIVATE_TARGETS"),
    )


def _boolean(variables: Mapping[str, str], name: str) -> bool:
    word = variables.get(name, "").strip().lower()
    if word in TRUE_WORDS:
        return True
    if word in FALSE_WORDS:
        return False
    raise ImproperlyConfigured(f"{name} is {word!r}; write true or false.")


def _positive(variables: Mapping[str, str], name: str, default: int) -> int:
    text = variables.get(name, "").strip()
    if not text:
        return default
    if not text.isdecimal() or int(text) == 0:
        raise ImproperlyConfigured(f"{name} is {text!r}; write a whole number above 0.")
    return int(text)


def _count(variables: Mapping[str, str], name: str) -> int:
    text = variables.get(name, "").strip() or "0"
    if not text.isdecimal() or int(text) > MOST_PROXIES:
        raise ImproperlyConfigured(f"{name} is {text!r}; write a whole number from 0 to {MOST_PROXIES}.")
    return int(text)


def _mail_url(variables: Mapping[str, str], name: str) -> str | None:
    url = _url(variables, name, {"smtp", "smtps", "console", "file"})
    if url:
        mail_settings(url)
    return url


def mail_settings(url: str | None) -> dict[str, Any]:
    """Django's settings for EMAIL_URL: `smtp://user:password@host:587` (TLS by STARTTLS on port 587, or with
    `?tls=1`), `smtps://…` (TLS from the start), `console:`, `file:///folder`. None: mail is not sent at all.

    Raises ImproperlyConfigured.
    """
    backends = "django.core.mail.backends"
    if url is None:
        return {"EMAIL_BACKEND": f"{backends}.dummy.EmailBackend"}
    parts = urlsplit(url)
    if parts.scheme == "console":
        return {"EMAIL_BACKEND": f"{backends}.console.EmailBackend"}
    if parts.scheme == "file":
        if not parts.path.startswith("/"):
            raise ImproperlyConfigured("EMAIL_URL names no folder; write file:///folder.")
        return {"EMAIL_BACKEND": f"{backends}.filebased.EmailBackend", "EMAIL_FILE_PATH": unquote(parts.path)}
    return {"EMAIL_BACKEND": f"{backends}.smtp.EmailBackend"} | _smtp_settings(parts)


def _smtp_settings(parts: SplitResult) -> dict[str, Any]:
    try:
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise ImproperlyConfigured(f"EMAIL_URL cannot be read: {error}") from error
    wanted = parse_qs(parts.query)
    if not host or set(wanted) - {"tls"}:
        raise ImproperlyConfigured("EMAIL_URL must look like smtp://user:password@host:587, with ?tls=1 or ?tls=0.")
    from_the_start = parts.scheme == "smtps"
    port = port or (465 if from_the_start else 25)
    tls = wanted.get("tls", ["1" if port == STARTTLS_PORT else "0"])[0] == "1"
    return {
        "EMAIL_HOST": host,
        "EMAIL_PORT": port,
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        "EMAIL_USE_SSL": from_the_start,
        "EMAIL_USE_TLS": tls and not from_the_start,
        "EMAIL_TIMEOUT": 10,
    }


def _sender(variables: Mapping[str, str], name: str) -> str:
    """The address that mail comes from; "Name <address>" too."""
    text = variables.get(name, "").strip()
    if text and not SENDER.fullmatch(text):
        raise ImproperlyConfigured(f"{name} is {text!r}; write an address such as Oversight <oversight@example.org>.")
    return text or "oversight@localhost"


def _open_id_connect(variables: Mapping[str, str]) -> OpenIdConnect | None:
    """The sign-in service, once OIDC_SERVER_URL is set; then the others have to be there too."""
    values = {name: variables.get(name, "").strip() for name in OIDC_NAMES}
    if not any(values.values()):
        return None
    for name in ("OIDC_SERVER_URL", "OIDC_CLIENT_ID", "OIDC_CLIENT_SECRET"):
        if not values[name]:
            raise ImproperlyConfigured(f"{name} is empty; signing in with OpenID Connect needs it.")
    parts = urlsplit(values["OIDC_SERVER_URL"])
    if parts.scheme not in ("https", "http") or not parts.hostname or parts.query or parts.fragment:
        raise ImproperlyConfigured("OIDC_SERVER_URL must be the issuer's address, such as https://login.example.org.")
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        raise ImproperlyConfigured("OIDC_SERVER_URL must start with https:// unless it is on this machine.")
    return OpenIdConnect(
        name=values["OIDC_NAME"] or parts.hostname,
        server_url=values["OIDC_SERVER_URL"].rstrip("/"),
        client_id=values["OIDC_CLIENT_ID"],
        client_secret=values["OIDC_CLIENT_SECRET"],
    )


def _url(variables: Mapping[str, str], name: str, schemes: set[str]) -> str | None:
    url = variables.get(name, "").strip()
    if not url:
        return None
    if urlsplit(url).scheme not in schemes:
        raise ImproperlyConfigured(f"{name} must be an address starting with one of: {', '.join(sorted(schemes))}.")
    return url


def _words(variables: Mapping[str, str], name: str, default: str) -> list[str]:
    text = variables.get(name) or default
    words = [word.strip() for word in text.split(",") if word.strip()]
    if not words:
        raise ImproperlyConfigured(f"{name} is {text!r}; write names, with commas between them.")
    return words


def _targets(variables: Mapping[str, str], name: str) -> list[str]:
    """Host names and networks; a lone address is a network of one."""
    words = [word.strip() for word in variables.get(name, "").split(",") if word.strip()]
    for word in words:
        try:
            ip_network(word, strict=False)
        except ValueError:
            if not HOST_NAME.fullmatch(word):
                raise ImproperlyConfigured(
                    f"{name} holds {word!r}; write host names and networks (10.0.0.0/8), with commas between them."
                ) from None
    return words


def _kept_secret(data_dir: Path) -> str:
    """The key in DATA_DIR/secret_key, made on first use and readable by its owner only."""
    path = data_dir / "secret_key"
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        if path.is_file():
            return path.read_text().strip()
        raise ImproperlyConfigured(f"DATA_DIR cannot be used: {error}") from error
    key = secrets.token_urlsafe(50)
    with os.fdopen(handle, "w") as file:
        file.write(key)
    return key


def _database(name: str, url: str) -> dict[str, Any]:
    try:
        config: dict[str, Any] = dict(dj_database_url.parse(url))
    except (ValueError, dj_database_url.UnknownSchemeError) as error:
        raise ImproperlyConfigured(f"{name} cannot be read: {error}") from error
    engine = config["ENGINE"].rsplit(".", 1)[-1]
    if engine == "sqlite3":
        return config | _sqlite_settings(name, config["NAME"])
    if engine == "postgresql":
        # Django's native pool; persistent connections and a pool exclude each other.
        options = dict(config.get("OPTIONS", {}), pool={"min_size": 1, "max_size": 20, "timeout": 30})
        return config | {"CONN_MAX_AGE": 0, "OPTIONS": options}
    raise ImproperlyConfigured(f"{name} must start with sqlite:/// or postgres://.")


def _sqlite_settings(name: str, path: str) -> dict[str, Any]:
    if path == ":memory:":
        raise ImproperlyConfigured(f"{name} must name a file: in memory, every connection has its own database.")
    try:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ImproperlyConfigured(f"{name} cannot be used: {error}") from error
    return {
        "CONN_MAX_AGE": None,
        "OPTIONS": {
            # Write locks are taken at BEGIN, so that two writers queue instead of failing half-way.
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON;",
        },
    }
