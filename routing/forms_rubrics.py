"""The rubric editor's form: as many criteria and levels as there are, kept as they were typed, right or wrong.

Fields are named by place: `c0-name` for the first criterion, `c0-l1-label` for its second level. Every button is
named `do`; all but "save" only change the form.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from labeling.models import CriterionType

MOST_CRITERIA, MOST_LEVELS, MOST_TEXT = 60, 120, 200_000
NAMED = re.compile(r"c(\d{1,3})(?:-l(\d{1,3}))?-([a-z]+)")
BUTTON = re.compile(r"(add|remove|up|down)-c(\d{1,3})(?:-l(\d{1,3}))?")
BOUNDS = ("minimum", "maximum", "fail_below")
STARTER: Mapping[str, Any] = {
    "type": CriterionType.BINARY,
    "required": True,
    "levels": [{"value": "yes", "label": "Yes"}, {"value": "no", "label": "No"}],
    "fail_values": ["no"],
}


@dataclass(frozen=True, slots=True)
class LevelText:
    """One level as typed. `kind` is what its value was before: text, number or bool; new ones are of their fellows'."""

    value: str = ""
    label: str = ""
    description: str = ""
    example: str = ""
    fails: bool = False
    kind: str = "text"


@dataclass(frozen=True, slots=True)
class CriterionText:
    """One criterion as typed."""

    name: str = ""
    type: str = CriterionType.BINARY
    question: str = ""
    required: bool = True
    minimum: str = ""
    maximum: str = ""
    fail_below: str = ""
    levels: tuple[LevelText, ...] = ()

    @property
    def numeric(self) -> bool:
        return self.type == CriterionType.NUMERIC


@dataclass(frozen=True, slots=True)
class RubricText:
    """The whole form as typed."""

    instructions: str = ""
    corrections: bool = True
    span_categories: str = ""
    criteria: tuple[CriterionText, ...] = field(default_factory=tuple)


def text_of_document(document: Mapping[str, Any]) -> RubricText:
    """The form for what a draft asks now."""
    return RubricText(
        instructions=document["instructions"],
        corrections=document["corrections"],
        span_categories="\n".join(document["span_categories"]),
        criteria=tuple(_criterion_text(criterion) for criterion in document["criteria"]),
    )


def typed_text(data: Mapping[str, str]) -> RubricText:
    """The form as posted. What is beyond any sensible number of criteria or levels is dropped."""
    found: dict[int, dict[str, str]] = {}
    levels: dict[int, dict[int, dict[str, str]]] = {}
    for name, text in data.items():
        if match := NAMED.fullmatch(name):
            criterion, level, key = int(match[1]), match[2], match[3]
            found.setdefault(criterion, {})
            if level is None:
                found[criterion][key] = _plain(text)
            else:
                levels.setdefault(criterion, {}).setdefault(int(level), {})[key] = _plain(text)
    criteria = [
        _typed_criterion(found[place], [levels.get(place, {})[at] for at in sorted(levels.get(place, {}))])
        for place in sorted(found)[:MOST_CRITERIA]
    ]
    return RubricText(
        instructions=_plain(data.get("instructions", "")),
        corrections=data.get("corrections") == "on",
        span_categories=_plain(data.get("span_categories", "")),
        criteria=tuple(criteria),
    )


def pressed(text: RubricText, button: str) -> RubricText:
    """The form after a button other than "save": something added, removed or moved. Unknown ones do nothing."""
    if button == "add-criterion":
        starter = _criterion_text({"name": f"criterion-{len(text.criteria) + 1}", "question": "", **STARTER})
        return replace(text, criteria=(*text.criteria, starter)[:MOST_CRITERIA])
    match = BUTTON.fullmatch(button)
    if match is None or int(match[2]) >= len(text.criteria):
        return text
    place = int(match[2])
    if match[3] is None and match[1] != "add":
        return replace(text, criteria=_moved(text.criteria, match[1], place))
    criterion = text.criteria[place]
    if match[1] == "add":
        kind = criterion.levels[-1].kind if criterion.levels else "text"
        levels = (*criterion.levels, LevelText(kind=kind))[:MOST_LEVELS]
    else:
        levels = _moved(criterion.levels, match[1], int(match[3]))
    criteria = list(text.criteria)
    criteria[place] = replace(criterion, levels=levels)
    return replace(text, criteria=tuple(criteria))


