"""The owner's pages in a real browser: they fit, can be read, run nothing that came from outside, and work."""

import os
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from django.core.cache import cache
from django.utils import timezone
from playwright.sync_api import Page, ViewportSize, expect

from labeling.models import Rubric
from reviewapp.core.models import Membership
from reviewapp.demo.load import load_demo
from routing.models import ActivePolicy, Policy, Recalibration
from routing.services.recalibration import propose_recalibration
from tests.browser.cast import HOSTILE
from tests.browser.conftest import SignIn
from tests.browser.test_layout import CONTRASTS
from tests.console_world import World, make_world
from tests.factories import output_body, route
from tests.learning.history import live_through
from tests.people import Cast, make_cast

DESK = ViewportSize(width=1280, height=900)
PHONES = (ViewportSize(width=390, height=844), ViewportSize(width=360, height=740))
Picture = Callable[[Page, str], None]


@pytest.fixture(autouse=True)
def _empty_cache() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def world(transactional_db: None) -> World:
    return make_world()


@pytest.fixture
def cast(transactional_db: None) -> Cast:
    return make_cast()


def pages_of(world: World) -> list[str]:
    """Every page but the file."""
    forms = ("console-policy-draft", "console-policy-activate", "console-recalibration-propose", "console-pause")
    acting = {name: address for name, address in world.acting().items() if name in (*forms, "console-gold-case-add")}
    files = {"console-golden-set-download", "console-rubric-export"}
    reading = {name: address for name, address in world.reading().items() if name not in files}
    return [*reading.values(), *acting.values()]


def test_every_page_fits_a_desk_and_a_phone(live_server: Any, sign_in: SignIn, world: World) -> None:
    page = sign_in(world.cast.owner)
    wide = []
    for address in pages_of(world):
        page.goto(live_server.url + address)
        for details in page.locator("details:not(.menu-small) > summary").all():
            details.click()
        for size in (DESK, *PHONES):
            page.set_viewport_size(size)
            if page.evaluate("document.documentElement.scrollWidth") > size["width"]:
                wide.append((address, size["width"]))
    assert wide == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_can_be_read_in_light_and_dark(live_server: Any, sign_in: SignIn, world: World, scheme: Any) -> None:
    """WCAG 2.2, 1.4.3: a contrast of 4.5 between text and what is behind it."""
    page = sign_in(world.cast.owner)
    page.emulate_media(color_scheme=scheme)
    faint = {}
    for address in pages_of(world):
        page.goto(live_server.url + address)
        faint[address] = page.evaluate(CONTRASTS)
    assert {address: found for address, found in faint.items() if found} == {}


def test_the_menu_of_a_phone_leads_everywhere(live_server: Any, sign_in: SignIn, world: World) -> None:
    page = sign_in(world.cast.auditor)
    page.set_viewport_size(PHONES[1])
    page.goto(live_server.url + world.address("console"))
    page.locator(".menu-small summary").click()
    page.locator(".menu-small").get_by_role("link", name="Golden sets").click()
    expect(page.get_by_role("heading", name="Golden sets")).to_be_visible()


def test_hostile_text_runs_nowhere(live_server: Any, sign_in: SignIn, cast: Cast) -> None:
    (output,) = route(
        cast.project,
        output_body("hostile", prompt=HOSTILE, response=HOSTILE, metadata={"x": HOSTILE}, intent="<b>bold</b>"),
        now=timezone.now(),
    )
    page = sign_in(cast.owner)
    for path in ("console/", "outputs/", f"outputs/{output.pk}/"):
        page.goto(f"{live_server.url}/projects/shop/{path}")
        assert page.evaluate("window.hacked") is None
        assert page.evaluate("document.documentElement.scrollWidth") <= DESK["width"]
    assert page.locator(".text", has_text="<script>window.hacked = 1</script>").count() >= 2


