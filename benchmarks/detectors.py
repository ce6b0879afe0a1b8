"""How well the two detectors of hostile input do on real strings, at a false-alarm rate of real traffic.

    python -m benchmarks.detectors --data FOLDER [--rate 0.02] [--failures]

Thresholds are fitted on one half of the ordinary outputs (by prompt) and everything is measured on the other,
then the other way round; the two are pooled. Each hostile string is tried alone as a prompt, and at the
start, middle and end of ordinary prompts and contexts of the measured half. A share of pasted strings is a
mean over strings, and its interval counts strings, not pastings: those of one string are not independent.
"""

import argparse
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.detector_cases import HARD_CLASSES, Case, Ordinary, hostile, number_of, ordinary, responses
from labeling.stats.intervals import wilson
from routing.policy.adversarial import Screen, signs, signs_of_output
from routing.policy.cut import cut_for
from routing.policy.novelty import Reference, input_text

PLACES = ("alone", "in a prompt", "in a context")
POSITIONS = ("start", "middle", "end")
# Together they share the rate. Novelty sees little of what is pasted, so it gets the smaller part.
ADVERSARIAL_SHARE = 0.85
DETECTORS = ("adversarial", "novel", "either")
_BOUNDARY = re.compile(r"[.!?][\"”’)]?\s|\n")


@dataclass(frozen=True, slots=True)
class Fitted:
    """Both detectors at the whole rate, and at their shares of it for use together."""

    screen: Screen
    shared_screen: Screen
    reference: Reference
    cut: float
    shared_cut: float

    def flags(self, items: Sequence[tuple[str, str]]) -> np.ndarray:
        """Which of the (prompt, context) are flagged by each of `DETECTORS`, shape (len(items), 3)."""
        found = [signs_of_output(prompt=prompt, passages=[context] if context else []) for prompt, context in items]
        distances = self.reference.distances([text_of(prompt, context) for prompt, context in items])
        return np.array(
            [
                (
                    self.screen.flags(seen),
                    distance > self.cut,
                    self.shared_screen.flags(seen) or distance > self.shared_cut,
                )
                for seen, distance in zip(found, distances, strict=True)
            ],
            dtype=bool,
        ).reshape(-1, len(DETECTORS))


def text_of(prompt: str, context: str) -> str:
    return input_text(prompt, [context] if context else [])


def fit(outputs: Sequence[Ordinary], rate: float) -> Fitted:
    seen = [signs_of_output(prompt=one.prompt, passages=[one.context] if one.context else []) for one in outputs]
    reference = Reference.from_texts(text_of(one.prompt, one.context) for one in outputs)
    own = reference.own_distances().tolist()
    cuts = [cut_for(own, share).threshold for share in (rate, rate * (1 - ADVERSARIAL_SHARE))]
    if None in cuts:
        raise SystemExit("too little ordinary traffic for this rate")
    return Fitted(Screen.fit(seen, rate), Screen.fit(seen, rate * ADVERSARIAL_SHARE), reference, cuts[0], cuts[1])  # type: ignore[arg-type]


