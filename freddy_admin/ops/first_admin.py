"""The first platform admin of an empty panel: from the environment, or asked at the terminal."""

import os
import sys

from django.core.management.base import CommandError
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from freddy_admin.accounts.models import User
from freddy_admin.accounts.services import address_clean, admin_create
from freddy_admin.audit.services import OPERATOR
from freddy_admin.core.errors import PublicError
from freddy_admin.ops.passwords import at_terminal, password_asked


def admin_exists() -> bool:
    """Whether somebody can look after the panel."""
    return User.objects.filter(is_platform_admin=True, is_active=True).exists()


@sensitive_variables()
def first_admin_ensure() -> User | None:
    """Make the first platform admin if there is none; who was made, if anybody.

    Takes ADMIN_EMAIL and ADMIN_PASSWORD, else asks until the answers fit. Raises CommandError
    where there is nobody to ask, or where the environment's values are refused.
    """
    if admin_exists():
        return None
    email, password = os.environ.get("ADMIN_EMAIL", ""), os.environ.get("ADMIN_PASSWORD", "")
    if email and password:
        return admin_create(actor=OPERATOR, email=email, password=password)
    if not at_terminal():
        raise CommandError(
            _(
                "The panel has no administrator yet and there is no terminal to ask at: set "
                "ADMIN_EMAIL and ADMIN_PASSWORD for this first start."
            )
        )
    print(_("Welcome. This panel is empty: who is its first administrator?"), file=sys.stderr)
    while True:
        try:
            return _asked(email)
        except (PublicError, CommandError) as refused:
            print(str(refused), file=sys.stderr)


@sensitive_variables()
def _asked(email: str) -> User:
    address = address_clean(email or input(_("E-mail address: ")))
    return admin_create(actor=OPERATOR, email=address, password=password_asked())
