"""A panel as production runs it: gunicorn with the public half of the master key, and a worker."""

import base64
import os
import re
import secrets
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import requests

from freddy_admin.crypto.keyring import public_key_from_private_key
from tests.flows.panel_process import EMAIL, PASSWORD, ROOT, PanelProcess
from tests.flows.wait import wait_until


def generate_master_key() -> str:
    """A new master key, made as docs/operations.md says."""
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


class SplitPanel(PanelProcess):
    """A panel whose web server and worker start, stop and are replaced one by one."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.env["STATUS_CHECK_SECONDS"] = "2"
        self.web: subprocess.Popen[bytes] | None = None
        self.worker: subprocess.Popen[bytes] | None = None
        self.logs = [self.folder / "web.log", self.folder / "worker.log"]

    @property
    def web_env(self) -> dict[str, str]:
        """The environment of the web server: no private key under any name."""
        private = self.env["ENCRYPTION_KEYS"].split(",")
        environment = {name: value for name, value in self.env.items() if name != "ENCRYPTION_KEYS"}
        return environment | {"ENCRYPTION_PUBLIC_KEY": public_key_from_private_key(private[0])}

    def migrate_and_create_admin(self) -> None:
        """Create the database, then an administrator, as docs/operations.md says."""
        self.create_database()
        result = self.manage("create_admin", EMAIL, "--password-stdin", stdin=PASSWORD)
        assert result.returncode == 0, result.stderr

    def start_web(self) -> None:
        """Start gunicorn as docs/operations.md says, and wait until it answers."""
        server = [sys.executable, "-m", "gunicorn", "--bind", f"127.0.0.1:{self.port}"]
        self.web = self._start_process([*server, "freddy_admin.wsgi:application"], self.web_env, 0)
        assert wait_until(self._is_web_answering), self.logs[0].read_text()

    def start_worker(self) -> None:
        """Start `manage.py run_worker` with the private keys."""
        self.worker = self._start_process(self.command_line("run_worker"), self.env, 1)

    def stop_process(self, process: "subprocess.Popen[bytes] | None") -> None:
        """Stop a process with SIGTERM, as a supervisor would, and wait for its end."""
        if process is not None and process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(timeout=120)

    def stop_all(self) -> None:
        """Stop worker and web server."""
        self.stop_process(self.worker)
        self.stop_process(self.web)

    def get_page(self, browser: requests.Session, path: str) -> str:
        """The HTML of a page that must answer 200."""
        answer = browser.get(self.address + path, timeout=120)
        assert answer.status_code == 200, (path, answer.status_code)
        return answer.text

    def submit_form(self, browser: requests.Session, path: str, **form: str) -> requests.Response:
        """Send the form of a page as a person would; the response after redirects."""
        self.get_page(browser, path)
        form["csrfmiddlewaretoken"] = browser.cookies["csrftoken"]
        answer = browser.post(
            self.address + path, data=form, headers={"Referer": self.address + path}, timeout=120
        )
        assert answer.status_code == 200, (path, answer.status_code, _page_text(answer.text))
        return answer

    def query_rows(self, statement: str, *values: object) -> list[tuple[object, ...]]:
        """Rows of the database file, read beside the running panel."""
        with closing(sqlite3.connect(self.folder / "panel.sqlite3", timeout=120)) as database:
            return list(database.execute(statement, values))

    def execute_sql(self, statement: str, *values: object) -> None:
        """Run one SQL statement on the database file and commit it."""
        with closing(sqlite3.connect(self.folder / "panel.sqlite3", timeout=120)) as database:
            database.execute(statement, values)
            database.commit()

    def execute_script(self, statements: str) -> None:
        """Run several SQL statements on the database file."""
        with closing(sqlite3.connect(self.folder / "panel.sqlite3", timeout=120)) as database:
            database.executescript(statements)

    def _is_web_answering(self) -> bool:
        try:
            return requests.get(f"{self.address}/healthz", timeout=120).status_code == 200
        except (requests.ConnectionError, requests.Timeout):
            return False

    def _start_process(
        self, command: list[str], env: dict[str, str], number: int
    ) -> "subprocess.Popen[bytes]":
        with self.logs[number].open("ab") as log:
            return subprocess.Popen(
                command,
                env=env,
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )


def read_process_environment(pid: int) -> bytes:
    """The environment and the command line of a process and of those it started."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    environment = b"".join(
        Path(f"/proc/{pid}/{name}").read_bytes() for name in ("environ", "cmdline")
    )
    return environment + b"".join(read_process_environment(int(child)) for child in children)


def _page_text(page: str) -> str:
    return re.sub(r"<[^>]+>|\s+", " ", page)[:600]
