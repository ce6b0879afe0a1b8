"""What owners do on their pages: every form works, says what does not fit, and loses nothing that was typed."""

import hashlib
import json
import re
from typing import Any

import numpy as np
import pytest
from django.test import Client
from django.utils import timezone
from django.utils.html import escape

from labeling.models import GoldCase, GoldenSet, Seat
from labeling.services.claiming import claim_seat
from labeling.services.limits import ClaimRefused, queue_settings
from reviewapp.core.models import ApiKey, AuditEntry, Membership, Person
from reviewapp.core.services.people import PersonRefused, add_member, give_password, pause_member
from routing.models import ActivePolicy, Certificate, Policy, PolicyActivation, Recalibration
from routing.services.recalibration import propose_recalibration
from tests.browser.visiting import signed_in, text_of
from tests.factories import plant_gold, route
from tests.learning.history import SHIPPING, live_through
from tests.people import Caller, Cast, make_cast, policy_document


@pytest.fixture
def cast(db: None) -> Cast:
    return make_cast()


@pytest.fixture
def owner(cast: Cast) -> Client:
    return signed_in(cast.owner)


@pytest.fixture
def learned(cast: Cast) -> Recalibration:
    """A proposal on seventy verdicts, undecided."""
    live_through(cast, 70, np.random.default_rng(8), now=timezone.now())
    return propose_recalibration(project=cast.project, actor="system", now=timezone.now(), review_share=0.5)


def active_version(cast: Cast) -> int:
    return ActivePolicy.objects.get(project=cast.project).policy.version


# Policies --------------------------------------------------------------------------------------------


def test_a_draft_starts_from_the_policy_in_force(owner: Client, cast: Cast) -> None:
    cast.put_in_force(tier={"mode": "sampled", "audit_rate": 0.123})
    assert "0.123" in text_of(owner.get("/projects/shop/policies/new/"))


@pytest.mark.parametrize(
    ("document", "pointer", "detail"),
    [
        (json.dumps(policy_document(tier={"audit_rate": 7})), "/tiers/high/audit_rate", "less than or equal to 1"),
        (json.dumps(policy_document(tier={"mode": "sometimes"})), "/tiers/mid/mode", "below_threshold"),
        ('{"tiers": {}, "surprise": 1}', "/surprise", "not permitted"),
        (json.dumps(policy_document(intents={"a\x00b": {}})), "/intents/a\x00b", "NUL"),
        ('{"tiers": ', "", "not valid JSON"),
        ('{"gold_rate": NaN}', "", "NaN is not a JSON number"),
        ('{"gold_rate": 0, "gold_rate": 1}', "", "same key twice"),
        ("[]", "/", "dictionary"),
    ],
)
def test_a_draft_that_is_no_policy_comes_back_with_its_faults(
    owner: Client, cast: Cast, document: str, pointer: str, detail: str
) -> None:
    before = Policy.objects.count()
    response = owner.post("/projects/shop/policies/new/", {"document": document, "note": "My <own> note."})
    page = text_of(response)
    assert response.status_code == 400
    assert escape(document) in page
    assert 'value="My &lt;own&gt; note."' in page
    assert escape(pointer) in page
    assert detail in page
    assert Policy.objects.count() == before


def test_a_draft_is_stored_and_changes_nothing_yet(owner: Client, cast: Cast) -> None:
    version = active_version(cast)
    document = policy_document(tier={"mode": "sampled", "audit_rate": 0.2})
    response = owner.post("/projects/shop/policies/new/", {"document": json.dumps(document), "note": "Sample."})
    policy = Policy.objects.get(project=cast.project, version=version + 1)
    assert (response.status_code, response["Location"]) == (302, f"/projects/shop/policies/{policy.version}/")
    assert (policy.note, policy.created_by) == ("Sample.", f"person:{cast.owner.person_id}")
    assert active_version(cast) == version
    page = text_of(owner.get(response["Location"]))
    assert "<code>/tiers/high/audit_rate</code>" in page
    assert "Never. A draft decides nothing." in page


