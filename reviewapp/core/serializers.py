"""Serializers that refuse what they do not know."""

from typing import Any

from rest_framework import serializers

from reviewapp.core.parsers import unstorable
from reviewapp.core.problems import Problem


class StrictSerializer(serializers.Serializer[Any]):
    """An unknown field is an error that names it, and so is text that no database can keep."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict):
            if fault := unstorable(data):
                raise Problem(400, "The request does not fit; see errors.", errors=[fault])
            unknown = {name: ["This field is not known here."] for name in data if name not in self.fields}
            if unknown:
                raise serializers.ValidationError(unknown, code="unknown_field")
        return super().to_internal_value(data)


class Empty(StrictSerializer):
    """A request without a body."""
