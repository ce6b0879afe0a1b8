"""The ledger of how verdicts came about: by the method that the policy chose, from the ratings that they name."""

from django.db import connection
from django.db.models import F, IntegerField, Q, TextField, Value
from django.db.models.expressions import RawSQL
from django.db.models.fields.json import KT
from django.db.models.functions import Coalesce

from labeling.models import Aggregation, ReachedBy, Verdict
from reviewapp.core.models import Project
from routing.ledger.checks import Check, Rows, rows_of


def verdicts_by_another_method(project: Project | None) -> Rows:
    """Every verdict came about as its item's policy says, or its basis says why by majority or adjudication."""
    # Empty rather than null, which would be neither equal nor different.
    said = {
        name: Coalesce(KT(f"basis__{path}"), Value(""), output_field=TextField())
        for name, path in (("method", "method"), ("chosen", "chosen"), ("fallback", "fallback__reason"))
    }
    adjudicated = Q(method="adjudication", reached_by=ReachedBy.ADJUDICATION)
    as_chosen = Q(method=F("item__aggregation")) & ~Q(reached_by=ReachedBy.ADJUDICATION)
    instead = Q(method=Aggregation.MAJORITY, item__aggregation=Aggregation.DAWID_SKENE) & ~Q(fallback="")
    right = Q(chosen=F("item__aggregation")) & (adjudicated | as_chosen | instead)
    wrong = Verdict.objects.annotate(**said).exclude(right)
    return rows_of(project, wrong, "item__project").values("id", "item_id", "method", "item__aggregation")


def verdicts_without_their_votes(project: Project | None) -> Rows:
    """Every rating that a verdict rests on is a vote in its basis, and says there what it says."""
    votes = (
        "jsonb_array_elements(labeling_verdict.basis -> 'votes') AS vote(said)"
        if connection.vendor == "postgresql"
        else "(SELECT value AS said FROM json_each(labeling_verdict.basis, '$.votes')) AS vote"
    )
    found = (
        f"(SELECT COUNT(*) FROM {votes} JOIN labeling_rating AS rating"
        " ON rating.id = CAST(vote.said ->> 'rating' AS bigint) AND rating.item_id = labeling_verdict.item_id"
        " AND rating.verdict = vote.said ->> 'verdict' AND rating.preferred = vote.said ->> 'preferred')"
    )
    verdicts = Verdict.objects.annotate(votes_found=RawSQL(found, [], output_field=IntegerField()))
    wrong = verdicts.exclude(votes_found=F("raters"))
    return rows_of(project, wrong, "item__project").values("id", "item_id", "raters", "votes_found")


CHECKS_OF_VERDICTS: tuple[Check, ...] = (
    Check(1, verdicts_by_another_method),
    Check(1, verdicts_without_their_votes),
)