def test_a_policy_comes_into_force_with_a_reason_and_only_with_one(owner: Client, cast: Cast) -> None:
    version = active_version(cast)
    address = "/projects/shop/policies/1/activate/"
    assert "What changes against version" in text_of(owner.get(address))
    assert "Roll back to v1" in text_of(owner.get("/projects/shop/policies/1/"))
    refused = owner.post(address, {"reason": "  ", "revision": 1})
    assert (refused.status_code, active_version(cast)) == (400, version)
    owner.post(address, {"reason": "Back to the start.", "revision": 1})
    activation = PolicyActivation.objects.latest("pk")
    assert (active_version(cast), activation.reason) == (1, "Back to the start.")
    assert activation.actor == f"person:{cast.owner.person_id}"


# Recalibrations --------------------------------------------------------------------------------------


def test_too_few_verdicts_make_no_proposal_and_lose_nothing_typed(owner: Client) -> None:
    typed = {"mode": "budget", "review_share": "31", "tiers": ["low"], "audit_rate": "7"}
    response = owner.post("/projects/shop/recalibrations/new/", typed)
    page = text_of(response)
    assert response.status_code == 400
    assert "A calibration needs 50 verdicts; there are 0." in page
    assert 'value="31"' in page
    assert 'value="7"' in page
    assert not Recalibration.objects.exists()


@pytest.mark.parametrize(
    ("typed", "word"),
    [
        ({"mode": "budget", "tiers": ["low"], "audit_rate": "5"}, "A budget needs the share"),
        ({"mode": "certified", "audit_rate": "5"}, "This field is required"),
        ({"mode": "certified", "tiers": ["low"], "audit_rate": "100"}, "less than or equal to 99"),
        ({"mode": "budget", "review_share": "nan", "tiers": ["low"], "audit_rate": "5"}, "Enter a number"),
    ],
)
def test_a_proposal_that_does_not_fit_says_why(owner: Client, typed: dict[str, Any], word: str) -> None:
    response = owner.post("/projects/shop/recalibrations/new/", typed)
    assert (response.status_code, word in text_of(response)) == (400, True)


def test_a_proposal_is_made_and_shown_with_all_it_rests_on(owner: Client, cast: Cast, learned: Recalibration) -> None:
    typed = {"mode": "budget", "review_share": "50", "tiers": ["mid", "low"], "audit_rate": "10"}
    response = owner.post("/projects/shop/recalibrations/new/", typed)
    proposal = Recalibration.objects.latest("pk")
    assert response["Location"] == f"/projects/shop/recalibrations/{proposal.pk}/"
    assert proposal.policy.document["tiers"]["low"]["audit_rate"] == 0.1
    page = text_of(owner.get(response["Location"]))
    assert "set by the budget, no guarantee" in page
    assert page.count('<circle class="point"') == len(proposal.calibrator.metrics["equal_width"]["bins"])
    assert proposal.certificate is not None
    assert escape(proposal.certificate.statement) in page
    for external_id in proposal.replay["would_ship_rejected"]:
        assert f">{external_id}</a>" in page
    assert proposal.replay["would_ship_rejected"]
    # Everything went to review so far, and the page says so beside what the draft would do.
    lines = re.findall(r'<th scope="row">Sent to review</th><td class="num">(\S+ \S+)</td><td class="num">(\d+)', page)
    assert lines == [("70 (100%)", str(proposal.replay["reviewed"]))]


def test_a_certified_proposal_shows_the_steps_of_its_search(owner: Client, cast: Cast) -> None:
    cast.put_in_force(tier=SHIPPING, targets={"undetected_error": 0.3, "level": 0.9})
    live_through(cast, 400, np.random.default_rng(9), now=timezone.now())
    response = owner.post(
        "/projects/shop/recalibrations/new/", {"mode": "certified", "tiers": ["mid"], "audit_rate": "10"}
    )
    page = text_of(owner.get(response["Location"]))
    assert "Steps of the search, mid stakes" in page
    assert "certified" in page
    assert 'class="tag right">holds' in page


def test_a_proposal_is_approved_with_a_reason(owner: Client, cast: Cast, learned: Recalibration) -> None:
    address = f"/projects/shop/recalibrations/{learned.pk}/decide/"
    assert owner.post(address, {"decision": "approve", "reason": ""}).status_code == 400
    assert owner.post(address, {"decision": "perhaps", "reason": "Hm."}).status_code == 400
    assert active_version(cast) != learned.policy.version
    owner.post(address, {"decision": "approve", "reason": "Looks right."})
    learned.refresh_from_db()
    assert (learned.status, learned.reason) == ("approved", "Looks right.")
    assert active_version(cast) == learned.policy.version
    again = owner.post(address, {"decision": "reject", "reason": "No."})
    assert (again.status_code, "was approved already" in text_of(again)) == (400, True)


