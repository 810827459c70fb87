"""`manage.py run_worker`: checks keys when they are due, until SIGTERM or Ctrl-C."""

import logging
from typing import Any

from django.core.management.base import CommandError
from django.utils.translation import gettext as _

from freddy_admin.core.sqlite_wal import wal_keep_open
from freddy_admin.crypto.keyring import keyring
from freddy_admin.ops.command import OperatorCommand
from freddy_admin.ops.post import Post
from freddy_admin.ops.worker import Worker, ended_by_signals, leave_now
from freddy_admin.sync.engine import Engine
from freddy_admin.sync.platform import worker_seen_at

log = logging.getLogger(__name__)


class Command(OperatorCommand):
    """Any number may run: a lease in the database sees to it that a key is checked once."""

    help = "Check keys when they are due and test new ones; ends on SIGTERM within 10 seconds."
    opens_keys = True

    def handle(self, *args: Any, **options: Any) -> None:
        if not keyring().can_open:
            raise CommandError(
                _(
                    "The worker opens keys and needs ENCRYPTION_KEYS, which is not set. A process "
                    "with ENCRYPTION_PUBLIC_KEY alone can serve pages only."
                )
            )
        # Whoever starts it hears what is wrong; once at work it waits for a database to come back.
        worker_seen_at()
        worker = Worker(Engine(), beside=[Post()])
        with ended_by_signals(worker.stopping):
            log.info("The worker %s is at work.", worker.engine.name)
            kept_open = wal_keep_open()
            everything_ended = worker.run()
            del kept_open
        if not everything_ended:
            leave_now()
