"""The admin: whose rows it shows to whom, and that nothing permanent can be changed there."""

import json
from typing import Any

import numpy as np
import pytest
from django.apps import apps
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from labeling.models import ActiveRubric, Criterion, Rubric
from labeling.services.rubrics import draft_rubric
from reviewapp.core.models import AuditEntry, Person, Project
from routing.models import ActivePolicy, Policy
from routing.services.projects import ACCEPTABILITY
from tests.browser.visiting import queries, signed_in, text_of
from tests.console_world import World, grow, make_world
from tests.factories import make_noise, output_body, route
from tests.people import Cast, make_cast, policy_document

# These belong to no project: only superusers see them.
SUPERUSERS_OWN = {"person", "persontoken"}


@pytest.fixture
def cast(db: None) -> Cast:
    return make_cast()


@pytest.fixture
def owner(cast: Cast) -> Client:
    return signed_in(cast.owner)


@pytest.fixture
def world(db: None) -> World:
    return make_world()


@pytest.fixture
def root(db: None) -> Client:
    client = Client()
    client.force_login(Person.objects.create_superuser("root@shop.example"))
    return client


def address(model: Any, page: str = "changelist", *args: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


def owned() -> list[type[Any]]:
    return [model for model in admin.site._registry if model._meta.model_name not in SUPERUSERS_OWN]


# The way in ------------------------------------------------------------------------------------------


def test_its_way_in_is_the_sign_in_page_of_everything_else(cast: Cast) -> None:
    response = Client().get("/admin/", follow=True)
    assert response.redirect_chain[-1] == ("/login/?next=/admin/", 302)
    assert 'name="next" value="/admin/"' in text_of(response)
    assert Client().post("/admin/login/", {"username": "x", "password": "y"}).status_code == 302


def test_only_staff_find_it(cast: Cast) -> None:
    for member in (cast.reviewers[0], cast.adjudicator, cast.auditor):
        assert signed_in(member).get("/admin/", follow=True).status_code == 404
    assert signed_in(cast.owner).get("/admin/").status_code == 200


def test_whoever_owns_nothing_any_more_sees_nothing(cast: Cast) -> None:
    cast.owner.role = "auditor"
    cast.owner.save()
    page = text_of(signed_in(cast.owner).get("/admin/"))
    assert "You don’t have permission to view or edit anything." in page
    assert signed_in(cast.owner).get(address(Policy)).status_code == 403


# Whose rows ------------------------------------------------------------------------------------------


def test_owners_see_rows_of_their_own_projects_only(world: World) -> None:
    other = make_world("elsewhere", seed=2)
    mine, everything = signed_in(world.cast.owner), Client()
    everything.force_login(Person.objects.create_superuser("root@shop.example"))
    for model in owned():
        shown = mine.get(address(model))
        of_all = everything.get(address(model)).context["cl"].queryset.count()
        own = shown.context["cl"].queryset.count()
        assert 0 < own < of_all == model._default_manager.count(), model.__name__
        assert other.cast.project.slug not in text_of(shown), model.__name__


def test_a_row_of_another_project_cannot_be_opened(cast: Cast, owner: Client) -> None:
    other = make_noise()
    policy = Policy.objects.filter(project=other.project)[0]
    rubric = Rubric.objects.filter(project=other.project)[0]
    for row in (policy, rubric, other.project, other.owner):
        response = owner.get(address(row, "change", row.pk))
        assert (response.status_code, response["Location"]) == (302, "/admin/"), row


def test_forms_offer_no_project_of_others(cast: Cast, owner: Client) -> None:
    other = make_noise()
    for model in (Rubric, Policy):
        assert f'<option value="{other.project.pk}">' not in text_of(owner.get(address(model, "add")))
        assert f'<option value="{cast.project.pk}">' in text_of(owner.get(address(model, "add")))
    stolen = {"project": other.project.pk, "document": json.dumps(policy_document()), "note": ""}
    assert "Select a valid choice" in text_of(owner.post(address(Policy, "add"), stolen))


def test_accounts_are_for_superusers(owner: Client, root: Client) -> None:
    for model in admin.site._registry:
        if model._meta.model_name in SUPERUSERS_OWN:
            assert owner.get(address(model)).status_code == 403
            assert root.get(address(model)).status_code == 200
    made = {"email": "nia@shop.example", "name": "Nia", "password1": "a-long-word-1", "password2": "a-long-word-1"}
    assert root.post(address(Person, "add"), made).status_code == 302
    assert Client().login(username="nia@shop.example", password="a-long-word-1")


# Nothing permanent changes ---------------------------------------------------------------------------


def test_nobody_deletes_anything(world: World, root: Client) -> None:
    for model in admin.site._registry:
        row = model._default_manager.first()
        if row is not None:
            assert root.post(address(model, "delete", row.pk), {"post": "yes"}).status_code == 403, model.__name__
            assert "delete_selected" not in text_of(root.get(address(model))), model.__name__


def test_rows_are_for_reading(world: World, root: Client) -> None:
    changeable = {"rubric", "project", "membership", "person"}
    for model in admin.site._registry:
        row = model._default_manager.first()
        if model._meta.model_name in changeable or row is None:
            continue
        assert root.get(address(model, "change", row.pk)).status_code == 200, model.__name__
        assert root.post(address(model, "change", row.pk), {}).status_code == 403, model.__name__
        if model is not Policy:
            assert root.get(address(model, "add")).status_code == 403, model.__name__


def test_digests_and_tokens_are_not_shown(world: World, root: Client) -> None:
    hidden = {"apikey": "digest", "persontoken": "digest", "assignment": "token", "project": "draw_key"}
    for model in admin.site._registry:
        row = model._default_manager.first()
        name = hidden.get(model._meta.model_name or "")
        if row is not None and name:
            page = text_of(root.get(address(model, "change", row.pk)))
            assert str(getattr(row, name)) not in page, model.__name__
            assert f"field-{name}" not in page, model.__name__


def test_hostile_text_stays_text(cast: Cast, owner: Client) -> None:
    line = "<script>window.hacked=1</script>"
    (output,) = route(cast.project, output_body(line, intent=line, metadata={line: line}))
    own = (address(output), address(output, "change", output.pk), address(output.content, "change", output.content_id))
    for target in own:
        assert "<script>window" not in text_of(owner.get(target))


# Rubrics ---------------------------------------------------------------------------------------------


def criterion(number: int = 0, **fields: Any) -> dict[str, Any]:
    """The inputs of one criterion in the rubric's form."""
    row = {
        "order": 0,
        "name": "right",
        "type": "binary",
        "question": "Is it right?",
        "required": "on",
        "levels": json.dumps([{"value": "yes", "label": "Yes"}, {"value": "no", "label": "No"}]),
        "fail_values": '["no"]',
        "minimum": "",
        "maximum": "",
        "fail_below": "",
    }
    return {f"criteria-{number}-{name}": value for name, value in (row | fields).items()}


def rubric_form(*criteria: dict[str, Any], initial: int = 0, **fields: Any) -> dict[str, Any]:
    form = {"name": "tone", "task_kind": "pointwise", "corrections": "on", "instructions": "Read it twice."}
    counts = {"criteria-TOTAL_FORMS": len(criteria), "criteria-INITIAL_FORMS": initial}
    form |= {**counts, "criteria-MIN_NUM_FORMS": 0, "criteria-MAX_NUM_FORMS": 1000} | fields
    for row in criteria:
        form |= row
    return form


def test_a_rubric_is_drafted_edited_and_published(cast: Cast, owner: Client) -> None:
    made = owner.post(address(Rubric, "add"), rubric_form(criterion(), project=cast.project.pk))
    assert made.status_code == 302, made.context["errors"]
    rubric = Rubric.objects.get(name="tone")
    assert (rubric.version, rubric.published_at, rubric.criteria.get().fail_values) == (1, None, ["no"])

    own: dict[str, Any] = {"id": rubric.criteria.get().pk, "rubric": rubric.pk, "question": "Is it wholly right?"}
    edited = rubric_form(criterion(**own), initial=1, instructions="Read it thrice.")
    assert owner.post(address(Rubric, "change", rubric.pk), edited).status_code == 302
    rubric.refresh_from_db()
    assert (rubric.instructions, rubric.criteria.get().question) == ("Read it thrice.", "Is it wholly right?")

    owner.post(address(Rubric), {"action": "publish", "_selected_action": [rubric.pk]})
    rubric.refresh_from_db()
    assert rubric.published_at is not None
    assert ActiveRubric.objects.get(project=cast.project, task_kind="pointwise").rubric == rubric
    verbs = AuditEntry.objects.filter(target=f"rubric:{rubric.pk}").order_by("pk").values_list("verb", flat=True)
    assert list(verbs) == ["rubric.drafted", "rubric.edited", "rubric.published"]

    assert owner.post(address(Rubric, "change", rubric.pk), edited).status_code == 403
    again = owner.post(address(Rubric), {"action": "publish", "_selected_action": [rubric.pk]}, follow=True)
    assert "is published already" in text_of(again)


def test_the_next_version_is_drafted_from_a_published_one(cast: Cast, owner: Client) -> None:
    rubric = Rubric.objects.get(project=cast.project, name="acceptability")
    owner.post(address(Rubric), {"action": "draft_next", "_selected_action": [rubric.pk]})
    drafted = Rubric.objects.get(project=cast.project, name="acceptability", version=2)
    assert (drafted.parent, drafted.published_at) == (rubric, None)
    assert list(drafted.criteria.values_list("name", "levels")) == list(rubric.criteria.values_list("name", "levels"))


@pytest.mark.parametrize(
    ("rows", "word"),
    [
        ([], "a rubric needs at least one criterion"),
        ([criterion(levels='[{"value": "yes"}]')], "at least two levels"),
        ([criterion(levels='["yes", "no"]')], "levels is a list of objects"),
        ([criterion(fail_values="[3]")], "fail_values must be values"),
        ([criterion(fail_values="3")], "fail_values is a list"),
        ([criterion(type="numeric")], "minimum &lt; maximum"),
        ([criterion(), criterion(1)], "duplicate"),
        ([criterion(levels='[{"value": "a\\u0000"}, {"value": "b"}]')], "NUL"),
        ([criterion(levels='[{"value": NaN}, {"value": "b"}]')], "not JSON numbers"),
    ],
)
def test_a_rubric_that_nobody_could_answer_is_not_stored(
    cast: Cast, owner: Client, rows: list[dict[str, Any]], word: str
) -> None:
    before = (Rubric.objects.count(), Criterion.objects.count())
    response = owner.post(address(Rubric, "add"), rubric_form(*rows, project=cast.project.pk))
    assert (response.status_code, word in text_of(response)) == (200, True)
    assert (Rubric.objects.count(), Criterion.objects.count()) == before


def test_owners_publish_no_rubric_of_others(owner: Client, cast: Cast) -> None:
    other = make_noise()
    drafted = draft_rubric(
        project=other.project, name="theirs", task_kind="pointwise", criteria=ACCEPTABILITY, actor="test"
    )
    owner.post(address(Rubric), {"action": "publish", "_selected_action": [drafted.pk]})
    drafted.refresh_from_db()
    assert drafted.published_at is None


# Policies --------------------------------------------------------------------------------------------


def test_a_policy_is_drafted_by_the_service_and_changes_nothing(cast: Cast, owner: Client) -> None:
    active = ActivePolicy.objects.get(project=cast.project).policy
    form = {"project": cast.project.pk, "document": json.dumps(policy_document()), "note": "From the admin."}
    assert owner.post(address(Policy, "add"), form).status_code == 302
    drafted = Policy.objects.latest("pk")
    assert (drafted.version, drafted.parent, drafted.note) == (active.version + 1, active, "From the admin.")
    assert drafted.created_by == f"person:{cast.owner.person_id}"
    assert ActivePolicy.objects.get(project=cast.project).policy == active


@pytest.mark.parametrize(
    ("document", "word"),
    [
        (json.dumps(policy_document(tier={"audit_rate": 0})), "/tiers/high/audit_rate"),
        ("{", "Enter a valid JSON"),
        (json.dumps(policy_document(required_signals=["a\x00"])), "NUL"),
        ('{"gold_rate": NaN}', "not JSON numbers"),
    ],
)
def test_a_document_that_is_no_policy_comes_back(cast: Cast, owner: Client, document: str, word: str) -> None:
    before = Policy.objects.count()
    response = owner.post(address(Policy, "add"), {"project": cast.project.pk, "document": document, "note": "x"})
    assert (response.status_code, word in text_of(response), Policy.objects.count()) == (200, True, before)


# Projects and people ---------------------------------------------------------------------------------


def test_names_to_mask_are_changed_with_a_line_in_the_audit_log(cast: Cast, owner: Client) -> None:
    target = address(Project, "change", cast.project.pk)
    assert owner.post(target, {"name": "The shop", "masked_names": '["Acme"]'}).status_code == 302
    project = Project.objects.get(pk=cast.project.pk)
    assert (project.name, project.masked_names, project.slug) == ("The shop", ["Acme"], "shop")
    entry = AuditEntry.objects.get(verb="project.changed")
    assert entry.data == {"name": "The shop", "masked_names": ["Acme"]}
    for wrong in ('"Acme"', "[1]", "{}", '["a\\u0000"]', ""):
        assert owner.post(target, {"name": "The shop", "masked_names": wrong}).status_code == 200, wrong


def test_a_persons_cap_and_credentials_are_changed_and_nothing_else(cast: Cast, owner: Client) -> None:
    robin = cast.reviewers[0]
    form = {"daily_cap": "9", "credentials": '["senior"]', "role": "owner", "rater_code": "r-mine"}
    assert owner.post(address(robin, "change", robin.pk), form).status_code == 302
    code = robin.rater_code
    robin.refresh_from_db()
    assert (robin.daily_cap, robin.credentials, robin.role, robin.rater_code) == (9, ["senior"], "reviewer", code)


# What it costs ---------------------------------------------------------------------------------------


def test_the_number_of_queries_does_not_grow_with_rows(world: World) -> None:
    client = signed_in(world.cast.owner)
    before = {model: queries(lambda model=model: client.get(address(model))) for model in owned()}
    rng = np.random.default_rng(4)
    for _round in range(2):
        grow(world.cast, rng)
    after = {model: queries(lambda model=model: client.get(address(model))) for model in owned()}
    assert after == before


def test_it_registers_every_model(db: None) -> None:
    ours = {model for label in ("core", "labeling", "routing") for model in apps.get_app_config(label).get_models()}
    inlined = {inline.model for site in admin.site._registry.values() for inline in site.inlines}
    assert ours - set(admin.site._registry) - inlined == set()