def pasted(host: str, text: str, position: str) -> str:
    if position == "start":
        return f"{text}\n{host}"
    if position == "end":
        return f"{host}\n{text}"
    boundaries = [hit.end() for hit in _BOUNDARY.finditer(host)]
    at = boundaries[len(boundaries) // 2] if boundaries else host.find(" ", len(host) // 2) + 1 or len(host)
    return f"{host[:at]}{text} {host[at:]}"


def placed(case: Case, place: str, hosts: Sequence[Ordinary]) -> list[tuple[str, str]]:
    """The (prompt, context) with `case` in that place: one, or one for each position."""
    if place == "alone":
        return [(case.text, "")]
    found = []
    for position in POSITIONS:
        host = hosts[number_of(f"{case.id} {place} {position}") % len(hosts)]
        if place == "in a prompt":
            found.append((pasted(host.prompt, case.text, position), host.context))
        else:
            found.append((host.prompt, pasted(host.context, case.text, position)))
    return found


def measure(
    cases: Sequence[Case], outputs: Sequence[Ordinary], rate: float
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray], list[Fitted]]:
    """Per place, the share of tries flagged, shape (cases, 3); per file, what happens to ordinary outputs, shape
    (outputs, 3); and the detectors fitted to either half."""
    shares = {place: np.zeros((len(cases), len(DETECTORS))) for place in PLACES}
    alarms: dict[str, list[np.ndarray]] = defaultdict(list)
    fits = [fit([one for one in outputs if one.half == half], rate) for half in (0, 1)]
    for half, detectors in enumerate(fits):
        rest = [one for one in outputs if one.half != half]
        for one, flagged in zip(rest, detectors.flags([(one.prompt, one.context) for one in rest]), strict=True):
            alarms[one.file].append(flagged)
            alarms["with a context" if one.context else "prompt only"].append(flagged)
            alarms["all"].append(flagged)
        with_context = [one for one in rest if one.context]
        for place in PLACES:
            hosts = with_context if place == "in a context" else rest
            tries = [placed(case, place, hosts) for case in cases]
            flat = detectors.flags([item for items in tries for item in items])
            shares[place] += flat.reshape(len(cases), -1, len(DETECTORS)).mean(axis=1) / len(fits)
    return shares, {name: np.array(rows) for name, rows in alarms.items()}, fits


def response_alarms(found: dict[str, list[str]], fits: Sequence[Fitted]) -> dict[str, tuple[int, int]]:
    """Per file, how many of the ordinary responses flag by themselves, under the first half's threshold."""
    return {
        file: (sum(fits[0].screen.flags(signs(text, "response")) for text in texts), len(texts))
        for file, texts in found.items()
    }


def auroc(outside: Sequence[float], inside: Sequence[float]) -> float:
    """P(a distance from outside exceeds one from inside), ties counted half (Mann and Whitney 1947)."""
    own = np.sort(np.asarray(inside))
    below = np.searchsorted(own, outside, side="left") + np.searchsorted(own, outside, side="right")
    return float(below.mean() / 2 / len(own))


def domains(
    outputs: Sequence[Ordinary], domain_of: Callable[[Ordinary], str], text: Callable[[Ordinary], str]
) -> Iterable[str]:
    """A line for each domain: its texts against all others, the domain's own held-out half being the inside."""
    by_domain: dict[str, list[Ordinary]] = defaultdict(list)
    for one in outputs:
        by_domain[domain_of(one)].append(one)
    for name, members in sorted(by_domain.items()):
        known = {text(one) for one in members if one.half == 0}
        inside = sorted({text(one) for one in members if one.half == 1} - known)
        if len(known) < 40 or len(inside) < 40:
            continue
        reference = Reference.from_texts(known)
        outside = sorted({text(one) for other, rest in by_domain.items() if other != name for one in rest})
        far = reference.distances(outside)
        cut = reference.cut(0.05).threshold
        area = auroc(far.tolist(), reference.distances(inside).tolist())
        beyond = "" if cut is None else f"{(far > cut).mean():6.0%} beyond the 95th percentile"
        yield (
            f"  {name:32} {len(known):5} known {len(inside):5} inside {len(outside):5} outside"
            f"  AUROC {area:.2f} {beyond}"
        )


def percent(rows: np.ndarray, column: int) -> str:
    """Mean share with a Wilson interval over rows."""
    share = float(rows[:, column].mean())
    interval = wilson(round(share * len(rows)), len(rows))
    return "" if interval is None else f"{share:6.1%} [{interval.low:4.0%},{interval.high:4.0%}]"


