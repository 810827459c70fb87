"""What the rules of today send to one person, for their own page."""

from collections.abc import Iterable
from typing import Final, NamedTuple

from freddy_admin.accounts.models import User
from freddy_admin.alerts.models import Severity
from freddy_admin.alerts.rules.decisions import PLATFORM_ADMIN_ROLE, RuleTerms
from freddy_admin.alerts.rules.selectors import rule_terms_by_organisation
from freddy_admin.organisations.models import Membership

LISTED_COUNT: Final = 30
_NO_ORGANISATION: Final = 0  # has the rules of the whole panel, and none of its own


class PersonRule(NamedTuple):
    """What a person is told of one organisation, or of all of them; `severity` and worse."""

    organisation_name: str  # "" for all
    severity: Severity | None  # None: nothing
    causes_only: bool = False


def person_rules_list(*, user: User) -> list[PersonRule]:
    """What the person is told, first of all organisations, then of those they belong to, by name.

    Of the first `LISTED_COUNT` of these; three queries.
    """
    memberships = list(
        Membership.objects.filter(user=user)
        .select_related("organisation")
        .order_by("organisation__name")[:LISTED_COUNT]
    )
    ids = {row.organisation_id for row in memberships}
    terms = rule_terms_by_organisation(organisation_ids=ids | {_NO_ORGANISATION})
    of_panel = [
        rule
        for rule in terms[_NO_ORGANISATION]
        if rule.organisation_id is None and PLATFORM_ADMIN_ROLE in rule.roles
    ]
    rows = []
    if user.is_platform_admin:
        rows = [_person_rule("", group) for group in _by_reach(of_panel) if group]
    for row in memberships:
        rules = [rule for rule in terms[row.organisation_id] if row.role in rule.roles]
        rows.append(_person_rule(row.organisation.name, rules))
    return rows


def _by_reach(rules: Iterable[RuleTerms]) -> tuple[list[RuleTerms], list[RuleTerms]]:
    rules = list(rules)
    return (
        [rule for rule in rules if not rule.causes_only],
        [rule for rule in rules if rule.causes_only],
    )


def _person_rule(organisation_name: str, rules: list[RuleTerms]) -> PersonRule:
    widest = max((rule.severity for rule in rules), key=list(Severity).index, default=None)
    return PersonRule(
        organisation_name, widest, causes_only=bool(rules) and all(r.causes_only for r in rules)
    )
