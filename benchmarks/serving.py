"""The product, started as people start it, for benchmarks that use it from outside."""

import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

SECONDS_TO_START = 60.0


@contextmanager
def server() -> Iterator[str]:
    """`manage.py up` on a free port, once it is ready: its address. Raises TimeoutError if it never is."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen([sys.executable, "manage.py", "up", "--port", str(port)], stdout=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    try:
        _wait_until_ready(f"{address}/readyz")
        yield address
    finally:
        process.terminate()
        process.wait(30)


def _wait_until_ready(url: str) -> None:
    deadline = time.monotonic() + SECONDS_TO_START
    while True:
        try:
            urllib.request.urlopen(url, timeout=2).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{url} did not answer within {SECONDS_TO_START:.0f} s") from None
            time.sleep(0.2)
