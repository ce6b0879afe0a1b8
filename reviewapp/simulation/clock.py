"""A clock that the simulator turns by hand, for a server that runs inside this very process."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone


@dataclass
class Clock:
    """Tells the moment it was last set to."""

    now: datetime

    def __call__(self) -> datetime:
        return self.now


@contextmanager
def simulated_time(clock: Clock) -> Iterator[None]:
    """Views ask `timezone.now()`; within this block the clock answers. For a process that does nothing else."""
    real = timezone.now
    timezone.now = clock
    try:
        yield
    finally:
        timezone.now = real
