"""The review page's single keys: what each action is called, and the key it has unless the person chose another.

Digits answer questions and Ctrl+Enter hands in; those are not to be changed.
"""

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

# Action: (what it does, its own key).
ACTIONS: dict[str, tuple[Any, str]] = {
    "next": (gettext_lazy("Next question"), "j"),
    "previous": (gettext_lazy("Previous question"), "k"),
    "prefer_a": (gettext_lazy("A is better"), "a"),
    "prefer_b": (gettext_lazy("B is better"), "b"),
    "tie": (gettext_lazy("A tie"), "t"),
    "correct": (gettext_lazy("Write a correction"), "c"),
    "mark": (gettext_lazy("Mark the selected words"), "m"),
    "verdict": (gettext_lazy("Choose the verdict yourself"), "v"),
    "undo": (gettext_lazy("Undo the last submission"), "u"),
    "skip": (gettext_lazy("Skip this item"), "s"),
    "escalate": (gettext_lazy("Escalate this item"), "e"),
    "find": (gettext_lazy("Find in the context"), "/"),
    "raw": (gettext_lazy("Show the text as it came"), "r"),
    "help": (gettext_lazy("Show all keys"), "?"),
}

# Comforts that can be switched off, kept beside the keys. Single keys: WCAG 2.2, 2.1.4.
SWITCHES: dict[str, Any] = {
    "single_keys": gettext_lazy("Single keys work"),
    "auto_advance": gettext_lazy("Hand in by itself after the last required answer"),
}


def key_fault(key: str) -> str | None:
    """Why this cannot be a single key; None when it can. A key is one printable character, digits excepted."""
    if len(key) != 1 or not key.isprintable() or key.isspace():
        return _("One character, such as n.")
    if key.isdigit():
        return _("Digits answer the questions; choose another key.")
    return None
