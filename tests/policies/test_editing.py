"""Drafts can be edited, published versions never; two editors never overwrite each other unseen."""

import json
from typing import Any

import pytest
from django.test import Client

from reviewapp.core.models import AuditEntry, Membership
from routing.models import Policy
from routing.services.policies import EditRefused, PolicyRefused, activate_policy, draft_policy, edit_draft
from tests.api.problems import check_shape
from tests.api.test_every_endpoint import HOSTILE
from tests.browser.visiting import signed_in, text_of
from tests.learning.history import SHIPPING
from tests.people import NOW, Cast, person, policy_document

MORE_GOLD = policy_document(gold_rate=0.3)


@pytest.fixture
def draft(cast: Cast) -> Policy:
    return draft_policy(
        project=cast.project, document=policy_document(), actor=f"person:{cast.owner.person_id}", note="A try."
    )


@pytest.fixture
def address(draft: Policy) -> str:
    return f"/projects/shop/policies/{draft.version}/"


# Required signals ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"tier": SHIPPING, "required_signals": None}, "/required_signals"),
        ({"intents": {"billing": {"low": SHIPPING}}}, "/required_signals"),
        ({"intents": {"billing": {"low": SHIPPING, "required_signals": ["grounding"]}}}, None),
        ({"tier": SHIPPING, "required_signals": ["score:grounded"]}, None),
        ({"tier": SHIPPING, "required_signals": []}, None),
        ({"tier": {"mode": "sampled"}}, None),
    ],
)
def test_a_policy_that_ships_by_threshold_without_calibrator_names_its_signals(
    cast: Cast, fields: dict[str, Any], pointer: str | None
) -> None:
    if pointer is None:
        draft_policy(project=cast.project, document=policy_document(**fields), actor="test")
        return
    with pytest.raises(PolicyRefused) as refused:
        draft_policy(project=cast.project, document=policy_document(**fields), actor="test")
    (fault,) = refused.value.errors
    assert (fault["pointer"], fault["code"]) == (pointer, "signals_unnamed")
    assert "nobody knows which signals to expect" in fault["detail"]
    answer = cast.program.post("/policies/", {"document": policy_document(**fields)})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, "/document/required_signals")


def test_a_draft_cannot_be_edited_into_one_that_names_none(draft: Policy) -> None:
    with pytest.raises(PolicyRefused):
        edit_draft(
            policy=draft, actor="test", revision=1, document=policy_document(tier=SHIPPING, required_signals=None)
        )
    draft.refresh_from_db()
    assert draft.revision == 1


# Over the API ----------------------------------------------------------------------------------------


def test_a_draft_is_edited_with_the_revision_that_was_read(cast: Cast, draft: Policy, address: str) -> None:
    owner = person(cast.owner)
    assert owner.get(address).json()["revision"] == 1
    answer = owner.patch(address, {"revision": 1, "note": "A better note."})
    assert answer.status_code == 200
    assert (answer.json()["revision"], answer.json()["note"]) == (2, "A better note.")
    answer = owner.put(address, {"revision": 2, "document": MORE_GOLD})
    shown = answer.json()
    assert (shown["revision"], shown["note"], shown["document"]["gold_rate"]) == (3, "", 0.3)
    assert shown["sha256"] != owner.get("/projects/shop/policies/1/").json()["sha256"]
    verbs = AuditEntry.objects.filter(target=f"policy:{draft.pk}", verb="policy.edited").order_by("pk")
    assert [row.data["changed"] for row in verbs] == [["note"], ["document", "note"]]


