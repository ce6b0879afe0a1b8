"""What the services say to programs, said to people in their language."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _later

NOTHING_WAITING = _later("Nothing is waiting for you right now. New items appear here as they come in.")
MISSING = _later("This one needs an answer.")
# By pointer and code; what is not named here is told as the service tells it.
FAULTS: dict[tuple[str, str], Any] = {
    ("/preferred", "required"): _later("Choose A, B or a tie."),
    ("/cause", "required"): _later("Choose why the raters disagreed."),
    ("/idempotency_key", "used"): _later("This form was handed in and undone before. Look it over and submit again."),
    ("/correction", "required"): _later("The verdict “correct” needs the corrected response."),
    ("/verdict", "contradiction"): _later("An answer that fails the response cannot go with “accept”."),
}


def fault_text(error: Mapping[str, str], question: str = "") -> str:
    """One {pointer, code, detail} of a refused submission; `question` is the criterion's, where it is about one."""
    known = FAULTS.get((error["pointer"], error["code"]))
    if known:
        return str(known)
    if question and error["code"] == "required":
        return _("Answer “%(question)s”") % {"question": question}
    if question and error["code"] == "off_scale":
        return _("“%(question)s” has no such answer.") % {"question": question}
    if error["pointer"].startswith("/spans"):
        return _("A mark does not fit the text or the rubric any more: remove it, or mark the words again.")
    return error["detail"]


def lost_text(*, ended: bool) -> str:
    """Why the work on an item was refused. The person's work is kept whatever happens to the item."""
    if ended:
        return _("This item was handed in or given back before, perhaps in another tab.")
    return _("Your time on this item ended and somebody else has it now. What you typed is kept.")