def test_a_proposal_is_rejected_with_a_reason(owner: Client, cast: Cast, learned: Recalibration) -> None:
    version = active_version(cast)
    owner.post(f"/projects/shop/recalibrations/{learned.pk}/decide/", {"decision": "reject", "reason": "Too lax."})
    learned.refresh_from_db()
    assert (learned.status, learned.reason, active_version(cast)) == ("rejected", "Too lax.", version)


def test_a_proposal_that_was_overtaken_keeps_the_typed_reason(
    owner: Client, cast: Cast, learned: Recalibration
) -> None:
    cast.put_in_force()
    typed = {"decision": "approve", "reason": "Typed at length."}
    response = owner.post(f"/projects/shop/recalibrations/{learned.pk}/decide/", typed)
    page = text_of(response)
    assert response.status_code == 400
    assert "Another policy has come into force" in page
    assert "Typed at length.</textarea>" in page


# Certificates and golden sets ------------------------------------------------------------------------


def test_a_certificate_is_issued_for_one_tier(owner: Client, learned: Recalibration) -> None:
    response = owner.post("/projects/shop/certificates/issue/", {"stakes": "low", "since": "", "level": "90"})
    certificate = Certificate.objects.latest("pk")
    assert (certificate.inputs["stakes"], certificate.inputs["level"]) == ("low", 0.9)
    assert escape(certificate.statement) in text_of(owner.get(response["Location"]))
    refused = owner.post("/projects/shop/certificates/issue/", {"stakes": "", "since": "", "level": "120"})
    assert (refused.status_code, 'value="120"' in text_of(refused)) == (400, True)


def test_a_golden_set_is_frozen_and_downloaded_byte_for_byte(owner: Client, learned: Recalibration) -> None:
    response = owner.post("/projects/shop/golden-sets/freeze/", {"size": "12"})
    golden_set = GoldenSet.objects.get()
    assert response["Location"] == f"/projects/shop/golden-sets/{golden_set.name}/"
    assert golden_set.sha256 in text_of(owner.get(response["Location"]))
    download: Any = owner.get(response["Location"] + "download/")
    body = b"".join(download.streaming_content)
    assert hashlib.sha256(body).hexdigest() == golden_set.sha256
    assert (body.count(b"\n"), f'"{golden_set.name}.jsonl"' in download["Content-Disposition"]) == (12, True)


def test_there_is_nothing_to_freeze_before_the_first_verdict(owner: Client) -> None:
    response = owner.post("/projects/shop/golden-sets/freeze/", {"size": "12"})
    page = text_of(response)
    assert (response.status_code, "No case has a verdict yet" in page, 'value="12"' in page) == (400, True, True)


# Gold cases ------------------------------------------------------------------------------------------

CASE = {
    "reference": "late-fee",
    "intent": "billing",
    "task_kind": "pointwise",
    "prompt": "  Is there a late fee?",
    "context": "No late fees.",
    "response": "Yes, ten euros.",
    "answer": "no",
    "origin": "planted_failure",
    "explanation": "There is none.",
    "exposures": "3",
}


def test_a_gold_case_is_planted_with_its_exposures(owner: Client, cast: Cast) -> None:
    assert owner.post("/projects/shop/gold-cases/new/", CASE).status_code == 302
    case = GoldCase.objects.get(project=cast.project)
    assert (case.reference, case.acceptable, case.item.content.prompt) == ("late-fee", False, CASE["prompt"])
    assert case.item.content.context == [{"id": "1", "text": "No late fees."}]
    assert Seat.objects.filter(item=case.item, lane="gold").count() == 3


