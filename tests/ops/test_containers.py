"""The image and compose.yaml: little in them, nothing secret, and their steps do start a panel.

No container engine is needed: the files are read, and every command of `compose.yaml` runs in a
copy of what the image holds, as a user who can write nothing of it.
"""

import fnmatch
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.flows.wait import wait_until
from tests.free_ports import find_free_port
from tests.servers import postgres_server

ROOT = Path(__file__).resolve().parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]
PANEL_SERVICES = ("settings", "migrate", "web", "worker")
USER = 12_345
needs_another_user = pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("setpriv") is None,
    reason="only root can start a process as another user, by setpriv (Debian: util-linux)",
)


def _instructions() -> list[tuple[str, str]]:
    lines = re.sub(r"\\\n\s*", "", re.sub(r"^#.*\n", "", DOCKERFILE, flags=re.M)).splitlines()
    return [(line.split(" ", 1)[0], line.split(" ", 1)[1].strip()) for line in lines if line]


def _last_stage() -> list[tuple[str, str]]:
    instructions = _instructions()
    start = max(number for number, (name, _) in enumerate(instructions) if name == "FROM")
    return instructions[start:]


def _copied_paths() -> list[tuple[str, str]]:
    """Sources in this folder, and where they are below the working directory of the image."""
    pairs = []
    for name, text in _last_stage():
        if name == "COPY" and not text.startswith("--from"):
            *sources, target = text.split()
            pairs += [(source, source if target == "./" else target) for source in sources]
    return pairs


class TestImage:
    def test_every_base_image_names_its_version(self) -> None:
        bases = [text.split()[0] for name, text in _instructions() if name == "FROM"]
        assert all(re.fullmatch(r"python:3\.11-slim-\w+", base) for base in bases), bases

    def test_libraries_are_installed_by_hash_and_without_a_compiler(self) -> None:
        commands = " ".join(text for name, text in _instructions() if name == "RUN")
        assert "--require-hashes --no-deps --only-binary=:all: -r requirements.txt" in commands
        for tool in ("gcc", "build-essential", "-dev", "cargo", "git"):
            assert not re.search(rf"install [^&]*\b{tool}\b", commands), tool

    def test_packages_leave_no_lists_behind(self) -> None:
        installs = [text for name, text in _instructions() if name == "RUN" and "apt-get" in text]
        for text in installs:
            assert "--no-install-recommends" in text
            assert text.endswith("rm -rf /var/lib/apt/lists/*")

    def test_it_runs_as_no_root_with_group_0(self) -> None:
        users = [text for name, text in _last_stage() if name == "USER"]
        assert [re.fullmatch(r"[1-9]\d{3,}:0", user) is not None for user in users] == [True]

    def test_commands_are_started_without_a_shell(self) -> None:
        commands = dict(_last_stage())
        assert json.loads(commands["CMD"])[0] == "gunicorn"
        probe = commands["HEALTHCHECK"].partition("CMD ")[2]
        assert json.loads(probe) == ["python", "-m", "freddy_admin.ops.health_probe"]

    def test_only_what_is_named_reaches_the_image(self) -> None:
        ignored = (ROOT / ".dockerignore").read_text().splitlines()
        patterns = [line for line in ignored if line and not line.startswith("#")]
        allowed = {line[1:] for line in patterns if line.startswith("!")}
        assert patterns[0] == "*"
        assert not allowed & {".env", "var", ".git", "tests", "docs"}
        sources = {source for source, _ in _copied_paths()} | {"requirements.txt"}
        assert allowed == sources
        assert all((ROOT / source).exists() for source in sources)


class TestCompose:
    @pytest.mark.parametrize("name", PANEL_SERVICES)
    def test_service_has_a_read_only_root_and_no_capability(self, name: str) -> None:
        service = SERVICES[name]
        assert service["read_only"] is True
        assert service["tmpfs"] == ["/tmp"]
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]

    def test_each_step_waits_for_the_one_before(self) -> None:
        needs = {
            name: {other: step["condition"] for other, step in service["depends_on"].items()}
            for name, service in SERVICES.items()
            if "depends_on" in service
        }
        assert needs == {
            "database": {"settings": "service_completed_successfully"},
            "migrate": {"database": "service_healthy"},
            "web": {"migrate": "service_completed_successfully"},
            "worker": {"migrate": "service_completed_successfully"},
        }

    def test_web_server_is_given_no_private_key(self) -> None:
        mounts = {name: SERVICES[name]["volumes"] for name in ("web", "worker", "migrate")}
        assert mounts["web"] == ["web-settings:/settings:ro"]
        assert mounts["worker"] == mounts["migrate"] == ["worker-settings:/settings:ro"]

    def test_ports_are_open_to_this_machine_alone(self) -> None:
        ports = [port for service in SERVICES.values() for port in service.get("ports", [])]
        assert ports
        assert all(port.startswith("127.0.0.1:") for port in ports)

    def test_redis_and_mail_are_a_choice(self) -> None:
        chosen = {name for name, service in SERVICES.items() if "profiles" in service}
        assert chosen == {"redis", "mail"}

    def test_secrets_stand_in_no_file_of_the_project(self) -> None:
        text = (ROOT / "compose.yaml").read_text()
        assert not re.search(r"(SECRET_KEY|ENCRYPTION_KEYS|POSTGRES_PASSWORD): ", text)


