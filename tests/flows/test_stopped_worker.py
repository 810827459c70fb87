"""A worker that is stopped while it connects, and continues after its lease expired."""

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

from tests.flows.panel_process import ROOT, PanelProcess
from tests.flows.wait import wait_until

REQUEST_SYNC = """
from freddy_admin.audit.services import Actor
from freddy_admin.sync.operations.services import sync_operation_create
from freddy_admin.vault.models import ApiKey
key = ApiKey.objects.get()
sync_operation_create(organisation=key.organisation, actor=Actor("Ana"), key_id=key.pk, full=False)
"""


class SilentServer:
    """A server that accepts no connection before `accept_connections`, and keeps what it gets."""

    def __init__(self) -> None:
        self.listening = socket.create_server(("127.0.0.1", 0), backlog=0)
        self.address = f"http://127.0.0.1:{self.listening.getsockname()[1]}"
        self.callers = [socket.socket() for _ in range(4)]
        for caller in self.callers:
            caller.setblocking(False)
            caller.connect_ex(self.listening.getsockname())

    def accept_connections(self) -> None:
        """Accept the waiting connections; those that filled the queue are closed."""
        for caller in self.callers:
            caller.close()
        self.listening.listen(16)
        self.listening.setblocking(False)

    def received_bytes(self) -> bytes:
        """The bytes that were received on all connections."""
        received = b""
        while True:
            try:
                connection, _ = self.listening.accept()
            except BlockingIOError:
                return received
            with connection:
                connection.settimeout(20)
                while chunk := connection.recv(65_536):
                    received += chunk


@pytest.fixture
def silent_server() -> Iterator[SilentServer]:
    silent_server = SilentServer()
    yield silent_server
    silent_server.listening.close()


@pytest.fixture
def panel(tmp_path: Path, silent_server: SilentServer) -> PanelProcess:
    panel = PanelProcess(tmp_path, api=silent_server.address)
    panel.env |= {
        "PYTHONPATH": str(ROOT),
        "AITRONOS_CONNECT_TIMEOUT": "60",
        "AITRONOS_SYNC_TIMEOUT": "5",
    }
    panel.create_database()
    rows = "organisation,label,api_key,organization_id,tags\nAlder,Main,oak_live_0123456789,,"
    (tmp_path / "keys.csv").write_text(rows)
    assert panel.manage("import_keys", str(tmp_path / "keys.csv")).returncode == 0
    result = panel.manage("shell", "-c", REQUEST_SYNC)
    assert result.returncode == 0, result.stderr
    return panel


def _operation_state(panel: PanelProcess) -> tuple[str, str]:
    with closing(sqlite3.connect(panel.folder / "panel.sqlite3", timeout=120)) as database:
        state_and_error: tuple[str, str] = database.execute(
            "SELECT state, error_kind FROM sync_remoteoperation"
        ).fetchone()
        return state_and_error


def test_stopped_worker_sends_no_request_late_and_reports_so(
    panel: PanelProcess, silent_server: SilentServer
) -> None:
    clock = panel.folder / "clock"
    clock.write_text(str(time.time()))
    command = [sys.executable, "-m", "tests.flows.stepped_worker", str(clock)]
    worker = subprocess.Popen(command, cwd=ROOT, env=panel.env)
    try:
        assert wait_until(lambda: _operation_state(panel)[0] == "sending")
        os.kill(worker.pid, signal.SIGSTOP)
        # The lease expires, and the connection is accepted while the worker is stopped.
        clock.write_text(str(time.time() + 600))
        silent_server.accept_connections()
        os.kill(worker.pid, signal.SIGCONT)
        assert wait_until(lambda: _operation_state(panel) == ("refused", "withheld"))
    finally:
        worker.kill()
        worker.wait()
    assert b"POST" not in silent_server.received_bytes()
