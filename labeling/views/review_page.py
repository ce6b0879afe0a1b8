"""What the review page shows: made from the blinded claim and from what the person typed, and from nothing else."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _later
from django.utils.translation import pgettext_lazy

from labeling.forms import Typed, field_name
from labeling.services.spans import SEVERITIES
from labeling.views.reading import Text, read_task
from labeling.views.wording import MISSING, fault_text

KEYS = "123456789"
# The element's id is the pointer's name.
PLACES = {"/preferred", "/verdict", "/cause", "/correction", "/rationale", "/reason"}
PREFERENCES: tuple[tuple[str, Any, str], ...] = (
    ("a", _later("A is better"), "prefer_a"),
    ("tie", _later("Tie"), "tie"),
    ("b", _later("B is better"), "prefer_b"),
)
KIND_TITLES: dict[str, Any] = {
    "pointwise": _later("Single responses"),
    "pairwise": _later("Pairs of responses"),
    "trajectory": _later("Agent runs"),
}
VERDICT_TITLES: dict[str, Any] = {
    "accept": pgettext_lazy("verdict", "Accept"),
    "correct": pgettext_lazy("verdict", "Correct"),
    "reject": pgettext_lazy("verdict", "Reject"),
    "escalated": _later("Escalated"),
}
VERDICT_HINTS: dict[str, Any] = {
    "accept": _later("It may go out as it stands."),
    "correct": _later("It may go out as you corrected it."),
    "reject": _later("It must not go out."),
}
CAUSES: dict[str, tuple[Any, Any]] = {
    "rubric_ambiguous": (
        _later("The rubric is ambiguous"),
        _later("Careful people can read the question in more than one way."),
    ),
    "reviewer_slip": (_later("A slip"), _later("The rubric is clear; somebody overlooked or misread something.")),
    "truly_contested": (_later("Truly contested"), _later("Experts would go on disagreeing with the rubric in hand.")),
    "item_broken": (_later("The item is broken"), _later("Cut off, garbled, or not answerable as it stands.")),
}
SEVERITY_TITLES: dict[str, tuple[Any, str]] = {
    "minor": (_later("Minor"), "i"),
    "major": (_later("Major"), "o"),
    "critical": (_later("Critical"), "p"),
}
PRESETS = (
    _later("Outside my field"),
    _later("I know the case or somebody in it"),
    _later("Cut off, garbled or empty"),
    _later("The rubric does not fit it"),
    _later("Somebody more senior should see it"),
)


@dataclass(frozen=True, slots=True)
class Choice:
    """One radio button. `key` is the key that chooses it, "" beyond the ninth; `fails` if it rules out "accept"."""

    value: str
    label: str
    description: str = ""
    example: str = ""
    key: str = ""
    chosen: bool = False
    fails: bool = False
    action: str = ""


@dataclass(frozen=True, slots=True)
class Question:
    """One criterion, or an adjudicator's question about the cause. Without choices it asks for a number."""

    anchor: str
    field: str
    text: str
    required: bool
    choices: Sequence[Choice]
    typed: str
    fault: str
    minimum: float | None = None
    maximum: float | None = None
    fails_below: float | None = None


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with the answer, and the anchor of the place to put it right."""

    anchor: str
    detail: str


@dataclass(frozen=True, slots=True)
class RatingRow:
    """One line of the comparison an adjudicator sees: the same question, one answer per rating."""

    title: str
    answers: Sequence[str]
    differ: bool
    long: bool = False


@dataclass(frozen=True, slots=True)
class ReviewPage:
    """Everything that the template may use about the item."""

    token: str
    kind: str
    prompt: Sequence[Text]
    passages: Sequence[Text]
    responses: Sequence[Text]
    steps: Sequence[Text]
    instructions: str
    questions: Sequence[Question]
    preferences: Sequence[Choice]
    verdicts: Sequence[Choice]
    categories: Sequence[Choice]
    severities: Sequence[Choice]
    presets: Sequence[Choice]
    takes_correction: bool
    corrected: bool
    correction: str
    original: str
    rating_numbers: Sequence[int]
    rating_rows: Sequence[RatingRow]
    adjudicating: bool
    typed: Typed
    faults: Sequence[Fault]
    lease_seconds: int

    @property
    def asks_reason(self) -> bool:
        return any(fault.anchor == "reason" for fault in self.faults)

    @property
    def spans(self) -> str:
        """The marks for the form's hidden field."""
        return json.dumps([dict(span) for span in self.typed.spans]) if self.typed.spans else ""


