"""A small fixed cast: one project with its people and its key, and another project to be noise.

The cast's policy reviews everything with one rater and plants no gold, so that a test says itself
what is special about its case.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.test import Client

from reviewapp.core.models import Membership, Project, Role, Scope
from reviewapp.core.services.keys import create_api_key, create_person_token
from reviewapp.core.services.people import add_member
from routing.services.policies import activate_policy, draft_policy
from routing.services.projects import create_project

# A Friday morning. Tests of services live here; tests over HTTP live in the present.
NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
PREFIX = "/api/v1"


class Caller:
    """A program or a person at the HTTP API, with whatever they say about who they are."""

    def __init__(self, authorization: str = "") -> None:
        self.headers = {"Authorization": authorization} if authorization else {}
        self.client = Client()

    def get(self, path: str, **query: Any) -> Any:
        return self.client.get(PREFIX + path, query, headers=self.headers)

    def post(self, path: str, body: Any = None) -> Any:
        return self.send(path, json.dumps({} if body is None else body))

    def put(self, path: str, body: Any) -> Any:
        return self.client.put(PREFIX + path, json.dumps(body), content_type="application/json", headers=self.headers)

    def patch(self, path: str, body: Any) -> Any:
        return self.client.patch(PREFIX + path, json.dumps(body), content_type="application/json", headers=self.headers)

    def delete(self, path: str) -> Any:
        return self.client.delete(PREFIX + path, headers=self.headers)

    def send(self, path: str, raw: str | bytes, content_type: str = "application/json") -> Any:
        """A body as it stands, well-formed or not."""
        return self.client.post(PREFIX + path, raw, content_type=content_type, headers=self.headers)


@dataclass(frozen=True)
class Cast:
    """The people of one project. `key` has every scope."""

    project: Project
    owner: Membership
    auditor: Membership
    adjudicator: Membership
    reviewers: tuple[Membership, ...]
    key: str

    @property
    def program(self) -> Caller:
        return Caller(f"Api-Key {self.key}")

    def key_with(self, *scopes: str) -> Caller:
        return Caller(f"Api-Key {create_api_key(project=self.project, scopes=list(scopes), actor='test')[1]}")

    def put_in_force(self, **changes: Any) -> None:
        """The cast's policy with other tiers (see `policy_document`) or other top-level fields."""
        policy = draft_policy(project=self.project, document=policy_document(**changes), actor="test")
        activate_policy(policy=policy, actor="test", now=NOW)


def make_cast(slug: str = "shop") -> Cast:
    project, owner = create_project(
        slug=slug, owner_email=f"oda@{slug}.example", actor="test", now=NOW, draw_key=slug.encode().ljust(32, b"k")
    )
    members = {
        name: add_member(project=project, email=f"{name}@{slug}.example", role=role, actor="test")
        for name, role in {
            "robin": Role.REVIEWER,
            "sam": Role.REVIEWER,
            "kim": Role.REVIEWER,
            "ada": Role.ADJUDICATOR,
            "uma": Role.AUDITOR,
        }.items()
    }
    cast = Cast(
        project=project,
        owner=owner,
        auditor=members["uma"],
        adjudicator=members["ada"],
        reviewers=(members["robin"], members["sam"], members["kim"]),
        key=create_api_key(project=project, scopes=Scope.values, actor="test")[1],
    )
    cast.put_in_force()
    return cast


def policy_document(*, tier: Mapping[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    """A policy with one tier for all stakes; without more words it reviews everything, once.

    One that ships by threshold expects no signal by name: what a calibrator would expect is for tests of those.
    """
    general = {"mode": "always", "overlap_share": 0.0} | dict(tier or {})
    named = {"required_signals": []} if general["mode"] == "below_threshold" else {}
    return {"tiers": {"high": general, "mid": general, "low": general}, "gold_rate": 0.0} | named | fields


def person(member: Membership) -> Caller:
    """The member at the API, with a token of their own."""
    return Caller(f"Token {create_person_token(person=member.person, actor='test')}")
