"""Runs a command with a private PostgreSQL and a private Redis on loopback, and ends them.

`python -m tests.servers COMMAND …`: the command finds TEST_DATABASE_URL and TEST_REDIS_URL, and in
TEST_DATABASE_TEMPLATE the name of a migrated database, which each test process copies.
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
from typing import TypedDict, Unpack
from urllib.parse import urlsplit

import psycopg

from tests.flows.wait import wait_until
from tests.free_ports import find_free_port
from tests.migrated_database import database_migrate

# Nothing of this outlives the run, so nothing needs to reach the disk.
# Nor is it worth compiling plans (JIT) that run once or twice.
POSTGRES_OPTIONS = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "jit=off")

PGBOUNCER_CONFIG = """\
[databases]
* = host={host} port={postgres_port} user={user} password={password}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 3
min_pool_size = 3
server_round_robin = 1
"""


class ServerNotInstalled(Exception):
    """A server is not installed; the text says how to get it."""


@contextmanager
def redis_server() -> Iterator[str]:
    """The address of a Redis of our own, which keeps nothing."""
    binary = shutil.which("redis-server")
    if binary is None:
        raise ServerNotInstalled(
            "redis-server is not installed (Debian: apt-get install redis-server)"
        )
    port = find_free_port()
    options = ["--bind", "127.0.0.1", "--port", str(port), "--save", "", "--appendonly", "no"]
    with (
        tempfile.TemporaryDirectory(prefix="freddy-redis-") as folder,
        _run_server([binary, *options, "--dir", folder], port),
    ):
        yield f"redis://127.0.0.1:{port}"


class PostgresServer:
    """A PostgreSQL cluster of our own; it can be stopped and started again with what it holds."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._port, self._running = folder, find_free_port(), ExitStack()
        password = secrets.token_hex(16)
        self.url = f"postgres://freddy:{password}@127.0.0.1:{self._port}/freddy"
        (folder / "password").write_text(password)
        _chown_to_postgres(folder, folder / "password")
        command = [_find_postgres_program("initdb"), "--pgdata", str(folder / "data")]
        command += ["--encoding=UTF8", "--no-sync", "--auth=scram-sha-256", "--username=freddy"]
        command.append(f"--pwfile={folder / 'password'}")
        subprocess.run(
            command, check=True, stdout=subprocess.DEVNULL, cwd=folder, **_postgres_identity()
        )

    def start(self) -> None:
        """Start it, and wait until it listens."""
        server = [_find_postgres_program("postgres"), "-D", str(self._folder / "data")]
        server += ["-p", str(self._port), "-k", str(self._folder), "-h", "127.0.0.1"]
        server += [f"-c{option}" for option in (*POSTGRES_OPTIONS, "max_connections=200")]
        identity = _postgres_identity()
        running = _run_server(server, self._port, cwd=self._folder, **identity)
        self._running.enter_context(running)

    def stop(self) -> None:
        """Stop it as an administrator does for an update: every connection breaks."""
        self._running.close()


@contextmanager
def restartable_postgres_server() -> Iterator[PostgresServer]:
    """A PostgreSQL that runs, and is stopped behind the block."""
    with tempfile.TemporaryDirectory(prefix="freddy-postgres-") as folder_name:
        server = PostgresServer(Path(folder_name))
        server.start()
        try:
            yield server
        finally:
            server.stop()


@contextmanager
def postgres_server() -> Iterator[str]:
    """The address of a PostgreSQL cluster of our own."""
    with restartable_postgres_server() as server:
        yield server.url


@contextmanager
def pgbouncer_server(database_url: str) -> Iterator[str]:
    """The address of a PgBouncer in transaction mode before the PostgreSQL of `database_url`.

    It hands the connections with the server round, so that whatever a transaction leaves behind
    is missed by the next one.
    """
    parts, port = urlsplit(database_url), find_free_port()
    with tempfile.TemporaryDirectory(prefix="freddy-pgbouncer-") as folder_name:
        config = Path(folder_name) / "pgbouncer.ini"
        config.write_text(
            PGBOUNCER_CONFIG.format(
                host=parts.hostname,
                postgres_port=parts.port,
                user=parts.username,
                password=parts.password,
                port=port,
            )
        )
        _chown_to_postgres(Path(folder_name), config)
        command = [_find_pgbouncer(), str(config)]
        with _run_server(command, port, cwd=Path(folder_name), **_postgres_identity()):
            yield f"postgres://{parts.username}:pooled@127.0.0.1:{port}{parts.path}"