class Containers:
    """What `docker compose up` would start, as processes of another user in a plain folder."""

    def __init__(self, folder: Path, database_url: str) -> None:
        self.tree, self.settings, self.tmp = (folder / name for name in ("tree", "set", "tmp"))
        self.database_url, self.port = database_url, find_free_port()
        self.processes: list[subprocess.Popen[bytes]] = []
        for source, target in _copied_paths():
            path = self.tree / target
            path.parent.mkdir(parents=True, exist_ok=True)
            if (ROOT / source).is_dir():
                skip = shutil.ignore_patterns("__pycache__")
                shutil.copytree(ROOT / source, path, ignore=skip)
            else:
                shutil.copyfile(ROOT / source, path)
        for name in ("web", "worker", "database"):
            (self.settings / name).mkdir(parents=True)
            (self.settings / name).chmod(0o770)
        self.tmp.mkdir()
        self.tmp.chmod(0o1777)

    def command(self, name: str) -> list[str]:
        """The command of a service, or that of the image, with this machine's folder and port."""
        command = SERVICES[name].get("command") or json.loads(dict(_last_stage())["CMD"])
        words = [
            str(word).replace("/settings", str(self.settings)).replace(":8000", f":{self.port}")
            for word in command
        ]
        program = {"python": [sys.executable], "gunicorn": [sys.executable, "-m", "gunicorn"]}
        return program[words[0]] + words[1:]

    def env(self, name: str) -> dict[str, str]:
        """The environment of a service, and of the image."""
        lines = dict(_last_stage())["ENV"].split()
        image = dict(line.split("=", 1) for line in lines if not line.startswith("PATH="))
        folder = "web" if name == "web" else "worker"
        return {
            **image,
            "PATH": os.environ["PATH"],
            "HOME": str(self.tmp),
            "TMPDIR": str(self.tmp),
            "PORT": str(self.port),
            "WEB_CONCURRENCY": "1",
            # The only things that differ: where the database is, and a name of our own.
            "DATABASE_URL": self.database_url,
            "AITRONOS_API_BASE_URL": "http://127.0.0.1:9",
            "ENV_FILE": str(self.settings / folder / "panel.env"),
        }

    def start(self, name: str, *command: str, **env: str) -> "subprocess.Popen[bytes]":
        """Start a service as a user who can read all, as in the image, and write nothing."""
        # This machine's Python may lie where only root reads; the image's does not.
        rights = ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]
        user = [f"--reuid={USER}", "--regid=0", "--clear-groups", "--bounding-set=-all"]
        process = subprocess.Popen(
            ["setpriv", *user[:3], *rights, "--", *(command or self.command(name))],
            cwd=self.tree,
            env=self.env(name) | env,
            stderr=subprocess.PIPE,
        )
        self.processes.append(process)
        return process

    def run(self, name: str, *command: str, **env: str) -> tuple[int, str]:
        """Start it and wait for its end: the exit code, and what it said."""
        _, said = self.start(name, *command, **env).communicate(timeout=300)
        return self.processes[-1].returncode, said.decode()

    def probe(self, **env: str) -> tuple[int, str]:
        """The health check of the image, in the web server's container."""
        probe = json.loads(dict(_last_stage())["HEALTHCHECK"].partition("CMD ")[2])
        return self.run("web", sys.executable, *probe[1:], **env)

    def stop(self) -> None:
        """End all of it as an engine would."""
        for process in self.processes:
            if process.poll() is None:
                process.terminate()
            process.communicate(timeout=60)


@pytest.fixture
def containers(tmp_path: Path) -> Iterator[Containers]:
    with postgres_server() as url:
        for folder in (tmp_path, *tmp_path.parents[:2]):
            folder.chmod(folder.stat().st_mode | 0o011)
        containers = Containers(tmp_path, f"{url.rpartition('/')[0]}/postgres")
        yield containers
        containers.stop()


@needs_another_user
@pytest.mark.postgres
def test_steps_of_compose_start_a_panel_for_any_user_in_a_read_only_tree(
    containers: Containers,
) -> None:
    before = sorted(containers.tree.rglob("*"))
    assert containers.run("settings")[0] == 0
    written = {
        name: (containers.settings / name / "panel.env").read_text() for name in ("web", "worker")
    }
    assert "ENCRYPTION_KEYS" not in written["web"]
    assert containers.run("settings") == (0, "")  # the second start keeps them
    assert (containers.settings / "web" / "panel.env").read_text() == written["web"]

    # The database may be a moment late: the step is repeated, as `restart: on-failure` does.
    assert wait_until(lambda: containers.run("migrate")[0] == 0)
    hosts = {"ALLOWED_HOSTS": "panel.example.org", "PLAIN_HTTP": "false"}
    code, sentence = containers.probe(**hosts)
    assert (code, sentence) == (1, "The web server does not answer: ConnectionRefusedError.\n")
    containers.start("web", **hosts)
    worker = containers.start("worker")
    assert wait_until(lambda: containers.probe(**hosts)[0] == 0)
    assert containers.probe(ALLOWED_HOSTS="elsewhere.example.org") == (
        1,
        "The web server answers 400.\n",
    )
    # Asked to stop while it still starts, it would end as any program does: by the signal.
    assert worker.stderr is not None
    assert any(b"is at work" in line for line in worker.stderr)
    worker.terminate()
    assert worker.wait(timeout=15) == 0
    assert sorted(containers.tree.rglob("*")) == before


def test_everything_copied_into_the_image_can_be_read_by_anybody() -> None:
    # git keeps no more than the owner's right to execute, so a checkout decides by its umask.
    skipped = ("*/__pycache__*",)
    for source, _ in _copied_paths():
        path = ROOT / source
        for file in [path, *path.rglob("*")]:
            if not any(fnmatch.fnmatch(str(file), pattern) for pattern in skipped):
                assert file.stat().st_mode & 0o040, file
