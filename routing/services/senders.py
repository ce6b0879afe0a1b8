"""Threads that wait for other people's servers, so that no worker has to."""

import logging
import threading
from collections.abc import Callable

from django.db import connections

logger = logging.getLogger(__name__)


class Senders:
    """At most `most` threads, one per key. What they are given must be found again when their process dies."""

    def __init__(self, most: int = 16) -> None:
        self.most = most
        # Left to work that is likely to be quick, however much else waits in vain.
        self.reserved = most // 4
        self._busy: dict[int, threading.Thread] = {}
        self._lock = threading.Lock()

    def offer(self, key: int, work: Callable[[], object], *, doubtful: bool = False) -> bool:
        """Run `work` beside the caller; False when `key` is being worked for or no thread is to be had.

        `doubtful` work, which may be long in vain, does not get the last quarter of the threads.
        """
        with self._lock:
            if key in self._busy or len(self._busy) >= self.most - (self.reserved if doubtful else 0):
                return False
            # Daemons: an installation that is told to stop does not wait for a stranger's server.
            thread = threading.Thread(target=self._run, args=(key, work), name=f"sender-{key}", daemon=True)
            thread.start()
            self._busy[key] = thread
        return True

    def wait(self, seconds: float) -> bool:
        """Wait until nobody works, at most so long for each; whether that came about."""
        for thread in list(self._busy.values()):
            thread.join(seconds)
        return not self._busy

    def _run(self, key: int, work: Callable[[], object]) -> None:
        try:
            work()
        except Exception:
            # The end of the thread anyway; the rows are as they were, and the next sweep finds them.
            logger.exception("sending failed")
        finally:
            connections.close_all()
            with self._lock:
                del self._busy[key]