def document_of_text(text: RubricText) -> dict[str, Any]:
    """What the form amounts to. A number that is none stays a text, for the service to refuse."""
    return {
        "instructions": text.instructions,
        "corrections": text.corrections,
        "span_categories": [line.strip() for line in text.span_categories.splitlines() if line.strip()],
        "criteria": [_document(criterion) for criterion in text.criteria],
    }


def place_of_pointer(pointer: str) -> str:
    """The anchor in the form of what a JSON pointer names; "" for the whole."""
    match = re.match(r"/criteria/(\d+)(?:/levels/(\d+))?", pointer)
    if match is None:
        return "span-categories" if pointer.startswith("/span_categories") else ""
    return f"c{match[1]}" + (f"-l{match[2]}" if match[2] else "")


def _criterion_text(criterion: Mapping[str, Any]) -> CriterionText:
    fails = criterion.get("fail_values") or []
    return CriterionText(
        name=criterion["name"],
        type=criterion["type"],
        question=criterion["question"],
        required=criterion["required"],
        **{name: _number_text(criterion.get(name)) for name in BOUNDS},
        levels=tuple(_level_text(level, fails) for level in criterion.get("levels") or ()),
    )


def _level_text(level: Mapping[str, Any], fails: Sequence[Any]) -> LevelText:
    value = level["value"]
    kind = "bool" if isinstance(value, bool) else "text" if isinstance(value, str) else "number"
    return LevelText(
        value=str(value).lower() if kind == "bool" else str(value),
        **{name: str(level.get(name, "")) for name in ("label", "description", "example")},
        fails=value in fails,
        kind=kind,
    )


def _typed_criterion(data: Mapping[str, str], levels: Sequence[Mapping[str, str]]) -> CriterionText:
    texts = {name: data.get(name, "").strip() for name in ("name", "question", *BOUNDS[:2])}
    return CriterionText(
        type=data.get("type", ""),
        required=data.get("required") == "on",
        fail_below=data.get("fails", "").strip(),
        levels=tuple(_typed_level(level) for level in levels[:MOST_LEVELS]),
        **texts,
    )


def _typed_level(data: Mapping[str, str]) -> LevelText:
    kind = data.get("kind", "text")
    return LevelText(
        value=data.get("value", "").strip(),
        **{name: data.get(name, "") for name in ("label", "description", "example")},
        fails=data.get("fails") == "on",
        kind=kind if kind in ("text", "number", "bool") else "text",
    )


def _document(criterion: CriterionText) -> dict[str, Any]:
    common = {
        "name": criterion.name,
        "type": criterion.type,
        "question": criterion.question,
        "required": criterion.required,
    }
    if criterion.numeric:
        return common | {name: _number(getattr(criterion, name)) for name in BOUNDS}
    levels = [_level(level) for level in criterion.levels]
    fails = [made["value"] for made, level in zip(levels, criterion.levels, strict=True) if level.fails]
    return common | {"levels": levels, "fail_values": fails}


def _level(level: LevelText) -> dict[str, Any]:
    texts = {name: getattr(level, name).strip() for name in ("label", "description", "example")}
    return {"value": _value(level), **{name: text for name, text in texts.items() if text}}


def _value(level: LevelText) -> Any:
    if level.kind == "number":
        return _number(level.value)
    if level.kind == "bool" and level.value in ("true", "false"):
        return level.value == "true"
    return level.value


def _number(text: str) -> Any:
    """None for nothing; the text itself where it is no number."""
    if not text:
        return None
    try:
        number = float(text.replace(",", "."))
    except ValueError:
        return text
    return int(number) if number.is_integer() and abs(number) < 2**53 else number


def _number_text(value: Any) -> str:
    return "" if value is None else f"{value:g}"


def _moved(rows: tuple[Any, ...], how: str, place: int) -> tuple[Any, ...]:
    if place >= len(rows):
        return rows
    row, others = rows[place], list(rows[:place] + rows[place + 1 :])
    if how != "remove":
        others.insert(max(0, place - 1) if how == "up" else place + 1, row)
    return tuple(others)


def _plain(text: str) -> str:
    """One kind of line end; no NUL and no half of a surrogate pair, which no database keeps."""
    clean = text.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "")
    return clean.encode("utf-8", "ignore").decode()[:MOST_TEXT]
