"""Why an output was decided as it was."""

import uuid

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from reviewapp.core.access import READING_ROLES, project_for
from reviewapp.core.models import Scope
from routing.access import explained_output_of
from routing.services.explaining import explain

EXPLANATION = OpenApiResponse(
    description="`status` decided or pending, a `summary` in words, and for programs: signals, required signals, "
    "confidence, stakes, flags, checks, the tier's rule, audit and overlap draws, how the ratings become the verdict, "
    "review and verdict, the exact policy and calibrator, and a `recomputation` from the stored rows."
)


class ExplainView(APIView):
    @extend_schema(
        responses={
            200: EXPLANATION,
            401: OpenApiResponse(description="No valid key, token or session."),
            403: OpenApiResponse(description="The key lacks the scope."),
            404: OpenApiResponse(description="No such output in a project of yours."),
        }
    )
    def get(self, request: Request, output_id: uuid.UUID, slug: str | None = None) -> Response:
        """Everything that a decision rests on, and the same decision computed again."""
        project = project_for(request, slug, scope=Scope.READ, roles=READING_ROLES)
        return Response(explain(explained_output_of(project, output_id)))