def test_an_owner_drafts_replays_and_activates_a_policy(live_server: Any, sign_in: SignIn, cast: Cast) -> None:
    live_through(cast, 40, np.random.default_rng(2), now=timezone.now())
    page = sign_in(cast.owner)
    page.goto(f"{live_server.url}/projects/shop/policies/")
    page.get_by_role("button", name="New draft").click()
    document = page.get_by_label("Document").input_value()
    page.get_by_label("Document").fill(document.replace('"audit_rate": 1.0', '"audit_rate": 3.0'))
    page.get_by_role("button", name="Store the draft").click()
    expect(page.get_by_role("alert")).to_contain_text("/tiers/mid/audit_rate")
    assert '"audit_rate": 3.0' in page.get_by_label("Document").input_value()

    page.get_by_label("Document").fill(document.replace('"mode": "always"', '"mode": "sampled"'))
    page.get_by_role("button", name="Store the draft").click()
    page.get_by_role("button", name="Replay on logged traffic").click()
    expect(page.get_by_role("row", name="Shipped 0 (0%) 40 (100%)")).to_be_visible()

    page.go_back()
    page.get_by_role("button", name=f"Put v{Policy.objects.latest('pk').version} in force").click()
    page.get_by_label("Reason").fill("The sample is enough.")
    page.get_by_role("button", name="in force").click()
    expect(page.get_by_text("is in force.")).to_be_visible()
    drafted = Policy.objects.latest("pk")
    assert ActivePolicy.objects.get(project=cast.project).policy == drafted
    assert drafted.activations.get().reason == "The sample is enough."


def test_an_owner_proposes_reads_and_approves_a_recalibration(live_server: Any, sign_in: SignIn, cast: Cast) -> None:
    live_through(cast, 90, np.random.default_rng(3), now=timezone.now())
    page = sign_in(cast.owner)
    page.goto(f"{live_server.url}/projects/shop/recalibrations/new/")
    page.get_by_label("Budget").check()
    page.get_by_label("Share for people").fill("40")
    page.get_by_role("button", name="Propose").click()
    expect(page.get_by_role("img", name="Reliability diagram")).to_be_visible()
    page.get_by_role("button", name="Approve").click()
    # The browser itself asks for the reason.
    assert Recalibration.objects.get().status == "proposed"
    page.get_by_label("Reason").fill("Worth it.")
    page.get_by_role("button", name="Approve").click()
    expect(page.get_by_text("Approved. The proposed policy is in force.")).to_be_visible()
    assert Recalibration.objects.get().status == "approved"


def test_the_admin_works_under_the_content_security_policy(live_server: Any, sign_in: SignIn, cast: Cast) -> None:
    """The fixture `page` fails for every breach of it."""
    page = sign_in(cast.owner)
    page.goto(f"{live_server.url}/admin/labeling/rubric/add/")
    page.locator("#id_project").select_option(label="shop")
    page.locator("#id_name").fill("clarity")
    page.get_by_text("Add another Criterion").click()
    expect(page.locator("#id_criteria-1-name")).to_be_visible()
    page.locator("#id_criteria-0-name").fill("clear")
    page.locator("#id_criteria-0-type").select_option("binary")
    page.locator("#id_criteria-0-question").fill("Is it clear?")
    page.locator("#id_criteria-0-levels").fill('[{"value": "yes"}, {"value": "no"}]')
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator(".success")).to_contain_text("clarity v1")
    rubric = Rubric.objects.get(name="clarity")
    assert [criterion.name for criterion in rubric.criteria.all()] == ["clear"]
    for path in ("", "core/auditentry/", "routing/policy/add/", f"core/project/{cast.project.pk}/change/"):
        page.goto(f"{live_server.url}/admin/{path}")
        expect(page.locator("#site-name")).to_have_text("Oversight")


@pytest.fixture
def shown(transactional_db: None) -> Membership:
    """The owner whose pages are in the documentation: the demo's when pictures are wanted, else a smaller one."""
    if os.environ.get("SCREENSHOTS") != "1":
        return make_world().cast.owner
    project = load_demo(now=timezone.now(), progress=lambda _words: None).project
    propose_recalibration(project=project, actor="system", now=timezone.now(), review_share=0.3)
    return Membership.objects.get(project=project, role="owner")


def test_its_pictures_are_taken(live_server: Any, sign_in: SignIn, picture: Picture, shown: Membership) -> None:
    page = sign_in(shown)
    proposal = Recalibration.objects.filter(project=shown.project).latest("pk")
    for name, path in (
        ("console", "console/"),
        ("recalibration", f"recalibrations/{proposal.pk}/"),
        ("agreement", "agreement/"),
    ):
        page.goto(f"{live_server.url}/projects/{shown.project.slug}/{path}")
        expect(page.locator(".sheet h1")).to_be_visible()
        page.set_viewport_size({"width": 1280, "height": page.evaluate("document.documentElement.scrollHeight")})
        picture(page, name)
