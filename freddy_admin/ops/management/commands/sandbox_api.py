"""`manage.py sandbox_api`: the sandbox of the Aitronos API, in the foreground."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _

from freddy_admin.sandbox.key_scenarios import SCENARIO_SENTENCES, sandbox_key
from freddy_admin.sandbox.sandbox_clock import SandboxClock
from freddy_admin.sandbox.sandbox_server import SandboxServer


class Command(BaseCommand):
    """Serves until Ctrl-C or SIGTERM; everything it prints goes to stderr."""

    help = "Serve an imitation of the Aitronos API on this machine; the key picks what it does."
    requires_system_checks: list[str] = []

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
            with _stop_on_signals(server):
                self._print_key_examples(server)
                server.run()
        finally:
            server.stop()
        self._write_hint(_("The imitation API has ended."))

    def _print_key_examples(self, server: SandboxServer) -> None:
        self._write_hint(_("Imitation of the Aitronos API on %(url)s") % {"url": server.base_url})
        self._write_hint(_("What it does depends on the key. Examples:"))
        for scenario, sentence in SCENARIO_SENTENCES.items():
            self._write_hint(f"  {sandbox_key(scenario, 'Example')}  {scenario}: {sentence}")

    def _write_hint(self, text: str) -> None:
        # Not an error although on stderr, so not in the colour of errors.
        self.stderr.write(text, style_func=str)
        self.stderr.flush()


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


@contextmanager
def _stop_on_signals(server: SandboxServer) -> Iterator[None]:
    """Ctrl-C and SIGTERM end the server instead of the process, for as long as this lasts."""
    former_handlers = {
        number: signal.signal(number, lambda *_: server.request_stop())
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield
    finally:
        for number, handler in former_handlers.items():
            signal.signal(number, handler)
