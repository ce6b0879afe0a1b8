"""The texts of the review page, made ready to be read: from the blinded task, and from nothing else.

The response comes first when a page holds more Markdown than can be rendered in good time: it is what is judged.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from labeling.rendering.citations import NO_CITATIONS, Citations, citable
from labeling.rendering.texts import Rendered, rendered, rendered_value

# Longer passages and tool results show their beginning; prompts are what the question is about, so they may be longer.
FOLD_AT = 1_200
# What a line counts for, however short it is.
CHARACTERS_IN_LINE = 40
FOLD_PROMPT_AT = 4_000
# Characters formatted on one page; what comes after is shown as it is.
PAGE_BUDGET = 60_000
# Headings inside a text stand below the page's own: h2 over a zone, h3 over a turn, passage or step.
UNDER_ZONE, UNDER_PART = 3, 4


@dataclass(frozen=True, slots=True)
class Text:
    """One stretch of untrusted text.

    `title` is the text's own (a role, an id, a tool's name), `label` ours. `anchor` is its id on the page; `part` is
    what marks on the text call it. `back` is the anchor of the first citation of a passage. Longer than `fold_at`
    characters, it shows its beginning first; 0: never.
    """

    title: str
    text: str
    shown: Rendered
    style: str = ""
    label: str = ""
    number: int = 0
    anchor: str = ""
    part: str = ""
    back: str = ""
    fold_at: int = 0

    @property
    def folds(self) -> bool:
        """Whether it is long in characters, or in lines: a small document can be a tall tree."""
        lines = max(self.text.count("\n"), self.shown.html.count("<li"))
        return self.fold_at > 0 and (len(self.text) > self.fold_at or lines * CHARACTERS_IN_LINE > self.fold_at)


@dataclass(frozen=True, slots=True)
class Reading:
    """All texts of one task, in the order of the page."""

    prompt: Sequence[Text]
    passages: Sequence[Text]
    responses: Sequence[Text]
    steps: Sequence[Text]


@dataclass(slots=True)
class Renderer:
    """Renders texts until the page's budget is used up."""

    left: int = PAGE_BUDGET
    cited: dict[int, str] = field(default_factory=dict)

    def text(self, text: str, *, citations: Citations = NO_CITATIONS, top: int = UNDER_PART) -> Rendered:
        shown = rendered(text, citations=citations, top=top, formatted=self._afford(len(text)))
        for anchor, number in shown.cited:
            self.cited.setdefault(number, anchor)
        return shown

    def value(self, value: Any) -> tuple[str, Rendered]:
        text, shown = rendered_value(value, formatted=self.left > 0)
        self._afford(len(text))
        return text, shown

    def _afford(self, characters: int) -> bool:
        affordable = characters <= self.left
        self.left -= characters if affordable else 0
        return affordable


def read_task(task: Mapping[str, Any]) -> Reading:
    """The texts of a `blinded_task`."""
    renderer = Renderer()
    ids = [str(passage.get("id", "")) for passage in task["context"]]
    responses = _responses(task, ids, renderer)
    steps = [_step(index, step, ids, renderer) for index, step in enumerate(task.get("steps", ()))]
    prompt = _prompt(task["prompt"], renderer)
    passages = [_passage(index, passage, renderer) for index, passage in enumerate(task["context"], 1)]
    return Reading(prompt=prompt, passages=passages, responses=responses, steps=steps)


def _responses(task: Mapping[str, Any], ids: Sequence[str], renderer: Renderer) -> list[Text]:
    sides = [("A", "a"), ("B", "b")] if task["kind"] == "pairwise" else [("", "response")]
    return [
        Text(
            title=title,
            text=task[part],
            shown=renderer.text(task[part], citations=citable(ids, f"r{number}"), top=UNDER_ZONE),
            number=number,
            anchor=f"response-{number}",
            part=part,
        )
        for number, (title, part) in enumerate(sides, 1)
        if part in task
    ]


def _prompt(prompt: Any, renderer: Renderer) -> list[Text]:
    if isinstance(prompt, str):
        return [Text("", prompt, renderer.text(prompt, top=UNDER_ZONE), fold_at=FOLD_PROMPT_AT)]
    turns = [(str(turn.get("role", "")), str(turn.get("content", ""))) for turn in prompt]
    return [
        Text(role, content, renderer.text(content), style="turn", fold_at=FOLD_PROMPT_AT) for role, content in turns
    ]


def _passage(number: int, passage: Mapping[str, Any], renderer: Renderer) -> Text:
    text = str(passage.get("text", ""))
    return Text(
        title=str(passage.get("id", "")),
        text=text,
        shown=renderer.text(text),
        number=number,
        anchor=f"passage-{number}",
        back=renderer.cited.get(number, ""),
        fold_at=FOLD_AT,
    )


def _step(index: int, step: Mapping[str, Any], ids: Sequence[str], renderer: Renderer) -> Text:
    content, kind = step.get("content", ""), str(step.get("type", ""))
    if isinstance(content, str):
        text, shown = content, renderer.text(content, citations=citable(ids, f"s{index + 1}"))
    else:
        text, shown = renderer.value(content)
    labels = {"message": _("Message"), "tool_call": _("Tool call"), "tool_result": _("Tool result")}
    return Text(
        title=str(step.get("name") or ""),
        text=text,
        shown=shown,
        style=kind.replace("_", "-") if kind in labels else "",
        label=labels.get(kind, _("Step")),
        number=index + 1,
        anchor=f"step-{index + 1}",
        # Only texts can be marked; a value has no characters of its own.
        part=f"steps/{index}" if isinstance(content, str) else "",
        fold_at=FOLD_AT if kind in ("tool_call", "tool_result") else 0,
    )
