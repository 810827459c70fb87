"""The worker is killed while it tests pasted keys and while it saves them: none is lost."""

import os
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from freddy_admin.sandbox.key_scenarios import Scenario, sandbox_key
from freddy_admin.sandbox.sandbox_api import SandboxOptions
from freddy_admin.sandbox.sandbox_server import SandboxServer
from tests.drill_scale import drill_count
from tests.flows.panel_process import ROOT, PanelProcess
from tests.flows.wait import wait_until

NUMBER = 60
# Kills of the worker while it tests keys, and again while it saves: one each in the suite.
KILLS = drill_count(10)
CREATE_DRAFT = """
import sys
from freddy_admin.accounts.models import User
from freddy_admin.audit.services import Actor
from freddy_admin.vault.services.import_drafts import import_draft_create
root = User.objects.create(email="root@example.org", is_platform_admin=True)
data = open({file!r}, "rb").read()
print(import_draft_create(actor=Actor("Root"), user=root, data=data).pk)
"""
CONFIRM = """
from freddy_admin.accounts.models import User
from freddy_admin.audit.services import Actor
from freddy_admin.vault.models import ImportDraft
from freddy_admin.vault.services.import_drafts import import_draft_confirm
draft = ImportDraft.objects.get()
import_draft_confirm(actor=Actor("Root"), user=draft.person, draft_id=draft.pk)
"""


class ImportWorker:
    """A panel without its web server: a worker to kill, and queries on its database."""

    def __init__(self, panel: PanelProcess) -> None:
        self.panel = panel
        self.worker: subprocess.Popen[bytes] | None = None

    def run(self, code: str) -> None:
        """Run code in the panel, in place of what a person does in the browser."""
        result = self.panel.manage("shell", "--no-imports", "-c", code)
        assert result.returncode == 0, result.stderr

    def start(self) -> None:
        """Start a worker."""
        command = [sys.executable, "manage.py", "run_worker"]
        self.worker = subprocess.Popen(command, cwd=ROOT, env=self.panel.env)

    def kill(self) -> None:
        """kill -9, if it runs."""
        if self.worker is not None and self.worker.poll() is None:
            os.kill(self.worker.pid, signal.SIGKILL)
            self.worker.wait()

    def query_rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows of the panel's database."""
        file = self.panel.folder / "panel.sqlite3"
        with closing(sqlite3.connect(file, timeout=120)) as database:
            return database.execute(sql).fetchall()

    def count(self, sql: str) -> int:
        """The number of rows of `FROM {sql}`."""
        return int(self.query_rows(f"SELECT count(*) FROM {sql}")[0][0])


@pytest.fixture
def import_worker(tmp_path: Path) -> Iterator[ImportWorker]:
    with SandboxServer(options=SandboxOptions(rate_limit=None)) as sandbox:
        import_worker = ImportWorker(PanelProcess(tmp_path, api=sandbox.base_url))
        import_worker.panel.create_database()
        yield import_worker
        import_worker.kill()


@pytest.mark.drill
def test_each_import_row_is_tested_and_saved_exactly_once(import_worker: ImportWorker) -> None:
    keys = [sandbox_key(Scenario.HEALTHY, f"Acme/{number}") for number in range(NUMBER)]
    rows = [f"Acme,Key {number},{key},," for number, key in enumerate(keys)]
    file = import_worker.panel.folder / "rows.csv"
    file.write_text("\n".join(["organisation,label,api_key,organization_id,tags", *rows]))
    import_worker.run(CREATE_DRAFT.format(file=str(file)))

    tested = "vault_importdraftrow WHERE state = 'works'"
    for kill in range(1, KILLS + 1):
        import_worker.start()
        assert wait_until(lambda kill=kill: import_worker.count(tested) >= 5 * kill)
        import_worker.kill()
    import_worker.start()
    assert wait_until(lambda: import_worker.count(tested) == NUMBER, seconds=240)
    assert import_worker.count("vault_apikey") == 0

    import_worker.run(CONFIRM)
    saved = 0
    for kill in range(KILLS):
        # Kill soon at first, amid the first saves; later once one more key was saved, or all.
        expected_count = min(saved + 1, NUMBER)
        wait_until(
            lambda least=expected_count: import_worker.count("vault_apikey") >= least,
            seconds=20 if kill else 0.3,
        )
        import_worker.kill()
        saved = import_worker.count("vault_apikey")
        assert (
            import_worker.count("vault_importdraftrow WHERE ciphertext IS NOT NULL")
            == NUMBER - saved
        )
        import_worker.start()
    assert wait_until(
        lambda: import_worker.count("sync_syncstatus WHERE state = 'up_to_date'") == NUMBER,
        seconds=240,
    )
    import_worker.kill()

    assert import_worker.count("vault_apikey WHERE status = 'active'") == NUMBER
    assert import_worker.count("vault_importdraftrow WHERE ciphertext IS NOT NULL") == 0
    event_counts = Counter(
        kind for (kind,) in import_worker.query_rows("SELECT kind FROM sync_historyevent")
    )
    assert event_counts["key_changed"] == NUMBER
    save_states = import_worker.query_rows("SELECT DISTINCT save_state FROM vault_importdraftrow")
    assert save_states == [("kept",)]
