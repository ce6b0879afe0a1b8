"""Visiting the pages without a browser."""

import re
from typing import Any

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from reviewapp.core.models import Membership

# The answer that the first rubric accepts.
YES = {"value-acceptable": "yes"}


def signed_in(member: Membership) -> Client:
    client = Client()
    client.force_login(member.person)
    return client


def text_of(response: Any) -> str:
    return response.content.decode()


def start_work(client: Client, slug: str = "billing") -> str:
    """Claim; the address of the item's page."""
    response = client.post(f"/projects/{slug}/review/next/")
    assert response.status_code == 302, text_of(response)
    return response["Location"]


def form_of(page: str) -> dict[str, str]:
    """What a browser would post back untouched: hidden fields, chosen radio buttons, texts."""
    form = page[page.index('<form class="answer"') :]
    fields = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form))
    fields |= dict(re.findall(r'<input type="radio" name="([^"]+)" value="([^"]*)"[^>]*checked', form))
    for name, text in re.findall(r'<textarea[^>]* name="([^"]+)"[^>]*>\n(.*?)</textarea>', form, re.DOTALL):
        fields[name] = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", '"').replace("&#x27;", "'")
    return fields


def queries(action: Any) -> int:
    """How many queries the visit takes."""
    # The log holds 9000 queries; a test of many pages would fill it.
    connection.queries_log.clear()
    with CaptureQueriesContext(connection) as captured:
        response = action()
    assert response.status_code in (200, 302)
    return len(captured)
