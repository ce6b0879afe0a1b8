"""A reviewer at the HTTP API: claims, hands in, takes back."""

import itertools
from typing import Any

from django.http import HttpResponse

from reviewapp.core.models import Membership
from tests.factories import ACCEPT
from tests.people import Caller, person

_keys = itertools.count(1)


class Desk:
    """What one member of one project does with their own token."""

    def __init__(self, member: Membership, caller: Caller | None = None) -> None:
        self.member = member
        self.caller = caller or person(member)

    def ask(self) -> HttpResponse:
        return self.caller.post(f"/projects/{self.member.project.slug}/queue/claim/")

    def claim(self) -> dict[str, Any]:
        """The body of a claim that must succeed."""
        response = self.ask()
        assert response.status_code == 200, (response.status_code, response.content)
        body: dict[str, Any] = response.json()
        return body

    def do(self, claimed: dict[str, Any], verb: str, body: Any = None) -> HttpResponse:
        return self.caller.post(f"/assignments/{claimed['assignment']}/{verb}/", body)

    def submit(self, claimed: dict[str, Any], **fields: Any) -> HttpResponse:
        """An accepting submission with a key of its own, unless told otherwise."""
        return self.do(claimed, "submit", {"idempotency_key": f"key-{next(_keys)}", **ACCEPT} | fields)

    def judge(self, **fields: Any) -> dict[str, Any]:
        """Claim and submit; the claim's body with the answer's."""
        claimed = self.claim()
        response = self.submit(claimed, **fields)
        assert response.status_code == 201, response.content
        return claimed | response.json()
