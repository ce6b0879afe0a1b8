"""What a rubric must be like for a reviewer to be able to answer it."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from labeling.models import Criterion, CriterionType

LEVEL_TEXTS = ("label", "description", "example")
LEVEL_TEXT_LENGTH = 4000


class RubricRefused(Exception):
    """The rubric is not usable; `pointer` says where, the message says why."""

    def __init__(self, pointer: str, message: str) -> None:
        super().__init__(message)
        self.pointer = pointer


CRITERION_FIELDS = {
    "name",
    "type",
    "question",
    "required",
    "levels",
    "fail_values",
    "minimum",
    "maximum",
    "fail_below",
}


def check_span_categories(categories: Sequence[str]) -> None:
    """Raises RubricRefused unless they are at most 20 different, short names."""
    for index, category in enumerate(categories):
        if not isinstance(category, str) or not category.strip() or len(category) > 60:
            raise RubricRefused(f"/span_categories/{index}", _("a category is a name of at most 60 characters"))
    if len(categories) > 20 or len(set(categories)) != len(categories):
        raise RubricRefused("/span_categories", _("there are at most 20 categories, each named once"))


def check_criteria(criteria: Sequence[Mapping[str, Any]], *, pairwise: bool) -> None:
    """Raises RubricRefused with a pointer to the first thing that a reviewer could not answer."""
    if not criteria and not pairwise:
        raise RubricRefused("/criteria", _("a rubric needs at least one criterion"))
    names: set[str] = set()
    for index, criterion in enumerate(criteria):
        at = f"/criteria/{index}"
        if unknown := sorted(set(criterion) - CRITERION_FIELDS):
            raise RubricRefused(f"{at}/{unknown[0]}", _("unknown field %(name)s") % {"name": repr(unknown[0])})
        _check_fields(criterion, at)
        name = str(criterion.get("name"))
        if name in names:
            raise RubricRefused(f"{at}/name", _("every criterion needs a name of its own"))
        names.add(name)
        _check_scale(criterion, at)


def _check_fields(criterion: Mapping[str, Any], at: str) -> None:
    """Each field by itself: lengths, types, what is missing."""
    try:
        Criterion(**criterion).clean_fields(exclude=["rubric", "order"])
    except ValidationError as error:
        field, messages = next(iter(error.message_dict.items()))
        raise RubricRefused(f"{at}/{field}", messages[0]) from None


def _check_scale(criterion: Mapping[str, Any], at: str) -> None:
    if criterion.get("type") not in CriterionType.values:
        raise RubricRefused(f"{at}/type", _("type is one of %(names)s") % {"names": ", ".join(CriterionType.values)})
    if criterion["type"] == CriterionType.NUMERIC:
        low, high = criterion.get("minimum"), criterion.get("maximum")
        if not isinstance(low, int | float) or not isinstance(high, int | float) or not low < high:
            raise RubricRefused(f"{at}/minimum", _("a numeric criterion needs minimum < maximum"))
        return
    levels, fails = criterion.get("levels") or [], criterion.get("fail_values") or []
    if not isinstance(levels, list) or not all(isinstance(level, Mapping) for level in levels):
        raise RubricRefused(f"{at}/levels", _('levels is a list of objects, each with a "value"'))
    if not isinstance(fails, list):
        raise RubricRefused(f"{at}/fail_values", _("fail_values is a list"))
    values = [level.get("value") for level in levels]
    if not all(isinstance(value, str | int | float) for value in values):
        raise RubricRefused(f"{at}/levels", _("a level's value is a text, a number, true or false"))
    if len(values) < 2 or len({str(value) for value in values}) != len(values):
        raise RubricRefused(f"{at}/levels", _("a scale needs at least two levels with different values"))
    if criterion["type"] == CriterionType.BINARY and len(values) != 2:
        raise RubricRefused(f"{at}/levels", _("a binary criterion has exactly two levels"))
    for index, level in enumerate(levels):
        _check_texts(level, f"{at}/levels/{index}")
    if any(value not in values for value in fails):
        raise RubricRefused(f"{at}/fail_values", _("fail_values must be values of the levels"))


def _check_texts(level: Mapping[str, Any], at: str) -> None:
    for name in LEVEL_TEXTS:
        text = level.get(name, "")
        if not isinstance(text, str) or len(text) > LEVEL_TEXT_LENGTH:
            message = _("this is a text of at most %(most)d characters") % {"most": LEVEL_TEXT_LENGTH}
            raise RubricRefused(f"{at}/{name}", message)
