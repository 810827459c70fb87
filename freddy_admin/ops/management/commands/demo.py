"""`manage.py demo`: the whole panel with sample organisations and an imitation of the API."""

import os
import sys
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import CommandParser
from django.utils.translation import gettext as _

from freddy_admin.ops.command import OperatorCommand, wrong_use
from freddy_admin.ops.demo import ADMIN, PASSWORD, VIEWER, demo_settings
from freddy_admin.ops.launch import Launch, launch, manage
from freddy_admin.ops.supervisor import port_free
from freddy_admin.sandbox.scenarios import Scenario, key_for


class Command(OperatorCommand):
    """Has a database and settings of its own: `make run` and production see nothing of it."""

    help = "Start the panel with sample organisations; one Ctrl-C stops all of it."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, default=8000, help="where the panel listens")
        parser.add_argument(
            "--api-port", type=int, default=0, help="of the imitation API; 0 takes a free one"
        )
        parser.add_argument(
            "--speed",
            type=float,
            default=1.0,
            help="seconds of the demo's clock in a real one, from 1 to 3600; data made anew",
        )

    def handle(self, *args: Any, port: int, api_port: int, speed: float, **options: Any) -> None:
        if not 1 <= speed <= 3_600:
            raise wrong_use(_("The speed is a number from 1 to 3600."))
        api_port, since = api_port or port_free(), datetime.now(UTC)
        sandbox = manage("sandbox_api", "--port", str(api_port))
        if speed != 1:
            sandbox += ["--speed", f"{speed:g}", "--since", since.isoformat()]
        self.hint(_("Starting the demo …"))
        launch(
            Launch(
                port=port,
                env={
                    **os.environ,
                    **demo_settings(api_port=api_port, port=port, speed=speed, since=since),
                },
                beside=[("imitation-api", sandbox)],
                steps=[(_("preparing the data"), manage("demo_data"))],
                introduce=lambda: self._introduce(port),
            )
        )

    def _introduce(self, port: int) -> None:
        self.line(
            _(
                "\n  Freddy Admin is ready:  http://localhost:%(port)d\n\n"
                "  Administrator   %(admin)s\n"
                "  Viewer          %(viewer)s\n"
                "  Password        %(password)s   (both)\n\n"
                "  The organisations are invented and an imitation answers for Aitronos.\n"
                "  A key to add yourself: %(key)s\n"
                "  More of them, for every kind of trouble: var/imitation-api.log\n"
                "  Mails, such as invitations, are not sent but printed below.\n\n"
                "  Ctrl-C stops everything and keeps the data.\n"
            )
            % {
                "port": port,
                "admin": ADMIN,
                "viewer": VIEWER,
                "password": PASSWORD,
                "key": key_for(Scenario.HEALTHY, "Try me"),
            }
        )
        sys.stdout.flush()
