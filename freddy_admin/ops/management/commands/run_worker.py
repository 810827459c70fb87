"""`manage.py run_worker`: checks keys when they are due, until SIGTERM or Ctrl-C."""

import logging
from typing import TYPE_CHECKING, Any

from django.core.management.base import CommandError
from django.utils.translation import gettext as _

from freddy_admin.alerts.heartbeat import LOOK_SECONDS
from freddy_admin.core.sqlite_wal import wal_keep_open
from freddy_admin.core.tasks import EmbeddedTasks, is_engine_installed
from freddy_admin.crypto.keyring import keyring
from freddy_admin.ops.alert_jobs import alert_jobs_add
from freddy_admin.ops.heartbeat_sender import HeartbeatSender
from freddy_admin.ops.operator_command import OperatorCommand
from freddy_admin.ops.outbox_sender import OutboxSender
from freddy_admin.ops.stop_signals import stop_on_signals
from freddy_admin.ops.worker_process import WorkerProcess, exit_immediately
from freddy_admin.sync.platform_status import latest_worker_heartbeat_at
from freddy_admin.sync.worker.loop import WorkerLoop

if TYPE_CHECKING:
    from freddy_admin.core.task_engine import EngineTasks

log = logging.getLogger(__name__)


class Command(OperatorCommand):
    """Any number may run: a lease in the database sees to it that a key is checked once."""

    help = "Check keys when they are due and test new ones; ends on SIGTERM within 10 seconds."
    unwraps_master_keys = True

    def handle(self, *args: Any, **options: Any) -> None:
        if not keyring().has_private_keys:
            raise CommandError(
                _(
                    "The worker opens keys and needs ENCRYPTION_KEYS, which is not set. A process "
                    "with ENCRYPTION_PUBLIC_KEY alone can serve pages only."
                )
            )
        # Whoever starts it hears what is wrong; once at work it waits for a database to come back.
        latest_worker_heartbeat_at()
        sender, heartbeat = OutboxSender(), HeartbeatSender()
        engine = _engine_create()
        worker = WorkerProcess(
            WorkerLoop(tasks=engine or EmbeddedTasks()),
            background_tasks=[sender, heartbeat, *([engine] if engine else [])],
        )
        alert_jobs_add(worker.loop.tasks)
        worker.loop.tasks.add(sender.queue)
        worker.loop.tasks.every(LOOK_SECONDS, heartbeat.start, in_each_worker=True)
        with stop_on_signals(worker.stopping.set):
            log.info("The worker %s is at work.", worker.loop.name)
            wal_connection = wal_keep_open()
            if engine is not None:
                engine.start(on_job=worker.interrupt)
            all_calls_ended = worker.run()
            del wal_connection
        if not all_calls_ended:
            exit_immediately()


def _engine_create() -> "EngineTasks | None":
    if not is_engine_installed():
        return None
    # Imported here: on SQLite a worker has no need of it, nor of the memory.
    from freddy_admin.core.task_engine import EngineTasks

    return EngineTasks()