def table(title: str, groups: Iterable[tuple[str, list[int]]], shares: dict[str, np.ndarray], column: int) -> None:
    print(f"\n{title}\n  {'class':42} {'n':>4}  " + "  ".join(f"{place:>19}" for place in PLACES))
    for name, members in groups:
        if members:
            cells = "  ".join(f"{percent(shares[place][members], column):>19}" for place in PLACES)
            print(f"  {name:42} {len(members):4}  {cells}")


def grouped(cases: Sequence[Case]) -> list[tuple[str, list[int]]]:
    names = [*HARD_CLASSES, *sorted({name for case in cases for name in case.classes} - set(HARD_CLASSES))]
    groups = [(name, [number for number, case in enumerate(cases) if name in case.classes]) for name in names]
    hard = [number for number, case in enumerate(cases) if set(case.classes) & set(HARD_CLASSES)]
    injected = [name for name in names if name.startswith("injected")]
    halves = [
        (
            f"  {'held out' if held else 'seen'}: {name.removeprefix('injected: ')}",
            [number for number, case in enumerate(cases) if name in case.classes and case.held_out == held],
        )
        for name in injected
        for held in (False, True)
    ]
    return [("any of the next four", hard), *groups, *halves]


def failures(cases: Sequence[Case], shares: dict[str, np.ndarray]) -> None:
    for column, detector in enumerate(DETECTORS):
        for place in PLACES:
            missed = [(case, share) for case, share in zip(cases, shares[place][:, column], strict=True) if share < 1.0]
            print(f"\nMissed at least once, {detector}, {place}: {len(missed)}")
            for case, share in missed:
                print(f"  {share:4.0%} {case.id} {case.classes[-1]}: {case.text[:90]!a}")


def report_domains(outputs: Sequence[Ordinary]) -> None:
    print(
        "\nNovelty: texts of a domain against all others (a file is a domain, the two files of open questions are one)"
    )
    merged = {"evouna_nq": "questions", "nq301": "questions"}
    for how, text in (
        ("prompt", lambda one: one.prompt),
        ("prompt and context", lambda one: text_of(one.prompt, one.context)),
    ):
        print(f" by {how}")
        print("\n".join(domains(outputs, lambda one: merged.get(one.file, one.file), text)))
    print(" intents of evouna_nq")
    print(
        "\n".join(
            domains([one for one in outputs if one.file == "evouna_nq"], lambda one: one.intent, lambda one: one.prompt)
        )
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="Detection and false alarms of the detectors on real strings.")
    parser.add_argument("--data", type=Path, required=True, help="folder of the real outputs and hostile.jsonl")
    parser.add_argument("--rate", type=float, default=0.02, help="false-alarm rate to fit to")
    parser.add_argument("--failures", action="store_true", help="list every string that was missed")
    chosen = parser.parse_args()
    cases, outputs = hostile(chosen.data), ordinary(chosen.data)
    shares, alarms, fits = measure(cases, outputs, chosen.rate)
    print(f"Fitted to a false-alarm rate of {chosen.rate:.1%}; thresholds of the two halves:")
    print("  adversarial " + ", ".join(f"{one.screen.threshold:.2f}" for one in fits), end="; ")
    print("novel " + ", ".join(f"{one.cut:.3f}" for one in fits))
    print(
        f"\nFalse alarms on the other half\n  {'ordinary outputs':42} {'n':>4}  "
        + "  ".join(f"{name:>19}" for name in DETECTORS)
    )
    for name, rows in sorted(alarms.items()):
        print(
            f"  {name:42} {len(rows):4}  "
            + "  ".join(f"{percent(rows, column):>19}" for column in range(len(DETECTORS)))
        )
    print("\nOrdinary responses flagged by themselves, at the same threshold")
    for file, (flagged, count) in response_alarms(responses(chosen.data), fits).items():
        print(f"  {file:42} {flagged:4} of {count}")
    for column, detector in enumerate(DETECTORS):
        table(f"Detected: {detector}", grouped(cases), shares, column)
    report_domains(outputs)
    if chosen.failures:
        failures(cases, shares)


if __name__ == "__main__":
    main()
