"""The way back: the feed of verdicts, and the webhooks that carry it."""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from reviewapp.core.access import OWNING_ROLES, READING_ROLES, actor_of, project_for
from reviewapp.core.models import Project, Scope
from reviewapp.core.pagination import PageIn, listed, newest_first
from reviewapp.core.parsers import query_of
from reviewapp.core.problems import Problem
from reviewapp.core.serializers import Empty, StrictSerializer
from routing.access import delivery_of, endpoint_of
from routing.models import VerdictEvent, WebhookDelivery, WebhookEndpoint
from routing.serializers.delivery import (
    DeliveriesIn,
    FeedIn,
    WebhookChangeIn,
    WebhookIn,
    shown_delivery,
    shown_endpoint,
)
from routing.services.feed import event_body, publish_verdicts
from routing.services.outbound import outbound
from routing.services.sending import send_ping
from routing.services.webhooks import (
    EndpointRefused,
    create_endpoint,
    redeliver,
    redeliver_dead,
    rotate_secret,
    switch_off,
    switch_on,
)

# Somebody waits for the answer to a ping.
PING_SECONDS = 5.0

FEED = OpenApiResponse(
    description="{next, previous, results, cursor}: verdicts, oldest first. `next` leads on while there are more; "
    "`cursor` is what to read on from later, also when nothing came."
)
ENDPOINT = OpenApiResponse(description="The endpoint and how it fares; never its secret.")
SECRET = OpenApiResponse(description="The endpoint with its `secret`, shown this once.")
PAGE = OpenApiResponse(description="{next, previous, results}")
DELIVERY = OpenApiResponse(description="The delivery, waiting to be sent.")
OUTCOME = OpenApiResponse(description="{delivered, status, error}: what came of the ping.")
FAULT = OpenApiResponse(description="A problem; `errors` says what does not fit.")
SIGNED_OUT = OpenApiResponse(description="No valid key, token or session.")
FORBIDDEN = OpenApiResponse(description="The key lacks the scope.")
MISSING = OpenApiResponse(description="Nothing of that name in a project of yours.")
REFUSALS: dict[int, OpenApiResponse] = {400: FAULT, 401: SIGNED_OUT, 403: FORBIDDEN, 404: MISSING}


class DeliveryView(APIView):
    """Finds the project by key or membership, and turns what the services refuse into problems."""

    def handle_exception(self, error: Exception) -> Response:
        if isinstance(error, EndpointRefused):
            fault = {"pointer": "/url", "code": "refused", "detail": str(error)}
            error = Problem(400, "The endpoint does not fit; see errors.", errors=[fault])
        return super().handle_exception(error)

    def reading(self, request: Request, slug: str | None) -> Project:
        return project_for(request, slug, scope=Scope.READ, roles=READING_ROLES)

    def owning(self, request: Request, slug: str | None) -> Project:
        return project_for(request, slug, scope=Scope.ADMIN, roles=OWNING_ROLES)


def checked(serializer: type[StrictSerializer], data: Any) -> dict[str, Any]:
    """The validated body or query, or a ValidationError."""
    body = serializer(data=data)
    body.is_valid(raise_exception=True)
    return dict(body.validated_data)


class VerdictsView(DeliveryView):
    @extend_schema(parameters=[FeedIn], responses={200: FEED} | REFUSALS)
    def get(self, request: Request, slug: str | None = None) -> Response:
        """Verdicts as they become final, oldest first, each at least once to whoever follows the cursor."""
        project = self.reading(request, slug)
        wanted = checked(FeedIn, query_of(request))
        # What is due now is in the answer, whether or not a background worker has come round.
        publish_verdicts(project=project, now=timezone.now())
        since, limit = int(wanted["since"] or 0), wanted["limit"]
        found = list(VerdictEvent.objects.after(project, since)[: limit + 1])
        page = found[:limit]
        cursor = str(page[-1].position if page else since)
        return Response(
            {
                "next": _feed_link(request, cursor) if len(found) > limit else None,
                "previous": None,
                "results": [event_body(event) for event in page],
                "cursor": cursor,
            }
        )


def _feed_link(request: Request, cursor: str) -> str:
    query = request.query_params.copy()
    query["since"] = cursor
    return request.build_absolute_uri(f"{request.path}?{query.urlencode()}")


class WebhooksView(DeliveryView):
    @extend_schema(parameters=[PageIn], responses={200: PAGE} | REFUSALS)
    def get(self, request: Request, slug: str | None = None) -> Response:
        """The project's endpoints, newest first."""
        project = self.reading(request, slug)
        endpoints = WebhookEndpoint.objects.with_counts().filter(project=project).order_by("-pk")
        return listed(request, endpoints, shown_endpoint)

    @extend_schema(request=WebhookIn, responses={201: SECRET} | REFUSALS)
    def post(self, request: Request, slug: str | None = None) -> Response:
        """Have every verdict posted to an address from now on. The answer shows the signing secret once."""
        project = self.owning(request, slug)
        body = checked(WebhookIn, request.data)
        endpoint, secret = create_endpoint(project=project, actor=actor_of(request), now=timezone.now(), **body)
        return Response(shown_endpoint(endpoint) | {"secret": secret}, status=201)


