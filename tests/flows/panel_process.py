"""A panel of its own processes: web server, worker, database file, on free ports."""

import base64
import http.client
import json
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from tests.flows.wait import wait_until
from tests.free_ports import find_free_port
from tests.migrated_database import migrated_database_copy

ROOT = Path(__file__).resolve().parents[2]
EMAIL, PASSWORD = "root@example.org", "correct horse battery"


@dataclass
class PanelProcess:
    """`manage.py` in the settings of one test, and the panel it starts."""

    folder: Path
    api: str

    def __post_init__(self) -> None:
        self.port = find_free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[str] | None = None
        key = base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
        environment = {name: value for name, value in os.environ.items() if not name.isupper()}
        self.env = environment | {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            # Slots for hashing of its own: panels of other tests on this machine take none of them.
            "TMPDIR": str(self.folder),
            "ENV_FILE": os.devnull,
            "SECRET_KEY": secrets.token_hex(32),
            "ENCRYPTION_KEYS": key,
            "PLAIN_HTTP": "true",
            "REQUIRE_MFA": "off",
            "WEB_CONCURRENCY": "1",
            "DATABASE_URL": f"sqlite:///{self.folder / 'panel.sqlite3'}",
            "AITRONOS_API_BASE_URL": self.api,
            "AITRONOS_CONNECT_TIMEOUT": "3",
            "AITRONOS_READ_TIMEOUT": "3",
            "AITRONOS_TOTAL_TIMEOUT": "6",
            "ADMIN_EMAIL": EMAIL,
            "ADMIN_PASSWORD": PASSWORD,
        }

    def create_database(self) -> None:
        """Migrate the database of its settings; one of SQLite is copied migrated."""
        if self.env["DATABASE_URL"] == f"sqlite:///{self.folder / 'panel.sqlite3'}":
            migrated_database_copy(self.folder / "panel.sqlite3")
        else:
            assert self.manage("migrate", "--verbosity", "0").returncode == 0

    def manage(self, *arguments: str, stdin: str = "") -> "subprocess.CompletedProcess[str]":
        """Run one command to its end."""
        return subprocess.run(
            self.command_line(*arguments),
            env=self.env,
            cwd=ROOT,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    def start(self) -> None:
        """Start `manage.py panel` and wait until it says that it is ready."""
        self.process = subprocess.Popen(
            self.command_line("panel", "--port", str(self.port)),
            env=self.env,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert self.process.stdout is not None
        if not any("ready" in line for line in self.process.stdout):
            raise AssertionError(
                f"the panel ended with code {self.wait_for_exit()} before it was ready"
            )

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        """Send one signal to the supervisor alone; its exit code."""
        assert self.process is not None
        self.process.send_signal(number)
        return self.wait_for_exit()

    def wait_for_exit(self) -> int:
        """The exit code of the supervisor, once it has ended."""
        assert self.process is not None
        code = self.process.wait(timeout=120)
        if self.process.stdout:
            self.process.stdout.close()
        return code

    def process_ids(self) -> list[int]:
        """Every process that runs in this panel's settings."""
        mark = f"DATABASE_URL={self.env['DATABASE_URL']}".encode()
        pids = []
        for path in Path("/proc").glob("[0-9]*/environ"):
            try:
                if mark in path.read_bytes():
                    pids.append(int(path.parent.name))
            except OSError:
                continue
        return pids

    def get_readiness(self) -> tuple[int, dict[str, Any]]:
        """What `/readyz` says."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        connection.request("GET", "/readyz")
        answer = connection.getresponse()
        pids = answer.status, json.loads(answer.read())
        connection.close()
        return pids

    def sign_in(self) -> requests.Session:
        """A browser's session of the first administrator."""
        browser = requests.Session()
        browser.trust_env = False
        page = f"{self.address}/accounts/login/"
        browser.get(page, timeout=120)
        form = {
            "login": EMAIL,
            "password": PASSWORD,
            "csrfmiddlewaretoken": browser.cookies["csrftoken"],
        }
        answers = []

        def sign_in() -> bool:
            headers = {"Referer": page}
            answers.append(browser.post(page, data=form, headers=headers, timeout=120))
            return answers[-1].status_code != 429  # another panel on this machine hashes

        assert wait_until(sign_in)
        answer = answers[-1]
        assert answer.status_code == 200, answer.status_code
        assert answer.url == f"{self.address}/"
        return browser

    def command_line(self, *arguments: str) -> list[str]:
        """The command that runs `manage.py` with these arguments."""
        return [sys.executable, str(ROOT / "manage.py"), *arguments]


@contextmanager
def running_panel(
    folder: Path, *, api: str, stop_signal: signal.Signals = signal.SIGINT, **env: str
) -> Iterator[PanelProcess]:
    """A panel that runs within the block, ends in order behind it, and leaves no process behind.

    `env` is given to its processes. Its mails are files in `mails`, below its folder.
    """
    panel = PanelProcess(folder, api=api)
    panel.env |= {"EMAIL_URL": f"filemail:///{folder}/mails", "PANEL_URL": panel.address} | env
    if "DATABASE_URL" not in env:
        panel.create_database()
    panel.start()
    pids = panel.process_ids()
    yield panel
    assert panel.stop(stop_signal) == 0
    assert wait_until_ended(pids)


def wait_until_ended(pids: list[int]) -> bool:
    """Whether all of these processes ended before the deadline."""
    return wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids))
