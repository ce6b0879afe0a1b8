"""The demo project: loaded once, safe to repeat, and whole enough to be worked in."""

from collections import Counter
from io import StringIO
from typing import ClassVar

from django.apps import apps
from django.core.management import call_command
from django.test import Client, TestCase

from labeling.models import GoldCase, GoldenSet, GoldResult, ReviewItem, Verdict
from labeling.services.golden import intact
from reviewapp.core.models import Project
from reviewapp.demo.load import LOGINS, NEWCOMER, PASSWORD, SLUG
from routing.models import ActivePolicy, Decision, Recalibration
from routing.services.certificates import estimate_undetected


def load() -> str:
    out = StringIO()
    call_command("demo", stdout=out)
    return out.getvalue()


def row_counts() -> dict[str, int]:
    models = [model for label in ("core", "labeling", "routing") for model in apps.get_app_config(label).get_models()]
    return {model._meta.label: model._default_manager.count() for model in models}


class TestDemo(TestCase):
    """Loading takes several seconds, so all tests look at one loaded project."""

    project: ClassVar[Project]
    said: ClassVar[str]

    @classmethod
    def setUpTestData(cls) -> None:
        cls.said = load()
        cls.project = Project.objects.get(slug=SLUG)

    def test_it_changes_nothing_when_it_is_loaded_again(self) -> None:
        before = row_counts()
        again = load()
        assert "nothing was changed" in again
        assert row_counts() == before
        assert "nothing was changed" not in self.said

    def test_it_says_how_to_sign_in_and_what_waits(self) -> None:
        assert all(email in self.said and str(role) in self.said for email, role, _name in LOGINS)
        assert PASSWORD in self.said
        waiting = ReviewItem.objects.filter(
            project=self.project, status="open", seats__lane="work", seats__state="open"
        )
        assert f"{waiting.distinct().count()} outputs wait" in self.said
        assert waiting.distinct().count() > 25

    def test_every_login_works_and_leads_somewhere(self) -> None:
        for email, role, _name in LOGINS:
            browser = Client()
            answer = browser.post("/login/", {"username": email, "password": PASSWORD}, follow=True)
            assert answer.status_code == 200, email
            assert "_auth_user_id" in browser.session, email
            reviewing = browser.get(f"/projects/{SLUG}/review/", follow=True).status_code
            assert reviewing == (200 if role in ("reviewer", "adjudicator") else 404), email

    def test_a_reviewer_has_an_item_on_the_page_at_once(self) -> None:
        browser = Client()
        browser.post("/login/", {"username": "reviewer@shop.example", "password": PASSWORD})
        page = browser.post(f"/projects/{SLUG}/review/next/", follow=True)
        assert page.status_code == 200
        assert page.redirect_chain[-1][0].startswith("/review/")

    def test_a_newcomer_is_led_to_the_instructions_and_on_to_practice(self) -> None:
        browser = Client()
        browser.post("/login/", {"username": NEWCOMER, "password": PASSWORD})
        assert browser.get(f"/projects/{SLUG}/review/")["Location"] == f"/projects/{SLUG}/welcome/"
        assert browser.post(f"/projects/{SLUG}/welcome/")["Location"] == f"/projects/{SLUG}/round/"
        page = browser.post(f"/projects/{SLUG}/review/next/", follow=True)
        assert "Practice 1 of 3" in page.content.decode()
        cases = GoldCase.objects.filter(project=self.project, practice=True)
        assert all(cases.values_list("explanation", flat=True))

    def test_its_ledger_is_clean(self) -> None:
        out = StringIO()
        call_command("verify_ledger", stdout=out)
        assert "clean" in out.getvalue()

    def test_it_shows_every_station_of_the_loop(self) -> None:
        actions = Counter(Decision.objects.filter(project=self.project).values_list("action", "audited"))
        assert actions["ship", False] > 40
        assert actions["ship", True] > 0
        assert actions["review", False] > 200
        reached = Counter(Verdict.objects.filter(item__project=self.project).values_list("reached_by", flat=True))
        assert min(reached["single"], reached["agreement"]) > 20
        assert ReviewItem.objects.filter(project=self.project, status="disputed").count() > 0
        assert GoldResult.objects.filter(gold_case__project=self.project).count() > 10
        proposal = Recalibration.objects.get(project=self.project)
        assert proposal.status == "approved"
        assert ActivePolicy.objects.get(project=self.project).policy == proposal.policy
        golden_set = GoldenSet.objects.get(project=self.project)
        assert intact(golden_set)
        assert golden_set.case_count > 50

    def test_what_shipped_has_an_error_rate_from_its_audit(self) -> None:
        found = estimate_undetected(self.project)
        assert found.shipped > 40
        assert (found.status, found.audited > 5) == ("ok", True)
        assert found.low is not None
        assert found.expected is not None
        assert found.high is not None
        assert found.low <= found.expected <= found.high < found.shipped
