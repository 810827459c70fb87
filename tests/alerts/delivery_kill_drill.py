"""`python -m tests.alerts.delivery_kill_drill KILLS WORKERS SOURCE`: workers are killed at work.

The database is TEST_DATABASE_URL, with an organisation "alder" and its manager. SOURCE is where
incidents come from: "planned" as the recorder plans them, or "checks" of keys that an imitation of
Aitronos refuses and takes again. Receivers of a process of their own report what arrives, and
reply once they may: half of the kills (-9) come at that moment, between sending and storing, the
others at any. Prints what arrived in its order, as JSON.
"""

import json
import os
import random
import select
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from multiprocessing.sharedctypes import RawValue
from pathlib import Path
from typing import Any

from tests.alerts.kill_drill_receivers import serve

# So many seconds of the panel's clock pass in a real one. A lease lasts for 120 of them.
CLOCK_SPEEDS = {"planned": 60, "checks": 20}
INCIDENTS_PER_KILL, MOST_INCIDENTS = 0.75, 150
KILLS_PER_ROUND = 8
DEADLINE_SECONDS, DEADLINE_PER_KILL = 240.0, 8.0
# A message that was hit five times waits for six hours: after so long without one the panel's clock
# skips what a check of each key may take.
IDLE_SECONDS, SKIPPED_SECONDS = 1.0, 300.0


def main(kills: int, worker_count: int, source_name: str) -> None:
    """Tell of incidents and their ends by workers of which one is killed so many times."""
    refused_file = Path(tempfile.mkdtemp()) / "refused"
    refused_file.write_text("")
    reports, report = os.pipe()
    permissions, permission = os.pipe()
    server_pid = _fork(lambda: serve(report, permissions, refused_file))
    ports = json.loads(_read_line(reports))
    _set_up_django(ports)
    from freddy_admin.core import clock

    started_at, start = time.monotonic(), clock.now()
    skipped = RawValue("d", 0.0)  # of all processes; without a lock that one might die with

    def accelerated_now() -> datetime:
        passed = (time.monotonic() - started_at) * CLOCK_SPEEDS[source_name]
        return start + timedelta(seconds=passed + skipped.value)

    arrived: list[list[Any]] = []
    done_kills, chance = 0, random.Random(kills)
    with clock.override_clock(accelerated_now):
        source = _in_own_connection(lambda: _source_create(source_name, kills, ports, refused_file))
        deadline = time.monotonic() + DEADLINE_SECONDS + kills * DEADLINE_PER_KILL
        work = _work_for_ever if source_name == "planned" else lambda: _check_for_ever(ports["api"])
        workers = [_fork(work) for _ in range(worker_count)]
        arrived_at = time.monotonic()
        while time.monotonic() < deadline:
            if time.monotonic() - arrived_at > IDLE_SECONDS:
                skipped.value += SKIPPED_SECONDS
                arrived_at = time.monotonic()
            has_report = select.select([reports], [], [], chance.uniform(0.0, 0.4))[0]
            if has_report:
                arrived.append(json.loads(_read_line(reports)))
                arrived_at = time.monotonic()
            elif (
                not _in_own_connection(lambda: source.step() or _is_waiting())
                and done_kills == kills
            ):
                break
            # Not all of them before anything was sent.
            is_kill_due = done_kills < kills and done_kills <= len(arrived)
            if is_kill_due and (not has_report or chance.random() < 0.4):
                number = chance.randrange(worker_count)
                _kill(workers[number])
                done_kills += 1
                workers[number] = _fork(work)
            if has_report:
                os.write(permission, b".")
        for pid in [*workers, server_pid]:
            _kill(pid)
    print(json.dumps({"arrived": arrived, "kills": done_kills}))


def _set_up_django(ports: dict[str, int]) -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    import django

    django.setup()
    import django.core.mail.backends.smtp
    from django.conf import settings

    # Once, and not in each worker that is forked.
    import freddy_admin.aitronos.client
    import freddy_admin.ops.alert_jobs
    import freddy_admin.ops.outbox_sender
    import freddy_admin.sync.worker.loop  # noqa: F401
    from freddy_admin.conf.outbound_settings import parse_outbound_allowed_hosts

    settings.AITRONOS_TOTAL_TIMEOUT = 60.0  # of the panel's seconds, and so the checks' leases
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", ports["mail"]
    hosts = [f"127.0.0.1:{port}" for port in ports.values()]
    settings.OUTBOUND_ALLOWED_HOSTS = parse_outbound_allowed_hosts(",".join(hosts))
    settings.PAGERDUTY_EVENTS_URL = f"http://127.0.0.1:{ports['pagerduty']}/v2/enqueue"