def test_a_pair_is_planted_as_a_gold_case(owner: Client, cast: Cast) -> None:
    pair = CASE | {"task_kind": "pairwise", "response": "", "a": "Yes.", "b": "No, never.", "answer": "b"}
    assert owner.post("/projects/shop/gold-cases/new/", pair).status_code == 302
    case = GoldCase.objects.get(project=cast.project)
    assert (case.acceptable, case.preferred, case.item.content.body) == (None, "b", {"a": "Yes.", "b": "No, never."})


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"answer": "a"}, "does not go with this kind"),
        ({"response": ""}, "it cannot be empty"),
        ({"task_kind": "pairwise", "answer": "a"}, "it cannot be empty"),
        ({"exposures": "0"}, "greater than or equal to 1"),
        ({"reference": "known"}, "there is a gold case"),
        ({"prompt": "nul \x00"}, "Null characters are not allowed"),
    ],
)
def test_a_gold_case_that_does_not_fit_comes_back_as_typed(
    owner: Client, cast: Cast, change: dict[str, str], word: str
) -> None:
    plant_gold(cast.project, "known")
    response = owner.post("/projects/shop/gold-cases/new/", CASE | change)
    page = text_of(response)
    assert response.status_code == 400
    assert word in page
    assert "There is none.</textarea>" in page
    assert GoldCase.objects.count() == 1


def test_a_gold_case_is_retired_with_a_reason(owner: Client, cast: Cast) -> None:
    case = plant_gold(cast.project)
    address = f"/projects/shop/gold-cases/{case.pk}/retire/"
    assert owner.post(address, {"reason": ""}).status_code == 400
    owner.post(address, {"reason": "Everybody knows it."})
    case.refresh_from_db()
    assert case.retired_at is not None
    assert AuditEntry.objects.get(verb="gold.retired").data == {"reason": "Everybody knows it."}


# Settings --------------------------------------------------------------------------------------------


def test_the_queue_is_changed_and_refuses_nonsense(owner: Client, cast: Cast) -> None:
    typed = {
        "daily_cap": "17",
        "hourly_cap": "",
        "break_after_minutes": "50",
        "break_minutes": "10",
        "intent_share": "40",
        "standby_minutes": "30",
        "repeat_rate": "2.5",
        "repeat_after_days": "14",
        "agreement_floor": "80",
        "reference_bar": "85",
        "reblind_days": "",
        "reblind_size": "30",
        "calibrate_rubrics": "on",
        "lease_seconds": "600",
        "undo_seconds": "0",
    }
    owner.post("/projects/shop/settings/queue/", typed)
    settings = queue_settings(cast.project.pk)
    assert (settings.daily_cap, settings.lease_seconds, settings.undo_seconds) == (17, 600, 0)
    assert (settings.hourly_cap, settings.break_after_minutes, settings.break_minutes) == (None, 50, 10)
    assert (settings.intent_share, settings.standby_minutes) == (0.4, 30)
    assert (settings.repeat_rate, settings.repeat_after_days) == (0.025, 14)
    assert (settings.agreement_floor, settings.reference_bar) == (0.8, 0.85)
    assert (settings.reblind_days, settings.reblind_size, settings.calibrate_rubrics) == (None, 30, True)
    assert 'name="intent_share" value="40.0"' in text_of(owner.get("/projects/shop/settings/"))
    typed |= {"daily_cap": "-4"}
    refused = owner.post("/projects/shop/settings/queue/", typed)
    assert (refused.status_code, 'value="-4"' in text_of(refused)) == (400, True)
    assert queue_settings(cast.project.pk).daily_cap == 17


def test_a_new_person_gets_a_password_that_is_shown_once_and_works(owner: Client, cast: Cast) -> None:
    response = owner.post(
        "/projects/shop/settings/people/", {"email": "New@Shop.example", "name": "Nia", "role": "reviewer"}
    )
    secret = re.findall(r'<code class="secret">([^<]+)<', text_of(response))[0]
    assert Client().login(username="new@shop.example", password=secret)
    assert Membership.objects.get(person__email="new@shop.example").role == "reviewer"
    assert secret not in text_of(owner.get("/projects/shop/settings/"))
    assert secret not in json.dumps(list(AuditEntry.objects.values_list("data", flat=True)))


def test_nobody_gets_the_password_of_somebody_in_another_project(owner: Client, cast: Cast) -> None:
    elsewhere = make_cast("elsewhere")
    colleague = elsewhere.reviewers[0].person
    colleague.set_password("their-own-password")
    colleague.save()
    added = owner.post("/projects/shop/settings/people/", {"email": colleague.email, "name": "", "role": "reviewer"})
    assert added.status_code == 302
    membership = Membership.objects.get(person=colleague, project=cast.project)
    response = owner.post(f"/projects/shop/settings/people/{membership.pk}/password/", follow=True)
    assert "is not yours to give" in text_of(response)
    assert Client().login(username=colleague.email, password="their-own-password")


