"""Real claims, with gold among them: exact share, unpredictable places, and cases that look like the live stream.

    python -m benchmarks.planting [--claims 20000] [--people 100] [--rate 0.1]

Uses the database of DATABASE_URL and leaves its own project there. Live work has three intents of unequal shares, each
with lengths of its own; gold has as many cases of each intent, of all lengths alike.
"""

import argparse
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import log

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "reviewapp.settings")
django.setup()

from django.utils import timezone  # noqa: E402
from scipy.stats import chi2_contingency, ks_2samp  # noqa: E402

from benchmarks.draws import fit  # noqa: E402
from labeling.models import Assignment, AssignmentState, ItemKind, Lane, QueueSettings, Seat, SeatState  # noqa: E402
from labeling.services.claiming import claim_seat, drawn_lane  # noqa: E402
from labeling.services.enqueue import NewItem, enqueue_items  # noqa: E402
from labeling.services.gold import add_gold_case  # noqa: E402
from labeling.services.settings import change_queue_settings  # noqa: E402
from labeling.stats.matching import share_mismatch  # noqa: E402
from reviewapp.core.fingerprints import content_fingerprint  # noqa: E402
from reviewapp.core.models import Content, Membership, Project  # noqa: E402
from reviewapp.core.services.people import add_member  # noqa: E402
from routing.services.projects import create_project  # noqa: E402

# Share of the live stream, and median characters.
INTENTS = {"billing": (0.5, 250), "returns": (0.3, 600), "allergies": (0.2, 1200)}
SHORTEST, LONGEST = 100, 3000
BATCH = 500


@dataclass
class Claimed:
    """What a run of claims handed out, in order: `drawn` and `planted` say of each whether it was to be gold, and was;
    the shapes are (intent, length)."""

    drawn: list[bool] = field(default_factory=list)
    planted: list[bool] = field(default_factory=list)
    live: list[tuple[str, int]] = field(default_factory=list)
    gold: list[tuple[str, int]] = field(default_factory=list)
    words: Counter[tuple[int, str]] = field(default_factory=Counter)


