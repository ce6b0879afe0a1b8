"""Can a browser tell planted work from live work? All it receives and holds over a long shift, and a classifier.

    python -m benchmarks.blinding --data FOLDER [--tasks 500] [--seed 1]

A reviewer works through the tasks in Chromium, against a real server, by keyboard. A third of them are gold, audits
and repeats. What the browser received (a HAR) and holds (DOM, storage, addresses, title, history) is searched for
marker strings that stand in every hidden field, and turned into one row of features per task. Gradient-boosted trees
with ten-fold cross-validation then try to tell gold from live work, and anything planted from live work. The
interval of the AUC is Hanley and McNeil's (1982).
"""

import argparse
import os
import random
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "reviewapp.settings")
# Playwright keeps an event loop in this thread; Django would take every query for an async one.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
django.setup()

from django.test import Client  # noqa: E402
from django.utils import timezone  # noqa: E402
from playwright.sync_api import Page, sync_playwright  # noqa: E402

from benchmarks.detector_cases import rows_of  # noqa: E402
from benchmarks.observed import Observed, auc_of, read_har  # noqa: E402
from benchmarks.serving import server  # noqa: E402
from labeling.models import Assignment, ItemKind  # noqa: E402
from labeling.services.claiming import claim_seat  # noqa: E402
from labeling.services.gold import add_gold_case  # noqa: E402
from labeling.services.repeats import plan_repeats  # noqa: E402
from labeling.services.settings import change_queue_settings  # noqa: E402
from labeling.services.submitting import Submission, submit_rating  # noqa: E402
from reviewapp.core.models import Membership, Project  # noqa: E402
from reviewapp.core.services.people import add_member  # noqa: E402
from routing.serializers.outputs import parse_output  # noqa: E402
from routing.services.intake import route_outputs  # noqa: E402
from routing.services.policies import activate_policy, draft_policy  # noqa: E402
from routing.services.projects import create_project  # noqa: E402
from tests.services.chromium import find_chromium, launch_arguments  # noqa: E402

MARK = "Zq7sentinel"
# Of 100 outputs 40 ship and 10 of those are audited: with gold and repeats, a third of what is handed out is planted.
GOLD_RATE, REPEAT_RATE, SHIPPED_SHARE, AUDIT_RATE = 0.15, 0.08, 0.4, 0.25
EARLIER = 80
MOVED_ON = "token => document.querySelector('form.answer').dataset.token !== token"
OBSERVE = Path(__file__).with_name("observe.js").read_text(encoding="utf-8")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--tasks", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    rng = random.Random(options.seed)
    reviewer = set_up(options.data, options.tasks, rng)
    with tempfile.TemporaryDirectory() as folder, server() as address:
        har = Path(folder) / "shift.har"
        held = shift(reviewer, address, har, options.tasks, rng)
        observed = read_har(har, held)
    return report(reviewer, observed)