def review_page(
    body: Mapping[str, Any],
    typed: Typed,
    *,
    now: datetime,
    failing: Mapping[str, Any] | None = None,
    errors: Sequence[Mapping[str, str]] = (),
) -> ReviewPage:
    """The page for a `blinded_claim` body, with the form as typed and what is wrong with it.

    `failing` tells which answers rule out "accept" (`blinding.failing_answers`).
    """
    task, rubric, adjudication = body["task"], body["rubric"], body.get("adjudication")
    questions = _questions(rubric, adjudication, typed, errors, failing or {})
    reading = read_task(task)
    return ReviewPage(
        token=body["assignment"],
        kind=task["kind"],
        prompt=reading.prompt,
        passages=reading.passages,
        responses=reading.responses,
        steps=reading.steps,
        instructions=rubric["instructions"],
        questions=questions,
        preferences=_preferences(typed) if rubric["pairwise"] else (),
        verdicts=_verdicts(rubric, typed, failing or {}),
        categories=[Choice(name, name, key=key) for name, key in _with_keys(rubric["span_categories"])],
        severities=[
            Choice(value, str(SEVERITY_TITLES[value][0]), key=SEVERITY_TITLES[value][1], chosen=value == "major")
            for value in SEVERITIES
        ],
        presets=[Choice(str(text), str(text), key=key) for text, key in _with_keys(PRESETS)],
        takes_correction=rubric["corrections"],
        corrected=bool(typed.correction) or any(error["pointer"] == "/correction" for error in errors),
        correction=typed.correction or original_text(task),
        original=original_text(task),
        rating_numbers=range(1, len(adjudication["ratings"]) + 1) if adjudication else (),
        rating_rows=rating_rows(adjudication["ratings"], rubric, task) if adjudication else (),
        adjudicating=adjudication is not None,
        typed=typed,
        faults=_faults(errors, questions),
        lease_seconds=int((body["lease_expires_at"] - now).total_seconds()),
    )


def original_text(task: Mapping[str, Any]) -> str:
    """What a correction starts from: the response, where there is exactly one."""
    return str(task.get("response", ""))


def _questions(
    rubric: Mapping[str, Any],
    adjudication: Mapping[str, Any] | None,
    typed: Typed,
    errors: Sequence[Mapping[str, str]],
    failing: Mapping[str, Any],
) -> list[Question]:
    # Beside its own question a missing answer need not repeat the question.
    faults = {
        error["pointer"]: str(MISSING) if error["code"] == "required" else fault_text(error, _("This question"))
        for error in errors
    }
    questions = [
        _question(index, criterion, typed, faults, failing.get(criterion["name"], ()))
        for index, criterion in enumerate(rubric["criteria"], 1)
    ]
    if adjudication:
        questions.append(_cause_question(adjudication["causes"], typed, faults))
    return questions


def _question(
    index: int, criterion: Mapping[str, Any], typed: Typed, faults: Mapping[str, str], failing: Any
) -> Question:
    name = criterion["name"]
    text = typed.values.get(name, "")
    numeric = criterion["type"] == "numeric"
    return Question(
        anchor=f"question-{index}",
        field=field_name(name),
        text=criterion["question"],
        required=criterion["required"],
        choices=[_level(level, key, text, failing) for level, key in _with_keys(criterion.get("levels", ()))],
        typed=text,
        fault=faults.get(f"/values/{name}", ""),
        minimum=criterion.get("min"),
        maximum=criterion.get("max"),
        fails_below=failing if numeric and failing != () else None,
    )


def _level(level: Mapping[str, Any], key: str, typed: str, failing: Sequence[Any]) -> Choice:
    value = str(level["value"])
    return Choice(
        value=value,
        label=_label(level),
        description=level.get("description", ""),
        example=level.get("example", ""),
        key=key,
        chosen=value == typed,
        fails=level["value"] in failing,
    )


def _label(level: Mapping[str, Any]) -> str:
    return str(level.get("label") or level["value"])


def _cause_question(causes: Sequence[str], typed: Typed, faults: Mapping[str, str]) -> Question:
    choices = []
    for cause, key in _with_keys(causes):
        label, description = CAUSES.get(cause, (cause, ""))
        choices.append(Choice(cause, str(label), str(description), key=key, chosen=cause == typed.cause))
    return Question(
        anchor="cause",
        field="cause",
        text=_("Why did the raters disagree?"),
        required=True,
        choices=choices,
        typed=typed.cause,
        fault=faults.get("/cause", ""),
    )


