"""Deterministic checks of one output. Pure: the same checks and output always give the same results."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import Discriminator

from routing.policy.check_kinds import (
    AllowedCitations,
    JsonSchema,
    Language,
    MaxLength,
    MustMatch,
    MustNotMatch,
    NumericRange,
    RequiredFields,
)
from routing.policy.patterns import SearchTooCostly
from routing.policy.subject import Subject, Unreadable

__all__ = ["Check", "CheckResult", "Subject", "run_checks"]

Check = Annotated[
    RequiredFields | JsonSchema | NumericRange | MustMatch | MustNotMatch | AllowedCitations | MaxLength | Language,
    Discriminator("kind"),
]


@dataclass(frozen=True, slots=True)
class CheckResult:
    """`reason` says what is wrong, quoting at most a line of the output, as plain text that is still hostile;
    empty where the check passed."""

    name: str
    kind: str
    severity: str
    passed: bool
    reason: str = ""


def run_checks(checks: Sequence[Check], subject: Subject) -> tuple[CheckResult, ...]:
    """The results of the checks that apply to the output's intent, in order. Never raises.

    A check that cannot be run has failed: what nobody could look at is not known to be right.
    """
    return tuple(_run(check, subject) for check in checks if check.applies_to(subject.intent))


def _run(check: Check, subject: Subject) -> CheckResult:
    try:
        reason = check.fault(subject)
    except (Unreadable, SearchTooCostly) as obstacle:
        reason = str(obstacle)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # A panic inside a compiled library is no Exception.
        # Its message may quote the output.
        reason = f"could not be run: {type(error).__name__}"
    return CheckResult(
        name=check.name, kind=check.kind, severity=check.severity, passed=reason is None, reason=reason or ""
    )
