"""A real server, really killed between a submission and its answer, and started again."""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.cast import PASSWORD
from tests.browser.desk.working import START
from tests.operations.installation import ROOT, START_SECONDS, Installation, Running, wait_until
from tests.services.server import free_port

PEOPLE = "rae@people.example"


class Server:
    """`manage.py up`, always at the same address."""

    def __init__(self, installation: Installation) -> None:
        self.installation = installation
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self.start()

    def start(self) -> None:
        log = self.installation.folder / "up.log"
        with log.open("ab") as output:
            process = subprocess.Popen(
                [sys.executable, "manage.py", "up", "--port", str(self.port)],
                cwd=ROOT,
                env=self.installation.environment,
                stdout=output,
                stderr=output,
                # Its process group then holds whatever it starts, and nothing else.
                start_new_session=True,
            )
        self.running = Running(process, self.port, log)
        wait_until(lambda: self.running.status("/readyz") == 200, START_SECONDS, self.running.said)

    def signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.running.process.pid, number)

    def kill(self) -> None:
        self.signal(signal.SIGKILL)
        self.running.process.wait(30)

    def ratings(self) -> int:
        with closing(sqlite3.connect(self.installation.folder / "reviewapp.sqlite3", timeout=20)) as database:
            return int(database.execute("SELECT count(*) FROM labeling_rating").fetchone()[0])


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data of an installation with a reviewer and three outputs to judge."""
    installation = Installation(tmp_path_factory.mktemp("prepared"))
    outputs = installation.folder / "outputs.jsonl"
    bodies = [
        {"external_id": f"case-{number}", "intent": "totals", "prompt": "What is the total?", "response": text}
        for number, text in enumerate(("first answer", "second answer", "third answer"))
    ]
    outputs.write_text("\n".join(json.dumps(body) for body in bodies))
    for arguments in (
        ["migrate", "--verbosity", "0"],
        ["create_project", "billing", "--owner", "owner@billing.example"],
        ["create_person", PEOPLE, "--project", "billing", "--role", "reviewer", "--password", PASSWORD],
        ["import_outputs", str(outputs), "--project", "billing"],
    ):
        done = installation.manage(*arguments)
        assert done.returncode == 0, done.stderr
    return installation.folder


@pytest.fixture
def server(prepared: Path, tmp_path: Path) -> Iterator[Server]:
    server = Server(Installation(Path(shutil.copytree(prepared, tmp_path / "data"))))
    yield server
    server.kill()


def begin(page: Page, server: Server) -> None:
    page.set_default_timeout(30_000)
    page.goto(f"{server.address}/login/?next={START}")
    page.get_by_label("E-mail").fill(PEOPLE)
    page.get_by_label("Password").fill(PASSWORD)
    page.locator("main button[type=submit]").first.click()
    page.locator("#standing button").click()
    with page.expect_response("**/ahead/"):
        page.locator("html.keyed").wait_for()
    page.wait_for_timeout(300)


def assert_one_receipt(page: Page, server: Server, before: str) -> None:
    expect(page.locator("[data-notice=offline]")).to_be_visible(timeout=30_000)
    assert page.locator("#response-1").inner_text() != before, "the next item is there all the same"
    page.get_by_label("Rationale").fill("typed while nobody listened")
    server.start()
    expect(page.locator("#receipt")).to_contain_text("Saved Accept", timeout=60_000)
    expect(page.locator("#saved")).to_contain_text("Saved ", timeout=30_000)
    expect(page.locator("[data-notice=offline]")).to_be_hidden()
    expect(page.get_by_label("Rationale")).to_have_value("typed while nobody listened")
    assert server.ratings() == 1


def test_it_dies_before_it_has_read_the_submission(page: Page, server: Server) -> None:
    begin(page, server)
    before = page.locator("#response-1").inner_text()
    server.signal(signal.SIGSTOP)
    page.keyboard.press("1")
    page.wait_for_timeout(500)
    server.kill()
    assert server.ratings() == 0

    assert_one_receipt(page, server, before)


def test_it_dies_after_it_has_stored_the_submission_and_before_it_answers(page: Page, server: Server) -> None:
    begin(page, server)
    before, address = page.locator("#response-1").inner_text(), page.url

    def store_and_die(route: Route) -> None:
        route.fetch()
        server.kill()
        route.abort()

    page.route(address, store_and_die, times=1)
    page.keyboard.press("1")
    page.wait_for_timeout(500)

    assert_one_receipt(page, server, before)
