"""A shift at the desk in Chromium, by keyboard: from the key that hands an item in to the next one painted.

    python -m benchmarks.shift [--items 40] [--warm-up 3]

Against a real server of its own, with the next item fetched ahead and without; and what the first load of the page
weighs. Times are milliseconds between the key event and the second animation frame after the next item stands on the
page: that frame begins when the first one with it was painted.
"""

import argparse
import gzip
import os
import sys
import time

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "reviewapp.settings")
# Playwright keeps an event loop in this thread; Django would take every query for an async one.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
django.setup()

from django.test import Client  # noqa: E402
from django.utils import timezone  # noqa: E402
from playwright.sync_api import Page, Response, sync_playwright  # noqa: E402

from benchmarks.serving import server  # noqa: E402
from labeling.models import Assignment  # noqa: E402
from labeling.services.settings import change_queue_settings  # noqa: E402
from reviewapp.core.models import Membership  # noqa: E402
from reviewapp.core.services.people import add_member  # noqa: E402
from routing.serializers.outputs import parse_output  # noqa: E402
from routing.services.intake import route_outputs  # noqa: E402
from routing.services.projects import create_project  # noqa: E402
from tests.browser.desk.shift import hand_in, painted_after  # noqa: E402
from tests.services.chromium import find_chromium, launch_arguments  # noqa: E402

SENTENCE = "The second charge is refunded to the card within five working days, as the handbook says [s1]. "
PASSAGE = "Double charges are refunded within five working days to the means of payment. " * 6
# As long as somebody quick takes to read a word; what is fetched ahead is there by then.
PAUSE = 400
BUDGET = 80_000


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=40)
    parser.add_argument("--warm-up", type=int, default=3)
    options = parser.parse_args()
    with server() as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=find_chromium(playwright), headless=True, args=launch_arguments()
        )
        for name, ahead in (("fetched ahead", True), ("not fetched ahead", False)):
            reviewer = set_up(options.items + options.warm_up)
            context = browser.new_context(viewport={"width": 1280, "height": 900})
            context.add_cookies([{"name": "sessionid", "value": session_of(reviewer), "url": address}])
            page = context.new_page()
            loaded = loading(page)
            times = shift(page, f"{address}/projects/{reviewer.project.slug}/review/", options, ahead=ahead)
            print(f"{name:<18} {told(times)}", flush=True)
            if ahead:
                weight = weighed(page, loaded)
            context.close()
        browser.close()
    print(weight)
    return 0


def set_up(count: int) -> Membership:
    """A project of its own with items enough: single responses and, every fourth, a pair."""
    now = timezone.now()
    slug = f"shift-{time.time_ns() // 1000}"
    project, _owner = create_project(slug=slug, owner_email="owner@shift.example", actor="command", now=now)
    change_queue_settings(project=project, actor="command", daily_cap=10**6)
    reviewer = add_member(project=project, email=f"{slug}@shift.example", role="reviewer", actor="command")
    outputs = []
    for number in range(count + 4):
        text = f"Case {number}: " + SENTENCE * (2 + number % 9)
        pair = [{"text": text, "source": "one"}, {"text": text + "Is there anything else?", "source": "two"}]
        outputs.append(
            {
                "external_id": f"case-{number}",
                "intent": "billing",
                "prompt": f"Why was I charged twice for order {number}?",
                "context": [{"id": f"s{part}", "text": PASSAGE} for part in range(1, 4)],
                **({"candidates": pair} if number % 4 == 3 else {"response": text}),
            }
        )
    route_outputs(project=project, outputs=[parse_output(output) for output in outputs], now=now)
    return reviewer


def session_of(reviewer: Membership) -> str:
    client = Client()
    client.force_login(reviewer.person)
    return client.cookies["sessionid"].value


def shift(page: Page, start: str, options: argparse.Namespace, *, ahead: bool) -> list[float]:
    if not ahead:
        page.route("**/ahead/", lambda route: route.fulfill(status=204))
    page.goto(start)
    page.locator("#standing button").click()
    page.locator("html.keyed #desk").wait_for()
    painted_after(page)
    for done in range(options.warm_up + options.items):
        page.wait_for_timeout(PAUSE)
        if ahead:
            wait_until_fetched(page)
        hand_in(page, done)
    times: list[float] = page.evaluate("window.shift")
    return times[options.warm_up :]


def wait_until_fetched(page: Page) -> None:
    token = page.locator("#desk").get_attribute("data-token")
    for _try in range(400):
        if Assignment.objects.filter(state="leased", opened_at=None).exclude(token=token).exists():
            break
        page.wait_for_timeout(25)
    page.wait_for_timeout(100)


def loading(page: Page) -> list[Response]:
    """What the page loads from now on."""
    seen: list[Response] = []
    page.on("response", lambda response: seen.append(response))
    return seen


def told(times: list[float]) -> str:
    ordered = sorted(times)

    def at(share: float) -> float:
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]

    return f"p50 {at(0.5):6.0f} ms   p95 {at(0.95):6.0f} ms   max {ordered[-1]:6.0f} ms   (n = {len(ordered)})"


def weighed(page: Page, loaded: list[Response]) -> str:
    """JavaScript, CSS and fonts of the first load, each file once, as they are and compressed with gzip -6."""
    sizes: dict[str, tuple[int, int]] = {}
    for response in loaded:
        if response.request.resource_type in ("script", "stylesheet", "font") and response.ok:
            body = page.request.get(response.url).body()
            sizes[response.url.split("/static/")[-1]] = (len(body), len(gzip.compress(body, 6)))
    lines = [f"  {name:<32}{raw:>8,}{packed:>8,}" for name, (raw, packed) in sorted(sizes.items())]
    own = [size for name, size in sizes.items() if name.startswith("js/")]
    total = sum(packed for _raw, packed in sizes.values())
    lines.append(f"  {'own scripts':<32}{sum(raw for raw, _ in own):>8,}{sum(packed for _, packed in own):>8,}")
    lines.append(f"  {'first load':<32}{'':>8}{total:>8,} of {BUDGET:,}")
    return "first load: file, bytes, bytes compressed\n" + "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
