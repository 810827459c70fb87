"""Runs a command with a private PostgreSQL and a private Redis on loopback, and ends them.

`python -m tests.servers COMMAND …`: the command finds TEST_DATABASE_URL and TEST_REDIS_URL.
"""

import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.flows.waiting import until
from tests.ports import port_free

# Nothing of this outlives the run, so nothing needs to reach the disk.
POSTGRES_OPTIONS = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")


class Missing(Exception):
    """A server is not installed; the text says how to get it."""


@contextmanager
def redis_server() -> Iterator[str]:
    """The address of a Redis of our own, which keeps nothing."""
    binary = shutil.which("redis-server")
    if binary is None:
        raise Missing("redis-server is not installed (Debian: apt-get install redis-server)")
    port = port_free()
    options = ["--bind", "127.0.0.1", "--port", str(port), "--save", "", "--appendonly", "no"]
    with (
        tempfile.TemporaryDirectory(prefix="freddy-redis-") as room,
        _running([binary, *options, "--dir", room], port),
    ):
        yield f"redis://127.0.0.1:{port}"


@contextmanager
def postgres_server() -> Iterator[str]:
    """The address of a PostgreSQL cluster of our own."""
    password, port = secrets.token_hex(16), port_free()
    with tempfile.TemporaryDirectory(prefix="freddy-postgres-") as place:
        room = Path(place)
        (room / "password").write_text(password)
        _give_away(room, room / "password")
        data = str(room / "data")
        trust = ["--auth=scram-sha-256", f"--pwfile={room / 'password'}", "--username=freddy"]
        made = [_postgres("initdb"), "--pgdata", data, "--encoding=UTF8", "--no-sync", *trust]
        subprocess.run(_as_postgres(made), check=True, stdout=subprocess.DEVNULL, cwd=room)
        options = [f"-c{option}" for option in (*POSTGRES_OPTIONS, "max_connections=200")]
        server = [_postgres("postgres"), "-D", data, "-p", str(port), "-k", place]
        with _running(_as_postgres([*server, "-h", "127.0.0.1", *options]), port, cwd=room):
            yield f"postgres://freddy:{password}@127.0.0.1:{port}/freddy"


def postgres_missing() -> str:
    """Why PostgreSQL cannot be started here; empty if it can."""
    try:
        _postgres("initdb")
        _postgres("postgres")
    except Missing as missing:
        return str(missing)
    return ""


def _postgres(name: str) -> str:
    found = shutil.which(name)
    homes = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), reverse=True)
    if not homes and found is None:
        raise Missing(f"{name} of PostgreSQL is not installed (Debian: apt-get install postgresql)")
    return str(homes[0]) if homes else str(found)


def _as_postgres(command: Sequence[str]) -> list[str]:
    # PostgreSQL refuses to run as root; Debian's package makes a user for it.
    return [*(["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []), *command]


def _give_away(*paths: Path) -> None:
    if os.geteuid() == 0:
        owner = pwd.getpwnam("postgres")
        for path in paths:
            os.chown(path, owner.pw_uid, owner.pw_gid)


@contextmanager
def _running(command: Sequence[str], port: int, cwd: Path | None = None) -> Iterator[None]:
    with tempfile.TemporaryFile() as log:
        server = subprocess.Popen(command, stdout=log, stderr=log, cwd=cwd, start_new_session=True)
        try:
            if not until(lambda: server.poll() is not None or _answers(port)) or server.poll():
                log.seek(0)
                raise RuntimeError(f"{command[0]} did not start:\n{log.read().decode()}")
            yield
        finally:
            os.killpg(server.pid, signal.SIGINT)
            try:
                server.wait(timeout=60)
            except subprocess.TimeoutExpired:
                os.killpg(server.pid, signal.SIGKILL)
                server.wait()


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def main(command: Sequence[str]) -> int:
    """Run the command between the servers; its exit code."""
    with ExitStack() as servers:
        try:
            os.environ["TEST_DATABASE_URL"] = servers.enter_context(postgres_server())
            os.environ["TEST_REDIS_URL"] = servers.enter_context(redis_server())
        except Missing as missing:
            print(missing, file=sys.stderr)
            return 1
        return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
