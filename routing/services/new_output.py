"""One validated request to route an output, as every way in hands it to intake."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class NewOutput:
    """One validated request. `body_sha256` identifies the request body; `body` is what reviewers may see."""

    external_id: str
    body_sha256: str
    intent: str
    task_kind: str
    prompt: Any
    context: list[dict[str, str]]
    body: Mapping[str, Any]
    source: Mapping[str, str] = field(default_factory=dict)
    candidate_sources: tuple[Mapping[str, str], ...] = ()
    stakes: str | None = None
    flags: tuple[str, ...] = ()
    signals: tuple[Mapping[str, Any], ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)
    occurred_at: datetime | None = None

    @property
    def mask_names(self) -> tuple[str, ...]:
        sources = [self.source, *self.candidate_sources]
        return tuple(dict.fromkeys(name for source in sources for name in source.values() if name))
