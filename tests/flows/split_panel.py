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

from freddy_admin.crypto.keyring import public_key_text
from tests.flows.panel import EMAIL, PASSWORD, ROOT, Panel
from tests.flows.waiting import until


def new_master_key() -> str:
    """As docs/operations.md makes one."""
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


class SplitPanel(Panel):
    """Web server and worker start, end and are replaced one by one."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.env["STATUS_CHECK_SECONDS"] = "2"
        self.web: subprocess.Popen[bytes] | None = None
        self.worker: subprocess.Popen[bytes] | None = None
        self.logs = [self.room / "web.log", self.room / "worker.log"]

    @property
    def web_env(self) -> dict[str, str]:
        """What the web server gets: no private key under any name."""
        private = self.env["ENCRYPTION_KEYS"].split(",")
        rest = {name: value for name, value in self.env.items() if name != "ENCRYPTION_KEYS"}
        return rest | {"ENCRYPTION_PUBLIC_KEY": public_key_text(private[0])}

    def set_up(self) -> None:
        """As docs/operations.md says: migrate, then an administrator."""
        assert self.manage("migrate").returncode == 0
        made = self.manage("create_admin", EMAIL, "--password-stdin", stdin=PASSWORD)
        assert made.returncode == 0, made.stderr

    def start_web(self) -> None:
        """gunicorn as docs/operations.md starts it, until it answers."""
        server = [sys.executable, "-m", "gunicorn", "--bind", f"127.0.0.1:{self.port}"]
        self.web = self._spawn([*server, "freddy_admin.wsgi:application"], self.web_env, 0)
        assert until(self._answers), self.logs[0].read_text()

    def start_worker(self) -> None:
        """`manage.py run_worker` with the private keys."""
        self.worker = self._spawn(self._command("run_worker"), self.env, 1)

    def end(self, process: "subprocess.Popen[bytes] | None") -> None:
        """In order, as a supervisor would."""
        if process is not None and process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(timeout=120)

    def end_all(self) -> None:
        """Nothing outlives the test."""
        self.end(self.worker)
        self.end(self.web)

    def page(self, browser: requests.Session, path: str) -> str:
        """A page that must be there."""
        answer = browser.get(self.address + path, timeout=120)
        assert answer.status_code == 200, (path, answer.status_code)
        return answer.text

    def send(self, browser: requests.Session, path: str, **form: str) -> requests.Response:
        """What a person sends from the form on that page; what they see next."""
        self.page(browser, path)
        form["csrfmiddlewaretoken"] = browser.cookies["csrftoken"]
        answer = browser.post(
            self.address + path, data=form, headers={"Referer": self.address + path}, timeout=120
        )
        assert answer.status_code == 200, (path, answer.status_code, _told(answer.text))
        return answer

    def rows(self, statement: str, *values: object) -> list[tuple[object, ...]]:
        """What the database file holds, read beside the running panel."""
        with closing(sqlite3.connect(self.room / "panel.sqlite3", timeout=120)) as database:
            return list(database.execute(statement, values))

    def write(self, statement: str, *values: object) -> None:
        """As `rows`, to set a scene."""
        with closing(sqlite3.connect(self.room / "panel.sqlite3", timeout=120)) as database:
            database.execute(statement, values)
            database.commit()

    def script(self, statements: str) -> None:
        """Several statements, to set a scene."""
        with closing(sqlite3.connect(self.room / "panel.sqlite3", timeout=120)) as database:
            database.executescript(statements)

    def _answers(self) -> bool:
        try:
            return requests.get(f"{self.address}/healthz", timeout=120).status_code == 200
        except (requests.ConnectionError, requests.Timeout):
            return False

    def _spawn(
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


def surroundings(pid: int) -> bytes:
    """The environment and the command line of a process and of those it started."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    told = b"".join(Path(f"/proc/{pid}/{name}").read_bytes() for name in ("environ", "cmdline"))
    return told + b"".join(surroundings(int(child)) for child in children)


def _told(page: str) -> str:
    return re.sub(r"<[^>]+>|\s+", " ", page)[:600]
