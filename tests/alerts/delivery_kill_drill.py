"""`python -m tests.alerts.delivery_kill_drill KILLS WORKERS`: workers are killed while they tell.

The database is TEST_DATABASE_URL, with an organisation "alder" and its manager. Receivers of a
process of their own (a signed webhook, PagerDuty, SMTP) report what arrives, and reply once they
may: half of the kills (-9) come at that moment, between sending and storing, the others at any.
Prints what arrived in its order, as JSON.
"""

import json
import os
import random
import select
import signal
import sys
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from email import message_from_string
from typing import Any

# So many seconds of the panel's clock pass in a real one: a lease lasts for two real seconds.
CLOCK_SPEED = 60
INCIDENTS_PER_KILL, MOST_INCIDENTS = 0.75, 150
DEADLINE_SECONDS, DEADLINE_PER_KILL = 120.0, 5.0


def main(kills: int, worker_count: int) -> None:
    """Tell of incidents and their ends by workers of which one is killed so many times."""
    reports, report = os.pipe()
    permissions, permission = os.pipe()
    server_pid = _fork(lambda: _serve(report, permissions))
    ports = json.loads(_read_line(reports))
    _set_up_django(ports)
    from freddy_admin.core import clock

    started_at, start = time.monotonic(), clock.now()

    def accelerated_now() -> datetime:
        return start + timedelta(seconds=(time.monotonic() - started_at) * CLOCK_SPEED)

    arrived: list[list[str]] = []
    done_kills, chance = 0, random.Random(kills)
    with clock.override_clock(accelerated_now):
        _in_own_connection(lambda: _messages_write(ports, kills))
        deadline = time.monotonic() + DEADLINE_SECONDS + kills * DEADLINE_PER_KILL
        workers = [_fork(_work_for_ever) for _ in range(worker_count)]
        while time.monotonic() < deadline:
            has_report = select.select([reports], [], [], chance.uniform(0.0, 0.4))[0]
            if has_report:
                arrived.append(json.loads(_read_line(reports)))
            elif not _in_own_connection(_is_waiting):
                break
            if done_kills < kills and (not has_report or chance.random() < 0.4):
                number = chance.randrange(worker_count)
                _kill(workers[number])
                done_kills += 1
                workers[number] = _fork(_work_for_ever)
            if has_report:
                os.write(permission, b".")
        for pid in [*workers, server_pid]:
            _kill(pid)
    print(json.dumps({"arrived": arrived, "kills": done_kills}))


def _set_up_django(ports: dict[str, int]) -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    import django

    django.setup()
    from django.conf import settings
    from django.urls import reverse

    from freddy_admin.conf.outbound_settings import parse_outbound_allowed_hosts

    # Once, and not in each worker: the link of the first message imports every page.
    reverse("overview")
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", ports["mail"]
    hosts = [f"127.0.0.1:{ports[name]}" for name in ("webhook", "pagerduty")]
    settings.OUTBOUND_ALLOWED_HOSTS = parse_outbound_allowed_hosts(",".join(hosts))
    settings.PAGERDUTY_EVENTS_URL = f"http://127.0.0.1:{ports['pagerduty']}/v2/enqueue"


def _messages_write(ports: dict[str, int], kills: int) -> None:
    """An opening and an end of each incident in each of the three channels."""
    from freddy_admin.accounts.models import User
    from freddy_admin.alerts.channels.person_channels import person_channel_get
    from freddy_admin.alerts.channels.services import channel_create
    from freddy_admin.alerts.models import DeliveryKind
    from freddy_admin.audit.services import OPERATOR
    from freddy_admin.organisations.models import Organisation
    from tests.alerts.delivery_factories import incident_create, message_create
    from tests.receivers.pagerduty_receiver import ROUTING_KEY

    organisation = Organisation.objects.get(slug="alder")
    values = {"organisation": organisation, "actor": OPERATOR}
    url = f"http://127.0.0.1:{ports['webhook']}/hook"
    channels = [
        channel_create(**values, kind="webhook", name="Hook", address=url).channel,
        channel_create(**values, kind="pagerduty", name="Duty", address=ROUTING_KEY).channel,
        person_channel_get(User.objects.get(email="manager@example.org")),
    ]
    for _ in range(min(MOST_INCIDENTS, int(kills * INCIDENTS_PER_KILL))):
        incident = incident_create(organisation)
        for channel in channels:
            message_create(channel, incident)
            message_create(channel, incident, kind=DeliveryKind.RESOLVED)


def _work_for_ever() -> None:
    """What `run_worker` does for the alerts, without the checks."""
    from django.db import DatabaseError, InterfaceError, connection

    from freddy_admin.core.tasks import EmbeddedTasks, adapter_install
    from freddy_admin.ops.alert_jobs import alert_jobs_add
    from freddy_admin.ops.outbox_sender import OutboxSender

    tasks, pause = EmbeddedTasks(), threading.Event()
    alert_jobs_add(tasks)
    tasks.add(OutboxSender().queue)
    adapter_install(tasks)
    while not pause.wait(0.05):
        try:
            tasks.run()
        except (DatabaseError, InterfaceError):
            connection.close()


def _serve(report: int, permissions: int) -> None:
    from tests.receivers.http_receiver import HttpReceiver, ReceivedRequest, Reply
    from tests.receivers.pagerduty_receiver import PagerDutyReceiver
    from tests.smtp_server import SmtpScript, serve_smtp

    lock, script = threading.Lock(), SmtpScript()

    def tell(*values: str) -> None:
        with lock:
            os.write(report, f"{json.dumps(values)}\n".encode())
        os.read(permissions, 1)

    def webhook_judge(request: ReceivedRequest) -> Reply:
        tell("webhook", request.headers["webhook-id"], request.body.decode())
        return Reply(204)

    def tell_mails(_address: str) -> None:
        with lock:
            texts = [text for _to, text in script.received]
            script.received.clear()
        for text in texts:
            tell("mail", str(message_from_string(text)["Message-ID"]), "")

    pagerduty = PagerDutyReceiver()
    judge = pagerduty.judge

    def pagerduty_judge(request: ReceivedRequest) -> Reply:
        tell("pagerduty", f"{request.json['dedup_key']} {request.json['event_action']}", "")
        return judge(request)

    pagerduty.judge = pagerduty_judge
    script.on_received = tell_mails
    with HttpReceiver(webhook_judge) as webhook, pagerduty, serve_smtp(script) as mail_port:
        ports = {"webhook": _port(webhook), "pagerduty": _port(pagerduty), "mail": mail_port}
        os.write(report, f"{json.dumps(ports)}\n".encode())
        signal.pause()


def _port(receiver: Any) -> int:
    return int(receiver.host.rpartition(":")[2])


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
    from freddy_admin.core.models import OutboxMessage

    return OutboxMessage.objects.exists()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