def _preferences(typed: Typed) -> list[Choice]:
    return [
        Choice(value, str(label), chosen=value == typed.preferred, action=action)
        for value, label, action in PREFERENCES
    ]


def _verdicts(rubric: Mapping[str, Any], typed: Typed, failing: Mapping[str, Any]) -> list[Choice]:
    """What a person may say by themselves; nothing where there is but the preference to tell."""
    if rubric["pairwise"] and not failing:
        return []
    values = ("accept", "correct", "reject") if rubric["corrections"] else ("accept", "reject")
    return [
        Choice(value, str(VERDICT_TITLES[value]), str(VERDICT_HINTS[value]), chosen=value == typed.verdict)
        for value in values
    ]


# What is wrong -------------------------------------------------------------------------------------


def _faults(errors: Sequence[Mapping[str, str]], questions: Sequence[Question]) -> list[Fault]:
    faults = []
    for error in errors:
        question = _question_of(error["pointer"], questions)
        anchor = question.anchor if question else _place(error["pointer"])
        faults.append(Fault(anchor, fault_text(error, question.text if question else "")))
    return faults


def _place(pointer: str) -> str:
    """The anchor of a fault outside the questions; "" for what no field shows."""
    if pointer.startswith("/spans"):
        return "marks"
    return pointer.removeprefix("/") if pointer in PLACES else ""


def _question_of(pointer: str, questions: Sequence[Question]) -> Question | None:
    name = pointer.removeprefix("/values/")
    return next((question for question in questions if question.field == field_name(name)), None)


# The ratings in dispute ------------------------------------------------------------------------------


def rating_rows(
    ratings: Sequence[Mapping[str, Any]], rubric: Mapping[str, Any], task: Mapping[str, Any]
) -> list[RatingRow]:
    """The anonymous ratings side by side, in the order they were given in."""
    preferences = {value: str(label) for value, label, _action in PREFERENCES}
    rows = [
        _row(criterion["question"], [_answer(criterion, rating["values"]) for rating in ratings])
        for criterion in rubric["criteria"]
    ]
    if rubric["pairwise"]:
        rows.insert(0, _row(_("Preference"), [preferences.get(rating["preferred"] or "", "") for rating in ratings]))
    verdicts = [str(VERDICT_TITLES.get(rating["verdict"], rating["verdict"])) for rating in ratings]
    rows.append(_row(_("Verdict"), verdicts))
    texts = (
        (_("Marks"), [_marks(rating["spans"], task) for rating in ratings]),
        (_("Correction"), [rating["correction"] for rating in ratings]),
        (_("Rationale"), [rating["rationale"] for rating in ratings]),
    )
    return rows + [RatingRow(title, answers, differ=False, long=True) for title, answers in texts if any(answers)]


def _marks(spans: Sequence[Mapping[str, Any]], task: Mapping[str, Any]) -> str:
    """One line per mark: the words, what they were marked as, and how bad it is."""
    lines = []
    for span in spans:
        words = _part(task, span["part"])[span["start"] : span["end"]]
        severity = SEVERITY_TITLES.get(span["severity"], (span["severity"], ""))[0]
        lines.append(f"“{words}” – {span['category']}, {severity}")
    return "\n".join(lines)


def _part(task: Mapping[str, Any], part: str) -> str:
    """The text that a mark is on, as it is shown; "" where there is none."""
    if part.startswith("steps/"):
        steps, index = task.get("steps", ()), int(part.removeprefix("steps/"))
        content = steps[index].get("content", "") if index < len(steps) else ""
        return content if isinstance(content, str) else ""
    return str(task.get(part, ""))


def _row(title: str, answers: list[str]) -> RatingRow:
    return RatingRow(title, answers, differ=len({answer for answer in answers if answer}) > 1)


def _answer(criterion: Mapping[str, Any], values: Mapping[str, Any]) -> str:
    value = values.get(criterion["name"])
    if value is None:
        return ""
    levels = criterion.get("levels", ())
    return next((_label(level) for level in levels if str(level["value"]) == str(value)), str(value))


def _with_keys(values: Sequence[Any]) -> list[tuple[Any, str]]:
    return [(value, KEYS[index] if index < len(KEYS) else "") for index, value in enumerate(values)]
