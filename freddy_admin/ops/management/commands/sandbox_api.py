"""`manage.py sandbox_api`: the sandbox of the Aitronos API, in the foreground."""

from datetime import UTC, datetime
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils.translation import gettext as _

from freddy_admin.ops.operator_command import OperatorCommand
from freddy_admin.ops.stop_signals import stop_on_signals
from freddy_admin.sandbox.key_scenarios import KEY_PREFIXES, Scenario, sandbox_key
from freddy_admin.sandbox.sandbox_clock import SandboxClock
from freddy_admin.sandbox.sandbox_server import SandboxServer


class Command(OperatorCommand):
    """Serves until Ctrl-C or SIGTERM; everything it prints goes to stderr."""

    help = "Serve an imitation of the Aitronos API on this machine; the key picks what it does."
    validates_database_version = False

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, required=True, help="0 takes a free port")
        parser.add_argument(
            "--speed",
            type=float,
            default=1.0,
            help="imitated seconds per real second; times then leave the real ones behind",
        )
        parser.add_argument(
            "--since", default="", help="with --speed: the moment (with zone) since when it is so"
        )

    def handle(self, *args: Any, port: int, speed: float, since: str, **options: Any) -> None:
        if not 0 <= port <= 65535:
            raise CommandError(_("The port must be from 0 to 65535."))
        if not 0 <= speed < 1e6:
            raise CommandError(_("The speed must be from 0 to less than 1,000,000."))
        server = SandboxServer(port=port, clock=_build_clock(speed, since))
        try:
            server.bind()
        except OSError as error:
            raise CommandError(
                _("Port %(port)d cannot be used: %(reason)s.")
                % {"port": port, "reason": error.strerror}
            ) from None
        try:
            with stop_on_signals(server.request_stop):
                self._print_key_examples(server)
                server.run()
        finally:
            server.stop()
        self.write_hint(_("The imitation API has ended."))

    def _print_key_examples(self, server: SandboxServer) -> None:
        self.write_hint(_("Imitation of the Aitronos API on %(url)s") % {"url": server.base_url})
        self.write_hint(_("What it does depends on the key. Examples:"))
        for scenario in Scenario:
            self.write_hint(
                f"  {sandbox_key(scenario, 'Example')}  {scenario}: {scenario.sentence}"
            )
        self.write_hint(
            _("A second environment is on %(url)s. Its keys begin with %(prefix)s instead.")
            % {"url": f"{server.base_url}/staging", "prefix": KEY_PREFIXES["staging"]}
        )


def _build_clock(speed: float, since: str) -> SandboxClock:
    """The sandbox's clock; one that ran fast since `since` is ahead by now, as the panel's is."""
    if not since:
        return SandboxClock(speed=speed)
    try:
        since_at = datetime.fromisoformat(since)
        return SandboxClock(since_at + (datetime.now(UTC) - since_at) * speed, speed=speed)
    except (ValueError, TypeError):
        raise CommandError(
            _("Give --since as a moment with its zone: 2026-11-24T12:00:00+00:00.")
        ) from None