def test_two_editors_do_not_overwrite_each_other(cast: Cast, second: Membership, draft: Policy, address: str) -> None:
    first, other = person(cast.owner), person(second)
    assert first.patch(address, {"revision": 1, "document": MORE_GOLD}).status_code == 200
    late = other.patch(address, {"revision": 1, "document": policy_document(gold_rate=0.1)})
    assert (late.status_code, late.json()["code"]) == (409, "edit_conflict")
    assert "revision 2" in late.json()["detail"]
    draft.refresh_from_db()
    assert (draft.document["gold_rate"], draft.revision) == (0.3, 2)
    assert other.patch(address, {"revision": 2, "document": policy_document(gold_rate=0.1)}).status_code == 200
    # Both wrote it: under the two-person rule neither may put it in force.
    draft.refresh_from_db()
    assert draft.authors == [f"person:{cast.owner.person_id}", f"person:{second.person_id}"]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"note": "x"}, "/revision"),
        ({"revision": 1}, "/document"),
        ({"revision": 0, "note": "x"}, "/revision"),
        ({"revision": 1, "document": {"tiers": {}}}, "/document/tiers/high"),
        ({"revision": 1, "document": None}, "/document"),
        ({"revision": 1, "colour": "red"}, "/colour"),
    ],
)
def test_an_edit_that_does_not_fit_says_where(cast: Cast, address: str, body: dict[str, Any], pointer: str) -> None:
    answer = person(cast.owner).patch(address, body)
    assert answer.status_code == 400
    assert pointer in [error["pointer"] for error in answer.json()["errors"]]


@pytest.mark.parametrize("path", ["policies/2/", "two-person-rule/"])
def test_hostile_edits_are_answered_with_problems(cast: Cast, draft: Policy, path: str) -> None:
    owner = person(cast.owner)
    full = {"revision": 1, "document": MORE_GOLD, "note": "x"} if path.startswith("policies") else {"on": True}
    bodies = [*HOSTILE, *(full | {name: value} for name in full for value in HOSTILE)]
    for body in bodies:
        for send in (owner.put, owner.patch) if path.startswith("policies") else (owner.put,):
            answer = send(f"/projects/shop/{path}", body)
            assert answer.status_code in (200, 400, 409), body
            if answer.status_code >= 400:
                check_shape(answer.json(), answer.status_code)


def test_a_published_version_is_never_edited(cast: Cast, draft: Policy, address: str) -> None:
    activate_policy(policy=draft, actor="test", now=NOW)
    answer = person(cast.owner).patch(address, {"revision": 1, "note": "x"})
    assert (answer.status_code, answer.json()["code"]) == (409, "published")
    with pytest.raises(EditRefused):
        edit_draft(policy=draft, actor="test", revision=1, document=MORE_GOLD)


def test_an_approval_of_a_draft_that_was_edited_since_is_refused(cast: Cast, address: str) -> None:
    owner = person(cast.owner)
    owner.patch(address, {"revision": 1, "document": MORE_GOLD})
    late = owner.post(f"{address}activate/", {"revision": 1})
    assert (late.status_code, late.json()["code"]) == (409, "edit_conflict")
    assert owner.post(f"{address}activate/", {"revision": 2}).json()["status"] == "active"


def test_drafts_of_others_are_not_found(cast: Cast, noise: Cast, address: str) -> None:
    assert person(noise.owner).patch(address, {"revision": 1, "note": "x"}).status_code == 404
    assert person(cast.auditor).patch(address, {"revision": 1, "note": "x"}).status_code == 404
    assert cast.key_with("read").patch(address, {"revision": 1, "note": "x"}).status_code == 403


# Differences -----------------------------------------------------------------------------------------


def test_a_version_is_compared_with_its_parent_or_any_other(cast: Cast, draft: Policy, address: str) -> None:
    edit_draft(policy=draft, actor="test", revision=1, document=MORE_GOLD)
    owner = person(cast.owner)
    own = owner.get(address).json()
    assert own["compared_with"] == draft.parent.version if draft.parent else False
    assert own["diff"] == [{"pointer": "/gold_rate", "before": 0.0, "after": 0.3}]
    first = owner.get(address, against=1).json()
    assert (first["compared_with"], first["diff"][0]["pointer"]) == (1, "/gold_rate")
    assert {"pointer": "/tiers/high/overlap_share", "before": 0.2, "after": 0.0} in first["diff"]
    assert owner.get(address, against=99).status_code == 404
    assert owner.get(address, against="x").status_code == 400


# On the pages ----------------------------------------------------------------------------------------


