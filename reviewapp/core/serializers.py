"""Serializers that refuse what they do not know."""

from collections.abc import Iterator
from typing import Any

from rest_framework import serializers

from reviewapp.core.parsers import JsonObject, unstorable
from reviewapp.core.problems import Problem, pointer_token

# What a field takes from JSON. The framework's own fields would also take "5" for 5, 5 for "5" and "yes" for true.
JSON_TYPES: list[tuple[type[serializers.Field[Any, Any, Any, Any]], tuple[type, ...], str]] = [
    (serializers.BooleanField, (bool,), "true or false"),
    (serializers.IntegerField, (int, float), "a number"),
    (serializers.FloatField, (int, float), "a number"),
    (serializers.CharField, (str,), "a text"),
    (serializers.DateTimeField, (str,), "a text"),
]


class StrictSerializer(serializers.Serializer[Any]):
    """An unknown field is an error that names it, and so are text that no database can keep and a value of
    another JSON type than the field's."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict):
            if fault := unstorable(data):
                raise Problem(400, "The request does not fit; see errors.", errors=[fault])
            unknown = {name: ["This field is not known here."] for name in data if name not in self.fields}
            if unknown:
                raise serializers.ValidationError(unknown, code="unknown_field")
        if isinstance(data, JsonObject) and (faults := list(mistyped(self, data))):
            raise Problem(400, "The request does not fit; see errors.", errors=faults)
        return super().to_internal_value(data)


def mistyped(field: Any, value: Any, pointer: str = "") -> Iterator[dict[str, str]]:
    """Everything in a JSON value whose type is not the field's. Wrong containers are left to the framework."""
    if value is None:
        return
    if isinstance(field, serializers.Serializer) and isinstance(value, dict):
        for name in value.keys() & field.fields.keys():
            yield from mistyped(field.fields[name], value[name], f"{pointer}/{pointer_token(name)}")
    elif isinstance(field, serializers.ListField) and isinstance(value, list):
        for index, inner in enumerate(value):
            yield from mistyped(field.child, inner, f"{pointer}/{index}")
    elif isinstance(field, serializers.DictField) and isinstance(value, dict):
        for name, inner in value.items():
            yield from mistyped(field.child, inner, f"{pointer}/{pointer_token(name)}")
    kinds = JSON_TYPES
    if isinstance(field, serializers.ChoiceField):
        kinds = [(serializers.ChoiceField, tuple({type(choice) for choice in field.choices}), "one of the choices")]
    for kind, types, words in kinds:
        # For Python, true is a number.
        wrong = not isinstance(value, types) or (isinstance(value, bool) and bool not in types)
        if isinstance(field, kind) and wrong:
            yield {"pointer": pointer, "code": "invalid_type", "detail": f"Send {words} here."}


class Empty(StrictSerializer):
    """A request without a body."""
