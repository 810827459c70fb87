"""Finds the people whom an import names as owners of keys."""

from collections.abc import Sequence

from django.utils.translation import gettext as _

from freddy_admin.accounts.models import User
from freddy_admin.organisations.selectors import assignable_users_by_email
from freddy_admin.vault.key_import_csv import CsvRow


def row_owners_find(rows: Sequence[CsvRow]) -> dict[int, User]:
    """The owners by the number of their row; a row is missing if it names nobody who may own it.

    An owner sees the organisation: a member of it, or a platform admin.
    """
    users = assignable_users_by_email(emails={row.owner for row in rows if row.owner})
    owners = {
        row.number: users.get((row.organisation, row.owner)) or users.get(("", row.owner))
        for row in rows
        if row.owner
    }
    return {number: owner for number, owner in owners.items() if owner is not None}


def owner_problem() -> str:
    """What is said of an owner with no account, and of one who may not see the organisation."""
    return _(
        "owner: nobody with this address can see this organisation. Invite them first, or leave "
        "this empty"
    )
