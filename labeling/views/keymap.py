"""The desk's keys: which action has which key for a person, and which comforts they have switched off.

`Person.keys` holds what a person chose: action to key ("" for none), and the switches. What an older page stored and
what does not fit any more is as if it were not there.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from reviewapp.core.shortcuts import ACTIONS as CHOSEN_ACTIONS
from reviewapp.core.shortcuts import key_fault


@dataclass(frozen=True, slots=True)
class Action:
    """Something a single key does, and the key it has unless the person chose another."""

    name: str
    key: str
    label: Any


# In the order of the key map. Names and keys are those of the preferences page.
ACTIONS = tuple(Action(name, key, label) for name, (label, key) in CHOSEN_ACTIONS.items())
# What has to be on the desk for an action to do anything; a selector.
NEEDS = {
    "prefer_a": ".preference",
    "prefer_b": ".preference",
    "tie": ".preference",
    "correct": "#correction",
    "mark": "#marking",
    "verdict": "#verdict",
    "escalate": "#escalate",
}
# Switches in Person.keys besides the keys, with their defaults. WCAG 2.2, 2.1.4: single keys can be turned off.
SWITCHES = {"single_keys": True, "auto_advance": True}


@dataclass(frozen=True, slots=True)
class Keymap:
    """One person's keys. Without `single_keys` only Ctrl+Enter and what a browser does itself are left."""

    keys: Mapping[str, str]
    single_keys: bool
    auto_advance: bool

    @property
    def hints(self) -> Mapping[str, str]:
        """The keys to print on the buttons: none where single keys are off."""
        return self.keys if self.single_keys else {}

    @property
    def json(self) -> str:
        """For the page's script."""
        return json.dumps({"keys": self.keys, "single": self.single_keys, "auto": self.auto_advance})

    @property
    def rows(self) -> list[tuple[str, str, Any]]:
        """(key, what has to be on the desk, what it does) of every action that has a key."""
        return [
            (key, NEEDS.get(action.name, ""), action.label) for action in ACTIONS if (key := self.keys[action.name])
        ]


def keymap_of(person: Any) -> Keymap:
    """What this person chose, completed; `person.keys` may hold anything."""
    stored = person.keys if isinstance(person.keys, dict) else {}
    switches = {name: stored.get(name, default) is not False for name, default in SWITCHES.items()}
    return Keymap(keys=keys_of(person), **switches)


def keys_of(person: Any) -> dict[str, str]:
    """Action to key, "" where there is none. No key stands for two actions: the first in ACTIONS has it."""
    stored = person.keys if isinstance(person.keys, dict) else {}
    keys: dict[str, str] = {}
    # Chosen keys first: an own key of the page gives way to them.
    for chosen in (True, False):
        for action in ACTIONS:
            given = stored.get(action.name)
            own = given if isinstance(given, str) and (given == "" or key_fault(given) is None) else None
            if (own is not None) is chosen:
                wanted = action.key if own is None else own
                keys[action.name] = "" if wanted in keys.values() else wanted
    return {action.name: keys[action.name] for action in ACTIONS}
