"""Whom the product's own panel names in a run through the database: the very rows that its page shows."""

from datetime import timedelta

from labeling.models import Rating
from labeling.queries.panel import Window, reviewer_summaries
from labeling.queries.panel.rows import REAL
from labeling.stats.naming import Finding
from reviewapp.simulation.cast import Cast
from reviewapp.simulation.instrument import FIRST_REVIEWS, Naming, Told, naming_of

INSTANT = timedelta(microseconds=1)


def told_by_panel(cast: Cast) -> Told:
    """What *Reviewers* shows of this project after all its ratings, and at the 1,500th of live work."""
    moments = Rating.objects.counted().filter(item__project=cast.project)
    ordered = moments.order_by("submitted_at").values_list("submitted_at", flat=True)
    first, last = ordered.first(), ordered.last()
    if first is None or last is None:
        nobody = Naming((), {})
        return Told(nobody, nobody)
    live = ordered.filter(item__kind__in=REAL)
    enough = list(live[FIRST_REVIEWS - 1 : FIRST_REVIEWS]) or [last]
    return Told(
        all=_named(cast, Window(first, last + INSTANT)),
        early=_named(cast, Window(first, enough[0] + INSTANT)),
    )


def _named(cast: Cast, window: Window) -> Naming:
    names: dict[str | None, str] = {member.rater_code: name for name, member in cast.members.items()}
    found = [
        Finding(
            reviewer=names[row.rater],
            kind=entry.kind,  # type: ignore[arg-type]
            peer=names.get(entry.peer),
            evidence=entry.evidence,
            needed=entry.needed,
            named=entry.named,
            n=entry.n,
            events=entry.events,
            reason=entry.reason,  # type: ignore[arg-type]
        )
        for row in reviewer_summaries(cast.project, window)
        for entry in row.named
    ]
    return naming_of(sorted(found, key=lambda finding: (str(finding.reviewer), finding.kind)))
