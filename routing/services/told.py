"""Reasons that were written into rows in English, said again in the reader's language.

What decides and measures knows no languages, and its words are part of what is stored and reproduced. The pages
know its sentences by their shape. What is not among them is shown as it was written.
"""

import re
from collections.abc import Sequence

from django.utils.formats import get_format
from django.utils.translation import gettext, gettext_noop

# Each is written by one line of `routing.policy` or `routing.services`, with values in the same places.
SENTENCES = (
    # Thresholds of the detectors.
    gettext_noop("needs %(needed)s ordinary outputs, has %(count)s"),
    gettext_noop("needs %(needed)s distinct inputs, has none yet"),
    gettext_noop("needs %(needed)s distinct inputs; the newest look found fewer"),
    gettext_noop("needs %(needed)s distinct inputs, has %(count)s"),
    # Calibrators.
    gettext_noop("fewer than %(count)s labels"),
    gettext_noop("fewer than %(count)s labels of the rarer verdict"),
    gettext_noop("all labels are the same"),
    gettext_noop("no labels"),
    gettext_noop("no signal is useful"),
    gettext_noop("needs acceptable and unacceptable outputs"),
    # Confidence.
    gettext_noop("no signal"),
    gettext_noop("uncalibrated"),
    gettext_noop("no calibration"),
    gettext_noop("no calibration for %(signals)s"),
    gettext_noop("same family as the source (%(family)s): its praise counts half"),
    gettext_noop("its %(runs)s runs score between %(low)s and %(high)s"),
    gettext_noop("contradicts itself in %(count)s of %(runs)s runs"),
    # Stakes.
    gettext_noop("caller"),
    gettext_noop("default"),
    gettext_noop("intent"),
    gettext_noop("rule %(name)s, which could not be decided"),
    gettext_noop("rule %(name)s"),
    gettext_noop("check %(name)s"),
    # Error rates and certificates.
    gettext_noop("no outputs"),
    gettext_noop("nothing shipped"),
    gettext_noop("%(strata)s strata with %(outputs)s shipped outputs have no audit verdict"),
    gettext_noop("no certificate was issued"),
    gettext_noop("shipped outputs"),
    gettext_noop("shipped %(stakes)s outputs"),
    gettext_noop("Error rate of %(told)s: not estimable (%(reason)s)."),
    gettext_noop("Error rate of %(told)s ≤ %(upper)s at %(level)s confidence."),
    # Drafts of recalibrations.
    gettext_noop("always reviewed"),
    gettext_noop("reviewed below %(threshold)s"),
    gettext_noop("made stricter: %(stakes)s stakes are %(told)s, and higher stakes never ship more easily"),
    gettext_noop("for intent %(intent)s, %(reason)s"),
    # Pauses that ended with a new version of the rubric.
    gettext_noop("%(rubric)s took over."),
)
# Values that are themselves sentences from above.
NESTED = ("reason", "told")
_PLACE = re.compile(r"%\((\w+)\)s")
_NUMBER = re.compile(r"\d+\.\d+%?")


def _pattern(sentence: str) -> re.Pattern[str]:
    parts = _PLACE.split(sentence)
    shape = [f"(?P<{part}>.+?)" if number % 2 else re.escape(part) for number, part in enumerate(parts)]
    return re.compile("".join(shape), re.DOTALL)


_KNOWN = [(_pattern(sentence), sentence) for sentence in SENTENCES]


def told(text: str) -> str:
    """`text` in the reader's language if it has the shape of a sentence that is known, else as it is."""
    for pattern, sentence in _KNOWN:
        if match := pattern.fullmatch(text):
            return gettext(sentence) % {name: _value(name, value) for name, value in match.groupdict().items()}
    return text


def all_told(texts: Sequence[str]) -> list[str]:
    return [told(text) for text in texts]


def _value(name: str, value: str) -> str:
    if name in NESTED:
        return told(value)
    if name == "stakes":
        return gettext(value)
    return value.replace(".", get_format("DECIMAL_SEPARATOR")) if _NUMBER.fullmatch(value) else value