def _source_create(name: str, kills: int, ports: dict[str, int], refused_file: Path) -> Any:
    """Where incidents come from, once a rule tells the manager and a channel of each kind."""
    from freddy_admin.alerts.channels.services import channel_create
    from freddy_admin.audit.services import OPERATOR
    from freddy_admin.organisations.models import Organisation
    from tests.alerts.delivery_flow import rule_make
    from tests.alerts.kill_drill_sources import CheckedIncidents, PlannedIncidents
    from tests.receivers.pagerduty_receiver import ROUTING_KEY
    from tests.receivers.slack_receiver import PATH

    organisation = Organisation.objects.get(slug="alder")
    addresses = {
        "webhook": f"http://127.0.0.1:{ports['webhook']}/hook",
        "slack": f"http://127.0.0.1:{ports['slack']}{PATH}",
        "teams": f"http://127.0.0.1:{ports['teams']}/workflows/1",
        "pagerduty": ROUTING_KEY,
    }
    values = {"organisation": organisation, "actor": OPERATOR}
    channels = [
        channel_create(**values, kind=kind, name=kind, address=address).channel
        for kind, address in addresses.items()
    ]
    rule_make(
        organisation,
        *channels,
        roles=["manager"],
        severity="action_needed",
        sends_reminders=False,
    )
    if name == "planned":
        return PlannedIncidents(min(MOST_INCIDENTS, int(kills * INCIDENTS_PER_KILL)))
    return CheckedIncidents(max(1, kills // KILLS_PER_ROUND), refused_file)


def _work_for_ever() -> None:
    """What `run_worker` does for the alerts, without the checks."""
    from freddy_admin.core.tasks import EmbeddedTasks, adapter_install
    from freddy_admin.ops.alert_jobs import alert_jobs_add
    from freddy_admin.ops.outbox_sender import OutboxSender

    tasks = EmbeddedTasks()
    alert_jobs_add(tasks)
    tasks.add(OutboxSender().queue)
    adapter_install(tasks)
    _repeat(tasks.run)


def _check_for_ever(api_port: int) -> None:
    """All that `run_worker` does."""
    from freddy_admin.aitronos.client import AitronosClient, ClientConfig
    from freddy_admin.core import clock
    from freddy_admin.ops.alert_jobs import alert_jobs_add
    from freddy_admin.ops.outbox_sender import OutboxSender
    from freddy_admin.sync.worker.loop import WorkerLoop

    config = ClientConfig(
        f"http://127.0.0.1:{api_port}", connect_timeout=5, read_timeout=5, total_timeout=9
    )
    loop = WorkerLoop(client=AitronosClient(config, clock=clock.now))
    alert_jobs_add(loop.tasks)
    loop.tasks.add(OutboxSender().queue)
    _repeat(lambda: loop.tick(wait=0.02))


def _repeat(call: Callable[[], object]) -> None:
    from django.db import DatabaseError, InterfaceError, connection

    pause = threading.Event()
    while not pause.wait(0.15):
        try:
            call()
        except (DatabaseError, InterfaceError):
            connection.close()


def _fork(run: Callable[[], None]) -> int:
    pid = os.fork()
    if pid:
        return pid
    try:
        run()
    finally:
        os._exit(1)


def _kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def _read_line(pipe: int) -> str:
    text = b""
    while not text.endswith(b"\n"):
        text += os.read(pipe, 1)
    return text.decode().strip()


def _in_own_connection(run: Callable[[], Any]) -> Any:
    from django.db import connections

    try:
        return run()
    finally:
        # The next worker is forked from this process, and must not share its connection.
        connections.close_all()


def _is_waiting() -> bool:
    from freddy_admin.alerts.models import Delivery
    from freddy_admin.core.models import OutboxMessage

    return OutboxMessage.objects.exists() or Delivery.objects.filter(send_at__isnull=False).exists()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