def _find_pgbouncer() -> str:
    program = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if program is None:
        raise ServerNotInstalled("pgbouncer is not installed (Debian: apt-get install pgbouncer)")
    return program


def pgbouncer_missing_reason() -> str:
    """Why PgBouncer cannot be started here; empty if it can."""
    try:
        _find_pgbouncer()
    except ServerNotInstalled as error:
        return str(error)
    return postgres_missing_reason()


def postgres_missing_reason() -> str:
    """Why PostgreSQL cannot be started here; empty if it can."""
    try:
        _find_postgres_program("initdb")
        _find_postgres_program("postgres")
    except ServerNotInstalled as error:
        return str(error)
    return ""


def _find_postgres_program(name: str) -> str:
    path_program = shutil.which(name)
    packaged_programs = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), reverse=True)
    if not packaged_programs and path_program is None:
        raise ServerNotInstalled(
            f"{name} of PostgreSQL is not installed (Debian: apt-get install postgresql)"
        )
    return str(packaged_programs[0]) if packaged_programs else str(path_program)


class Identity(TypedDict, total=False):
    """Whom a child process runs as, by the parameters of `subprocess.Popen`."""

    user: str
    group: str
    extra_groups: Sequence[str]


def _postgres_identity() -> Identity:
    # PostgreSQL refuses to run as root; Debian's package makes a user for it. Not by `runuser`: it
    # stands between, and kills a server that needs more than two seconds to stop.
    if os.geteuid() != 0:
        return {}
    return {"user": "postgres", "group": "postgres", "extra_groups": ()}


def _chown_to_postgres(*paths: Path) -> None:
    if os.geteuid() == 0:
        owner = pwd.getpwnam("postgres")
        for path in paths:
            os.chown(path, owner.pw_uid, owner.pw_gid)


@contextmanager
def _run_server(
    command: Sequence[str], port: int, cwd: Path | None = None, **identity: Unpack[Identity]
) -> Iterator[None]:
    with tempfile.TemporaryFile() as log:
        server = subprocess.Popen(
            command, stdout=log, stderr=log, cwd=cwd, start_new_session=True, **identity
        )
        try:
            if not wait_until(lambda: server.poll() is not None or _is_listening(port)) or (
                server.poll() is not None
            ):
                log.seek(0)
                raise RuntimeError(f"{command[0]} did not start:\n{log.read().decode()}")
            yield
        finally:
            server.send_signal(signal.SIGINT)  # nothing, if it has ended
            try:
                server.wait(timeout=60)
            except subprocess.TimeoutExpired:
                os.killpg(server.pid, signal.SIGKILL)
                server.wait()


def _is_listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def migrated_postgres() -> Iterator[tuple[str, str]]:
    """The address of a server, and there the name of a migrated database, to be copied.

    Those of `python -m tests.servers` where the tests run below it, else a cluster of our own.
    """
    if template := os.environ.get("TEST_DATABASE_TEMPLATE"):
        yield os.environ["TEST_DATABASE_URL"].rpartition("/")[0], template
        return
    with postgres_server() as url:
        yield url.rpartition("/")[0], migrated_database_create(url)


def database_copy(server: str, template: str = "template1") -> str:
    """The address of a new database, a copy of the one of that name, which nobody may be using."""
    name = f"copy_{secrets.token_hex(6)}"
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    return f"{server}/{name}"


def migrated_database_create(database_url: str) -> str:
    """Create and migrate the database of this address; its name."""
    server_url, _slash, name = database_url.rpartition("/")

    def create() -> bool:
        try:
            with psycopg.connect(f"{server_url}/postgres", autocommit=True) as server:
                server.execute(f"CREATE DATABASE {name}")
        except psycopg.OperationalError:  # it is starting up
            return False
        return True

    if not wait_until(create):
        raise RuntimeError("PostgreSQL did not take a new database")
    database_migrate(database_url)
    return name


def main(command: Sequence[str]) -> int:
    """Run the command between the servers; its exit code."""
    with ExitStack() as servers:
        try:
            database_url = servers.enter_context(postgres_server())
            os.environ["TEST_REDIS_URL"] = servers.enter_context(redis_server())
        except ServerNotInstalled as error:
            print(error, file=sys.stderr)
            return 1
        os.environ["TEST_DATABASE_URL"] = database_url
        os.environ["TEST_DATABASE_TEMPLATE"] = migrated_database_create(database_url)
        return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
