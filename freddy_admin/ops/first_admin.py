"""The first platform admin of an empty panel: from the environment, or by a link to open."""

import os

from django.conf import settings
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from freddy_admin.accounts.auth.first_admin_setup_link import admin_exists, setup_link_create
from freddy_admin.accounts.models import User
from freddy_admin.accounts.services import admin_create
from freddy_admin.audit.services import OPERATOR


@sensitive_variables()
def first_admin_create_from_environment() -> User | None:
    """Create the admin that ADMIN_EMAIL and ADMIN_PASSWORD name; None if there is one already.

    For machines. Raises InvalidInput where the values are refused.
    """
    email, password = os.environ.get("ADMIN_EMAIL", ""), os.environ.get("ADMIN_PASSWORD", "")
    if admin_exists() or not (email and password):
        return None
    return admin_create(actor=OPERATOR, email=email, password=password)


def setup_link_text(*, port: int) -> str:
    """What to print at the start of a panel that has no administrator; empty where it has one."""
    if admin_exists():
        return ""
    is_plain_http = settings.PLAIN_HTTP or settings.DEBUG
    origin = f"http://localhost:{port}" if is_plain_http else settings.PANEL_URL
    return _(
        "\n  Nobody is here yet. Open this link to become the administrator; it works once,\n"
        "  within an hour, and for whoever has it:\n\n"
        "  %(link)s\n"
    ) % {"link": f"{origin}/first-visit/{setup_link_create()}/"}
