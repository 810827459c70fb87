import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

REDIS = shutil.which("redis-server")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A redis-server of the tests' own, which keeps nothing."""
    if REDIS is None:
        pytest.skip("redis-server is not installed")
    port, room = _free_port(), tmp_path_factory.mktemp("redis")
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    server = subprocess.Popen(
        [REDIS, *options, "--dir", str(room)], stdout=subprocess.PIPE, text=True
    )
    try:
        _await_ready(server, room)
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        server.terminate()
        server.wait(timeout=10)
        assert server.stdout is not None
        server.stdout.close()


def _await_ready(server: subprocess.Popen[str], room: Path) -> None:
    assert server.stdout is not None
    for line in server.stdout:
        if "Ready to accept connections" in line:
            return
    pytest.fail(f"redis-server in {room} ended before it was ready")
