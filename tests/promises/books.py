"""The ledger, for tests: every check at once."""

from reviewapp.core.models import Project
from routing.ledger import CHECKS, examine


def faults(project: Project | None = None) -> dict[str, object]:
    """What the ledger finds wrong, by check; empty when everything adds up."""
    findings = [examine(check, project, most=5) for check in CHECKS]
    return {finding.check.name: finding.rows for finding in findings if not finding.clean}
