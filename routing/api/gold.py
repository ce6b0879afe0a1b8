"""Gold cases: what is left of them, retiring one, and making one of what was adjudicated."""

from typing import Any

from django.http import Http404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from labeling.models import GoldCase, Preference, ReviewItem, VerdictValue
from labeling.queries.gold import adjudicated_not_gold, mix
from labeling.services.gold import DEFAULT_EXPOSURES, GoldRefused, retire_gold_case
from labeling.services.limits import queue_settings
from labeling.services.promoting import promote_to_gold
from reviewapp.core.access import actor_of
from reviewapp.core.openapi import answer, page_of
from reviewapp.core.pagination import PageIn, listed
from reviewapp.core.serializers import StrictSerializer
from routing.api.golden import GoldenView, shown_gold_case
from routing.api.schemas import GOLD_CASE, MOMENT, SHARE, TEXT, closed, nullable
from routing.api.steering import checked

COUNT = {"type": "integer", "minimum": 0}
LENGTH = nullable({"type": "number", "minimum": 0, "description": "Median, in characters."})
SUPPLY = closed(
    {
        "since": MOMENT,
        "gold_rate": SHARE,
        "claims": COUNT,
        "planted": COUNT | {"description": "So many of the claims showed a gold case."},
        "intents_apart": nullable(SHARE | {"description": "Total variation distance of gold and live work."}),
        "lengths_apart": nullable(SHARE | {"description": "Largest distance of the two distribution functions."}),
        "without_gold": {"type": "array", "items": TEXT, "description": "Live intents without a case to plant."},
        "intents": {
            "type": "array",
            "items": closed(
                {
                    "intent": TEXT,
                    "cases": COUNT,
                    "exposures": COUNT,
                    "live": COUNT,
                    "gold": COUNT,
                    "live_length": LENGTH,
                    "gold_length": LENGTH,
                }
            ),
        },
    }
)
ADJUDICATED = closed(
    {
        "item": {"type": "string", "format": "uuid"},
        "intent": TEXT,
        "verdict": {"enum": VerdictValue.values},
        "preferred": nullable({"enum": Preference.values}),
        "decided_at": MOMENT,
    }
)


class PromotionIn(StrictSerializer):
    item = serializers.UUIDField()
    reference = serializers.CharField(max_length=200)
    exposures = serializers.IntegerField(required=False, min_value=1, max_value=1000, default=DEFAULT_EXPOSURES)


class RetirementIn(StrictSerializer):
    reason = serializers.CharField(max_length=1000)


class GoldSupplyView(GoldenView):
    @extend_schema(responses={200: answer(SUPPLY, "The last thirty days.")})
    def get(self, request: Request, slug: str | None = None) -> Response:
        """What is left of gold by intent, and how far what was planted lately is from the live work of that time."""
        project, now = self.reading(request, slug), timezone.now()
        found = mix(project, now).as_json()
        return Response(
            {
                "since": found["since"],
                "gold_rate": queue_settings(project.pk).gold_rate,
                "claims": found["claims"],
                "planted": found["planted"],
                "intents_apart": found["intents"],
                "lengths_apart": found["lengths"],
                "without_gold": found["without"],
                "intents": found["rows"],
            }
        )


class PromotionsView(GoldenView):
    @extend_schema(parameters=[PageIn], responses={200: page_of(ADJUDICATED)})
    def get(self, request: Request, slug: str | None = None) -> Response:
        """Items that an adjudicator decided for good and that are no gold case yet, newest first."""
        return listed(request, adjudicated_not_gold(self.reading(request, slug)), shown_adjudicated)

    @extend_schema(request=PromotionIn, responses={201: answer(GOLD_CASE, "The planted case.")})
    def post(self, request: Request, slug: str | None = None) -> Response:
        """Make a gold case of an adjudicated item; whoever met its words as live work never meets the case."""
        project = self.owning(request, slug)
        body = checked(PromotionIn, request.data)
        item = ReviewItem.objects.filter(project=project, public_id=body.pop("item")).first()
        if item is None:
            raise GoldRefused("/item", "There is no such item in this project.")
        case = promote_to_gold(item=item, actor=actor_of(request), now=timezone.now(), **body)
        return Response(shown_gold_case(case), status=201)


class RetireView(GoldenView):
    @extend_schema(request=RetirementIn, responses={200: answer(GOLD_CASE, "The case, shown to nobody any more.")})
    def post(self, request: Request, pk: int, slug: str | None = None) -> Response:
        """Show the case to nobody any more. Repeating it changes nothing."""
        project = self.owning(request, slug)
        case = (
            GoldCase.objects.select_related("item", "project", "promoted_from").filter(project=project, pk=pk).first()
        )
        if case is None:
            raise Http404("no such gold case")
        reason = checked(RetirementIn, request.data)["reason"]
        retire_gold_case(case=case, actor=actor_of(request), now=timezone.now(), reason=reason)
        case.refresh_from_db()
        return Response(shown_gold_case(case))


def shown_adjudicated(item: Any) -> dict[str, Any]:
    return {
        "item": str(item.public_id),
        "intent": item.intent,
        "verdict": item.verdict.value,
        "preferred": item.verdict.preferred or None,
        "decided_at": item.verdict.decided_at,
    }
