"""`manage.py panel`: the panel on this machine, against the real API; `make run` calls it."""

import os
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandParser
from django.db import connections
from django.utils.translation import gettext as _

from freddy_admin.core.configuration import serving_check
from freddy_admin.ops.command import OperatorCommand
from freddy_admin.ops.first_admin import first_admin_from_environment, first_link_words
from freddy_admin.ops.launch import Launch, launch


class Command(OperatorCommand):
    """Migrates, sees to a first administrator, then starts web server and worker."""

    help = "Start the panel with the settings of .env; one Ctrl-C stops all of it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, default=8000, help="where the panel listens")

    def handle(self, *args: Any, port: int, **options: Any) -> None:
        serving_check(debug=settings.DEBUG, hosts=settings.ALLOWED_HOSTS)
        call_command("migrate", verbosity=0, interactive=False)
        made = first_admin_from_environment()
        if made:
            self.hint(_("%(email)s can sign in now.") % {"email": made.email})
        connections.close_all()
        self.hint(_("Starting the panel …"))
        env = {name: value for name, value in os.environ.items() if name != "ADMIN_PASSWORD"}
        if settings.PANEL_URL == "http://localhost:8000":  # nobody said otherwise
            env["PANEL_URL"] = f"http://localhost:{port}"
        launch(Launch(port=port, env=env, host=_host(), introduce=lambda: self._introduce(port)))

    def _introduce(self, port: int) -> None:
        plain = settings.PLAIN_HTTP or settings.DEBUG
        reach = _("in your browser") if plain else _("through your https proxy")
        self.line(
            _(
                "\n  Freddy Admin is ready:  http://localhost:%(port)d   (%(reach)s)\n\n"
                "  It watches %(api)s.\n"
                "  Ctrl-C stops everything and keeps the data.\n"
            )
            % {"port": port, "reach": reach, "api": settings.AITRONOS_API_BASE_URL}
        )
        link = first_link_words(port=port)
        if link:
            self.line(link)
        connections.close_all()


def _host() -> str:
    # Our own question whether the panel is ready must name a host that the panel answers to.
    hosts = [str(host) for host in settings.ALLOWED_HOSTS]
    if "localhost" in hosts or "*" in hosts or not hosts:
        return "localhost"
    return hosts[0].removeprefix(".")
