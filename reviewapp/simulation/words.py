"""Figures as words, the same in the terminal and on the page."""

from collections.abc import Sequence
from dataclasses import dataclass

from labeling.stats.reviewers import Rate
from reviewapp.simulation.estimates import Estimate
from reviewapp.simulation.figures import Figures, Run
from reviewapp.simulation.instrument import Named
from reviewapp.simulation.plan import Plan
from reviewapp.simulation.reviewers import PERFECT

Row = tuple[str, ...]

CLAIM = (
    "Intervals are at 95 % and speak about errors that left unreviewed: what nobody looked at. Errors that left "
    "because a reviewer missed them are in the truth of all that left, and in no interval."
)
OBSERVED = (
    '"Observed" is what the product certifies today. It takes reviewers at their word, and is biased once they miss '
    "errors or raise false alarms."
)
CORRECTED = (
    '"Corrected" allows for both by what gold cases show of the same people (Rogan and Gladen): the product\'s own '
    "function, which no certificate uses yet."
)


@dataclass(frozen=True, slots=True)
class Table:
    """A titled table with its notes; every row is as long as `head`."""

    title: str
    head: Row
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()


def undefined(reason: str, n: int | None = None) -> str:
    """`reason` may hold its count already."""
    return f"undefined: {reason}" + ("" if n is None or "(n=" in reason else f" (n={n})")


def percent(value: float | None, places: int = 1) -> str:
    return "undefined" if value is None else f"{100 * value:.{places}f} %"


def estimate(value: Estimate) -> str:
    if value.rate is None or value.low is None or value.high is None:
        return undefined(value.reason)
    return f"{100 * value.rate:.1f} [{100 * value.low:.1f}, {100 * value.high:.1f}] %"


def holds(value: Estimate) -> str:
    return {True: "yes", False: "no", None: "–"}[value.holds_truth]


def rate(value: Rate) -> str:
    if value.rate is None or value.interval is None:
        return undefined("none met", value.trials)
    return (
        f"{100 * value.rate:.0f} [{100 * value.interval.low:.0f}, {100 * value.interval.high:.0f}] % of {value.trials}"
    )


def number(value: float | None, places: int, reason: str) -> str:
    return undefined(reason) if value is None else f"{value:,.{places}f}"


def headline(run: Run, figures: Figures) -> list[str]:
    """What a run is and what came out, in a few sentences."""
    plan, work, overall = run.plan, figures.efficiency, figures.undetected[0]
    lines = [
        f"{run.pool.name}, seed {plan.seed}: {plan.outputs:,} outputs after {plan.warmup:,} of warm-up, "
        f"{plan.mode} reviewers{_switches(plan)}.",
        f"Reviewed: {percent(work.reviewed_share)} of outputs (asked for {percent(plan.review_share)}, "
        f"audit of {percent(plan.audit_rate)} of what ships included), {work.reviews:,} reviews.",
        f"Undetected error: {percent(overall.left_unreviewed / overall.outputs, 2)} of outputs left wrong and "
        f"unreviewed, {percent(overall.left / overall.outputs, 2)} left wrong in all. The product's estimate from its "
        f"audit: {estimate(overall.observed)}, holds the truth: {holds(overall.observed)}. Corrected by gold cases: "
        f"{estimate(overall.corrected)}, holds the truth: {holds(overall.corrected)}. "
        f"With {plan.mode} reviewers the one to go by is the {figures.headline} one.",
        f"Errors caught per review hour: {number(work.ratio_to_random, 2, 'nothing to catch (n=0)')} × a random "
        "sample of the same size.",
    ]
    return lines


def _switches(plan: Plan) -> str:
    said = [f"shift of {', '.join(plan.shifts)} at 60 %"] if plan.shifts else []
    said += ["one asleep"] if plan.sleeper else []
    said += ["one copying"] if plan.copier else []
    return "".join(f", {part}" for part in said)


def tables(run: Run, figures: Figures) -> list[Table]:
    return [
        undetected_table(figures),
        cost_table(figures),
        efficiency_table(figures),
        calibration_table(figures),
        reviewers_table(run, figures),
        named_table(figures),
        shift_table(figures),
    ]


def undetected_table(figures: Figures) -> Table:
    rows = [
        (
            row.name,
            f"{row.outputs:,}",
            f"{row.audited:,}",
            percent(row.left / row.outputs, 2),
            percent(row.left_unreviewed / row.outputs, 2),
            estimate(row.observed),
            holds(row.observed),
            estimate(row.corrected),
            holds(row.corrected),
        )
        for row in figures.undetected
    ]
    head = ("slice", "outputs", "audited", "truth: left", "left unreviewed", "observed", "holds", "corrected", "holds")
    return Table("Undetected errors, of all outputs", head, tuple(rows), (CLAIM, OBSERVED, CORRECTED))


def cost_table(figures: Figures) -> Table:
    cost = figures.cost
    head = ("truth: left", "left unreviewed", "observed", "holds", "corrected", "holds")
    truth = (f"{cost.left:.3f}", f"{cost.left_unreviewed:.3f}")
    said = (_cost(cost.observed), holds(cost.observed), _cost(cost.corrected), holds(cost.corrected))
    return Table("Cost of undetected errors per output (high 25, mid 5, low 1)", head, ((*truth, *said),))


def _cost(value: Estimate) -> str:
    if value.rate is None or value.low is None or value.high is None:
        return undefined(value.reason)
    return f"{value.rate:.3f} [{value.low:.3f}, {value.high:.3f}]"


