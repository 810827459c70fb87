import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.free_ports import find_free_port

REDIS_SERVER_PROGRAM = shutil.which("redis-server")


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a redis-server of the tests' own, which stores nothing on disk."""
    if REDIS_SERVER_PROGRAM is None:
        pytest.skip("redis-server is not installed")
    port, folder = find_free_port(), tmp_path_factory.mktemp("redis")
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    server = subprocess.Popen(
        [REDIS_SERVER_PROGRAM, *options, "--dir", str(folder)], stdout=subprocess.PIPE, text=True
    )
    try:
        _wait_until_ready(server, folder)
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        server.terminate()
        server.wait(timeout=60)
        assert server.stdout is not None
        server.stdout.close()


def _wait_until_ready(server: subprocess.Popen[str], folder: Path) -> None:
    assert server.stdout is not None
    for line in server.stdout:
        if "Ready to accept connections" in line:
            return
    pytest.fail(f"redis-server in {folder} ended before it was ready")
