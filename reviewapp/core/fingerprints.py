"""Fingerprints: the same words, the same 64 characters, whoever stores them."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any


def fingerprint(value: Any) -> str:
    """SHA-256 of a JSON value in canonical form (sorted keys, no spaces, UTF-8)."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def content_fingerprint(prompt: Any, context: Any, body: Mapping[str, Any]) -> str:
    """What `Content.fingerprint` holds: equal for outputs that a reviewer could not tell apart."""
    return fingerprint({"prompt": prompt, "context": context, "body": dict(body)})
