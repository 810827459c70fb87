"""`python -m tests.organisations.mail_kill_drill KILLS`: workers are killed while they send mails.

The database is TEST_DATABASE_URL, and holds invitations that wait. A mail server in a process of
its own reports each mail that it took, and replies once it may: at that moment, between sending
and storing, both workers are killed (-9) and started again. Prints what arrived, as JSON.
"""

import json
import os
import random
import select
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta

# So many seconds of the panel's clock pass in a real one: a lease lasts for two real seconds.
CLOCK_SPEED = 60
WORKERS = 2
DEADLINE_SECONDS, DEADLINE_PER_KILL = 120.0, 5.0


def main(kills: int) -> None:
    """Drain the lane of mails in workers that are killed so many times."""
    reports, report = os.pipe()
    permissions, permission = os.pipe()
    server_pid = _fork(lambda: _serve_mails(report, permissions))
    port = int(_read_line(reports))
    os.environ |= {"DJANGO_SETTINGS_MODULE": "tests.settings", "EMAIL_PORT": str(port)}
    import django

    django.setup()
    from django.conf import settings
    from django.urls import reverse

    from freddy_admin.core import clock

    # Once, and not in each worker: the link of the first mail imports every page.
    reverse("overview")

    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", port
    started_at, start = time.monotonic(), clock.now()

    def accelerated_now() -> datetime:
        return start + timedelta(seconds=(time.monotonic() - started_at) * CLOCK_SPEED)

    arrived, done_kills, chance = Counter[str](), 0, random.Random(kills)
    deadline = started_at + DEADLINE_SECONDS + kills * DEADLINE_PER_KILL
    with clock.override_clock(accelerated_now):
        workers = [_fork(_drain_for_ever) for _ in range(WORKERS)]
        while time.monotonic() < deadline:
            if not select.select([reports], [], [], 0.5)[0]:
                if not _is_waiting():
                    break
                continue
            arrived[_read_line(reports)] += 1
            if done_kills < kills and chance.random() < 0.5:
                for pid in workers:
                    _kill(pid)
                done_kills += 1
                workers = [_fork(_drain_for_ever) for _ in range(WORKERS)]
            os.write(permission, b".")
        for pid in [*workers, server_pid]:
            _kill(pid)
    print(json.dumps({"arrived": arrived, "kills": done_kills}))


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


def _serve_mails(report: int, permissions: int) -> None:
    from tests.smtp_server import SmtpScript, serve_smtp

    def report_and_wait(address: str) -> None:
        os.write(report, f"{address}\n".encode())
        os.read(permissions, 1)

    with serve_smtp(SmtpScript(on_received=report_and_wait)) as port:
        os.write(report, f"{port}\n".encode())
        signal.pause()


def _drain_for_ever() -> None:
    from freddy_admin.core.mail import MAIL_LANE
    from freddy_admin.core.outbox import outbox_drain
    from tests.flows.wait import wait_until

    while wait_until(lambda: outbox_drain(lane=MAIL_LANE) > 0):
        pass


def _is_waiting() -> bool:
    from django.db import connections

    from freddy_admin.core.models import OutboxMessage

    try:
        return OutboxMessage.objects.exists()
    finally:
        # The next worker is forked from this process, and must not share its connection.
        connections.close_all()


if __name__ == "__main__":
    main(int(sys.argv[1]))
