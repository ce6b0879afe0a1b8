"""The keys of judges: from the environment or sealed in the database, and never sent but to their own host.

Whoever may change a judge's address must not thereby learn its key. So a stored key is sealed together
with the host that it was entered for, and a variable of the environment, which the operator sets for
all projects, goes only to the hosts that the operator names beside it: JUDGE_KEY_NAME is sent to the
hosts in JUDGE_HOST_NAME, and nowhere without it.
"""

import json
import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from django.utils.translation import gettext as _

from reviewapp.core.sealing import SealBroken, seal, unseal
from routing.models import Judge, JudgeVersion

# Only these variables: an owner must not be able to send any other secret of the process to an address of theirs.
KEY_VARIABLE = re.compile(r"JUDGE_KEY_([A-Z0-9_]{1,48})")
# What a header can hold, and no more.
MAX_KEY = 1000
KEY = re.compile(rf"[\x21-\x7e]{{1,{MAX_KEY}}}")


class KeyUnavailable(Exception):
    """There is no key that may be sent to this judge's address; the message says why, never which key."""


class Secret:
    """A key on its way into one header. Shows itself to nobody who does not ask for `value`."""

    __slots__ = ("value",)

    def __init__(self, value: str) -> None:
        self.value = value

    def __repr__(self) -> str:
        return "Secret(…)"

    def hidden_in(self, text: str) -> str:
        """The text with the key blotted out: a server may well send back what it got."""
        return text.replace(self.value, "*" * len(self.value)) if self.value else text


NO_SECRET = Secret("")


def origin_of(url: str) -> str:
    """Scheme, host and port: to whom a key would be sent."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower()


def sealed_for(key: str, url: str) -> str:
    """The key, sealed together with the address that it is for."""
    return seal(json.dumps({"origin": origin_of(url), "key": key}))


def key_for(judge: Judge, version: JudgeVersion, environment: Mapping[str, str]) -> Secret:
    """The key to send to this version's address; an empty one for a judge without. Raises KeyUnavailable."""
    if judge.key_env:
        return _from_environment(judge.key_env, version.base_url, environment)
    if not judge.sealed_key:
        return NO_SECRET
    try:
        kept = json.loads(unseal(judge.sealed_key))
    except SealBroken as error:
        raise KeyUnavailable(str(error)) from None
    if kept["origin"] != origin_of(version.base_url):
        raise KeyUnavailable(_("The key was entered for another address. Enter the key again."))
    return Secret(kept["key"])


def key_problem(judge: Judge, version: JudgeVersion, environment: Mapping[str, str]) -> str:
    """Why there is no key to send, for the owner; "" where there is one, or none is needed."""
    try:
        key_for(judge, version, environment)
    except KeyUnavailable as error:
        return str(error)
    return ""


def _from_environment(variable: str, url: str, environment: Mapping[str, str]) -> Secret:
    match = KEY_VARIABLE.fullmatch(variable)
    if match is None:
        raise KeyUnavailable(_("The variable's name does not begin with JUDGE_KEY_."))
    key = environment.get(variable, "").strip()
    if not KEY.fullmatch(key):
        raise KeyUnavailable(_("The operator has set no usable %(variable)s.") % {"variable": variable})
    hosts = environment.get(f"JUDGE_HOST_{match[1]}", "").lower().split(",")
    if urlsplit(url).netloc.lower() not in {host.strip() for host in hosts if host.strip()}:
        raise KeyUnavailable(
            _("The operator allows %(variable)s for the hosts in JUDGE_HOST_%(name)s only.")
            % {"variable": variable, "name": match[1]}
        )
    return Secret(key)
