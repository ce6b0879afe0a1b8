"""The human ceiling per intent: how far people agree with each other, and automatic verdicts with people."""

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from labeling.api.schemas import ROWS
from reviewapp.core.openapi import answer
from reviewapp.core.parsers import query_of
from reviewapp.core.serializers import StrictSerializer
from routing.api.steering import SteeringView, checked
from routing.queries.ceiling import ceiling_rows

CEILING = answer(ROWS, "One row for all intents together, and one per intent.")


class CeilingIn(StrictSerializer):
    intent = serializers.CharField(required=False, default="")
    since = serializers.DateTimeField(required=False)
    until = serializers.DateTimeField(required=False)


class CeilingView(SteeringView):
    @extend_schema(parameters=[CeilingIn], responses={200: CEILING})
    def get(self, request: Request, slug: str | None = None) -> Response:
        project = self.reading(request, slug)
        rows = ceiling_rows(project, **checked(CeilingIn, query_of(request)))
        return Response({"results": [row.as_json() for row in rows]})