def test_owners_with_a_password_and_superusers_keep_it(cast: Cast) -> None:
    cast.owner.person.set_password("their-own-password")
    cast.owner.person.save()
    root = add_member(project=cast.project, email="root@shop.example", role="reviewer", actor="test")
    Person.objects.filter(pk=root.person_id).update(is_superuser=True)
    for membership in (cast.owner, Membership.objects.get(pk=root.pk)):
        with pytest.raises(PersonRefused, match="not yours to give"):
            give_password(membership=membership, actor="test")


def test_a_role_is_changed_but_never_ones_own(owner: Client, cast: Cast) -> None:
    robin = cast.reviewers[0].person
    give_password(membership=cast.reviewers[0], actor="test")
    owner.post("/projects/shop/settings/people/", {"email": robin.email, "name": "", "role": "adjudicator"})
    assert Membership.objects.get(person=robin).role == "adjudicator"
    own = {"email": cast.owner.person.email.upper(), "name": "", "role": "auditor"}
    refused = owner.post("/projects/shop/settings/people/", own)
    assert (refused.status_code, "That is you." in text_of(refused)) == (400, True)
    assert Membership.objects.get(person=cast.owner.person).role == "owner"


def test_a_paused_person_gets_nothing_until_resumed(owner: Client, cast: Cast) -> None:
    route(cast.project)
    robin = cast.reviewers[0]
    address = f"/projects/shop/settings/people/{robin.pk}"
    assert owner.post(f"{address}/pause/", {"reason": ""}).status_code == 400
    owner.post(f"{address}/pause/", {"reason": "Holidays."})
    robin.refresh_from_db()
    with pytest.raises(ClaimRefused, match="Holidays"):
        claim_seat(reviewer=robin, now=timezone.now())
    owner.get(f"{address}/resume/")
    assert Membership.objects.get(pk=robin.pk).paused_at is not None
    owner.post(f"{address}/resume/")
    assert claim_seat(reviewer=Membership.objects.get(pk=robin.pk), now=timezone.now()) is not None
    assert [entry.verb for entry in AuditEntry.objects.order_by("pk")][-2:] == ["member.paused", "member.resumed"]


def test_only_those_who_take_items_can_be_paused(owner: Client, cast: Cast) -> None:
    with pytest.raises(PersonRefused):
        pause_member(membership=cast.auditor, actor="test", reason="No.", now=timezone.now())
    owner.post(f"/projects/shop/settings/people/{cast.auditor.pk}/pause/", {"reason": "No."})
    assert Membership.objects.get(pk=cast.auditor.pk).paused_at is None


def test_a_key_is_shown_once_works_and_is_revoked(owner: Client, cast: Cast) -> None:
    response = owner.post("/projects/shop/settings/keys/", {"name": "CI", "scopes": ["read"], "expires_at": ""})
    secret = re.findall(r'<code class="secret">([^<]+)<', text_of(response))[0]
    assert Caller(f"Api-Key {secret}").get("/outputs/").status_code == 200
    assert secret not in text_of(owner.get("/projects/shop/settings/"))
    key = ApiKey.objects.get(name="CI")
    owner.post(f"/projects/shop/settings/keys/{key.pk}/revoke/")
    assert Caller(f"Api-Key {secret}").get("/outputs/").status_code == 401


@pytest.mark.parametrize(
    ("change", "word"),
    [({"scopes": []}, "This field is required"), ({"expires_at": "2020-01-01T00:00"}, "has passed")],
)
def test_a_key_that_does_not_fit_is_not_made(owner: Client, change: dict[str, Any], word: str) -> None:
    before = ApiKey.objects.count()
    typed = {"name": "My <CI>", "scopes": ["read"], "expires_at": ""} | change
    response = owner.post("/projects/shop/settings/keys/", typed)
    page = text_of(response)
    assert (response.status_code, word in page, 'value="My &lt;CI&gt;"' in page) == (400, True, True)
    assert ApiKey.objects.count() == before
