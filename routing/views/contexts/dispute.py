"""One dispute with everything about it, under pseudonyms."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from labeling.masking import apply_masks
from labeling.models import Rating, Rubric
from labeling.queries.disputes import disputed_items
from reviewapp.core.models import Project
from reviewapp.core.reading import word
from routing.views.contexts.disputes import output_names
from routing.views.contexts.outputs import RatingRow, Text, prompt_texts, rating_row, response_texts
from routing.views.contexts.verdicts import BasisDetail, basis_detail
from routing.views.contexts.words import preference_label
from routing.views.figures import compact

EXCERPT = 160


@dataclass(frozen=True, slots=True)
class Mark:
    """A stretch that a rater marked, with the words as they saw them."""

    words: str
    category: str
    severity: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """One criterion and what each rater said of it."""

    criterion: str
    answers: Sequence[str]
    differ: bool


@dataclass(frozen=True, slots=True)
class Place:
    """A level that the case may become an example of; `value` is what the form sends."""

    value: str
    label: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class DisputeDetail:
    public_id: UUID
    output_id: str
    external_id: str
    intent: str
    rubric: str
    rubric_name: str
    rubric_version: int
    settled: bool
    verdict: str
    escalations: Sequence[str]
    raters: Sequence[str]
    comparisons: Sequence[Comparison]
    ratings: Sequence[RatingRow]
    marks: Sequence[tuple[str, Sequence[Mark]]]
    adjudication: RatingRow | None
    basis: BasisDetail | None
    prompt: Sequence[Text]
    passages: Sequence[Text]
    responses: Sequence[Text]


def dispute_of(project: Project, public_id: UUID) -> Any | None:
    """The item with its ratings and content, or None."""
    return disputed_items(project).select_related("content", "project").filter(public_id=public_id).first()


def dispute_detail(item: Any) -> DisputeDetail:
    """Everything about one dispute. Raters stay pseudonyms."""
    output_id, external_id = output_names([item.pk]).get(item.pk, ("", ""))
    raters = [rating for rating in item.standing_ratings if not rating.adjudication]
    adjudications = [rating for rating in item.standing_ratings if rating.adjudication]
    return DisputeDetail(
        public_id=item.public_id,
        output_id=output_id,
        external_id=external_id,
        intent=item.intent,
        rubric=str(item.rubric),
        rubric_name=item.rubric.name,
        rubric_version=item.rubric.version,
        settled=item.verdict is not None,
        verdict=(item.verdict.preferred or item.verdict.value) if item.verdict else "",
        escalations=[assignment.reason for assignment in item.escalated],
        raters=[rating.reviewer.rater_code for rating in raters],
        comparisons=_comparisons(raters),
        ratings=[rating_row(rating, withdrawn=False) for rating in raters],
        marks=[(rating.reviewer.rater_code, found) for rating in raters if (found := _marks(item, rating))],
        adjudication=rating_row(adjudications[-1], withdrawn=False) if adjudications else None,
        basis=basis_detail(item.verdict, item.standing_ratings) if item.verdict else None,
        prompt=prompt_texts(item.content.prompt),
        passages=[Text(part.get("id", ""), part.get("text", "")) for part in item.content.context],
        responses=response_texts(item.content),
    )


def _comparisons(raters: Sequence[Rating]) -> list[Comparison]:
    names = dict.fromkeys(name for rating in raters for name in rating.values)
    said = {name: [rating.values.get(name) for rating in raters] for name in names}
    rows = [
        Comparison(name, ["–" if value is None else compact(value) for value in values], _differ(values))
        for name, values in said.items()
    ]
    outcomes = [preference_label(rating.preferred) or word(rating.verdict) for rating in raters]
    return [Comparison("", outcomes, len(set(outcomes)) > 1), *rows]


def _differ(values: Sequence[Any]) -> bool:
    given = [value for value in values if value is not None]
    return any(value != given[0] for value in given)


def _marks(item: Any, rating: Any) -> list[Mark]:
    """What the rater marked. Offsets are into the text as it was shown, masks and all."""
    shown = apply_masks(item.content.body, rating.assignment.masking)
    found = []
    for span in rating.spans:
        text = _part(shown, str(span.get("part", "")))
        words = text[span["start"] : span["end"]]
        short = words if len(words) <= EXCERPT else f"{words[:EXCERPT]} …"
        found.append(Mark(short, str(span.get("category", "")), str(span.get("severity", ""))))
    return found


def _part(body: Mapping[str, Any], part: str) -> str:
    """A part of the body by the name that marks have for it: response, a, b or steps/N."""
    name, _slash, number = part.partition("/")
    value = body.get(name, "")
    if number.isdecimal() and isinstance(value, list) and int(number) < len(value):
        value = value[int(number)].get("content", "")
    return value if isinstance(value, str) else ""


def places_for(item: Any, rubric: Rubric | None) -> list[Place]:
    """Levels of the rubric in force that the case may become an example of; the likeliest one is chosen.

    That is what the adjudicator said of the first criterion that raters differ on, else what one of them said.
    """
    if rubric is None:
        return []
    raters = [rating for rating in item.standing_ratings if not rating.adjudication]
    differing = [row.criterion for row in _comparisons(raters) if row.differ]
    decided = next((rating for rating in reversed(item.standing_ratings)), None)
    wanted = next(
        (
            (name, str(decided.values[name]))
            for name in (*differing, *(decided.values if decided else ()))
            if decided and decided.values.get(name) is not None
        ),
        None,
    )
    return [
        Place(
            value=json.dumps([criterion.name, str(level["value"])]),
            label=f"{criterion.name}: {level.get('label') or level['value']}",
            chosen=(criterion.name, str(level["value"])) == wanted,
        )
        for criterion in rubric.criteria.all()
        for level in criterion.levels
    ]
