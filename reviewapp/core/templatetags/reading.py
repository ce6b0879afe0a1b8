"""`|moment`, `|moment_with_seconds`, `|day`, `|word`: times and words of the data as the reader has them."""

from datetime import datetime

from django import template

from reviewapp.core import reading

register = template.Library()
register.filter("word", reading.word)


@register.filter
def moment(value: datetime | None) -> str:
    """ "" for nothing, so that `default` can say what that means."""
    return reading.moment(value) if value else ""


@register.filter
def moment_with_seconds(value: datetime | None) -> str:
    return reading.moment_with_seconds(value) if value else ""


@register.filter
def day(value: datetime | None) -> str:
    return reading.day(value) if value else ""
