"""Gold answers: what people said of cases whose answer is known."""

from django.http import HttpRequest, HttpResponse

from labeling.queries.onboarding import planted_results, standing_results
from reviewapp.core.models import Membership
from routing.forms import GoldAnswerFilters
from routing.views.contexts.measuring import gold_answer
from routing.views.doors import reads, show, status_of
from routing.views.paging import page_of


@reads
def gold_answers(request: HttpRequest, member: Membership) -> HttpResponse:
    """Of one case or one round all answers; else those to planted cases, which is what figures rest on."""
    form = GoldAnswerFilters(request.GET)
    wanted = form.cleaned_data if form.is_valid() else {}
    conditions = {
        "reviewer__rater_code": wanted.get("rater"),
        "gold_case_id": wanted.get("case"),
        "rating__assignment__round_id": wanted.get("round"),
    }
    every = standing_results().filter(gold_case__project=member.project)
    results = every if wanted.get("case") or wanted.get("round") else planted_results(member.project)
    results = results.filter(**{name: value for name, value in conditions.items() if value})
    results = results.select_related("gold_case", "rating__assignment", "reviewer")
    page = page_of(request, results.order_by("-pk"), gold_answer)
    return show(
        request,
        member,
        "gold_answers",
        "console-gold-cases",
        status=status_of(form),
        page=page,
        filtered=any(wanted.values()),
    )
