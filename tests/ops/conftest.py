"""Runs a command in this process and returns its exit code and output."""

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.core.management import CommandError, call_command
from django.core.management.base import OutputWrapper

from freddy_admin.sandbox.key_scenarios import Scenario, sandbox_key
from freddy_admin.sandbox.sandbox_server import SandboxServer

KEY_FILE_HEADER = "organisation,label,api_key,organization_id,tags"


@dataclass(frozen=True)
class CommandResult:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()


RunCommand = Callable[..., CommandResult]
WriteKeyFile = Callable[..., Path]


@pytest.fixture
def run_command(monkeypatch: pytest.MonkeyPatch) -> RunCommand:
    def call(name: str, *arguments: str, stdin: str = "", **options: object) -> CommandResult:
        monkeypatch.setattr("sys.stdin", io.StringIO(stdin))
        out, err = io.StringIO(), io.StringIO()
        code = 0
        try:
            call_command(
                name, *arguments, stdout=OutputWrapper(out), stderr=OutputWrapper(err), **options
            )
        except CommandError as error:
            code = error.returncode
            err.write(f"{error}\n")
        return CommandResult(code, out.getvalue(), err.getvalue())

    return call


@pytest.fixture
def sandbox(settings: LazySettings) -> Iterator[SandboxServer]:
    with SandboxServer() as server:
        settings.AITRONOS_API_BASE_URL = server.base_url
        yield server


@pytest.fixture
def write_key_file(tmp_path: Path) -> WriteKeyFile:
    def write(*rows: str, header: str = KEY_FILE_HEADER) -> Path:
        path = tmp_path / "keys.csv"
        path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
        return path

    return write


def sandbox_secret(scenario: Scenario = Scenario.HEALTHY, seed: str = "Acme") -> str:
    return sandbox_key(scenario, seed)