def words(length: int, mark: str) -> str:
    return (f"{mark} " + "all the words that there are " * (length // 29 + 1))[:length]


def add_work(project: Project, count: int, rng: random.Random, now: datetime) -> None:
    """Live items as the stream brings them."""
    names = rng.choices(list(INTENTS), [share for share, _median in INTENTS.values()], k=count)
    items = []
    for intent in names:
        length = max(30, round(rng.lognormvariate(log(INTENTS[intent][1]), 0.4)))
        prompt, body = f"{rng.getrandbits(64):016x}", {"response": words(length, "live")}
        mark = content_fingerprint(prompt, [], body)
        items.append(
            (intent, Content(project=project, task_kind="pointwise", prompt=prompt, body=body, fingerprint=mark))
        )
    Content.objects.bulk_create(content for _intent, content in items)
    new = [NewItem(ItemKind.LIVE, intent, content, raters=1, priority=1, due_at=now) for intent, content in items]
    enqueue_items(project=project, items=new, now=now)


def add_gold(project: Project, count: int, exposures: int, rng: random.Random, now: datetime) -> None:
    """Cases of all intents alike, of lengths spread evenly over their logarithm: not the stream's mix."""
    for number in range(count):
        length = round(SHORTEST * (LONGEST / SHORTEST) ** rng.random())
        add_gold_case(
            project=project,
            reference=f"gold-{number}",
            task_kind="pointwise",
            intent=list(INTENTS)[number % len(INTENTS)],
            prompt=f"{rng.getrandbits(64):016x}",
            body={"response": words(length, "gold")},
            origin="human_reference",
            acceptable=True,
            exposures=exposures,
            actor="command",
            now=now,
        )


def take(reviewer: Membership, settings: QueueSettings, seed: int, now: datetime, claimed: Claimed) -> None:
    """One claim with draws of its own, and handed in at once, as if days ago: caps count what was done today."""
    lane = drawn_lane(random.Random(seed).random(), settings)
    assignment = claim_seat(reviewer=reviewer, now=now, rng=random.Random(seed))
    assert assignment is not None, "the queue ran dry"
    Seat.objects.filter(pk=assignment.seat_id).update(state=SeatState.SUBMITTED, lease_expires_at=None)
    done = {"state": AssignmentState.SUBMITTED, "ended_at": now - timedelta(days=3)}
    Assignment.objects.filter(pk=assignment.pk).update(**done)
    item = assignment.item
    gold = item.kind == ItemKind.GOLD
    claimed.drawn.append(lane == Lane.GOLD)
    claimed.planted.append(gold)
    (claimed.gold if gold else claimed.live).append((item.intent, item.length))
    claimed.words[reviewer.pk, item.fingerprint] += 1


def p_intents(claimed: Claimed) -> float:
    """That gold and live work have the same mix of intents (chi-square test of homogeneity)."""
    counts = [Counter(intent for intent, _length in rows) for rows in (claimed.live, claimed.gold)]
    return float(chi2_contingency([[count[name] for name in INTENTS] for count in counts]).pvalue)


def p_lengths(live: Sequence[tuple[str, int]], gold: Sequence[tuple[str, int]]) -> float:
    """That lengths are distributed alike (Kolmogorov and Smirnov)."""
    return float(ks_2samp([length for _intent, length in live], [length for _intent, length in gold]).pvalue)


def report(claimed: Claimed, rate: float, seconds: float) -> None:
    found = fit(claimed.planted, rate)
    apart = share_mismatch(*(Counter(name for name, _length in rows) for rows in (claimed.live, claimed.gold)))
    lengths = ks_2samp([length for _n, length in claimed.live], [length for _n, length in claimed.gold])
    astray = sum(drawn != planted for drawn, planted in zip(claimed.drawn, claimed.planted, strict=True))
    share = f"{found.planted / found.draws:.3%}, 95 % {found.low:.3%}–{found.high:.3%}, asked {rate:.1%}"
    print(f"{found.draws} claims in {seconds:.0f} s ({1000 * seconds / found.draws:.1f} ms each)")
    print(f"gold: {found.planted} = {share}")
    print(f"drawn for gold but not planted, or the other way round: {astray}")
    print(
        f"p share {found.p_share:.3f}, gaps {found.p_gaps:.3f}, runs {found.p_runs:.3f}, lags 1-10 {found.p_lags:.3f}"
    )
    print(f"intents apart {apart:.2%} (p {p_intents(claimed):.3f}); lengths apart {lengths.statistic:.2%}")
    print(f"words twice to one person: {sum(count > 1 for count in claimed.words.values())}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--claims", type=int, default=20_000)
    parser.add_argument("--people", type=int, default=100)
    parser.add_argument("--rate", type=float, default=0.1)
    options = parser.parse_args()
    rng, now, slug = random.Random(417), timezone.now(), f"planting-{int(time.time())}"
    project, _owner = create_project(slug=slug, owner_email=f"o@{slug}.example", actor="command", now=now)
    change_queue_settings(project=project, actor="command", gold_rate=options.rate, daily_cap=1_000_000)
    people = [
        add_member(project=project, email=f"p{number}@{slug}.example", role="reviewer", actor="command")
        for number in range(options.people)
    ]
    # So many that nobody comes to the end of any intent or length: each person meets one in twelve.
    cases = max(60, round(12 * options.claims * options.rate / options.people))
    add_gold(project, cases, min(1000, options.people), rng, now)
    settings, claimed, begin = QueueSettings.objects.get(project=project), Claimed(), time.monotonic()
    for number in range(options.claims):
        if number % BATCH == 0:
            add_work(project, BATCH if number else 2 * BATCH, rng, now)
            print(
                f"\r{number} of {options.claims}, {time.monotonic() - begin:.0f} s", end="", file=sys.stderr, flush=True
            )
        take(rng.choice(people), settings, rng.getrandbits(64), now, claimed)
    print(file=sys.stderr)
    report(claimed, options.rate, time.monotonic() - begin)
    return int(max(claimed.words.values()) > 1 or claimed.drawn != claimed.planted)


if __name__ == "__main__":
    sys.exit(main())
