"""The ledger: the promises about decisions, seats, ratings and verdicts, recounted from the rows themselves."""

from routing.ledger.books import CHECKS_OF_BOOKS
from routing.ledger.checks import Check, Finding, examine
from routing.ledger.delivery import CHECKS_OF_DELIVERY
from routing.ledger.known import CHECKS_OF_KNOWN
from routing.ledger.shared import CHECKS_OF_SHARED
from routing.ledger.verdicts import CHECKS_OF_VERDICTS

CHECKS: tuple[Check, ...] = (
    *CHECKS_OF_BOOKS,
    *CHECKS_OF_KNOWN,
    *CHECKS_OF_SHARED,
    *CHECKS_OF_VERDICTS,
    *CHECKS_OF_DELIVERY,
)

__all__ = ["CHECKS", "Check", "Finding", "examine"]