def set_up(data: Path, tasks: int, rng: random.Random) -> Membership:
    """A project with enough live work, audits, gold and repeats for one reviewer, all of one kind of text."""
    now = timezone.now()
    slug = f"blind-{time.time_ns() // 1000}"
    project, _owner = create_project(slug=slug, owner_email="owner@blind.example", actor="command", now=now)
    reviewer = add_member(project=project, email=f"{slug}@blind.example", role="reviewer", actor="command")
    tier = {"mode": "below_threshold", "threshold": 0.5, "audit_rate": AUDIT_RATE}
    document = {
        "tiers": {"high": tier, "mid": tier, "low": tier},
        "required_signals": [f"score:{MARK}"],
        "gold_rate": GOLD_RATE,
        "detectors": {"adversarial": None},
    }
    policy = draft_policy(project=project, document=document, actor="command", note=MARK)
    activate_policy(policy=policy, actor="command", now=now, reason=MARK)
    change_queue_settings(project=project, actor="command", daily_cap=10**6, repeat_rate=REPEAT_RATE)
    texts = [row for row in rows_of(data / "nq301.jsonl") if row["response"].strip()]
    rng.shuffle(texts)
    work, planted = texts[tasks // 3 :], texts[: tasks // 3]
    earlier = now - timedelta(days=8)
    route(project, work[:EARLIER], rng, now=earlier)
    plant(project, planted, rng)
    judge_earlier(reviewer, rng, now=earlier)
    plan_repeats(now=now, rng=rng)
    route(project, (work[EARLIER:] * 3)[: 2 * tasks], rng, now=now)
    return reviewer


def body_of(row: dict[str, Any], rng: random.Random) -> dict[str, Any]:
    """What live work and gold have in common: a prompt, some context, and a response that names its source."""
    sources = [f"Source {number}: {row['prompt']}, {row['response']}. " * rng.randint(1, 9) for number in range(1, 4)]
    passages = [{"id": f"s{number}", "text": text} for number, text in enumerate(sources[: rng.randint(1, 3)], 1)]
    return {"prompt": row["prompt"], "context": passages, "response": f"As {MARK}model I say: {row['response']} [s1]"}


def route(project: Project, rows: list[dict[str, Any]], rng: random.Random, *, now: Any) -> None:
    outputs = []
    for row in rows:
        score = 0.9 if rng.random() < SHIPPED_SHARE else 0.1
        fields = {
            "external_id": f"{MARK}-{rng.getrandbits(64):x}",
            "intent": "question",
            "source": {"model": f"{MARK}model", "version": f"{MARK}version"},
            "signals": [{"kind": "score", "name": MARK, "value": score}],
            "metadata": {MARK: MARK},
        }
        outputs.append(parse_output(fields | body_of(row, rng)))
    for first in range(0, len(outputs), 500):
        route_outputs(project=project, outputs=outputs[first : first + 500], now=now)


def plant(project: Project, rows: list[dict[str, Any]], rng: random.Random) -> None:
    for number, row in enumerate(rows):
        body = body_of(row, rng)
        add_gold_case(
            project=project,
            reference=f"{MARK}-{number}",
            task_kind="pointwise",
            intent="question",
            prompt=body["prompt"],
            context=body["context"],
            body={"response": body["response"]},
            origin=rng.choice(["planted_failure", "human_reference"]),
            acceptable=rng.random() < 0.5,
            explanation=MARK,
            exposures=3,
            mask_names=(f"{MARK}model", f"{MARK}version"),
            actor="command",
            now=timezone.now(),
        )


def judge_earlier(reviewer: Membership, rng: random.Random, *, now: Any) -> None:
    """A shift of last week, whose live ratings can be repeated."""
    for number in range(EARLIER):
        if (assignment := claim_seat(reviewer=reviewer, now=now, rng=rng)) is None:
            return
        answer = Submission(idempotency_key=str(number), values={"acceptable": rng.choice(["yes", "no"])})
        submit_rating(assignment=assignment, submission=answer, now=now)


def shift(reviewer: Membership, address: str, har: Path, tasks: int, rng: random.Random) -> dict[str, dict[str, Any]]:
    """Work through the tasks by keyboard; what the browser holds at each, by token, in order."""
    client = Client()
    client.force_login(reviewer.person)
    held: dict[str, dict[str, Any]] = {}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=find_chromium(playwright), headless=True, args=launch_arguments()
        )
        context = browser.new_context(record_har_path=har, record_har_content="embed")
        context.add_cookies([{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": address}])
        page = context.new_page()
        page.goto(f"{address}/projects/{reviewer.project.slug}/review/")
        page.locator("main form button.primary").first.click()
        page.locator("form.answer").wait_for()
        for _task in range(tasks):
            # As long as a quick person takes, and long enough for the next item to be fetched ahead.
            page.wait_for_timeout(rng.uniform(120, 260))
            seen = page.evaluate(OBSERVE)
            held[seen["token"]] = seen
            answer(page, rng)
            page.wait_for_function(
                "token => document.querySelector('form.answer').dataset.token !== token", arg=seen["token"]
            )
        page.wait_for_timeout(1500)
        context.close()
        browser.close()
    return held


def answer(page: Page, rng: random.Random) -> None:
    page.keyboard.press(rng.choice("12"))
    page.keyboard.press("Control+Enter")


def report(reviewer: Membership, observed: Observed) -> int:
    kinds = dict(Assignment.objects.filter(reviewer=reviewer).values_list("token", "item__kind"))
    counts = {kind: sum(kinds[token] == kind for token in observed.tokens) for kind in ItemKind.values}
    print(f"tasks in Chromium   {len(observed.tokens)}: " + ", ".join(f"{n} {kind}" for kind, n in counts.items() if n))
    print(f"bytes searched      {observed.searched:,} in {observed.requests:,} requests, and the DOM of every task")
    print(f"marker strings      {len(observed.leaks)}")
    for leak in observed.leaks[:10]:
        print(f"  {leak}")
    worst = 0.0
    for name, positive, negative in (
        ("gold against live", {ItemKind.GOLD}, {ItemKind.LIVE}),
        ("planted against live", {ItemKind.GOLD, ItemKind.AUDIT, ItemKind.REPEAT}, {ItemKind.LIVE}),
    ):
        chosen = [token for token in observed.tokens if kinds[token] in positive | negative]
        labels = [kinds[token] in positive for token in chosen]
        result = auc_of([observed.features[token] for token in chosen], labels)
        worst = max(worst, result.upper)
        print(
            f"{name:<23}AUC {result.auc:.3f}, 95 % bounds {result.lower:.3f} to {result.upper:.3f} (n = {len(chosen)})"
        )
        for feature, alone in result.strongest[:5]:
            print(f"  {feature:<34}{alone:.3f} alone")
    return int(bool(observed.leaks) or worst > 0.60)


if __name__ == "__main__":
    sys.exit(main())
