"""`manage.py sandbox_receiver`: the demo's receiver of alerts, in the foreground."""

from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils.translation import gettext as _

from freddy_admin.ops.operator_command import OperatorCommand
from freddy_admin.ops.stop_signals import stop_on_signals
from freddy_admin.sandbox.message_receiver import MessageReceiver


class Command(OperatorCommand):
    """Serves until Ctrl-C or SIGTERM; prints what would have gone out."""

    help = "Print the alerts that are sent to Slack, Teams, PagerDuty and webhooks of the demo."
    validates_database_version = False

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, required=True, help="0 takes a free port")

    def handle(self, *args: Any, port: int, **options: Any) -> None:
        if not 0 <= port <= 65535:
            raise CommandError(_("The port must be from 0 to 65535."))
        try:
            receiver = MessageReceiver(port=port, write=self._write)
        except OSError as error:
            raise CommandError(
                _("Port %(port)d cannot be used: %(reason)s.")
                % {"port": port, "reason": error.strerror}
            ) from None
        self.write_hint(_("Receiver of alerts on %(url)s") % {"url": receiver.url})
        with stop_on_signals(receiver.request_stop):
            receiver.run()

    def _write(self, line: str) -> None:
        self.stdout.write(line, ending="")
        self.stdout.flush()
