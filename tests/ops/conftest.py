"""Runs a command in this process and says how it ended."""

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.core.management import CommandError, call_command
from django.core.management.base import OutputWrapper

from freddy_admin.sandbox.scenarios import Scenario, key_for
from freddy_admin.sandbox.server import SandboxServer

HEADER = "organisation,label,api_key,organization_id,tags"


@dataclass(frozen=True)
class Ended:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()


Run = Callable[..., Ended]
ImportFile = Callable[..., Path]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    def command(name: str, *arguments: str, stdin: str = "", **options: object) -> Ended:
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
        return Ended(code, out.getvalue(), err.getvalue())

    return command


@pytest.fixture
def sandbox(settings: LazySettings) -> Iterator[SandboxServer]:
    with SandboxServer() as server:
        settings.AITRONOS_API_BASE_URL = server.base_url
        yield server


@pytest.fixture
def key_file(tmp_path: Path) -> ImportFile:
    def write(*rows: str, header: str = HEADER) -> Path:
        path = tmp_path / "keys.csv"
        path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
        return path

    return write


def secret(scenario: Scenario = Scenario.HEALTHY, seed: str = "Acme") -> str:
    return key_for(scenario, seed)
