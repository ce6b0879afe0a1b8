"""What differs between two policy documents."""

from collections.abc import Iterator, Mapping
from typing import Any


def differences(before: Mapping[str, Any], after: Mapping[str, Any], path: str = "") -> Iterator[dict[str, Any]]:
    """One {pointer, before, after} per value that differs, in key order; None where one side has nothing."""
    for key in sorted({*before, *after}):
        # Escaped as RFC 6901 wants it.
        at = f"{path}/{key.replace('~', '~0').replace('/', '~1')}"
        old, new = before.get(key), after.get(key)
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            yield from differences(old, new, at)
        elif old != new:
            yield {"pointer": at, "before": old, "after": new}
