"""Keyed draws: random to everyone without the project's key, reproducible with it."""

import hashlib
import hmac


def keyed_draw(key: bytes, purpose: str, external_id: str) -> float:
    """A number in [0, 1), uniform over ids, fixed for (key, purpose, id).

    HMAC-SHA-256 (RFC 2104); its first 53 bits make the float exact. Draws for different
    purposes are independent, and a caller who chooses ids cannot foresee any of them.
    """
    message = f"{purpose}\x1f{external_id}".encode()
    digest = hmac.new(key, message, hashlib.sha256).digest()
    return (int.from_bytes(digest[:8], "big") >> 11) / 2**53