@pytest.fixture
def browser(cast: Cast) -> Client:
    return signed_in(cast.owner)


def typed(document: Any, revision: int = 1) -> dict[str, Any]:
    return {"document": json.dumps(document), "note": "My note.", "revision": revision}


def test_the_page_of_a_draft_leads_to_its_editor_and_back(browser: Client, draft: Policy, address: str) -> None:
    assert f'href="{address}edit/"' in text_of(browser.get(address))
    assert '"gold_rate": 0.0' in text_of(browser.get(f"{address}edit/")).replace("&quot;", '"')
    stored = browser.post(f"{address}edit/", typed(MORE_GOLD))
    assert (stored.status_code, stored["Location"]) == (302, address)
    draft.refresh_from_db()
    assert (draft.revision, draft.note, draft.document["gold_rate"]) == (2, "My note.", 0.3)


def test_a_conflict_keeps_what_was_typed_and_shows_theirs(browser: Client, draft: Policy, address: str) -> None:
    edit_draft(policy=draft, actor="person:0", revision=1, document=policy_document(gold_rate=0.4))
    answer = browser.post(f"{address}edit/", typed(MORE_GOLD))
    page = text_of(answer)
    assert answer.status_code == 400
    assert "Somebody stored revision 2 of this draft" in page
    assert '<td class="before" dir="auto">0.4</td><td class="after" dir="auto">0.3</td>' in page
    assert '"gold_rate": 0.3' in page.replace("&quot;", '"')
    assert 'name="revision" value="2"' in page
    draft.refresh_from_db()
    assert draft.document["gold_rate"] == 0.4
    # Having seen it, the owner may say so once more.
    assert browser.post(f"{address}edit/", typed(MORE_GOLD, revision=2)).status_code == 302


def test_an_edit_that_is_no_policy_comes_back_with_its_faults(browser: Client, draft: Policy, address: str) -> None:
    answer = browser.post(f"{address}edit/", typed(policy_document(gold_rate=7)))
    assert answer.status_code == 400
    assert "<code>/gold_rate</code>" in text_of(answer)
    draft.refresh_from_db()
    assert draft.revision == 1


def test_a_published_version_has_no_editor(browser: Client, draft: Policy, address: str) -> None:
    activate_policy(policy=draft, actor="test", now=NOW)
    assert f'href="{address}edit/"' not in text_of(browser.get(address))
    assert browser.get(f"{address}edit/")["Location"] == address
    assert browser.post(f"{address}edit/", typed(MORE_GOLD))["Location"] == address
    draft.refresh_from_db()
    assert draft.document["gold_rate"] == 0.0


# In the admin ----------------------------------------------------------------------------------------


def admin_form(policy: Policy, document: Any, revision: int) -> dict[str, Any]:
    return {"document": json.dumps(document), "note": "From the admin.", "read_revision": revision}


def test_a_draft_is_edited_in_the_admin(browser: Client, draft: Policy) -> None:
    address = f"/admin/routing/policy/{draft.pk}/change/"
    page = text_of(browser.get(address))
    assert 'name="read_revision" value="1"' in page
    assert browser.post(address, admin_form(draft, MORE_GOLD, 1)).status_code == 302
    draft.refresh_from_db()
    assert (draft.revision, draft.document["gold_rate"], draft.note) == (2, 0.3, "From the admin.")
    late = text_of(browser.post(address, admin_form(draft, policy_document(), 1)))
    assert "Somebody stored another revision of this draft" in late
    wrong = text_of(browser.post(address, admin_form(draft, policy_document(gold_rate=9), 2)))
    assert "/gold_rate" in wrong
    draft.refresh_from_db()
    assert (draft.revision, draft.document["gold_rate"]) == (2, 0.3)


def test_a_published_version_is_for_reading_in_the_admin(browser: Client, draft: Policy) -> None:
    activate_policy(policy=draft, actor="test", now=NOW)
    address = f"/admin/routing/policy/{draft.pk}/change/"
    assert browser.get(address).status_code == 200
    assert browser.post(address, admin_form(draft, MORE_GOLD, 1)).status_code == 403