class WebhookView(DeliveryView):
    @extend_schema(responses={200: ENDPOINT} | REFUSALS)
    def get(self, request: Request, pk: int, slug: str | None = None) -> Response:
        return Response(shown_endpoint(endpoint_of(self.reading(request, slug), pk)))

    @extend_schema(request=WebhookChangeIn, responses={200: ENDPOINT} | REFUSALS)
    def patch(self, request: Request, pk: int, slug: str | None = None) -> Response:
        """Switch the endpoint off, so that its queue rests, or on again."""
        project = self.owning(request, slug)
        endpoint = endpoint_of(project, pk)
        now, actor = timezone.now(), actor_of(request)
        if checked(WebhookChangeIn, request.data)["active"]:
            switch_on(endpoint=endpoint, actor=actor, now=now)
        else:
            switch_off(endpoint=endpoint, actor=actor, reason="Switched off over the API.", now=now)
        return Response(shown_endpoint(endpoint_of(project, pk)))

    @extend_schema(request=None, responses={204: OpenApiResponse(description="It is switched off.")} | REFUSALS)
    def delete(self, request: Request, pk: int, slug: str | None = None) -> Response:
        """Switch it off. What was delivered stays on record, so the row stays too."""
        endpoint = endpoint_of(self.owning(request, slug), pk)
        switch_off(endpoint=endpoint, actor=actor_of(request), reason="Deleted over the API.", now=timezone.now())
        return Response(status=204)


class RotateView(DeliveryView):
    @extend_schema(request=Empty, responses={200: SECRET} | REFUSALS)
    def post(self, request: Request, pk: int, slug: str | None = None) -> Response:
        """A new secret, shown this once. For 24 hours messages carry a signature by the former one as well."""
        endpoint = endpoint_of(self.owning(request, slug), pk)
        checked(Empty, request.data)
        secret = rotate_secret(endpoint=endpoint, actor=actor_of(request), now=timezone.now())
        return Response(shown_endpoint(endpoint) | {"secret": secret})


class PingView(DeliveryView):
    @extend_schema(request=Empty, responses={200: OUTCOME} | REFUSALS)
    def post(self, request: Request, pk: int, slug: str | None = None) -> Response:
        """Post a signed {"type": "ping"} to the endpoint now, once, and say what came of it."""
        endpoint = endpoint_of(self.owning(request, slug), pk)
        checked(Empty, request.data)
        client = outbound(max_body=0, total_seconds=PING_SECONDS)
        outcome = send_ping(endpoint=endpoint, actor=actor_of(request), client=client, now=timezone.now())
        answer = {"delivered": outcome.delivered, "status": outcome.status, "error": outcome.error or None}
        return Response(answer)


class DeliveriesView(DeliveryView):
    @extend_schema(parameters=[DeliveriesIn], responses={200: PAGE} | REFUSALS)
    def get(self, request: Request, pk: int, slug: str | None = None) -> Response:
        """The endpoint's deliveries, newest first; `state=dead` lists what was given up."""
        endpoint = endpoint_of(self.reading(request, slug), pk)
        wanted = checked(DeliveriesIn, query_of(request))
        rows = WebhookDelivery.objects.with_events().filter(endpoint=endpoint).order_by("-pk")
        if state := wanted.get("state"):
            rows = rows.filter(state=state)
        return newest_first(request, rows, shown_delivery, cursor=wanted.get("cursor"), limit=wanted["limit"])


class RedeliverView(DeliveryView):
    @extend_schema(request=Empty, responses={200: DELIVERY} | REFUSALS)
    def post(self, request: Request, pk: int, slug: str | None = None) -> Response:
        """Send it again under the same webhook-id, with another 24 hours to try."""
        project = self.owning(request, slug)
        delivery = delivery_of(project, pk)
        checked(Empty, request.data)
        redeliver(delivery=delivery, actor=actor_of(request), now=timezone.now())
        return Response(shown_delivery(delivery_of(project, pk)))


class RedeliverDeadView(DeliveryView):
    @extend_schema(
        request=Empty, responses={200: OpenApiResponse(description="{redelivered}: how many they are.")} | REFUSALS
    )
    def post(self, request: Request, pk: int, slug: str | None = None) -> Response:
        """Send everything again that was given up."""
        endpoint = endpoint_of(self.owning(request, slug), pk)
        checked(Empty, request.data)
        number = redeliver_dead(endpoint=endpoint, actor=actor_of(request), now=timezone.now())
        return Response({"redelivered": number})
