"""What the review page shows: made from the blinded claim and from what the person typed, and from nothing else."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from labeling.forms import Typed, field_name

KEYS = "123456789"
# What the services say to programs, said to people.
FAULTS = {
    ("/preferred", "required"): "Choose A, B or a tie.",
    ("/cause", "required"): "Choose why the raters disagreed.",
    ("/idempotency_key", "used"): "This form was handed in and undone before. Look it over and submit again.",
}
MISSING = "This one needs an answer."
# Faults outside the criteria; the element's id is the pointer's name.
PLACES = {"/preferred", "/cause", "/correction", "/rationale", "/reason"}
STEP_TITLES = {"message": "Message", "tool_call": "Tool call", "tool_result": "Tool result"}
PREFERENCES = (("a", "A is better"), ("tie", "Tie"), ("b", "B is better"))
VERDICT_TITLES = {
    "accept": "Accept",
    "correct": "Correct",
    "reject": "Reject",
    "escalated": "Escalated",
}
CAUSES = {
    "rubric_ambiguous": ("The rubric is ambiguous", "Careful people can read the question in more than one way."),
    "reviewer_slip": ("A slip", "The rubric is clear; somebody overlooked or misread something."),
    "truly_contested": ("Truly contested", "Experts would go on disagreeing with the rubric in hand."),
    "item_broken": ("The item is broken", "Cut off, garbled, or not answerable as it stands."),
}


@dataclass(frozen=True, slots=True)
class Text:
    """One stretch of hostile text with a title of our own or of the text's."""

    title: str
    text: str
    style: str = ""


@dataclass(frozen=True, slots=True)
class Choice:
    """One radio button. `key` is the key that chooses it, "" beyond the ninth."""

    value: str
    label: str
    description: str
    example: str
    key: str
    chosen: bool


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
    takes_correction: bool
    corrected: bool
    correction: str
    original: str
    rating_numbers: Sequence[int]
    rating_rows: Sequence[RatingRow]
    adjudicating: bool
    typed: Typed
    faults: Sequence[Fault]
    done: int
    cap: int
    lease_seconds: int

    @property
    def asks_reason(self) -> bool:
        return any(fault.anchor == "reason" for fault in self.faults)


def review_page(
    body: Mapping[str, Any], typed: Typed, *, now: datetime, errors: Sequence[Mapping[str, str]] = ()
) -> ReviewPage:
    """The page for a `blinded_claim` body, with the form as typed and what is wrong with it."""
    task, rubric, adjudication = body["task"], body["rubric"], body.get("adjudication")
    questions = _questions(rubric, adjudication, typed, errors)
    return ReviewPage(
        token=body["assignment"],
        kind=task["kind"],
        prompt=_prompt(task["prompt"]),
        passages=[Text(passage.get("id", ""), passage.get("text", "")) for passage in task["context"]],
        responses=_responses(task),
        steps=[_step(step) for step in task.get("steps", ())],
        instructions=rubric["instructions"],
        questions=questions,
        preferences=_preferences(typed) if rubric["pairwise"] else (),
        takes_correction=rubric["corrections"],
        corrected=bool(typed.correction),
        correction=typed.correction or original_text(task),
        original=original_text(task),
        rating_numbers=range(1, len(adjudication["ratings"]) + 1) if adjudication else (),
        rating_rows=rating_rows(adjudication["ratings"], rubric) if adjudication else (),
        adjudicating=adjudication is not None,
        typed=typed,
        faults=_faults(errors, questions),
        done=body["today"]["done"],
        cap=body["today"]["cap"],
        lease_seconds=int((body["lease_expires_at"] - now).total_seconds()),
    )


def _questions(
    rubric: Mapping[str, Any],
    adjudication: Mapping[str, Any] | None,
    typed: Typed,
    errors: Sequence[Mapping[str, str]],
) -> list[Question]:
    # Beside its own question a missing answer need not repeat the question.
    faults = {error["pointer"]: MISSING if error["code"] == "required" else error["detail"] for error in errors}
    questions = [_question(index, criterion, typed, faults) for index, criterion in enumerate(rubric["criteria"], 1)]
    if adjudication:
        questions.append(_cause_question(adjudication["causes"], typed, faults))
    return questions


def _faults(errors: Sequence[Mapping[str, str]], questions: Sequence[Question]) -> list[Fault]:
    return [
        Fault(_anchor(error["pointer"], questions), FAULTS.get((error["pointer"], error["code"]), error["detail"]))
        for error in errors
    ]


