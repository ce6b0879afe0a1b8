"""Judges of ours: what they are, how they are doing, and a trial."""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from labeling.services.rubrics import RubricRefused
from reviewapp.core.access import OWNING_ROLES, READING_ROLES, actor_of, project_for
from reviewapp.core.models import Project, Scope
from reviewapp.core.pagination import PageIn, listed
from reviewapp.core.problems import Problem
from reviewapp.core.serializers import StrictSerializer
from routing.access import judge_of
from routing.judge_figures import judge_figures
from routing.models import Judge
from routing.serializers.judges import JudgeChangeIn, JudgeIn, TryIn, shown_judge
from routing.services.judge_calls import Surroundings
from routing.services.judge_trials import shown_trial, try_judge
from routing.services.judges import JudgeRefused, change_judge, create_judge

PAGE = OpenApiResponse(description="{next, previous, results}")
JUDGE = OpenApiResponse(
    description="What the judge is (`version`, `digest`), its limits, where its key comes from (never the key), its "
    "`state` (circuit, spending, pace, cache hits, failures by kind) and its plain `agreement` with people's verdicts."
)
TRIAL = OpenApiResponse(
    description="{outcome, verdict, reason, status, answer, input_tokens, output_tokens, cost, seconds, again_at}: "
    "what came of the one call; `outcome` is `answered`, or why there is no verdict."
)
REFUSALS: dict[int, OpenApiResponse] = {
    400: OpenApiResponse(description="A problem; `errors` says what does not fit."),
    401: OpenApiResponse(description="No valid key, token or session."),
    403: OpenApiResponse(description="The key lacks the scope."),
    404: OpenApiResponse(description="Nothing of that name in a project of yours."),
}
NO_RUBRIC = OpenApiResponse(description="The project has no rubric for such a thing; `code` is `no_rubric`.")


class JudgesBase(APIView):
    """Finds the project by key or membership, and turns what the services refuse into problems."""

    def handle_exception(self, error: Exception) -> Response:
        if isinstance(error, JudgeRefused):
            fault = {"pointer": f"/{error.field}", "code": "refused", "detail": str(error)}
            error = Problem(400, "The judge does not fit; see errors.", errors=[fault])
        elif isinstance(error, RubricRefused):
            error = Problem(409, str(error), code="no_rubric")
        return super().handle_exception(error)

    def reading(self, request: Request, slug: str | None) -> Project:
        return project_for(request, slug, scope=Scope.READ, roles=READING_ROLES)

    def owning(self, request: Request, slug: str | None) -> Project:
        return project_for(request, slug, scope=Scope.ADMIN, roles=OWNING_ROLES)


def _checked(serializer: type[StrictSerializer], data: Any) -> dict[str, Any]:
    body = serializer(data=data)
    body.is_valid(raise_exception=True)
    return dict(body.validated_data)


def _shown(judge: Judge) -> dict[str, Any]:
    judge = judge_of(judge.project, judge.name)
    return shown_judge(judge, judge_figures(judge.project), timezone.now())


class JudgesView(JudgesBase):
    @extend_schema(parameters=[PageIn], responses={200: PAGE} | REFUSALS)
    def get(self, request: Request, slug: str | None = None) -> Response:
        """The project's judges, newest first."""
        project, now = self.reading(request, slug), timezone.now()
        rows = Judge.objects.filter(project=project).select_related("current", "state").order_by("-pk")
        figures = judge_figures(project)
        return listed(request, rows, lambda judge: shown_judge(judge, figures, now))

    @extend_schema(request=JudgeIn, responses={201: JUDGE} | REFUSALS)
    def post(self, request: Request, slug: str | None = None) -> Response:
        """Make a judge that policies can name. Its key is stored encrypted and never shown again."""
        project = self.owning(request, slug)
        body = _checked(JudgeIn, request.data)
        judge = create_judge(project=project, actor=actor_of(request), now=timezone.now(), **body)
        return Response(_shown(judge), status=201)


class JudgeView(JudgesBase):
    @extend_schema(responses={200: JUDGE} | REFUSALS)
    def get(self, request: Request, name: str, slug: str | None = None) -> Response:
        return Response(_shown(judge_of(self.reading(request, slug), name)))

    @extend_schema(request=JudgeChangeIn, responses={200: JUDGE} | REFUSALS)
    def patch(self, request: Request, name: str, slug: str | None = None) -> Response:
        """Change what is given. Another model, address or wording is another version; another host needs its key."""
        judge = judge_of(self.owning(request, slug), name)
        body = _checked(JudgeChangeIn, request.data)
        return Response(_shown(change_judge(judge=judge, actor=actor_of(request), now=timezone.now(), **body)))


class TryView(JudgesBase):
    @extend_schema(request=TryIn, responses={200: TRIAL, 409: NO_RUBRIC} | REFUSALS)
    def post(self, request: Request, name: str, slug: str | None = None) -> Response:
        """Ask the judge once, by the rubric in force. The verdict counts for nothing; the call costs as any other."""
        judge = judge_of(self.owning(request, slug), name)
        body = _checked(TryIn, request.data)
        parts = dict(zip("ab", body["candidates"], strict=True)) if "candidates" in body else {}
        result = try_judge(
            judge=judge,
            prompt=body["prompt"],
            context=[dict(passage) for passage in body.get("context", [])],
            body=parts or {"response": body["response"]},
            actor=actor_of(request),
            around=Surroundings(clock=timezone.now),
        )
        return Response(shown_trial(result))
