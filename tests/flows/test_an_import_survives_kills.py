"""The worker is killed while it tries pasted keys out and while it saves them: none is lost."""

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

from freddy_admin.sandbox.api import SandboxOptions
from freddy_admin.sandbox.scenarios import Scenario, key_for
from freddy_admin.sandbox.server import SandboxServer
from tests.drills import drill_share
from tests.flows.panel import ROOT, Panel
from tests.flows.waiting import until

NUMBER = 60
# Of the worker, while it tries keys out and then while it saves them: one each in the suite.
KILLS = drill_share(10)
LAY_OUT = """
import sys
from freddy_admin.accounts.models import User
from freddy_admin.audit.services import Actor
from freddy_admin.vault.services.import_drafts import import_draft_open
root = User.objects.create(email="root@example.org", is_platform_admin=True)
data = open({file!r}, "rb").read()
print(import_draft_open(actor=Actor("Root"), user=root, data=data).pk)
"""
CONFIRM = """
from freddy_admin.accounts.models import User
from freddy_admin.audit.services import Actor
from freddy_admin.vault.models import ImportDraft
from freddy_admin.vault.services.import_drafts import import_draft_confirm
draft = ImportDraft.objects.get()
import_draft_confirm(actor=Actor("Root"), user=draft.person, draft_id=draft.pk)
"""


class Work:
    """A panel without its web server: a worker to be killed, and its database to be asked."""

    def __init__(self, panel: Panel) -> None:
        self.panel = panel
        self.worker: subprocess.Popen[bytes] | None = None

    def run(self, code: str) -> None:
        """What a person would do in the browser."""
        ended = self.panel.manage("shell", "--no-imports", "-c", code)
        assert ended.returncode == 0, ended.stderr

    def start(self) -> None:
        """Start a worker."""
        command = [sys.executable, "manage.py", "run_worker"]
        self.worker = subprocess.Popen(command, cwd=ROOT, env=self.panel.env)

    def kill(self) -> None:
        """kill -9, if it runs."""
        if self.worker is not None and self.worker.poll() is None:
            os.kill(self.worker.pid, signal.SIGKILL)
            self.worker.wait()

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows of the panel's database."""
        file = self.panel.room / "panel.sqlite3"
        with closing(sqlite3.connect(file, timeout=120)) as database:
            return database.execute(sql).fetchall()

    def count(self, sql: str) -> int:
        """One number."""
        return int(self.ask(f"SELECT count(*) FROM {sql}")[0][0])


@pytest.fixture
def work(tmp_path: Path) -> Iterator[Work]:
    with SandboxServer(options=SandboxOptions(rate_limit=None)) as sandbox:
        work = Work(Panel(tmp_path, api=sandbox.base_url))
        assert work.panel.manage("migrate", "--verbosity", "0").returncode == 0
        yield work
        work.kill()


@pytest.mark.drill
def test_each_row_is_tried_out_and_saved_exactly_once(work: Work) -> None:
    keys = [key_for(Scenario.HEALTHY, f"Acme/{number}") for number in range(NUMBER)]
    rows = [f"Acme,Key {number},{key},," for number, key in enumerate(keys)]
    file = work.panel.room / "rows.csv"
    file.write_text("\n".join(["organisation,label,api_key,organization_id,tags", *rows]))
    work.run(LAY_OUT.format(file=str(file)))

    tried = "vault_importdraftrow WHERE verdict = 'works'"
    for kill in range(1, KILLS + 1):
        work.start()
        assert until(lambda kill=kill: work.count(tried) >= 5 * kill)
        work.kill()
    work.start()
    assert until(lambda: work.count(tried) == NUMBER, seconds=240)
    assert work.count("vault_apikey") == 0

    work.run(CONFIRM)
    saved = 0
    for kill in range(KILLS):
        # The first soon, amid the first of them; later ones once more was saved, or all.
        enough = min(saved + 1, NUMBER)
        until(lambda least=enough: work.count("vault_apikey") >= least, seconds=20 if kill else 0.3)
        work.kill()
        saved = work.count("vault_apikey")
        assert work.count("vault_importdraftrow WHERE ciphertext IS NOT NULL") == NUMBER - saved
        work.start()
    assert until(
        lambda: work.count("sync_keysync WHERE state = 'up_to_date'") == NUMBER, seconds=240
    )
    work.kill()

    assert work.count("vault_apikey WHERE status = 'active'") == NUMBER
    assert work.count("vault_importdraftrow WHERE ciphertext IS NOT NULL") == 0
    told = Counter(what for (what,) in work.ask("SELECT kind FROM sync_historyevent"))
    assert told["key_changed"] == NUMBER
    fates = work.ask("SELECT DISTINCT fate FROM vault_importdraftrow")
    assert fates == [("kept",)]