def original_text(task: Mapping[str, Any]) -> str:
    """What a correction starts from: the response, where there is exactly one."""
    return str(task.get("response", ""))


def rating_rows(ratings: Sequence[Mapping[str, Any]], rubric: Mapping[str, Any]) -> list[RatingRow]:
    """The anonymous ratings side by side, in the order they were given in."""
    preferences = dict(PREFERENCES)
    rows = [
        _row(criterion["question"], [_answer(criterion, rating["values"]) for rating in ratings])
        for criterion in rubric["criteria"]
    ]
    if rubric["pairwise"]:
        rows.insert(0, _row("Preference", [preferences.get(rating["preferred"] or "", "") for rating in ratings]))
    rows.append(_row("Verdict", [VERDICT_TITLES.get(rating["verdict"], rating["verdict"]) for rating in ratings]))
    for title, name in (("Correction", "correction"), ("Rationale", "rationale")):
        texts = [rating[name] for rating in ratings]
        if any(texts):
            rows.append(RatingRow(title, texts, differ=False, long=True))
    return rows


def _row(title: str, answers: list[str]) -> RatingRow:
    return RatingRow(title, answers, differ=len({answer for answer in answers if answer}) > 1)


def _answer(criterion: Mapping[str, Any], values: Mapping[str, Any]) -> str:
    value = values.get(criterion["name"])
    if value is None:
        return ""
    levels = criterion.get("levels", ())
    return next((_label(level) for level in levels if str(level["value"]) == str(value)), str(value))


def _prompt(prompt: Any) -> list[Text]:
    if isinstance(prompt, str):
        return [Text("", prompt)]
    return [Text(turn.get("role", ""), turn.get("content", ""), style="turn") for turn in prompt]


def _responses(task: Mapping[str, Any]) -> list[Text]:
    if task["kind"] == "pairwise":
        return [Text("A", task["a"]), Text("B", task["b"])]
    return [Text("", task["response"])] if "response" in task else []


def _step(step: Mapping[str, Any]) -> Text:
    content = step.get("content", "")
    text = content if isinstance(content, str) else json.dumps(content, indent=2, ensure_ascii=False)
    title = STEP_TITLES.get(step.get("type", ""), "Step")
    name = step.get("name")
    return Text(f"{title}: {name}" if name else title, text, style=step.get("type", "").replace("_", "-"))


def _question(index: int, criterion: Mapping[str, Any], typed: Typed, faults: Mapping[str, str]) -> Question:
    name = criterion["name"]
    text = typed.values.get(name, "")
    return Question(
        anchor=f"question-{index}",
        field=field_name(name),
        text=criterion["question"],
        required=criterion["required"],
        choices=[_level(level, key, text) for level, key in _with_keys(criterion.get("levels", ()))],
        typed=text,
        fault=faults.get(f"/values/{name}", ""),
        minimum=criterion.get("min"),
        maximum=criterion.get("max"),
    )


def _level(level: Mapping[str, Any], key: str, typed: str) -> Choice:
    value = str(level["value"])
    return Choice(
        value=value,
        label=_label(level),
        description=level.get("description", ""),
        example=level.get("example", ""),
        key=key,
        chosen=value == typed,
    )


def _label(level: Mapping[str, Any]) -> str:
    return str(level.get("label") or level["value"])


def _cause_question(causes: Sequence[str], typed: Typed, faults: Mapping[str, str]) -> Question:
    choices = []
    for cause, key in _with_keys(causes):
        label, description = CAUSES.get(cause, (cause, ""))
        choices.append(Choice(cause, label, description, "", key, cause == typed.cause))
    return Question(
        anchor="cause",
        field="cause",
        text="Why did the raters disagree?",
        required=True,
        choices=choices,
        typed=typed.cause,
        fault=faults.get("/cause", ""),
    )


def _preferences(typed: Typed) -> list[Choice]:
    return [Choice(value, label, "", "", value[0], value == typed.preferred) for value, label in PREFERENCES]


def _with_keys(values: Sequence[Any]) -> list[tuple[Any, str]]:
    return [(value, KEYS[index] if index < len(KEYS) else "") for index, value in enumerate(values)]


def _anchor(pointer: str, questions: Sequence[Question]) -> str:
    """Where on the page the fault can be put right; "" for what no field shows."""
    if pointer in PLACES:
        return pointer.removeprefix("/")
    name = pointer.removeprefix("/values/")
    return next((question.anchor for question in questions if question.field == field_name(name)), "")
