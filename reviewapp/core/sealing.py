"""Secrets at rest: what the application must be able to read again, and a copy of its database must not.

The key is derived from SECRET_KEY with HKDF-SHA256 (RFC 5869), so whoever changes SECRET_KEY has to
enter the sealed secrets anew; reading them then says so.
"""

import base64
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

PURPOSE = b"reviewapp sealed secrets v1"


class SealBroken(Exception):
    """The secret was sealed under another SECRET_KEY, or altered since: enter or rotate it again."""


def seal(text: str) -> str:
    """The text encrypted and authenticated (Fernet), in ASCII; every call gives another result."""
    return _fernet(settings.SECRET_KEY).encrypt(text.encode()).decode()


def unseal(sealed: str) -> str:
    """The text that was sealed. Raises SealBroken."""
    try:
        return _fernet(settings.SECRET_KEY).decrypt(sealed.encode()).decode()
    except InvalidToken:
        raise SealBroken(str(SealBroken.__doc__)) from None


@lru_cache(maxsize=4)
def _fernet(secret_key: str) -> Fernet:
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=PURPOSE).derive(secret_key.encode())
    return Fernet(base64.urlsafe_b64encode(derived))
