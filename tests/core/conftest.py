import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ports import port_free

REDIS = shutil.which("redis-server")


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A redis-server of the tests' own, which keeps nothing."""
    if REDIS is None:
        pytest.skip("redis-server is not installed")
    port, room = port_free(), tmp_path_factory.mktemp("redis")
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    server = subprocess.Popen(
        [REDIS, *options, "--dir", str(room)], stdout=subprocess.PIPE, text=True
    )
    try:
        _await_ready(server, room)
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        server.terminate()
        server.wait(timeout=60)
        assert server.stdout is not None
        server.stdout.close()


def _await_ready(server: subprocess.Popen[str], room: Path) -> None:
    assert server.stdout is not None
    for line in server.stdout:
        if "Ready to accept connections" in line:
            return
    pytest.fail(f"redis-server in {room} ended before it was ready")
