"""A worker that is really stopped while it connects, and goes on when its lease is over."""

import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.flows.panel import ROOT, Panel
from tests.flows.waiting import until

PLACE_AN_ORDER = """
from freddy_admin.audit.services import Actor
from freddy_admin.sync.orders.placing import order_sync
from freddy_admin.vault.models import ApiKey
key = ApiKey.objects.get()
order_sync(organisation=key.organisation, actor=Actor("Ana"), key_id=key.pk, full=False)
"""


class Deaf:
    """An address where no connection comes about before `hear`; it keeps what it is sent."""

    def __init__(self) -> None:
        self.listening = socket.create_server(("127.0.0.1", 0), backlog=0)
        self.address = f"http://127.0.0.1:{self.listening.getsockname()[1]}"
        self.callers = [socket.socket() for _ in range(4)]
        for caller in self.callers:
            caller.setblocking(False)
            caller.connect_ex(self.listening.getsockname())

    def hear(self) -> None:
        """Let those in who have waited, and those who filled the queue go."""
        for caller in self.callers:
            caller.close()
        self.listening.listen(16)
        self.listening.setblocking(False)

    def heard(self) -> bytes:
        """All that came, by whichever connection."""
        told = b""
        while True:
            try:
                connection, _ = self.listening.accept()
            except BlockingIOError:
                return told
            with connection:
                connection.settimeout(20)
                while piece := connection.recv(65_536):
                    told += piece


@pytest.fixture
def deaf() -> Iterator[Deaf]:
    deaf = Deaf()
    yield deaf
    deaf.listening.close()


@pytest.fixture
def panel(tmp_path: Path, deaf: Deaf) -> Panel:
    panel = Panel(tmp_path, api=deaf.address)
    panel.env |= {
        "PYTHONPATH": str(ROOT),
        "AITRONOS_CONNECT_TIMEOUT": "60",
        "AITRONOS_SYNC_TIMEOUT": "5",
    }
    assert panel.manage("migrate", "--verbosity", "0").returncode == 0
    rows = "organisation,label,api_key,organization_id,tags\nAlder,Main,oak_live_0123456789,,"
    (tmp_path / "keys.csv").write_text(rows)
    assert panel.manage("import_keys", str(tmp_path / "keys.csv")).returncode == 0
    ended = panel.manage("shell", "-c", PLACE_AN_ORDER)
    assert ended.returncode == 0, ended.stderr
    return panel


def _order(panel: Panel) -> tuple[str, str]:
    with closing(sqlite3.connect(panel.room / "panel.sqlite3", timeout=120)) as database:
        found: tuple[str, str] = database.execute(
            "SELECT state, error_kind FROM sync_order"
        ).fetchone()
        return found


def test_nothing_is_sent_late_and_that_is_what_is_said(panel: Panel, deaf: Deaf) -> None:
    clock = panel.room / "clock"
    clock.write_text(str(time.time()))
    command = [sys.executable, "-m", "tests.flows.stepped_worker", str(clock)]
    worker = subprocess.Popen(command, cwd=ROOT, env=panel.env)
    try:
        assert until(lambda: _order(panel)[0] == "sending")
        os.kill(worker.pid, signal.SIGSTOP)
        # The lease passes, and the connection comes about while nobody is there.
        clock.write_text(str(time.time() + 600))
        deaf.hear()
        os.kill(worker.pid, signal.SIGCONT)
        assert until(lambda: _order(panel) == ("refused", "withheld"))
    finally:
        worker.kill()
        worker.wait()
    assert b"POST" not in deaf.heard()
