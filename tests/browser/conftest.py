"""What the browser tests share: signing in the way a person does, and pictures for the documentation."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from playwright.sync_api import Page

from reviewapp.core.models import Membership

PICTURES = Path(__file__).resolve().parents[2] / "docs" / "img"

SignIn = Callable[[Membership], Page]


def session_cookie(member: Membership, address: str) -> Any:
    """A session of this member, as a cookie for the address."""
    client = Client()
    client.force_login(member.person)
    return {"name": "sessionid", "value": client.cookies["sessionid"].value, "url": address}


@pytest.fixture
def sign_in(page: Page, live_server: Any) -> SignIn:
    """Give the page the session of a member, without typing a password."""

    def sign_in(member: Membership) -> Page:
        page.context.add_cookies([session_cookie(member, live_server.url)])
        return page

    return sign_in


@pytest.fixture
def picture() -> Callable[[Page, str], None]:
    """Write docs/img/<name>.png when SCREENSHOTS=1, else do nothing."""

    def picture(page: Page, name: str) -> None:
        if os.environ.get("SCREENSHOTS") == "1":
            PICTURES.mkdir(parents=True, exist_ok=True)
            page.screenshot(path=PICTURES / f"{name}.png")

    return picture
