"""Tables that are wider than the page scroll by themselves; what is only heard in them widens nothing."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from labeling.services.absences import add_absence
from reviewapp.core.models import Membership, Project
from tests.browser.cast import a_member, a_project
from tests.browser.conftest import SignIn


@pytest.fixture
def project(transactional_db: None) -> Project:
    return a_project()


@pytest.mark.parametrize("width", [390, 1280])
def test_the_staffing_page_is_no_wider_than_the_window(
    live_server: Any, sign_in: SignIn, project: Project, width: int
) -> None:
    owner = a_member(project, "owner", "oda")
    for number in range(3):
        a_member(project, name=f"somebody-with-quite-a-long-name-{number}")
    absent = Membership.objects.filter(project=project, role="reviewer")[0]
    now = timezone.now()
    days = {"first_day": now.date() + timedelta(days=1), "last_day": now.date() + timedelta(days=4)}
    add_absence(membership=absent, actor="test", now=now, note="Away " * 12, **days)
    page = sign_in(owner)
    page.set_viewport_size({"width": width, "height": 844})
    page.goto(f"{live_server.url}/projects/{project.slug}/staffing/")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    # Not by cutting off: nothing of the page is hidden from whoever scrolls.
    assert page.evaluate("getComputedStyle(document.querySelector('main')).overflowX") == "visible"
