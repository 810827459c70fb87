"""`manage.py demo_data`: the demo's own first step; `make demo` runs it in the demo's settings."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError, CommandParser
from django.db import connections
from django.utils.translation import gettext as _

from freddy_admin.ops.demo_data import (
    DEMO_DATABASE,
    FAST_DEMO_DATABASE,
    demo_data_ensure,
    demo_receiver_url,
)
from freddy_admin.ops.operator_command import OperatorCommand, usage_error
from freddy_admin.vault.master_key_state import master_key_state


class Command(OperatorCommand):
    """Refuses every database but the demo's own, so that samples never mix with real keys."""

    help = "Migrate the demo's database and store the samples, once (part of `manage.py demo`)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--receiver-port", type=int, default=0, help="of the demo's receiver of alerts"
        )

    def handle(self, *args: Any, receiver_port: int, **options: Any) -> None:
        file = Path(str(settings.DATABASES["default"]["NAME"]))
        if file.name not in {DEMO_DATABASE, FAST_DEMO_DATABASE}:
            raise usage_error(_("This belongs to the demo alone: run `make demo`."))
        if file.name == FAST_DEMO_DATABASE:
            # One that was opened on the way here would go on writing into the removed file.
            connections.close_all()
            for part in ("", "-wal", "-shm"):
                file.with_name(file.name + part).unlink(missing_ok=True)
        call_command("migrate", verbosity=0, interactive=False)
        receiver_url = demo_receiver_url(receiver_port) if receiver_port else ""
        if demo_data_ensure(receiver_url=receiver_url):
            self.write_hint(_("Stored the sample organisations."))
        elif master_key_state(fresh=True).is_fault:
            raise CommandError(
                _(
                    "The demo's data was sealed with other secrets than those in .env. Bring the "
                    "former .env back, or delete var/%(name)s* to start the demo afresh."
                )
                % {"name": DEMO_DATABASE}
            )
