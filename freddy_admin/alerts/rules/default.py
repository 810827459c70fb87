"""The rules of those who made none: a new panel with mail tells whoever can do something."""

from typing import Final

from freddy_admin.alerts.models import Severity
from freddy_admin.alerts.rules.decisions import PLATFORM_ADMIN_ROLE, RuleTerms
from freddy_admin.organisations.roles import Role

# What concerns the whole platform, once; never each organisation.
FLEET_DEFAULT: Final = RuleTerms(
    rule_id=None,
    organisation_id=None,
    severity=Severity.WARNING,
    roles=frozenset({PLATFORM_ADMIN_ROLE}),
    causes_only=True,
)


def organisation_default(organisation_id: int) -> RuleTerms:
    """An organisation's managers get a mail of what needs action."""
    return RuleTerms(
        rule_id=None,
        organisation_id=organisation_id,
        severity=Severity.ACTION_NEEDED,
        roles=frozenset({Role.MANAGER.value}),
    )
