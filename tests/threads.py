"""Several threads at once, each with its own database connection."""

import threading
from collections.abc import Callable
from typing import TypeVar

from django.db import connections

Result = TypeVar("Result")
PATIENCE = 120


def in_threads(number: int, work: Callable[[int], Result]) -> list[Result]:
    """The results of `work(0)` … `work(number - 1)`, all begun at the same moment. Raises what any of them raised.

    For tests with `transaction=True`: what the caller stored must be committed for threads to see it.
    """
    start = threading.Barrier(number)
    results: dict[int, Result] = {}
    failures: list[BaseException] = []

    def run(index: int) -> None:
        try:
            start.wait(PATIENCE)
            results[index] = work(index)
        except BaseException as error:
            failures.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(index,), daemon=True) for index in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert not any(thread.is_alive() for thread in threads), "a thread hangs"
    if failures:
        raise failures[0]
    return [results[index] for index in range(number)]
