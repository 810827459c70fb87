"""`manage.py demo`: the whole panel with sample organisations and the sandbox API."""

import os
import sys
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import CommandParser
from django.utils.translation import gettext as _

from freddy_admin.ops.demo_data import (
    DEMO_ADMIN_EMAIL,
    DEMO_PASSWORD,
    DEMO_VIEWER_EMAIL,
    demo_environment,
)
from freddy_admin.ops.operator_command import OperatorCommand, usage_error
from freddy_admin.ops.processes import LaunchPlan, manage_command_line, processes_launch
from freddy_admin.ops.supervisor import find_free_port
from freddy_admin.sandbox.key_scenarios import Scenario, sandbox_key


class Command(OperatorCommand):
    """Has a database and settings of its own: `make run` and production see nothing of it."""

    help = "Start the panel with sample organisations; one Ctrl-C stops all of it."
    validates_database_version = False

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
            raise usage_error(_("The speed is a number from 1 to 3600."))
        api_port, since = api_port or find_free_port(), datetime.now(UTC)
        receiver_port = find_free_port()
        data_command = manage_command_line("demo_data", "--receiver-port", str(receiver_port))
        receiver_command = manage_command_line("sandbox_receiver", "--port", str(receiver_port))
        sandbox_command = manage_command_line("sandbox_api", "--port", str(api_port))
        if speed != 1:
            sandbox_command += ["--speed", f"{speed:g}", "--since", since.isoformat()]
        self.write_hint(_("Starting the demo …"))
        processes_launch(
            LaunchPlan(
                port=port,
                env={
                    **os.environ,
                    **demo_environment(
                        api_port=api_port,
                        receiver_port=receiver_port,
                        port=port,
                        speed=speed,
                        since=since,
                    ),
                },
                background_commands=[("imitation-api", sandbox_command)],
                # It prints what would have gone out, below the panel's own lines.
                printing_commands=[("receiver", receiver_command)],
                setup_commands=[(_("preparing the data"), data_command)],
                on_ready=lambda: self._print_welcome(port),
            )
        )

    def _print_welcome(self, port: int) -> None:
        self.write_line(
            _(
                "\n  Freddy Admin is ready:  http://localhost:%(port)d\n\n"
                "  Administrator   %(admin)s\n"
                "  Viewer          %(viewer)s\n"
                "  Password        %(password)s   (both)\n\n"
                "  The organisations are invented and an imitation answers for Aitronos.\n"
                "  A key to add yourself: %(key)s\n"
                "  One of the staging environment: %(staging_key)s\n"
                "  More of them, for every kind of trouble: var/imitation-api.log\n"
                "  Mails, and alerts to Slack, Teams, PagerDuty and webhooks, are not sent but\n"
                "  printed below.\n\n"
                "  Ctrl-C stops everything and keeps the data.\n"
            )
            % {
                "port": port,
                "admin": DEMO_ADMIN_EMAIL,
                "viewer": DEMO_VIEWER_EMAIL,
                "password": DEMO_PASSWORD,
                "key": sandbox_key(Scenario.HEALTHY, "Try me"),
                "staging_key": sandbox_key(Scenario.HEALTHY, "Try me", environment="staging"),
            }
        )
        sys.stdout.flush()