def efficiency_table(figures: Figures) -> Table:
    work = figures.efficiency

    def row(name: str, caught: str, hourly: float | None, left: float | None, ratio: float | None) -> Row:
        per_hour, times = number(hourly, 2, "no reviews (n=0)"), number(ratio, 2, "nothing to catch (n=0)")
        return (name, caught, per_hour, percent(left, 2), times)

    baseline = work.random_caught or None
    best = work.oracle_caught / baseline if baseline else None
    rows = (
        row("product", f"{work.caught:,}", work.caught_per_hour, work.undetected, work.ratio_to_random),
        row("random", f"{work.random_caught:,.1f}", work.random_per_hour, work.random_undetected, baseline and 1.0),
        row("oracle", f"{work.oracle_caught:,.1f}", work.oracle_per_hour, work.oracle_undetected, best),
    )
    alarms = percent(work.false_alarm_rate)
    if work.false_alarm_rate is None:
        alarms = undefined("no reviews", 0)
    notes = (
        f"{work.reviews:,} reviews of {work.reviewed_outputs:,} outputs took {work.hours:.1f} hours; "
        f"{work.gold_reviews:,} gold cases took {work.gold_hours:.1f} more.",
        f"False alarms: {work.false_alarms:,}, {alarms} of reviewed outputs.",
        "Random and oracle: as many reviews by the same people, on average.",
    )
    head = ("reviews spent by", "errors caught", "per hour", "outputs left with an error", "× random")
    return Table("Errors caught per review hour", head, rows, notes)


def calibration_table(figures: Figures) -> Table:
    bins = sorted(figures.calibration.equal_mass.bins, key=lambda part: -part.mean_predicted)
    rows = [
        (
            percent(1.0 - part.mean_predicted),
            percent(1.0 - part.observed),
            f"[{100 * (1 - part.interval.high):.1f}, {100 * (1 - part.interval.low):.1f}] %",
            f"{part.n:,}",
        )
        for part in bins
    ]
    truth, seen = figures.calibration, figures.calibration_seen
    notes = (
        f"Brier score on the truth: {number(truth.brier, 4, f'no confidences (n={truth.n})')}; as people's verdicts "
        f"show it, weighted by 1/π: {number(seen.brier, 4, f'no verdicts (n={seen.n})')}.",
    )
    return Table("Error rate by predicted risk", ("predicted", "truth", "95 % interval", "outputs"), tuple(rows), notes)


def reviewers_table(run: Run, figures: Figures) -> Table:
    rows = [
        (
            row.name,
            f"{row.ratings:,}",
            rate(row.gold_sensitivity),
            rate(row.gold_specificity),
            percent(1.0 if run.plan.mode == PERFECT and row.true_catch_rate else row.true_catch_rate, 0),
            rate(row.caught),
            "undefined: no ratings (n=0)" if row.median_seconds is None else f"{row.median_seconds:.0f} s",
            _names(row.named) + ("" if row.named == row.named_early else f" (by 1,500: {_names(row.named_early)})"),
        )
        for row in figures.reviewers
    ]
    head = ("reviewer", "ratings", "gold caught", "gold passed", "true catch", "met and caught", "median", "named")
    notes = (
        "Ranked by gold failures caught, Wilson intervals. Where outputs carry real ratings these are handed in, "
        "so that what a person met and caught lies between their own rate and that of the real raters.",
        "Named by the product itself: of a team without fault anybody at all is named in at most 5 % of runs. "
        "Telling the weak takes some sixty planted failures each: about 0.4 of claims being gold until 1,500 reviews.",
        *(f"Rule {rule}: {undefined(reason)}" for rule, reason in figures.told.all.reasons.items()),
    )
    return Table("Reviewers", head, tuple(rows), notes)


def named_table(figures: Figures) -> Table:
    """Everybody who is named, after the first 1,500 live reviews and by all of them, with the evidence."""
    told = (("1,500 reviews", figures.told.early), ("all reviews", figures.told.all))
    rows = tuple(
        (entry.reviewer, entry.rule, after, _seen(entry), _odds(entry.evidence), _odds(entry.needed))
        for after, naming in told
        for entry in naming.named
    )
    nobody = (("nobody", "–", "all reviews", "–", "–", "–"),)
    head = ("reviewer", "named for", "after", "what tells", "evidence to 1", "named from")
    return Table("Who is named, and by what evidence", head, rows or nobody)


def _seen(entry: Named) -> str:
    if entry.rule == "weak":
        return f"missed {entry.events} of {entry.n} planted failures"
    if entry.rule == "asleep":
        return f"accepted {entry.events} of {entry.n}, in a fraction of the time"
    return f"same answer on {entry.events} of {entry.n} telling items"


def _odds(value: float) -> str:
    return "over a million" if value >= 1e6 else f"{value:,.0f}"


def _names(rules: Sequence[str]) -> str:
    return ", ".join(rules) or "–"


def shift_table(figures: Figures) -> Table:
    shift = figures.shift
    at = "none" if shift.shift_at is None else f"output {shift.shift_at:,}"
    raised = "–" if shift.raised_at is None else f"output {shift.raised_at:,} ({shift.raised_by})"
    delay = "–" if shift.delay is None else f"{shift.delay:,} outputs"
    row = (at, raised, delay, f"{shift.false_alarms}")
    notes = (undefined(shift.reason),) if shift.reason else (f"{shift.looks} looks at the last 500 outputs.",)
    return Table("Moment of a shift", ("shift", "raised at", "delay", "raises before any shift"), (row,), notes)
