"""`manage.py panel`: the panel on this machine, against the real API; `make run` calls it."""

import os
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandParser
from django.db import connections
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from freddy_admin.accounts.auth.first_admin_setup_link import admin_exists, setup_link_create
from freddy_admin.accounts.models import User
from freddy_admin.accounts.people import admin_create
from freddy_admin.audit.services import OPERATOR
from freddy_admin.conf.setting_parsers import validate_debug_hosts
from freddy_admin.ops.health_probe import probe_host
from freddy_admin.ops.operator_command import OperatorCommand
from freddy_admin.ops.processes import LaunchPlan, processes_launch


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
    address = local_panel_url(port) if is_plain_http else settings.PANEL_URL
    return _(
        "\n  Nobody is here yet. Open this link to become the administrator; it works once,\n"
        "  within an hour, and for whoever has it:\n\n"
        "  %(link)s\n"
    ) % {"link": f"{address}/first-visit/{setup_link_create()}/"}


class Command(OperatorCommand):
    """Migrates, sees to a first administrator, then starts web server and worker."""

    help = "Start the panel with the settings of .env; one Ctrl-C stops all of it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, default=8000, help="where the panel listens")

    def handle(self, *args: Any, port: int, **options: Any) -> None:
        validate_debug_hosts(debug=settings.DEBUG, hosts=settings.ALLOWED_HOSTS)
        call_command("migrate", verbosity=0, interactive=False)
        first_admin = first_admin_create_from_environment()
        if first_admin:
            self.write_hint(_("%(email)s can sign in now.") % {"email": first_admin.email})
        connections.close_all()
        self.write_hint(_("Starting the panel …"))
        env = {name: value for name, value in os.environ.items() if name != "ADMIN_PASSWORD"}
        if settings.PANEL_URL == "http://localhost:8000":  # nobody said otherwise
            env["PANEL_URL"] = local_panel_url(port)
        processes_launch(
            LaunchPlan(
                port=port,
                env=env,
                host=probe_host([str(host) for host in settings.ALLOWED_HOSTS]),
                on_ready=lambda: self._print_welcome(port),
            )
        )

    def _print_welcome(self, port: int) -> None:
        is_plain_http = settings.PLAIN_HTTP or settings.DEBUG
        welcome = (
            _(
                "\n  Freddy Admin is ready:  %(address)s   (in your browser)\n\n"
                "  It watches %(api)s.\n"
                "  Ctrl-C stops everything and keeps the data.\n"
            )
            if is_plain_http
            else _(
                "\n  Freddy Admin is ready:  %(address)s   "
                "(through your https proxy)\n\n"
                "  It watches %(api)s.\n"
                "  Ctrl-C stops everything and keeps the data.\n"
            )
        )
        self.write_line(
            welcome % {"address": local_panel_url(port), "api": settings.AITRONOS_API_BASE_URL}
        )
        link = setup_link_text(port=port)
        if link:
            self.write_line(link)
        connections.close_all()


def local_panel_url(port: int) -> str:
    """Where the panel is on this machine, its path included."""
    return f"http://localhost:{port}{settings.FORCE_SCRIPT_NAME or ''}"
